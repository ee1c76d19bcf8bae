//! Journeys with real ingestion, while its writers work.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use proptest::prelude::*;
use tokio::time::Instant;
use trailkeep_event::time::Clock;
use trailkeep_event::{Accepted, Arrival, Event, StoreId, Timestamp};
use trailkeep_journal::memory_disk::MemoryDisk;
use trailkeep_journal::{Journal, ReadBack, Rules as JournalRules};
use trailkeep_store::{
    JourneyPart, JourneyRange, Order, Outcome, Position, Store, StoreError, StoredEvent,
};

use super::super::Journeys;
use super::super::cursor::{self, Way};
use super::memory_store::MemoryStore;
use super::{Spec, at, journey_of, range, spec, whole};
use crate::ingest::feeding::Feeding;
use crate::ingest::quota::Shares;
use crate::ingest::room::Amount;
use crate::ingest::tests::memory_feeds::MemoryFeeds;
use crate::ingest::tests::memory_letters::MemoryLetters;
use crate::ingest::writer::{Destination, Writers};
use crate::ingest::{Ingest, Parts, Patience, WriteRules};
use crate::monitoring::health::Health;
use crate::monitoring::statistics::Statistics;
use crate::people::People;
use crate::people::tests::memory_people::MemoryPeople;

struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        at(0)
    }
}

/// What writes as soon as it may, some events at a time.
pub(crate) fn ingest(max_events: usize) -> (Arc<Ingest>, Box<dyn ReadBack>, Arc<Health>) {
    let health = Arc::new(Health::new());
    let limit = Amount { events: 1000, bytes: 1 << 20 };
    let rules = WriteRules {
        max_events,
        max_wait: Duration::ZERO,
        backoff_min: Duration::from_millis(1),
        backoff_max: Duration::from_millis(1),
    };
    let journal_rules =
        JournalRules { max_bytes: u64::MAX, is_synced: true, max_age: JournalRules::MAX_AGE };
    let (ingest, reader) = Ingest::new(Parts {
        limit,
        shares: Shares::ALL,
        rules,
        instance: 1,
        journal: Journal::on(MemoryDisk::default(), journal_rules, Box::new(|_| ())).unwrap(),
        clock: Arc::new(Standing),
        statistics: Arc::new(Statistics::new().unwrap()),
        health: Arc::clone(&health),
    });
    (ingest, reader, health)
}

/// Admits a batch, for which there is room.
pub(super) async fn admit(ingest: &Arc<Ingest>, batch: Vec<Event>) {
    if !batch.is_empty() {
        ingest.admit(batch, Patience::NONE, None).await.unwrap();
    }
}

/// What happens to one journey while it is read.
#[derive(Debug)]
struct Story {
    /// With few arrival numbers, lower than those of the batches.
    stored: Vec<(Spec, i64)>,
    /// Of another instance, which gave out the arrival number of one that is
    /// waiting as well.
    rivals: Vec<(Spec, usize)>,
    batches: Vec<Vec<Spec>>,
    flush_events: usize,
    in_flight: usize,
    schedule: Vec<usize>,
    range: JourneyRange,
    limits: Vec<usize>,
}

fn story() -> impl Strategy<Value = Story> {
    let specs = |most| proptest::collection::vec(spec(), 0..most);
    (
        proptest::collection::vec((spec(), 0_i64..3), 0..8),
        proptest::collection::vec((spec(), 0_usize..20), 0..6),
        proptest::collection::vec(specs(6), 0..4),
        1_usize..5,
        1_usize..4,
        proptest::collection::vec(0_usize..4, 0..40),
        range(),
        proptest::collection::vec(1_usize..5, 1..8),
    )
        .prop_map(
            |(stored, rivals, batches, flush_events, in_flight, schedule, range, limits)| Story {
                stored,
                rivals,
                batches,
                flush_events,
                in_flight,
                schedule,
                range,
                limits,
            },
        )
}

impl Story {
    /// What is stored before: of each identity the first.
    fn stored(&self, waiting: &[Arc<Accepted>]) -> Vec<StoredEvent> {
        let mut ids = HashSet::new();
        let earlier =
            self.stored.iter().map(|(spec, arrival)| StoredEvent::from(&spec.accepted(*arrival)));
        let rivals = self.rivals.iter().filter_map(|(spec, which)| {
            let rival = waiting.get(*which)?;
            // Identity and arrival together are one event's alone.
            (rival.event.id != spec.event().id).then(|| StoredEvent {
                occurred_at: rival.event.occurred_at,
                ..StoredEvent::from(&spec.accepted(rival.arrival.as_i64()))
            })
        });
        let is_new = |event: &StoredEvent| ids.insert(event.id);
        earlier.chain(rivals).filter(is_new).collect()
    }

