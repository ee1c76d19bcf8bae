//! From accepted to stored.
//!
//! [`Pipeline::admit`] takes a batch whole or refuses it at once; nobody waits
//! for room. What is admitted lies in the [`buffer`], in the lane of its user,
//! until the [`flusher`] has it stored: also while it is on its way to the
//! store, so that a failed flush has lost nothing and a journey shows it.
//!
//! Invariants, which the tests of this module hold against random traffic:
//!
//! - `accepted + restored = stored + duplicate + dead-lettered + buffered`.
//! - Room is given back only when an event has left the buffer.
//! - Events of one user leave in the order in which they came.
//! - At any time at most one event with a given identity is in the buffer.

pub mod backoff;
pub mod buffer;
pub mod flusher;
pub mod health;
pub mod leftover;
pub mod statistics;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::event::id::ArrivalClock;
use crate::event::time::Clock;
use crate::event::{Accepted, Arrival, Event};

use buffer::{Buffer, Limits, Snapshot};
use health::Health;
use statistics::Statistics;

/// When a flush goes out, and what happens when it fails.
#[derive(Debug, Clone, Copy)]
pub struct FlushRules {
    /// Events in one write.
    pub max_events: usize,
    /// How long an event waits for others.
    pub max_wait: Duration,
    /// After how long a write counts as failed.
    pub timeout: Duration,
    /// Upper bound of the first pause after a failure.
    pub backoff_min: Duration,
    /// Upper bound of every pause.
    pub backoff_max: Duration,
}

/// The way of events into the store; shared by all that admit or read them.
pub struct Pipeline {
    buffer: Mutex<Buffer>,
    arrivals: Mutex<ArrivalClock>,
    /// One for each lane: told when there is a reason to look at its queue.
    wakes: Vec<Notify>,
    rules: FlushRules,
    limits: Limits,
    clock: Arc<dyn Clock>,
    statistics: Arc<Statistics>,
    health: Arc<Health>,
    /// The highest arrival number of an earlier process: such events may have
    /// been stored before they were restored.
    restored_up_to: AtomicI64,
}

/// Why a batch was not taken. Nothing of it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// There is no room for it now.
    #[error("the buffer is full")]
    Full,
    /// There will never be room for it: alone it is larger than the buffer.
    #[error("the batch is larger than the buffer")]
    TooLarge,
}

impl Pipeline {
    /// A pipeline with that many lanes. `instance` tells the arrival numbers
    /// of processes apart that number events in the same millisecond.
    pub fn new(
        limits: Limits,
        rules: FlushRules,
        lanes: usize,
        instance: u8,
        clock: Arc<dyn Clock>,
        statistics: Arc<Statistics>,
        health: Arc<Health>,
    ) -> Self {
        Self {
            buffer: Mutex::new(Buffer::new(lanes, limits)),
            arrivals: Mutex::new(ArrivalClock::new(instance)),
            wakes: (0..lanes).map(|_| Notify::new()).collect(),
            rules,
            limits,
            clock,
            statistics,
            health,
            restored_up_to: AtomicI64::new(0),
        }
    }

    /// Takes a batch whole, or refuses it. An event whose identity is in the
    /// buffer already is accepted and takes no further room.
    pub fn admit(&self, events: Vec<Event>) -> Result<(), NotAdmitted> {
        let bytes = events.iter().map(Event::size).sum::<usize>();
        if events.len() > self.limits.max_events || bytes > self.limits.max_bytes {
            return Err(NotAdmitted::TooLarge);
        }
        let count = events.len() as u64;
        let now = self.clock.now();
        let mut buffer = self.buffer.lock();
        // Numbered under the buffer's lock, so that the order of numbers is
        // the order in the lanes.
        let mut arrivals = self.arrivals.lock();
        let batch: Vec<Arc<Accepted>> = events
            .into_iter()
            .map(|event| {
                Arc::new(Accepted {
                    event,
                    arrival: arrivals.next(now),
                })
            })
            .collect();
        drop(arrivals);
        let Some(pushed) = buffer.push(batch, Instant::now()) else {
            drop(buffer);
            self.health.buffer_full();
            return Err(NotAdmitted::Full);
        };
        // Counted before the flusher can see them, so that no reader finds
        // more stored than accepted.
        self.statistics.accepted.inc_by(count);
        self.statistics.duplicate.inc_by(pushed.duplicates as u64);
        self.statistics.buffer_is(buffer.len(), buffer.bytes());
        let is_flush_due = buffer.call_if_full(self.rules.max_events);
        drop(buffer);

        self.wake(is_flush_due, &pushed.lanes_started);
        Ok(())
    }

    /// Takes in events that an earlier process accepted and could not store,
    /// whatever room there is: they were promised.
    pub fn restore(&self, events: Vec<Accepted>) {
        let mut buffer = self.buffer.lock();
        let mut arrivals = self.arrivals.lock();
        for accepted in &events {
            arrivals.advance_past(accepted.arrival);
        }
        drop(arrivals);
        let last = events
            .iter()
            .map(|accepted| accepted.arrival.as_i64())
            .max()
            .unwrap_or(0);
        self.restored_up_to.fetch_max(last, Ordering::Relaxed);
        let count = events.len() as u64;
        let pushed = buffer.push_beyond(events.into_iter().map(Arc::new).collect(), Instant::now());
        self.statistics.buffer_is(buffer.len(), buffer.bytes());
        drop(buffer);
        self.statistics.restored.inc_by(count);
        self.statistics.duplicate.inc_by(pushed.duplicates as u64);
        self.wake(true, &[]);
    }

    fn wake(&self, everyone: bool, lanes: &[usize]) {
        for (lane, wake) in self.wakes.iter().enumerate() {
            if everyone || lanes.contains(&lane) {
                wake.notify_one();
            }
        }
    }

    /// Whether no further event would be taken: lets a request be refused
    /// before its body is read. Called only for a request that then is.
    pub fn is_full(&self) -> bool {
        let is_full = self.statistics.buffered_events() >= self.limits.max_events
            || self.statistics.buffered_bytes() >= self.limits.max_bytes;
        if is_full {
            self.health.buffer_full();
        }
        is_full
    }

    /// The events of one user that are not stored yet, in order of arrival.
    pub fn buffered(&self, user_id: &str) -> Vec<Arc<Accepted>> {
        self.buffer.lock().of_user(user_id)
    }

    /// What lies in the buffer.
    pub fn snapshot(&self) -> Snapshot {
        self.buffer.lock().snapshot()
    }

    /// The lowest arrival number in the buffer: all that came before it has
    /// left. `None` when the buffer is empty.
    pub fn oldest_arrival(&self) -> Option<Arrival> {
        self.buffer.lock().oldest_arrival()
    }

    fn restored_up_to(&self) -> Arrival {
        Arrival::from_i64(self.restored_up_to.load(Ordering::Relaxed))
    }

    /// The limits of the buffer.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The rules of the flusher.
    pub fn flush_rules(&self) -> &FlushRules {
        &self.rules
    }
}

#[cfg(test)]
mod tests;
