//! The way out of the backlog: as many tasks as there may be writes in flight.
//!
//! A write goes out when enough events wait to fill it, when the one whose turn it
//! is has waited `max_wait`, when somebody waits for the store, and at once while
//! draining. A write that fails is tried again with growing pauses for as long as
//! the process lives; nothing that the store answers ends a task.
//!
//! | the store says | what follows |
//! | --- | --- |
//! | it is away, overloaded, too slow | the whole write is tried again, with growing pauses |
//! | it refuses us (rights, credentials, settings) | the same, with the longest pauses, said loudly |
//! | it refuses the whole write for one event | halves are tried, until that one stands alone |
//! | it refuses one event for good | that one is kept as a dead letter, and leaves |
//! | it could not write one event, or keep its letter | that one, with what follows of its user, waits and is tried again |

mod letting_go;

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};
use trailkeep_event::{Accepted, StoreId};
use trailkeep_journal::ReadBack;
use trailkeep_store::dead_letters::DeadLetterStore;
use trailkeep_store::processing::ProcessingStore;
use trailkeep_store::{Outcome, Store, StoreError};

use super::feeding::{FeedTask, Feeding};
use super::queue::Write;
use super::readback::{self, Readback};
use super::set_aside::{self, NotSetAside};
use super::{Ingest, bisect};
use crate::backoff::Backoff;
use crate::people::People;

/// Bytes of events in one write at the most: well below the 48 MB that a MongoDB
/// message may have, also when the largest payloads meet.
const MAX_WRITE_BYTES: usize = 16 << 20;

/// Where events go.
#[derive(Clone)]
pub struct Destination {
    /// Where processors are told of them.
    pub feeds: Arc<dyn ProcessingStore>,
    /// Where they are stored.
    pub events: Arc<dyn Store>,
    /// Where they are kept that are refused for good.
    pub letters: Arc<dyn DeadLetterStore>,
    /// Where what they say of people is kept.
    pub people: Arc<People>,
}

/// The running tasks.
pub struct Writers {
    ingest: Arc<Ingest>,
    draining: CancellationToken,
    tasks: JoinSet<()>,
    feeding: JoinHandle<()>,
}

impl Writers {
    /// Starts as many tasks as there may be writes in flight, and what reads the
    /// journal back. Nothing is written before `prepared` is true: what is
    /// inserted into a store without its indexes costs later.
    pub fn start(
        ingest: &Arc<Ingest>,
        reader: Box<dyn ReadBack>,
        destination: &Destination,
        feeding: Feeding,
        in_flight: usize,
        prepared: &watch::Receiver<bool>,
    ) -> Self {
        let draining = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for _ in 0..in_flight {
            let writer = Writer {
                ingest: Arc::clone(ingest),
                destination: destination.clone(),
                draining: draining.clone(),
                backoff: Backoff::new(ingest.rules.backoff_min, ingest.rules.backoff_max),
                is_draining: false,
            };
            tasks.spawn(writer.run(prepared.clone()));
        }
        let readback = Readback::new(reader);
        tasks.spawn(readback::run(Arc::clone(ingest), readback, draining.clone()));
        let feeds = Arc::clone(&destination.feeds);
        let events = Arc::clone(&destination.events);
        let feeding = match FeedTask::new(ingest, feeds, events, feeding.listener) {
            Some(task) => {
                let run = task.run(feeding.registry, feeding.registered, prepared.clone());
                tokio::spawn(run)
            }
            // Seen by whoever watches the tasks.
            None => tokio::spawn(async { error!("what is stored is fed already") }),
        };
        Self { ingest: Arc::clone(ingest), draining, tasks, feeding }
    }

    /// Waits until a task ends, which none does before [`drain`](Self::drain): it
    /// is a defect, and the caller ends the process.
    pub async fn ended(&mut self) -> Result<(), JoinError> {
        tokio::select! {
            ended = self.tasks.join_next() => ended.unwrap_or(Ok(())),
            ended = &mut self.feeding => ended,
        }
    }

