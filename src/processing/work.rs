//! What a deliverer asks of the database, carried out until it is acknowledged.
//!
//! Each piece of work is tried again with growing pauses until the database has answered:
//! whoever waits for it holds a user, and nothing else. It ends early only by being
//! dropped, when the lease is lost.

mod check;
mod pages;
mod report;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tracing::{error, warn};
use trailkeep_delivery::lease::{Lease, Replacement};
use trailkeep_delivery::{DocumentId, Found, ParkRecord, Reader, UserKey, feed};
use trailkeep_event::{Arrival, StoreId, Timestamp};
use trailkeep_store::processing::{Parked, Processed, ProcessedState, ProcessingStore, Processor};
use trailkeep_store::{Outcome, StoreError};

use super::status::Status;
use crate::backoff::Backoff;
use report::runs;
pub use report::{Asked, Page, Polled, Report};

/// Documents of one process that are read at once: 20 KB each.
const DOCUMENTS: usize = 8;
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// The database, as one processor's deliverer uses it.
#[derive(Clone)]
pub struct Work {
    pub name: Arc<str>,
    pub store: Arc<dyn ProcessingStore>,
}

impl Work {
    /// Carries a call out until it is acknowledged.
    async fn until_done<T, C>(&self, mut call: impl FnMut() -> C) -> T
    where
        C: Future<Output = Result<T, StoreError>>,
    {
        let mut backoff = Backoff::new(BACKOFF.0, BACKOFF.1);
        let mut failures = 0_u32;
        loop {
            match call().await {
                Ok(done) => return done,
                Err(error) => {
                    if failures.is_power_of_two() {
                        warn!(processor = &*self.name, %error, "the database does not answer; trying again");
                    }
                    failures += 1;
                    sleep(backoff.pause()).await;
                }
            }
        }
    }

    /// Reads what is new in the feed: rounds of reading, each followed by a look at the
    /// lease, until documents can be taken or there are none.
    pub async fn poll(self, mut reader: Reader, lease: Lease) -> Report {
        let mut polled = Polled::default();
        loop {
            reader.begin();
            let listed = self.until_done(|| self.store.feeding(&self.name)).await;
            let again = listed.iter().filter(|id| reader.has_handed_on(**id));
            polled.again = again.copied().collect();
            reader.listed(listed);
            for from in reader.wanted().collect::<Vec<_>>() {
                let read = || self.store.documents(&self.name, from, DOCUMENTS);
                let documents = self.until_done(read).await;
                let decoded = documents.into_iter().map(|document| {
                    let entries = feed::decode(&document.entries).unwrap_or_else(|| {
                        error!(processor = &*self.name, "a document of the feed cannot be read");
                        Vec::new()
                    });
                    (document.id, entries)
                });
                reader.found(from.process, decoded);
            }
            if reader.buffered() == 0 {
                return Report::Polled(reader, Some(polled));
            }
            if !self.is_held(&lease).await {
                return Report::Polled(reader, None);
            }
            reader.confirm();
            while let Some(document) = reader.take() {
                polled.taken.push(document);
            }
            if !polled.taken.is_empty() {
                return Report::Polled(reader, Some(polled));
            }
        }
    }

    /// Whether the lease is still of this owner, renewed or not.
    async fn is_held(&self, lease: &Lease) -> bool {
        let found = self.lease().await;
        found.is_some_and(|found| (found.owner, found.epoch) == (lease.owner, lease.epoch))
    }

    /// The lease as it is stored.
    pub async fn lease(&self) -> Option<Lease> {
        self.processor().await?.lease
    }

    /// The processor as it is stored, unless it was removed.
    pub async fn processor(&self) -> Option<Processor> {
        let processors = self.until_done(|| self.store.processors()).await;
        processors.into_iter().find(|processor| *processor.name == *self.name)
    }