    async fn check(&self) -> Result<(), TestCaseError> {
        let (ingest, reader, health) = ingest(self.flush_events);
        for batch in &self.batches {
            admit(&ingest, batch.iter().map(Spec::event).collect()).await;
        }
        let mut waiting = ["ann", "bob"].map(|user| ingest.of_user(user).0).concat();
        // Of one that is sent twice the first stays.
        let mut ids = HashSet::new();
        waiting.retain(|accepted| ids.insert(accepted.event.id));
        let stored = self.stored(&waiting);
        let expected = journey_of(&self.promised(&stored, &waiting), &self.range);

        let store = Arc::new(MemoryStore::new(stored, self.schedule.clone()));
        let as_store: Arc<dyn Store> = Arc::clone(&store) as _;
        let journeys = Journeys::new(Arc::clone(&as_store), Arc::clone(&ingest));
        let destination = Destination {
            feeds: Arc::new(MemoryFeeds::default()),
            events: as_store,
            letters: Arc::new(MemoryLetters::default()),
            people: Arc::new(People::new(Arc::new(MemoryPeople::default()))),
        };
        let (feeding, prepared) = (Feeding::of_others(&ingest), health.prepared());
        let writers =
            Writers::start(&ingest, reader, &destination, feeding, self.in_flight, &prepared);
        health.store_prepared();

        let mut seen = Vec::new();
        let mut range = self.range.clone();
        for &limit in self.limits.iter().cycle() {
            store.go_on().await;
            let page = journeys.page(&range, limit).await.unwrap();
            prop_assert!(page.events.len() <= limit);
            prop_assert!(page.next.is_none() || page.events.len() == limit);
            seen.extend(page.events);
            prop_assert!(seen.len() <= expected.len(), "more than there is: {:?}", seen);
            let Some(position) = page.next else { break };
            let text = cursor::encode(position, range.order, Way::Onwards);
            let (position, way) = cursor::decode(&text, range.order).unwrap();
            prop_assert_eq!(way, Way::Onwards);
            range.after = Some(position);
        }
        // Ends the tasks, whatever they wait for.
        writers.drain(Instant::now()).await;
        prop_assert_eq!(seen, expected);
        Ok(())
    }

    /// All that was ever accepted, of each identity the first.
    fn promised(&self, stored: &[StoredEvent], waiting: &[Arc<Accepted>]) -> Vec<StoredEvent> {
        let known: HashSet<StoreId> = stored.iter().map(|event| event.id).collect();
        let new = waiting
            .iter()
            .map(|accepted| StoredEvent::from(&**accepted))
            .filter(|event| !known.contains(&event.id));
        stored.iter().cloned().chain(new).collect()
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

proptest! {
    /// While events go from the buffer to the store: before a page is read,
    /// between the two looks of one page, and before identities are looked up.
    #[test]
    fn a_walk_meets_every_event_once_and_in_order(story in story()) {
        block_on(story.check())?;
    }
}

fn spec_of(number: u8, moment: i64) -> Spec {
    Spec { user: "ann", number, moment, kind: "search", session: None }
}

#[test]
fn what_is_stored_already_is_not_shown_at_the_place_of_its_repetition() {
    let (ingest, _, _) = ingest(100);
    let first = StoredEvent::from(&spec_of(1, 3).accepted(1));
    let store = Arc::new(MemoryStore::new(vec![first.clone()], Vec::new()));
    block_on(admit(&ingest, vec![spec_of(1, 0).event()]));
    let journeys = Journeys::new(store, ingest);

    let whole_journey = block_on(journeys.page(&whole(Order::Ascending), 10)).unwrap();
    assert_eq!(whole_journey.events, [first]);

    let range = JourneyRange { to: Some(at(1)), ..whole(Order::Ascending) };
    let page = block_on(journeys.page(&range, 10)).unwrap();
    assert_eq!(page.events, []);
}

#[test]
fn an_accepted_event_is_visible_at_once() {
    let (ingest, _, _) = ingest(100);
    let store = Arc::new(MemoryStore::new(Vec::new(), Vec::new()));
    let journeys = Journeys::new(store, Arc::clone(&ingest));
    for number in 0..5 {
        block_on(admit(&ingest, vec![spec_of(number, 0).event()]));
        let page = block_on(journeys.page(&whole(Order::Ascending), 10)).unwrap();
        let ids: Vec<String> = page.events.iter().map(|e| e.event_id.to_string()).collect();
        let expected: Vec<String> = (0..=number).map(|number| format!("e-{number}")).collect();
        assert_eq!(ids, expected);
    }
}

/// A store that answers with an error.
struct BrokenStore {
    error: StoreError,
}

impl BrokenStore {
    async fn answer<T>(&self) -> Result<T, StoreError> {
        Err(self.error.clone())
    }
}

#[async_trait]
impl Store for BrokenStore {
    async fn prepare(&self) -> Result<(), StoreError> {
        self.answer().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.answer().await
    }

    async fn insert(&self, _: &[Arc<Accepted>]) -> Result<Vec<Outcome>, StoreError> {
        self.answer().await
    }

    async fn arrivals(
        &self,
        _: &[StoreId],
    ) -> Result<std::collections::HashMap<StoreId, Arrival>, StoreError> {
        self.answer().await
    }

    async fn positions(
        &self,
        _: &[StoreId],
    ) -> Result<std::collections::HashMap<StoreId, Position>, StoreError> {
        self.answer().await
    }

    async fn journey(&self, _: &JourneyRange, _: usize) -> Result<JourneyPart, StoreError> {
        self.answer().await
    }

    fn writes_in_flight(&self, configured: usize) -> usize {
        configured
    }

    async fn close(&self) {}
}

#[test]
fn a_store_that_is_away_is_said_and_not_shown_as_an_empty_journey() {
    for error in [StoreError::Denied("no".to_owned()), StoreError::Unavailable("gone".to_owned())] {
        let store = BrokenStore { error: error.clone() };
        let (ingest, _, _) = ingest(1);
        let journeys = Journeys::new(Arc::new(store), ingest);
        let answer = block_on(journeys.page(&whole(Order::Ascending), 10));
        assert_eq!(answer.unwrap_err().to_string(), error.to_string());
        let answer = block_on(journeys.page_around(&whole(Order::Ascending), "e-1", 10));
        assert_eq!(answer.unwrap_err().to_string(), error.to_string());
    }
}