    /// Writes all that is accepted, partial writes at once, until nothing is left
    /// or the deadline has come. Answers how many events are left, which are in
    /// the journal.
    pub async fn drain(mut self, deadline: Instant) -> usize {
        self.draining.cancel();
        let events = self.ingest.held().events;
        let before = self.ingest.statistics.stored.get();
        let drained = timeout_at(deadline, async {
            while let Some(ended) = self.tasks.join_next().await {
                if let Err(error) = ended {
                    error!(%error, "a writer ended unexpectedly");
                }
            }
        });
        let _ = drained.await;
        self.tasks.shutdown().await;
        self.ingest.feeder.end();
        let has_ended = self.feeding.is_finished();
        if !has_ended && timeout_at(deadline, &mut self.feeding).await.is_err() {
            self.feeding.abort();
            warn!(
                "processors could not be told of all that was stored; the journal keeps it, and \
                 the next start tells them"
            );
        }
        let left = self.ingest.held().events;
        if left == 0 {
            let stored = self.ingest.statistics.stored.get() - before;
            info!(events, stored, "Buffer flushed successfully");
        }
        left
    }
}

/// Why the events of a write are still in the backlog.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the database could not write {0} of the events this time")]
    Partial(usize),
    #[error(transparent)]
    Letter(#[from] NotSetAside),
}

impl WriteError {
    /// Whether only a person can mend it, elsewhere.
    fn is_refusal(&self) -> bool {
        let (Self::Store(error) | Self::Letter(NotSetAside::Store(error))) = self else {
            return false;
        };
        matches!(error, StoreError::Denied(_))
    }
}

struct Writer {
    ingest: Arc<Ingest>,
    destination: Destination,
    draining: CancellationToken,
    backoff: Backoff,
    /// Whether it has seen that a drain has begun, which ends the holds of users:
    /// also of those whose write it had in flight then.
    is_draining: bool,
}

impl Writer {
    async fn run(mut self, prepared: watch::Receiver<bool>) {
        if !self.may_begin(prepared).await {
            return;
        }
        while let Some(write) = self.next().await {
            self.write(write).await;
        }
    }

    /// Waits until the store is prepared; false if a stop begins before that and
    /// there is nothing to write.
    async fn may_begin(&self, mut prepared: watch::Receiver<bool>) -> bool {
        let mut prepared =
            pin!(async { prepared.wait_for(|is_prepared| *is_prepared).await.is_ok() });
        tokio::select! {
            is_prepared = &mut prepared => is_prepared,
            () = self.draining.cancelled() => {
                self.ingest.held().events > 0 && prepared.await
            }
        }
    }

