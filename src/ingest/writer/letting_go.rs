//! Events that are erased when their write is due: nothing of them is kept.

use std::sync::Arc;

use tokio::time::Instant;
use trailkeep_event::Accepted;
use trailkeep_store::Outcome;

use super::Writer;
use crate::ingest::erased::Dropped;

impl Writer {
    /// Writes events but for those that are erased.
    pub(super) async fn write_others(
        &mut self,
        events: &[Arc<Accepted>],
        erased: &[bool],
    ) -> (Instant, Vec<Outcome>) {
        let of = |wanted: bool| -> Vec<Arc<Accepted>> {
            let events = events.iter().zip(erased).filter(|(_, erased)| **erased == wanted);
            events.map(|(accepted, _)| Arc::clone(accepted)).collect()
        };
        self.forget_at_last(&of(true)).await;
        let others = of(false);
        let (started, written) = if others.is_empty() {
            (Instant::now(), Vec::new())
        } else {
            self.write_at_last(&others).await
        };
        let mut written = written.into_iter();
        let outcome = |erased: &bool| {
            if *erased { Outcome::Erased } else { written.next().unwrap_or(Outcome::Retry) }
        };
        (started, erased.iter().map(outcome).collect())
    }

    /// Has what an earlier try may have kept of people forgotten, until the store answers.
    async fn forget_at_last(&mut self, erased: &[Arc<Accepted>]) {
        let mut failures = 0_u32;
        let sessions = loop {
            match self.destination.people.forget_events(erased).await {
                Ok(sessions) => break sessions,
                Err(error) => {
                    failures += 1;
                    self.failed(&error.into(), erased.len(), failures);
                    self.rest().await;
                }
            }
        };
        self.backoff.reset();
        for accepted in erased {
            self.ingest.erased.dropped(&accepted.event.user_id, Dropped { events: 1, sessions: 0 });
        }
        for (user_id, sessions) in sessions {
            self.ingest.erased.dropped(user_id, Dropped { events: 0, sessions });
        }
    }
}
