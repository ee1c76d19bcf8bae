//! When requests begin to count, and when it is over.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::tally::{Times, micros};

/// What all senders go by.
pub struct Phase {
    started: Instant,
    /// Microseconds after the start from which on requests count.
    counts_from: AtomicU64,
    is_over: AtomicBool,
}

impl Phase {
    pub fn warming_up() -> Self {
        Self {
            started: Instant::now(),
            counts_from: AtomicU64::new(u64::MAX),
            is_over: AtomicBool::new(false),
        }
    }

    /// Requests count from now on.
    pub fn count(&self) {
        let now = micros(self.started.elapsed());
        self.counts_from.store(now, Ordering::Relaxed);
    }

    /// Nothing more is sent.
    pub fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// The time since it began.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// The times of a request that is answered now, if it counts. One that was
    /// due before counts as well: where the sender cannot keep up, all are.
    pub fn times(&self, due: Duration) -> Option<Times> {
        let answered = self.started.elapsed();
        let from = self.counts_from.load(Ordering::Relaxed);
        Some(Times {
            latency: micros(answered.saturating_sub(due)),
            answered: micros(answered).checked_sub(from)?,
        })
    }
}
