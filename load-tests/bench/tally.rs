//! What was answered.

use std::time::Duration;

use hdrhistogram::Histogram;

use trailkeep_testkit::trouble::{Trouble, While as _};

/// Of the throughput over time.
pub const SLICE: Duration = Duration::from_millis(250);
/// The longest latency that is told apart: a minute, in microseconds.
const MAX_LATENCY_US: u64 = 60_000_000;

/// What was answered, on one connection or on all.
pub struct Tally {
    /// Requests that got an answer, or should have.
    pub requests: u64,
    /// Events answered 202.
    pub accepted: u64,
    /// Requests answered 503.
    pub refused: u64,
    /// Requests answered otherwise or not at all.
    pub failed: u64,
    /// Of the 202s, in microseconds.
    pub latency: Histogram<u64>,
    /// Events answered 202 in each [`SLICE`].
    pub slices: Vec<u64>,
}

/// The times of a request, in microseconds.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// From when it was due to its answer.
    pub latency: u64,
    /// When it was answered, after the moment from which on requests count.
    pub answered: u64,
}

impl Tally {
    /// Nothing yet.
    pub fn new() -> Result<Self, Trouble> {
        Ok(Self {
            requests: 0,
            accepted: 0,
            refused: 0,
            failed: 0,
            latency: latency_histogram()?,
            slices: Vec::new(),
        })
    }

    /// One more request, with its status if it was answered.
    pub fn note(&mut self, status: Option<u16>, events: usize, times: Times) {
        self.requests += 1;
        match status {
            Some(202) => self.accept(events as u64, times),
            Some(503) => self.refused += 1,
            _ => self.failed += 1,
        }
    }

    fn accept(&mut self, events: u64, times: Times) {
        self.latency.saturating_record(times.latency);
        self.accepted += events;
        let slice = usize::try_from(times.answered / micros(SLICE)).unwrap_or(0);
        if self.slices.len() <= slice {
            self.slices.resize(slice + 1, 0);
        }
        self.slices[slice] += events;
    }

    /// Adds what another connection came to.
    pub fn add(&mut self, other: &Self) -> Result<(), Trouble> {
        self.requests += other.requests;
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.failed += other.failed;
        self.latency.add(&other.latency).during("adding latencies")?;
        if self.slices.len() < other.slices.len() {
            self.slices.resize(other.slices.len(), 0);
        }
        for (own, others) in self.slices.iter_mut().zip(&other.slices) {
            *own += others;
        }
        Ok(())
    }
}

/// For latencies in microseconds.
pub fn latency_histogram() -> Result<Histogram<u64>, Trouble> {
    Histogram::new_with_bounds(1, MAX_LATENCY_US, 3).during("a histogram")
}

/// Whole microseconds.
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_accepted_events_count_as_throughput_and_latency() {
        let mut tally = Tally::new().unwrap();
        let times = |latency, answered| Times { latency, answered };
        tally.note(Some(202), 10, times(1500, 1500));
        tally.note(Some(503), 10, times(10, 20));
        tally.note(None, 10, times(10, 20));
        tally.note(Some(202), 10, times(10_000, 260_000));
        assert_eq!((tally.requests, tally.accepted), (4, 20));
        assert_eq!((tally.refused, tally.failed), (1, 1));
        assert_eq!(tally.slices, [10, 10]);
        assert_eq!(tally.latency.len(), 2);
        assert!(tally.latency.max().abs_diff(10_000) < 20);
    }
}