    /// Waits until a write is due; `None` once draining has emptied the backlog.
    async fn next(&mut self) -> Option<Write> {
        let ingest = Arc::clone(&self.ingest);
        loop {
            let mut wake = pin!(ingest.writer_wake.notified());
            wake.as_mut().enable();
            let is_draining = self.draining.is_cancelled();
            let now = Instant::now();
            let next = {
                let mut backlog = ingest.backlog.lock();
                if is_draining && !std::mem::replace(&mut self.is_draining, true) {
                    backlog.end_pauses();
                }
                let due = backlog.due(now, &ingest.rules, is_draining);
                if due.is_some_and(|due| due <= now) {
                    let write = backlog.take(ingest.rules.max_events, MAX_WRITE_BYTES);
                    drop(backlog);
                    // Another task may find the next one due.
                    ingest.writer_wake.notify_one();
                    return Some(write);
                }
                if is_draining && backlog.held().events == 0 {
                    ingest.writer_wake.notify_waiters();
                    return None;
                }
                due.into_iter().chain(backlog.paused_until()).min()
            };
            let timer = async {
                match next {
                    Some(next) => sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = wake => {}
                () = timer => {}
                () = self.draining.cancelled(), if !is_draining => {}
            }
        }
    }

    /// Has a write written, however often that takes. Events that the store could
    /// not write this time are part of a later one.
    async fn write(&mut self, write: Write) {
        let ingest = Arc::clone(&self.ingest);
        let _at_work = ingest.quiet.enter();
        let (started, mut outcomes) = match self.ingest.erased.among(&write.events) {
            None => self.write_at_last(&write.events).await,
            Some(erased) => self.write_others(&write.events, &erased).await,
        };
        write.hold_followers(&mut outcomes);
        let now = self.ingest.clock.now();
        let letters = &*self.destination.letters;
        let refused = set_aside::keep(letters, &write.events, &mut outcomes, now).await;
        if outcomes.contains(&Outcome::Retry) {
            // Followers that are held back may have been written.
            self.doubt(&write.events);
        }
        // Before the queue is told, which then lets go what follows of these users.
        self.ingest.feeder.hand(&write.events, &outcomes).await;
        let kept = self.ingest.acknowledge(&write, &outcomes);
        let events = write.events.len();
        let statistics = &self.ingest.statistics;
        statistics.flushed(started.elapsed(), events - kept, now);
        match refused {
            Err(error) => self.failed(&error.into(), kept, 1),
            Ok(()) if kept == 0 => {
                debug!(events, "written");
                self.ingest.health.write_succeeded();
            }
            Ok(()) => self.not_this_time(kept, events),
        }
    }

    /// Writes events, again and again until the store answers.
    async fn write_at_last(&mut self, events: &[Arc<Accepted>]) -> (Instant, Vec<Outcome>) {
        let mut failures = 0_u32;
        loop {
            let started = Instant::now();
            match self.try_once(events).await {
                Ok(outcomes) => {
                    self.backoff.reset();
                    return (started, outcomes);
                }
                Err(error) => {
                    failures += 1;
                    self.doubt(events);
                    self.failed(&error, events.len(), failures);
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
            sleep(pause).await;
        } else {
            let _ = timeout(pause, self.draining.cancelled()).await;
        }
    }

    fn doubt(&self, events: &[Arc<Accepted>]) {
        if let Some(last) = events.iter().map(|accepted| accepted.arrival).max() {
            self.ingest.doubt_up_to(last);
        }
    }

    /// Writes events, and what they say of people. What comes back as a duplicate after an earlier try may be
    /// what that try wrote: it is looked up, and counted as what it is.
    async fn try_once(&mut self, events: &[Arc<Accepted>]) -> Result<Vec<Outcome>, WriteError> {
        let (written, kept) = tokio::join!(
            bisect::insert(&*self.destination.events, events),
            self.destination.people.keep(events)
        );
        let written = written?;
        kept?;
        if written.was_split {
            self.doubt(events);
        }
        let mut outcomes = written.outcomes;
        let is_doubtful = |(accepted, outcome): &(&Arc<Accepted>, &Outcome)| {
            **outcome == Outcome::Duplicate && self.ingest.is_doubtful(accepted.arrival)
        };
        let doubtful = events.iter().zip(&outcomes).filter(is_doubtful);
        let doubtful: Vec<StoreId> = doubtful.map(|(accepted, _)| accepted.event.id).collect();
        if doubtful.is_empty() {
            return Ok(outcomes);
        }
        let stored = self.destination.events.arrivals(&doubtful).await?;
        let doubtful: HashSet<StoreId> = doubtful.into_iter().collect();
        for (accepted, outcome) in events.iter().zip(&mut outcomes) {
            let id = &accepted.event.id;
            if doubtful.contains(id) && stored.get(id) == Some(&accepted.arrival) {
                *outcome = Outcome::Stored;
            }
        }
        Ok(outcomes)
    }

    /// Some events of a write have to be tried again; if it is all of them, the
    /// store takes nothing.
    fn not_this_time(&self, kept: usize, events: usize) {
        self.count_failure(&WriteError::Partial(kept));
        if kept == events {
            self.ingest.health.write_failed(false);
        } else {
            self.ingest.health.write_succeeded();
        }
        warn!(events = kept, "some events could not be written; they are kept and tried again");
    }

    fn failed(&self, error: &WriteError, events: usize, failures: u32) {
        self.count_failure(error);
        self.ingest.health.write_failed(error.is_refusal());
        if error.is_refusal() {
            error!(
                events, failures, %error,
                "the database refuses us; its events are kept until a person mends the name, \
                 password or rights of its user, or its settings"
            );
        } else {
            warn!(events, failures, %error, "a write failed; its events are kept");
        }
    }

    fn count_failure(&self, error: &WriteError) {
        let now = self.ingest.clock.now();
        self.ingest.statistics.flush_failed(error.to_string(), now);
    }
}
