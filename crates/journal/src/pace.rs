//! How often is synced.
//!
//! A sync costs the same whether one batch waits for it or fifty do, on the disk
//! and in the threads that it puts to sleep and wakes. So while batches come
//! faster than one after the other, a sync begins only some time after the one
//! before it, and all that came meanwhile share it. A client that sends one batch
//! after the other, with no other beside it for a while, is not held up: nobody
//! would share its syncs.

use std::time::{Duration, Instant};

/// After how many lonely batches no company is expected any more.
const LONELY: u32 = 16;

/// When the next sync may begin.
#[derive(Debug)]
pub struct Pace {
    interval: Duration,
    last_sync: Option<Instant>,
    /// Groups of one batch in a row.
    lonely: u32,
}

impl Pace {
    /// Lets that much time pass between the beginnings of two syncs.
    pub fn new(interval: Duration) -> Self {
        Self { interval, last_sync: None, lonely: LONELY }
    }

    /// A group of so many batches is about to be synced.
    pub fn begins(&mut self, batches: usize, now: Instant) {
        self.last_sync = Some(now);
        self.lonely = if batches > 1 { 0 } else { self.lonely.saturating_add(1) };
    }

    /// How long to wait for company before the next group is gathered.
    pub fn rest(&self, now: Instant) -> Duration {
        match self.last_sync {
            Some(last_sync) if self.lonely < LONELY => {
                (last_sync + self.interval).saturating_duration_since(now)
            }
            _ => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(1);

    #[test]
    fn who_sends_alone_never_waits() {
        let now = Instant::now();
        let mut pace = Pace::new(INTERVAL);
        for _ in 0..3 {
            assert_eq!(pace.rest(now), Duration::ZERO);
            pace.begins(1, now);
        }
    }

    #[test]
    fn batches_that_come_together_are_waited_for_until_the_interval_is_over() {
        let now = Instant::now();
        let mut pace = Pace::new(INTERVAL);
        pace.begins(2, now);
        assert_eq!(pace.rest(now), INTERVAL);
        assert_eq!(pace.rest(now + INTERVAL / 4), INTERVAL * 3 / 4);
        assert_eq!(pace.rest(now + INTERVAL * 2), Duration::ZERO);
    }

    #[test]
    fn one_that_comes_alone_in_between_changes_nothing_and_many_do() {
        let now = Instant::now();
        let mut pace = Pace::new(INTERVAL);
        pace.begins(2, now);
        pace.begins(1, now);
        assert_eq!(pace.rest(now), INTERVAL);
        for _ in 0..LONELY {
            pace.begins(1, now);
        }
        assert_eq!(pace.rest(now), Duration::ZERO);
    }
}
