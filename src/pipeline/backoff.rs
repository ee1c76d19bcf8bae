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
    bound: Duration,
}

impl Backoff {
    /// The bound is `min` for the first pause and never more than `max`.
    pub fn new(min: Duration, max: Duration) -> Self {
        Self {
            min,
            max,
            bound: min,
        }
    }

    /// The next pause.
    pub fn pause(&mut self) -> Duration {
        let pause = rand::rng().random_range(Duration::ZERO..=self.bound);
        self.bound = (self.bound * 2).min(self.max);
        pause
    }

    /// Nothing passes by itself: the next pause is drawn up to the longest.
    pub fn slow_down(&mut self) {
        self.bound = self.max;
    }

    /// It worked: the next failure starts from the beginning.
    pub fn reset(&mut self) {
        self.bound = self.min;
    }
}