    /// Writes a lease in the place of another. What cannot be known, because no answer
    /// came, is looked up.
    pub async fn replace(self, replacement: Replacement, sent_at: u64) -> Report {
        let Replacement { expected, next } = replacement;
        let replace = || self.store.replace_lease(&self.name, expected.as_ref(), &next);
        let took_place =
            self.until_done(replace).await || self.lease().await.is_some_and(|there| there == next);
        Report::Renewed(replacement, sent_at, took_place)
    }

    /// Stamps all records with an epoch, and reads them: with those that hold their user
    /// at an event which did not fail for good. Another owner was luckier, and nobody
    /// waits there for a person.
    pub async fn load(&self, epoch: u64) -> (Vec<Parked>, Vec<(UserKey, StoreId)>) {
        self.until_done(|| self.store.stamp(&self.name, epoch)).await;
        let parked = self.until_done(|| self.store.parked(&self.name)).await;
        let mut held: Vec<(UserKey, StoreId)> = parked
            .iter()
            .filter_map(|parked| Some((parked.record.user, parked.record.held?)))
            .collect();
        let mut lucky = Vec::new();
        while !held.is_empty() {
            let some: Vec<_> = held.drain(..held.len().min(LOOKED_UP)).collect();
            let ids: Vec<StoreId> = some.iter().map(|(_, id)| *id).collect();
            let states = self.until_done(|| self.store.states(&self.name, &ids)).await;
            lucky.extend(some.into_iter().filter(|(_, id)| {
                states.get(id).is_some_and(|(_, state)| *state != ProcessedState::Failed)
            }));
        }
        (parked, lucky)
    }

    pub async fn look_up(self, ids: Vec<StoreId>) -> Report {
        let states = self.until_done(|| self.store.states(&self.name, &ids)).await;
        let runs = runs(&states);
        let done = states.into_iter().filter(|(_, (_, state))| *state != ProcessedState::Pending);
        Report::LookedUp(done.map(|(id, _)| id).collect(), runs)
    }

    /// Keeps outcomes. Where the database refuses all for one of them, each is tried alone;
    /// one that it refuses is kept without what the processor said.
    pub async fn record(self, outcomes: Vec<(UserKey, Processed)>) -> Report {
        let (users, mut outcomes): (Vec<UserKey>, Vec<Processed>) = outcomes.into_iter().unzip();
        self.name_events(&mut outcomes).await;
        let kept = match self.record_all(&outcomes).await {
            Some(kept) => kept,
            None => {
                let mut kept = Vec::with_capacity(outcomes.len());
                for outcome in &outcomes {
                    let one = self.record_all(std::slice::from_ref(outcome)).await;
                    kept.push(one.and_then(|one| one.into_iter().next()).unwrap_or(Outcome::Retry));
                }
                kept
            }
        };
        for (outcome, kept) in outcomes.iter_mut().zip(&kept) {
            let has_more = outcome.result.is_some() || outcome.error.is_some();
            if has_more && matches!(kept, Outcome::Refused(_)) {
                warn!(processor = &*self.name, event = %outcome.id,
                      "the database refuses an outcome for what the processor answered; it is kept without that");
                (outcome.result, outcome.error) = (None, None);
            }
        }
        let kept = users.into_iter().zip(outcomes).zip(kept);
        Report::Recorded(kept.map(|((user, outcome), kept)| (user, outcome, kept)).collect())
    }

    /// Adds what outcomes repeat of their events, where these are there: the body of one
    /// that a person skips while it rests is not in memory.
    async fn name_events(&self, outcomes: &mut [Processed]) {
        let mut nameless: HashMap<StoreId, &mut Processed> = HashMap::new();
        for outcome in outcomes.iter_mut().filter(|outcome| outcome.event.is_none()) {
            nameless.insert(outcome.id, outcome);
        }
        let mut ids: Vec<StoreId> = nameless.keys().copied().collect();
        while !ids.is_empty() {
            let found = self.until_done(|| self.store.events(&ids)).await;
            for event in found.events {
                if let Some(outcome) = nameless.get_mut(&event.id) {
                    outcome.event = Some(report::event_of(event.into()));
                }
            }
            ids = found.left;
        }
    }

