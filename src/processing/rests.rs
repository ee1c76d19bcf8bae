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

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: u8) -> UserKey {
        UserKey([number; 16])
    }

    #[test]
    fn who_has_rested_is_taken_out_once_and_the_first_first() {
        let mut rests = Rests::default();
        assert_eq!((rests.next(), rests.over(u64::MAX)), (None, vec![]));
        for (number, until) in [(1, 30), (2, 10), (3, 20), (4, 10)] {
            rests.add(user(number), until);
        }
        assert_eq!(rests.next(), Some(10));
        assert_eq!(rests.over(9), []);
        assert_eq!(rests.over(20), [user(2), user(4), user(3)]);
        assert_eq!(rests.next(), Some(30));
        assert_eq!(rests.over(29), []);
        assert_eq!(rests.over(30), [user(1)]);
        assert_eq!(rests.next(), None);
    }
}
