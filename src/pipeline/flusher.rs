//! The way out of the buffer: one task a lane, each with one write in flight.
//!
//! While lanes that were not called have `max_events` waiting together, the
//! fullest of them is called, and writes what it has. Besides, a lane writes when
//! its oldest event has waited `max_wait`, when somebody waits for the store, and
//! at once while draining. A flush that fails is tried again with growing pauses
//! for as long as the process lives; nothing that the store answers ends the task.
//!
//! | the store says | what follows |
//! | --- | --- |
//! | it is away, overloaded, too slow | the whole flush is tried again, with growing pauses |
//! | it refuses us (rights, credentials, settings) | the same, with the longest pauses, said loudly |
//! | it refuses the whole flush for one event | halves are tried, until that one stands alone |
//! | it refuses one event for good | that one is kept as a dead letter, and leaves |
//! | it could not write one event, or keep its letter | that one, with what follows of its user, is held aside and tried again |

mod halves;
mod task;

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::{Pipeline, refill};
use crate::event::Accepted;
use crate::store::dead_letters::DeadLetterStore;
use crate::store::{Refusal, Store, StoreError};
use task::LaneTask;

/// The running lanes.
pub struct Flusher {
    pipeline: Arc<Pipeline>,
    draining: CancellationToken,
    lanes: JoinSet<()>,
}

impl Flusher {
    /// Starts a task for each lane. Nothing is written before `prepared` is
    /// true: what is inserted into a store without its indexes costs later.
    pub fn start(
        pipeline: Arc<Pipeline>,
        destination: Destination,
        prepared: watch::Receiver<bool>,
    ) -> Self {
        let draining = CancellationToken::new();
        let mut lanes = JoinSet::new();
        for number in 0..pipeline.wakes.len() {
            let mut lane = LaneTask::new(
                number,
                Arc::clone(&pipeline),
                destination.clone(),
                draining.clone(),
            );
            let prepared = prepared.clone();
            lanes.spawn(async move {
                if lane.may_begin(prepared).await {
                    lane.run().await;
                }
            });
        }
        if pipeline.refiller.lock().is_some() {
            lanes.spawn(refill::run(Arc::clone(&pipeline), draining.clone()));
        }
        Self {
            pipeline,
            draining,
            lanes,
        }
    }

    /// Waits until a lane ends, which none does before [`drain`](Self::drain):
    /// it is a defect, and the caller ends the process.
    pub async fn ended(&mut self) -> Result<(), JoinError> {
        self.lanes.join_next().await.unwrap_or(Ok(()))
    }

    /// Writes all that is buffered or spilled, partial batches at once, until
    /// nothing is left or the deadline has come. Gives back what is left in the
    /// buffer.
    pub async fn drain(mut self, deadline: Instant) -> Vec<Arc<Accepted>> {
        self.draining.cancel();
        self.pipeline.wake_all();
        let before = self.pipeline.statistics.stored.get();
        let held = self.pipeline.snapshot();
        let events = held.events + held.spilled_events;
        let drained = tokio::time::timeout_at(deadline, async {
            while let Some(ended) = self.lanes.join_next().await {
                if let Err(error) = ended {
                    error!(%error, "a flusher lane ended unexpectedly");
                }
            }
        });
        let _ = drained.await;
        self.lanes.shutdown().await;
        let left = {
            // Nothing that is admitted without a journal comes in between.
            let _numbering = self.pipeline.arrivals.lock();
            self.pipeline.buffer.lock().take_all()
        };
        if left.is_empty() && !self.pipeline.is_spilling() {
            let stored = self.pipeline.statistics.stored.get() - before;
            info!(events, stored, "Buffer flushed successfully");
        }
        left
    }
}

/// Where events go.
#[derive(Clone)]
pub struct Destination {
    /// Where they are stored.
    pub events: Arc<dyn Store>,
    /// Where they are kept that are refused for good.
    pub letters: Arc<dyn DeadLetterStore>,
}

/// Why the events of a flush are still in the buffer.
#[derive(Debug, thiserror::Error)]
enum FlushError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the database did not answer in time")]
    TimedOut,
    #[error("the database could not write {0} of the events this time")]
    Partial(usize),
    #[error("the database refuses an event, and refuses to keep it as a dead letter: {0}")]
    LetterRefused(Refusal),
}

impl FlushError {
    /// Whether only a person can mend it, elsewhere.
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Store(StoreError::Denied(_)))
    }
}