    /// `None` where the database refuses all of them for one.
    async fn record_all(&self, outcomes: &[Processed]) -> Option<Vec<Outcome>> {
        self.until_done(|| async {
            match self.store.record(&self.name, outcomes).await {
                Ok(mut kept) => {
                    kept.resize(outcomes.len(), Outcome::Retry);
                    Ok(Some(kept))
                }
                Err(StoreError::Refused(refusal)) if outcomes.len() == 1 => {
                    Ok(Some(vec![Outcome::Refused(refusal)]))
                }
                Err(StoreError::Refused(_)) => Ok(None),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Parks a user, whose id is found by an event where it is not known.
    pub async fn park(
        self,
        record: ParkRecord,
        user_id: Option<Box<str>>,
        event: Option<StoreId>,
    ) -> Report {
        let user_id = match user_id {
            Some(user_id) => user_id,
            None => {
                let event: Vec<StoreId> = event.into_iter().collect();
                let found = self.until_done(|| self.store.events(&event)).await;
                // Of a user whose events are gone nothing is left to be delivered.
                found.events.into_iter().next().map_or_else(Box::default, |event| event.user_id)
            }
        };
        let parked = Parked { record, user_id };
        let is_stored = self.until_done(|| self.store.park(&self.name, &parked)).await;
        Report::Parked(parked, is_stored)
    }

    /// Finds the lowest pending events of a user from a number on.
    pub async fn read(
        self,
        user: UserKey,
        user_id: Box<str>,
        from: Arrival,
        limit: usize,
    ) -> Report {
        let read = || self.store.events_from(&user_id, from, limit);
        let (events, has_more) = self.until_done(read).await;
        let up_to = events.last().filter(|_| has_more).map(|(arrival, _)| *arrival);
        let (mut pending, mut later_runs) = (Vec::new(), Vec::new());
        for some in events.chunks(LOOKED_UP) {
            let ids: Vec<StoreId> = some.iter().map(|(_, id)| *id).collect();
            let states = self.until_done(|| self.store.states(&self.name, &ids)).await;
            let is_pending = |id: &StoreId| {
                states.get(id).is_none_or(|(_, state)| *state == ProcessedState::Pending)
            };
            pending.extend(some.iter().filter(|(_, id)| is_pending(id)));
            later_runs.extend(runs(&states));
        }
        Report::Read(user, Found { pending, up_to }, later_runs)
    }

    pub async fn shift(self, expected: ParkRecord, next: ParkRecord) -> Report {
        let shift = || self.store.move_record(&self.name, &expected, &next);
        Report::Moved(next.user, self.until_done(shift).await)
    }

    pub async fn unpark(self, record: ParkRecord) -> Report {
        let unpark = || self.store.unpark(&self.name, &record);
        Report::Unparked(record.user, self.until_done(unpark).await)
    }

    pub async fn forget(self, documents: Vec<DocumentId>) -> Report {
        self.until_done(|| self.store.remove_documents(&self.name, &documents)).await;
        Report::Forgotten
    }

    /// Tells the other instances how it is doing, and looks how long the feed is. What
    /// does not get through is told with the next.
    pub async fn publish(self, at: Timestamp, status: Status) -> Report {
        if let Ok(state) = serde_json::to_string(&status) {
            let _ = self.store.publish(&self.name, at, &state).await;
        }
        Report::Published(self.store.feed_size(&self.name).await.ok())
    }

    pub async fn fetch(self, ids: Vec<StoreId>) -> Report {
        let found = self.until_done(|| self.store.events(&ids)).await;
        Report::Fetched(ids, found)
    }
}

/// Identities in one look-up.
const LOOKED_UP: usize = 500;
