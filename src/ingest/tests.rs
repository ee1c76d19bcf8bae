#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod backlog;
mod conservation;
mod dead_letters;
mod erased;
mod fake_store;
mod feeding;
pub(crate) mod memory_feeds;
pub(crate) mod memory_letters;
mod patience;
mod people;
mod queue;
mod quota;
mod recent;
mod record;
mod reserve;
mod restart;
mod writes;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use trailkeep_event::time::SystemClock;
use trailkeep_event::{Accepted, Event, Payload, StoreId, Timestamp};
use trailkeep_journal::memory_disk::MemoryDisk;
use trailkeep_journal::{Journal, ReadBack};
use trailkeep_store::Outcome;

use super::feeding::Feeding;
use super::queue::Write;
use super::quota::Shares;
use super::room::Amount;
use super::waiter::{Waited, Waiter};
use super::writer::{Destination, Writers};
use super::{Ingest, NotAdmitted, Parts, Patience, WriteRules};
use crate::ingest::tests::memory_feeds::MemoryFeeds;
use crate::ingest::tests::memory_letters::MemoryLetters;
use crate::monitoring::health::Health;
use crate::monitoring::statistics::Statistics;
use crate::people::People;
use crate::people::tests::memory_people::MemoryPeople;
use fake_store::{FakeStore, Next};

const IN_FLIGHT: usize = 4;

/// What a store may answer: those events have to be tried again whose bit is set.
fn outcomes(events: usize, faults: u64) -> Vec<Outcome> {
    let outcome = |place: usize| {
        if faults >> (place % 64) & 1 == 1 { Outcome::Retry } else { Outcome::Stored }
    };
    (0..events).map(outcome).collect()
}

/// Ends one of the writes that are in flight, where there is one: the model says
/// which, and what its store answers.
fn end_one(in_flight: &mut Vec<Write>, write: usize, faults: u64) -> Option<(Write, Vec<Outcome>)> {
    let place = write.checked_rem(in_flight.len())?;
    let write = in_flight.remove(place);
    let outcomes = outcomes(write.events.len(), faults);
    Some((write, outcomes))
}

/// Users of the models are numbers.
fn user_of(accepted: &Accepted) -> u8 {
    accepted.event.user_id.parse().unwrap()
}

const RULES: WriteRules = WriteRules {
    max_events: 500,
    max_wait: Duration::from_millis(1000),
    backoff_min: Duration::from_millis(100),
    backoff_max: Duration::from_secs(5),
};

const LIMIT: Amount = Amount { events: 5000, bytes: 64 << 20 };

fn event(user: &str, id: &str) -> Event {
    let now = Timestamp::from_millis(1_765_794_600_000).unwrap();
    Event {
        id: StoreId::derive(user, id),
        user_id: user.into(),
        event_id: id.into(),
        kind: "search".into(),
        anonymous_id: None,
        session_id: None,
        account_id: None,
        payload: Payload::empty(),
        occurred_at: now,
        received_at: now,
    }
}

fn events(user: &str, ids: std::ops::Range<usize>) -> Vec<Event> {
    ids.map(|id| event(user, &id.to_string())).collect()
}

/// Runs a case of a property, for which `tokio::test` has no place.
fn on_a_paused_clock(run: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(run);
}

/// What a service is made of in these tests.
#[derive(Clone)]
struct Setup {
    disk: MemoryDisk,
    limit: Amount,
    shares: Shares,
    rules: WriteRules,
    in_flight: usize,
    store: Arc<FakeStore>,
    letters: Arc<MemoryLetters>,
    feeds: Arc<MemoryFeeds>,
    people: Arc<MemoryPeople>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            disk: MemoryDisk::default(),
            limit: LIMIT,
            shares: Shares::ALL,
            rules: RULES,
            in_flight: IN_FLIGHT,
            store: Arc::default(),
            letters: Arc::default(),
            feeds: Arc::default(),
            people: Arc::default(),
        }
    }
}

impl Setup {
    fn with_limit(events: usize) -> Self {
        let limit = Amount { events, ..LIMIT };
        Self { limit, ..Self::default() }
    }

    /// What takes events in, and what reads the journal back.
    fn open(&self) -> (Arc<Ingest>, Box<dyn ReadBack>) {
        let rules = trailkeep_journal::Rules {
            max_bytes: u64::MAX,
            is_synced: true,
            max_age: trailkeep_journal::Rules::MAX_AGE,
        };
        Ingest::new(Parts {
            limit: self.limit,
            shares: self.shares,
            rules: self.rules,
            instance: 7,
            journal: Journal::on(self.disk.clone(), rules, Box::new(|_| ())).unwrap(),
            clock: Arc::new(SystemClock),
            statistics: Arc::new(Statistics::new().unwrap()),
            health: Arc::new(Health::new()),
        })
    }

    fn start(&self) -> Running {
        self.start_prepared(true)
    }

