//! What one lane does.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::{Destination, FlushError, halves};
use crate::event::{Accepted, StoreId};
use crate::pipeline::Pipeline;
use crate::pipeline::backoff::Backoff;
use crate::store::Outcome;
use crate::store::dead_letters::DeadLetter;

/// A lane at work.
pub struct LaneTask {
    number: usize,
    /// Pauses after a whole flush that failed.
    backoff: Backoff,
    /// Pauses for single events that are held aside.
    hold_backoff: Backoff,
    /// When what is held aside is tried again.
    held_until: Option<Instant>,
    /// A drain ends one such pause, not every one.
    was_cut_short: bool,
    pipeline: Arc<Pipeline>,
    destination: Destination,
    draining: CancellationToken,
}

impl LaneTask {
    pub fn new(
        number: usize,
        pipeline: Arc<Pipeline>,
        destination: Destination,
        draining: CancellationToken,
    ) -> Self {
        let backoff = Backoff::new(pipeline.rules.backoff_min, pipeline.rules.backoff_max);
        Self {
            number,
            backoff: backoff.clone(),
            hold_backoff: backoff,
            held_until: None,
            was_cut_short: false,
            pipeline,
            destination,
            draining,
        }
    }

    /// Waits until the store is prepared; false if a stop begins before that
    /// and the lane has nothing to write.
    pub async fn may_begin(&self, mut prepared: watch::Receiver<bool>) -> bool {
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

    pub async fn run(&mut self) {
        while self.is_due().await {
            self.flush().await;
        }
    }

    /// Waits until a flush is due; false once draining has emptied the lane.
    async fn is_due(&mut self) -> bool {
        loop {
            let is_draining = self.draining.is_cancelled();
            self.end_hold_in_time(is_draining);
            let (oldest, called, is_called, is_last) = {
                let mut buffer = self.pipeline.buffer.lock();
                (
                    buffer.waiting_since(self.number),
                    // What came while all were at work, and what a flush left.
                    buffer.call_if_full(),
                    buffer.is_called(self.number),
                    buffer.spill().is_empty(),
                )
            };
            self.pipeline.wake(called);
            let wake = self.pipeline.wakes[self.number].notified();
            let due = oldest.map(|oldest| oldest + self.pipeline.rules.max_wait);
            if due.is_some_and(|due| is_draining || is_called || due <= Instant::now()) {
                return true;
            }
            match due.into_iter().chain(self.held_until).min() {
                Some(next) => drop(timeout_at(next, wake).await),
                None if is_draining && is_last => return false,
                None => wake.await,
            }
        }
    }

    /// Has what is held aside written next, if the time for it has come.
    fn end_hold_in_time(&mut self, is_draining: bool) {
        let Some(until) = self.held_until else { return };
        let is_cut_short = is_draining && !std::mem::replace(&mut self.was_cut_short, is_draining);
        if is_cut_short || until <= Instant::now() {
            self.held_until = None;
            self.pipeline.buffer.lock().end_hold(self.number);
        }
    }

    /// Takes a batch from the lane and has it written, however often that
    /// takes. Events that the store could not write this time are held aside
    /// and part of a later flush.
    async fn flush(&mut self) {
        let (batch, relieved_by) = self.pipeline.buffer.lock().take(self.number);
        if let Some(lane) = relieved_by {
            self.pipeline.wakes[lane].notify_one();
        }
        if batch.is_empty() {
            // All that waited is of users that are held aside.
            return;
        }
        let (started, mut outcomes) = self.write_at_last(&batch).await;
        let refused = self.set_aside(&batch, &mut outcomes).await;
        let kept = self.settle(&outcomes);
        let took = started.elapsed();
        let now = self.pipeline.clock.now();
        let statistics = &self.pipeline.statistics;
        statistics.flushed(took, batch.len() - kept, now);
        if kept == 0 {
            debug!(lane = self.number, events = batch.len(), "flushed");
        }
        match refused {
            Err(error) => self.failed(&error, kept, 1),
            Ok(()) if kept == 0 => self.pipeline.health.write_succeeded(),
            Ok(()) => self.not_this_time(kept, batch.len()),
        }
        self.hold_if_any();
    }

    /// Writes the batch, again and again until the store answers.
    async fn write_at_last(&mut self, batch: &[Arc<Accepted>]) -> (Instant, Vec<Outcome>) {
        let mut failures = 0_u32;
        loop {
            let started = Instant::now();
            match self.write(batch).await {
                Ok(outcomes) => {
                    self.backoff.reset();
                    return (started, outcomes);
                }
                Err(error) => {
                    failures += 1;
                    self.doubt(batch);
                    self.failed(&error, batch.len(), failures);
                    if error.is_refusal() {
                        self.backoff.slow_down();
                    }
                    self.rest().await;
                }
            }
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

    fn hold_if_any(&mut self) {
        if !self.pipeline.buffer.lock().is_holding(self.number) {
            self.hold_backoff.reset();
        } else if self.held_until.is_none() {
            self.held_until = Some(Instant::now() + self.hold_backoff.pause());
        }
    }

    fn doubt(&self, batch: &[Arc<Accepted>]) {
        if let Some(last) = batch.last() {
            self.pipeline.doubt_up_to(last.arrival);
        }
    }

    /// Writes the batch. What comes back as a duplicate after an earlier try
    /// may be what that try wrote: it is looked up, and counted as what it is.
    async fn write(&mut self, batch: &[Arc<Accepted>]) -> Result<Vec<Outcome>, FlushError> {
        let limit = self.pipeline.rules.timeout;
        let written = halves::insert(&*self.destination.events, batch, limit).await?;
        if written.was_split {
            self.doubt(batch);
        }
        let mut outcomes = written.outcomes;
        let doubtful_up_to = self.pipeline.doubtful_up_to();
        let doubtful: Vec<StoreId> = batch
            .iter()
            .zip(&outcomes)
            .filter(|(accepted, outcome)| {
                **outcome == Outcome::Duplicate && accepted.arrival <= doubtful_up_to
            })
            .map(|(accepted, _)| accepted.event.id)
            .collect();
        if doubtful.is_empty() {
            return Ok(outcomes);
        }
        let stored = halves::in_time(limit, self.destination.events.arrivals(&doubtful)).await?;
        let doubtful: HashSet<StoreId> = doubtful.into_iter().collect();
        for (accepted, outcome) in batch.iter().zip(&mut outcomes) {
            let id = &accepted.event.id;
            if doubtful.contains(id) && stored.get(id) == Some(&accepted.arrival) {
                *outcome = Outcome::Stored;
            }
        }
        Ok(outcomes)
    }

    /// Keeps what is refused for good as dead letters. An event whose letter
    /// is not kept has to be tried again: nothing else has it.
    async fn set_aside(
        &self,
        batch: &[Arc<Accepted>],
        outcomes: &mut [Outcome],
    ) -> Result<(), FlushError> {
        let now = self.pipeline.clock.now();
        let letters: Vec<DeadLetter> = batch
            .iter()
            .zip(&*outcomes)
            .filter_map(|(accepted, outcome)| match outcome {
                Outcome::Refused(refusal) => {
                    Some(DeadLetter::new(Arc::clone(accepted), refusal.clone(), now))
                }
                _ => None,
            })
            .collect();
        let Some(first) = letters.first() else {
            return Ok(());
        };
        let limit = self.pipeline.rules.timeout;
        let put = halves::put(&*self.destination.letters, &letters, limit).await;
        let (put, error) = match put {
            Ok(put) => (put, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let refused = outcomes
            .iter_mut()
            .filter(|outcome| matches!(outcome, Outcome::Refused(_)));
        let mut put = put.into_iter().chain(std::iter::repeat(Outcome::Retry));
        let mut not_kept = None;
        let mut kept = 0;
        for outcome in refused {
            match put.next() {
                Some(Outcome::Stored | Outcome::Duplicate) => kept += 1,
                other => {
                    not_kept = not_kept.or(other);
                    *outcome = Outcome::Retry;
                }
            }
        }
        if kept > 0 {
            error!(
                events = kept, first_id = %first.accepted.event.id,
                reason = first.refusal.reason.word(),
                "the database refuses events for good; they are dead letters now"
            );
        }
        match (error, not_kept) {
            (Some(error), _) => Err(error),
            (None, Some(Outcome::Refused(refusal))) => Err(FlushError::LetterRefused(refusal)),
            (None, _) => Ok(()),
        }
    }

    /// Counts what became of each event and lets those go that are done with.
    /// Answers how many have to be tried again.
    fn settle(&self, outcomes: &[Outcome]) -> usize {
        let statistics = &self.pipeline.statistics;
        let (mut stored, mut duplicate, mut dead_lettered) = (0, 0, 0);
        for outcome in outcomes {
            match outcome {
                Outcome::Stored => stored += 1,
                Outcome::Duplicate => duplicate += 1,
                Outcome::Refused(_) => dead_lettered += 1,
                Outcome::Retry => {}
            }
        }
        statistics.stored.inc_by(stored);
        statistics.duplicate.inc_by(duplicate);
        statistics.dead_lettered.inc_by(dead_lettered);
        let mut buffer = self.pipeline.buffer.lock();
        let left = buffer.settle(self.number, outcomes);
        self.pipeline.room_was_made(&mut buffer);
        self.pipeline.forget_stored(&buffer);
        drop(buffer);
        outcomes.len() - left.len()
    }

    /// Some events of a flush have to be tried again; if it is all of them, the
    /// store takes nothing.
    fn not_this_time(&self, kept: usize, events: usize) {
        let health = &self.pipeline.health;
        self.count_failure(&FlushError::Partial(kept));
        if kept == events {
            health.write_failed(false);
        } else {
            health.write_succeeded();
        }
        warn!(
            lane = self.number,
            events = kept,
            "some events could not be written; they are kept and tried again"
        );
    }

    fn failed(&self, error: &FlushError, events: usize, failures: u32) {
        let lane = self.number;
        self.count_failure(error);
        self.pipeline.health.write_failed(error.is_refusal());
        if error.is_refusal() {
            error!(
                lane, events, failures, %error,
                "the database refuses us; its events are kept until a person mends the name, \
                 password or rights of its user, or its settings"
            );
        } else {
            warn!(lane, events, failures, %error, "a flush failed; its events are kept");
        }
    }

    fn count_failure(&self, error: &FlushError) {
        self.pipeline
            .statistics
            .flush_failed(error.to_string(), self.pipeline.clock.now());
    }
}
