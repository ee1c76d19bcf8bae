//! What the store has of erased ids, let go place by place, in steps so small that others do
//! not feel them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep;
use trailkeep_event::{StoreId, Timestamp};
use trailkeep_store::dead_letters::DeadLetterStore;
use trailkeep_store::erasures::{Erasure, ErasureStore, Place, Trace};
use trailkeep_store::processing::ProcessingStore;
use trailkeep_store::{Id, Retention, StoreError};

use super::{before, named, processors};
use crate::people::People;
use crate::people::forgetting::Said;

/// Events of one step.
const STEP: usize = 1_000;
/// By how much the clocks of instances may differ, in milliseconds, for an outcome that one has
/// kept just before another was asked.
const BEFORE_MS: i64 = 60_000;
/// The longest rest between two steps.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// The places of the store.
pub struct Places {
    /// What lets go.
    pub store: Arc<dyn ErasureStore>,
    /// Events that the database refused.
    pub letters: Arc<dyn DeadLetterStore>,
    /// What events said of others.
    pub people: Arc<People>,
    /// What processors have of them.
    pub processing: Arc<dyn ProcessingStore>,
    /// How long events are kept.
    pub retention: Retention,
}

impl Places {
    /// Clears all places of what an erasure covers. Answers how much there was: nothing, where
    /// they were clear.
    ///
    /// # Errors
    ///
    /// Those of the store. It goes on where it ended.
    pub async fn clear(&self, erasure: &Erasure, now: Timestamp) -> Result<u64, StoreError> {
        let mut gone = 0;
        for id in erasure.ids.iter().filter_map(named) {
            gone += self.stored(erasure, &id).await?;
            gone += self.set_aside(erasure, &id).await?;
        }
        gone += self.strays(erasure, now).await?;
        let fed = processors::clear(&*self.store, &*self.processing, erasure).await?;
        self.count(erasure, Place::Feed, fed).await?;
        Ok(gone + fed)
    }

    async fn stored(&self, erasure: &Erasure, id: &Id) -> Result<u64, StoreError> {
        let mut gone = 0;
        loop {
            let began = Instant::now();
            let traces = self.store.stored_traces(id, STEP).await?;
            if traces.is_empty() {
                return Ok(gone);
            }
            self.forget(erasure, id, &traces).await?;
            let ids = ids_of(&traces);
            let outcomes = self.store.remove_outcomes(&ids).await?;
            self.count(erasure, Place::Outcomes, outcomes).await?;
            let removed = self.store.remove_events(&ids).await?;
            self.count(erasure, Place::Events, removed).await?;
            gone += removed;
            rest(began).await;
        }
    }

    async fn set_aside(&self, erasure: &Erasure, id: &Id) -> Result<u64, StoreError> {
        let mut gone = 0;
        loop {
            let traces = self.store.letter_traces(id, STEP).await?;
            if traces.is_empty() {
                return Ok(gone);
            }
            self.forget(erasure, id, &traces).await?;
            let removed = self.letters.remove(&ids_of(&traces)).await?;
            self.count(erasure, Place::DeadLetters, removed).await?;
            gone += removed;
        }
    }

    /// What events said of others goes before they do: after a crash in between they are found
    /// again.
    async fn forget(&self, erasure: &Erasure, id: &Id, traces: &[Trace]) -> Result<(), StoreError> {
        let said = traces.iter().map(|trace| Said {
            anonymous_id: trace.anonymous_id.as_deref(),
            session_id: trace.session_id.as_deref(),
        });
        let sessions = self.people.forget(&id.id, before(id), said).await?;
        self.count(erasure, Place::Sessions, sessions).await
    }

    /// Outcomes whose events are gone: these had their time, or another instance removed them
    /// while an answer came in here.
    async fn strays(&self, erasure: &Erasure, now: Timestamp) -> Result<u64, StoreError> {
        let ids: Vec<Id> = erasure.ids.iter().filter_map(named).collect();
        let mut gone = 0;
        if ids.is_empty() {
            return Ok(gone);
        }
        let since = erasure.requested_at.plus_millis(-BEFORE_MS);
        let expired = (&self.retention, now);
        loop {
            let found = self.store.stray_outcomes(&ids, since, expired, STEP).await?;
            if found.is_empty() {
                return Ok(gone);
            }
            let removed = self.store.remove_outcomes(&found).await?;
            self.count(erasure, Place::Outcomes, removed).await?;
            gone += removed;
        }
    }

    /// Adds to the receipt.
    pub async fn count(
        &self,
        erasure: &Erasure,
        place: Place,
        more: u64,
    ) -> Result<(), StoreError> {
        if more == 0 {
            return Ok(());
        }
        self.store.count_erased(erasure.id, place, more).await
    }
}

fn ids_of(traces: &[Trace]) -> Vec<StoreId> {
    traces.iter().map(|trace| trace.id).collect()
}

/// Rests for as long as a step took: the other half of the time is others'.
async fn rest(began: Instant) {
    sleep(began.elapsed().min(LONGEST_REST)).await;
}
