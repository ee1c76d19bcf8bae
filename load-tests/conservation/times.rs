//! When the events of a producer occurred.
//!
//! They step through 60 days in the order in which they are sent, so that they lie
//! in many periods of the index of journeys, and arrive at its horizon again and
//! again. Nobody knows how many events a round will have: each step is a part of
//! what is left, and the last one goes to the end.

use rand::Rng as _;
use rand::rngs::StdRng;

pub const DAY: i64 = 24 * 60 * 60 * 1000;
/// How far back the events of a round begin.
pub const SPAN: i64 = 60 * DAY;
/// By how much an event may be late.
const LATEST: i64 = 7 * DAY;

/// The times of one producer, in milliseconds since the epoch.
pub struct Times {
    /// Of what is not late. It never goes back, and stands still for several
    /// batches, so that the order of arrival matters.
    front: i64,
}

impl Times {
    /// Those of a round that begins now.
    pub fn of_a_round(now: i64) -> Self {
        Self { front: now - SPAN }
    }

    /// Goes on, or stands still, before a batch.
    pub fn go_on(&mut self, now: i64, rng: &mut StdRng) {
        let left = now - self.front;
        if left > 0 && rng.random_bool(0.4) {
            self.front += rng.random_range(0..=left / 4);
        }
    }

    /// Goes to the end.
    pub fn go_to(&mut self, now: i64) {
        self.front = self.front.max(now);
    }

    /// When the next event occurred. About one in ten is late.
    pub fn next(&self, rng: &mut StdRng) -> i64 {
        let is_late = rng.random_bool(0.1);
        if is_late { self.front - rng.random_range(1..=LATEST) } else { self.front }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn the_events_of_a_round_cover_its_days_and_some_of_them_are_late() {
        const NOW: i64 = 1_700_000_000_000;
        let mut rng = StdRng::seed_from_u64(3);
        let mut times = Times::of_a_round(NOW);
        let (mut days, mut late, mut front) = (std::collections::BTreeSet::new(), 0, i64::MIN);
        for _ in 0..100 {
            times.go_on(NOW, &mut rng);
            for _ in 0..10 {
                let time = times.next(&mut rng);
                assert!((NOW - SPAN - LATEST..=NOW).contains(&time), "{time}");
                days.insert((NOW - time) / DAY / 5);
                late += u64::from(time < front);
                front = front.max(time);
            }
        }
        times.go_to(NOW);
        assert_eq!(times.front, NOW);
        assert!((50..200).contains(&late), "{late} of 1000 are late");
        assert!(days.len() >= 10, "{days:?}");
    }
}
