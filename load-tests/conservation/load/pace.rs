//! When batches are due, and how large they are.

use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::rngs::StdRng;

/// Above this rate, in events a second, small batches do not come to it.
const HIGH_RATE: u32 = 5_000;
/// Then none is smaller than this part of the largest.
const PART: usize = 5;
/// A producer that was held up for longer does not make up for it.
const MOST_BEHIND: Duration = Duration::from_millis(500);

/// When a producer's next batch is due.
pub struct Pace {
    due: Instant,
    /// From one event to the next.
    apart: Duration,
    smallest_batch: usize,
}

impl Pace {
    /// Of one of so many producers, who come to so many events a second together.
    pub fn of(rate: u32, producers: usize, largest_batch: usize) -> Self {
        Self {
            due: Instant::now(),
            apart: Duration::from_secs(producers as u64) / rate,
            smallest_batch: if rate > HIGH_RATE { largest_batch.div_ceil(PART) } else { 1 },
        }
    }

    /// Waits until what comes behind so many events is due.
    pub async fn wait(&mut self, events: usize) {
        let earliest = Instant::now().checked_sub(MOST_BEHIND);
        self.due = earliest.map_or(self.due, |earliest| self.due.max(earliest));
        self.due += self.apart * events as u32;
        tokio::time::sleep_until(self.due.into()).await;
    }
}

/// How many events the next batch has.
pub fn batch_size(pace: Option<&Pace>, largest: usize, rng: &mut StdRng) -> usize {
    rng.random_range(pace.map_or(1, |pace| pace.smallest_batch)..=largest)
}
