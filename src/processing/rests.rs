//! Users whose head rests, by when it has.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use trailkeep_delivery::UserKey;

/// Times are milliseconds of a clock that only grows.
#[derive(Debug, Default)]
pub struct Rests(BinaryHeap<Reverse<(u64, UserKey)>>);

impl Rests {
    pub fn add(&mut self, user: UserKey, until: u64) {
        self.0.push(Reverse((until, user)));
    }

    /// When the next one has rested.
    pub fn next(&self) -> Option<u64> {
        self.0.peek().map(|Reverse((until, _))| *until)
    }

    /// Takes out those who have.
    pub fn over(&mut self, now: u64) -> Vec<UserKey> {
        let mut over = Vec::new();
        while self.next().is_some_and(|until| until <= now) {
            over.extend(self.0.pop().map(|Reverse((_, user))| user));
        }
        over
    }
}