    fn start_prepared(&self, is_prepared: bool) -> Running {
        let (ingest, reader) = self.open();
        let (prepared, is_prepared) = watch::channel(is_prepared);
        let destination = Destination {
            feeds: Arc::clone(&self.feeds) as _,
            events: Arc::clone(&self.store) as _,
            letters: Arc::clone(&self.letters) as _,
            people: Arc::new(People::new(Arc::clone(&self.people) as _)),
        };
        let feeding = Feeding::of_others(&ingest);
        let in_flight = self.in_flight;
        let writers =
            Writers::start(&ingest, reader, &destination, feeding, in_flight, &is_prepared);
        Running {
            ingest,
            store: Arc::clone(&self.store),
            letters: Arc::clone(&self.letters),
            writers,
            prepared,
        }
    }
}

struct Running {
    ingest: Arc<Ingest>,
    store: Arc<FakeStore>,
    letters: Arc<MemoryLetters>,
    writers: Writers,
    prepared: watch::Sender<bool>,
}

fn start() -> Running {
    Setup::default().start()
}

/// Admits a batch that does not wait for room. A paused clock stands still while
/// the journal's thread is at work.
async fn admit(ingest: &Arc<Ingest>, batch: Vec<Event>) -> Result<(), NotAdmitted> {
    admit_telling(ingest, batch, None).await
}

async fn admit_telling(
    ingest: &Arc<Ingest>,
    batch: Vec<Event>,
    waiter: Option<Waiter>,
) -> Result<(), NotAdmitted> {
    let (is_done, done) = std::sync::mpsc::channel::<()>();
    // A clock is not moved on while a blocking task runs.
    let hold = tokio::task::spawn_blocking(move || done.recv());
    let admitted = ingest.admit(batch, Patience::NONE, waiter).await;
    drop(is_done);
    let _ = hold.await;
    admitted
}

impl Running {
    async fn admit(&self, batch: Vec<Event>) -> Result<(), NotAdmitted> {
        admit(&self.ingest, batch).await
    }

    async fn admit_waiting(&self, batch: Vec<Event>) -> oneshot::Receiver<Waited> {
        let (waiter, waited) = Waiter::new();
        admit_telling(&self.ingest, batch, Some(waiter)).await.unwrap();
        waited
    }

    /// Waits, on the paused clock, until so many events are left.
    async fn left(&self, events: usize) {
        let limit = Instant::now() + Duration::from_secs(120);
        while self.ingest.held().events != events {
            let snapshot = self.ingest.snapshot();
            assert!(Instant::now() < limit, "not {events} left: {snapshot:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn emptied(&self) {
        self.left(0).await;
        assert_eq!(self.ingest.room.free(), self.ingest.limit(), "all room is free");
    }

    fn stored_ids(&self) -> Vec<String> {
        let stored = self.store.stored.lock();
        stored.iter().map(|a| a.event.event_id.to_string()).collect()
    }

    fn counts(&self) -> (u64, u64, u64, u64) {
        let of = &self.ingest.statistics;
        (of.accepted.get(), of.stored.get(), of.duplicate.get(), of.dead_lettered.get())
    }
}

fn ids(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|id| id.to_string()).collect()
}

#[tokio::test]
async fn a_batch_is_taken_whole_or_not_at_all() {
    let (ingest, _) = Setup::with_limit(10).open();
    assert_eq!(admit(&ingest, events("u", 0..7)).await, Ok(()));
    assert_eq!(admit(&ingest, events("u", 7..11)).await, Err(NotAdmitted::Full));
    assert_eq!(ingest.held().events, 7);
    assert_eq!(admit(&ingest, events("u", 7..10)).await, Ok(()));
    assert_eq!(admit(&ingest, events("u", 10..11)).await, Err(NotAdmitted::Full));
    assert_eq!(ingest.statistics.accepted.get(), 10);
    assert_eq!(ingest.room.free().events, 0);
}

#[tokio::test]
async fn room_is_counted_in_bytes_of_records_too() {
    let (ingest, _) = Setup::default().open();
    admit(&ingest, events("u", 0..2)).await.unwrap();
    let bytes = ingest.held().bytes;
    let limit = Amount { events: 100, bytes: 2 * bytes };
    let setup = Setup { limit, ..Setup::default() };
    let (ingest, _) = setup.open();
    assert_eq!(admit(&ingest, events("u", 0..2)).await, Ok(()));
    assert_eq!(admit(&ingest, events("u", 2..4)).await, Ok(()));
    assert_eq!(ingest.held(), Amount { events: 4, ..limit });
    assert_eq!(admit(&ingest, events("u", 4..5)).await, Err(NotAdmitted::Full));
    assert_eq!(
        admit(&ingest, events("u", 4..30)).await,
        Err(NotAdmitted::TooLarge),
        "who is never taken is not told to come again"
    );
}

#[tokio::test]
async fn arrival_numbers_follow_the_order_of_a_batch() {
    let (ingest, _) = Setup::default().open();
    admit(&ingest, events("u", 0..100)).await.unwrap();
    admit(&ingest, events("u", 100..200)).await.unwrap();
    let (waiting, is_incomplete) = ingest.of_user("u");
    assert!(!is_incomplete);
    assert!(waiting.is_sorted_by(|a, b| a.arrival < b.arrival));
    let found: Vec<_> = waiting.iter().map(|a| a.event.event_id.to_string()).collect();
    assert_eq!(found, ids(0..200));
    assert!(ingest.of_user("v").0.is_empty());
}
