//! How long to wait before the next try.

use std::time::Duration;

use rand::Rng as _;

/// Exponential backoff with full jitter: each pause is drawn evenly between
/// nothing and a bound that doubles with every failure, so that instances that
/// failed together do not come back together.
#[derive(Debug, Clone)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    tries: u32,
}

/// The pause after so many tries: the bound is `min` for none, and never more
/// than `max`.
pub fn pause(min: Duration, max: Duration, tries: u32) -> Duration {
    let bound = min.saturating_mul(1_u32.checked_shl(tries).unwrap_or(u32::MAX));
    rand::rng().random_range(Duration::ZERO..=bound.min(max))
}

impl Backoff {
    /// Nothing was tried yet.
    pub fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, tries: 0 }
    }

    /// The next pause.
    pub fn pause(&mut self) -> Duration {
        let pause = pause(self.min, self.max, self.tries);
        self.tries = self.tries.saturating_add(1);
        pause
    }

    /// Nothing passes by itself: the next pause is drawn up to the longest.
    pub fn slow_down(&mut self) {
        self.tries = u32::MAX;
    }

    /// It worked: the next failure starts from the beginning.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}
