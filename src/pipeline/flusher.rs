//! The way out of the buffer: one task a lane, each with one write in flight.
//!
//! A flush is due when `max_events` wait in all lanes together, when the
//! lane's oldest event has waited `max_wait`, and at once while draining. A
//! flush that fails is tried again with growing pauses for as long as the
//! process lives; nothing that the store answers ends the task.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::backoff::Backoff;
use super::{Pipeline, refill};
use crate::event::{Accepted, Arrival, StoreId};
use crate::store::{Outcome, Store, StoreError};

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
        store: Arc<dyn Store>,
        prepared: watch::Receiver<bool>,
    ) -> Self {
        let draining = CancellationToken::new();
        let mut lanes = JoinSet::new();
        for number in 0..pipeline.wakes.len() {
            let mut lane = LaneTask {
                number,
                doubtful_up_to: pipeline.restored_up_to(),
                backoff: Backoff::new(pipeline.rules.backoff_min, pipeline.rules.backoff_max),
                pipeline: Arc::clone(&pipeline),
                store: Arc::clone(&store),
                draining: draining.clone(),
            };
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
        self.pipeline.wake(true, &[]);
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

struct LaneTask {
    number: usize,
    /// Events up to this arrival number may have been written by a try whose
    /// answer never came.
    doubtful_up_to: Arrival,
    backoff: Backoff,
    pipeline: Arc<Pipeline>,
    store: Arc<dyn Store>,
    draining: CancellationToken,
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
}

impl LaneTask {
    /// Waits until the store is prepared; false if a stop begins before that
    /// and the lane has nothing to write.
    async fn may_begin(&self, mut prepared: watch::Receiver<bool>) -> bool {
        let mut prepared =
            pin!(async { prepared.wait_for(|is_prepared| *is_prepared).await.is_ok() });
        let is_empty = || {
            let buffer = self.pipeline.buffer.lock();
            buffer.waiting_since(self.number).is_none() && buffer.spill().is_empty()
        };
        tokio::select! {
            is_prepared = &mut prepared => is_prepared,
            () = self.draining.cancelled() => !is_empty() && prepared.await,
        }
    }

    async fn run(&mut self) {
        while self.is_due().await {
            self.flush().await;
        }
    }

    /// Waits until a flush is due; false once draining has emptied the lane.
    async fn is_due(&self) -> bool {
        loop {
            let draining = self.draining.is_cancelled();
            let (oldest, is_full, is_last) = {
                let buffer = self.pipeline.buffer.lock();
                (
                    buffer.waiting_since(self.number),
                    buffer.is_due(self.number, self.pipeline.rules.max_events),
                    buffer.spill().is_empty(),
                )
            };
            let wake = self.pipeline.wakes[self.number].notified();
            let Some(oldest) = oldest else {
                if draining && is_last {
                    return false;
                }
                wake.await;
                continue;
            };
            let due = oldest + self.pipeline.rules.max_wait;
            if draining || is_full || due <= Instant::now() {
                return true;
            }
            let _ = tokio::time::timeout_at(due, wake).await;
        }
    }

    /// Takes a batch from the lane and has it written, however often that
    /// takes. Events that the store could not write this time stay in the
    /// lane and are part of its next flush.
    async fn flush(&mut self) {
        let rules = self.pipeline.rules;
        let batch = self
            .pipeline
            .buffer
            .lock()
            .take(self.number, rules.max_events);
        let mut failures = 0_u32;
        loop {
            let started = Instant::now();
            let written = timeout(rules.timeout, self.write(&batch)).await;
            let outcomes = match written.map_err(|_| FlushError::TimedOut) {
                Ok(Ok(outcomes)) => outcomes,
                Ok(Err(error)) | Err(error) => {
                    failures += 1;
                    self.doubt(&batch);
                    self.failed(&error, batch.len(), failures);
                    self.rest().await;
                    continue;
                }
            };
            let kept = self.settle(&batch, &outcomes);
            self.pipeline.statistics.flushed(
                started.elapsed(),
                batch.len() - kept,
                self.pipeline.clock.now(),
            );
            if kept == 0 {
                self.backoff.reset();
                self.pipeline.health.write_succeeded();
                debug!(lane = self.number, events = batch.len(), "flushed");
            } else {
                self.failed(&FlushError::Partial(kept), batch.len(), failures + 1);
                self.rest().await;
            }
            return;
        }
    }

    /// Pauses between two tries. A drain cuts it short, once.
    async fn rest(&mut self) {
        let pause = self.backoff.pause();
        if self.draining.is_cancelled() {
            tokio::time::sleep(pause).await;
        } else {
            let _ = timeout(pause, self.draining.cancelled()).await;
        }
    }

    fn doubt(&mut self, batch: &[Arc<Accepted>]) {
        let last = batch.last().map(|accepted| accepted.arrival);
        self.doubtful_up_to = self.doubtful_up_to.max(last.unwrap_or(self.doubtful_up_to));
    }

    /// Writes the batch. What comes back as a duplicate after an earlier try
    /// may be what that try wrote: it is looked up, and counted as what it is.
    async fn write(&self, batch: &[Arc<Accepted>]) -> Result<Vec<Outcome>, FlushError> {
        let mut outcomes = self.store.insert(batch).await?;
        outcomes.resize(batch.len(), Outcome::Retry);
        let doubtful: Vec<StoreId> = batch
            .iter()
            .zip(&outcomes)
            .filter(|(accepted, outcome)| {
                **outcome == Outcome::Duplicate && accepted.arrival <= self.doubtful_up_to
            })
            .map(|(accepted, _)| accepted.event.id)
            .collect();
        if doubtful.is_empty() {
            return Ok(outcomes);
        }
        let stored = self.store.arrivals(&doubtful).await?;
        let doubtful: HashSet<StoreId> = doubtful.into_iter().collect();
        for (accepted, outcome) in batch.iter().zip(&mut outcomes) {
            let id = &accepted.event.id;
            if doubtful.contains(id) && stored.get(id) == Some(&accepted.arrival) {
                *outcome = Outcome::Stored;
            }
        }
        Ok(outcomes)
    }

    /// Counts what became of each event and lets those go that are done with.
    /// Answers how many have to be tried again.
    fn settle(&self, batch: &[Arc<Accepted>], outcomes: &[Outcome]) -> usize {
        let statistics = &self.pipeline.statistics;
        let (mut stored, mut duplicate) = (0, 0);
        for (accepted, outcome) in batch.iter().zip(outcomes) {
            match outcome {
                Outcome::Stored => stored += 1,
                Outcome::Duplicate => duplicate += 1,
                Outcome::Refused(reason) => {
                    statistics.dead_lettered.inc();
                    let event = &accepted.event;
                    error!(
                        event_id = %event.event_id, user_id = %event.user_id, reason,
                        "the database refuses an event for good; it is dropped"
                    );
                }
                Outcome::Retry => {}
            }
        }
        statistics.stored.inc_by(stored);
        statistics.duplicate.inc_by(duplicate);
        let mut buffer = self.pipeline.buffer.lock();
        let left = buffer.settle(self.number, outcomes);
        self.pipeline.room_was_made(&buffer);
        self.pipeline.forget_stored(&buffer);
        drop(buffer);
        batch.len() - left.len()
    }

    fn failed(&self, error: &FlushError, events: usize, failures: u32) {
        self.pipeline
            .statistics
            .flush_failed(error.to_string(), self.pipeline.clock.now());
        self.pipeline.health.write_failed();
        warn!(lane = self.number, events, failures, %error, "a flush failed; its events are kept");
    }
}
