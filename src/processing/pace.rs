//! How many requests may be begun now, for a processor that takes only so many a second.
//!
//! Pure: times are milliseconds of a clock that only grows.

/// The part of a second whose requests may be begun at once.
const BURST: u64 = 4;

/// A bucket that fills at a rate.
#[derive(Debug)]
pub struct Pace {
    per_second: u64,
    /// Thousandths of requests that may be begun.
    level: u64,
    filled_at: u64,
}

impl Pace {
    /// So many a second.
    pub fn new(per_second: u32, now: u64) -> Self {
        let per_second = u64::from(per_second).max(1);
        let mut pace = Self { per_second, level: 0, filled_at: now };
        pace.level = pace.most();
        pace
    }

    fn most(&self) -> u64 {
        (self.per_second * 1_000 / BURST).max(1_000)
    }

    /// How many may be begun.
    pub fn room(&mut self, now: u64) -> usize {
        let filled = now.saturating_sub(self.filled_at).saturating_mul(self.per_second);
        self.level = self.level.saturating_add(filled).min(self.most());
        self.filled_at = now;
        usize::try_from(self.level / 1_000).unwrap_or(usize::MAX)
    }

    /// So many were.
    pub fn began(&mut self, requests: usize) {
        self.level = self.level.saturating_sub(1_000 * requests as u64);
    }

    /// When the next one may be.
    pub fn next(&self) -> u64 {
        self.filled_at + 1_000_u64.saturating_sub(self.level).div_ceil(self.per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests that are begun in so many milliseconds by whoever begins all that may be.
    fn begun(per_second: u32, ms: u64) -> usize {
        let mut pace = Pace::new(per_second, 0);
        let mut begun = 0;
        for now in 0..ms {
            let room = pace.room(now);
            pace.began(room);
            begun += room;
        }
        begun
    }

    #[test]
    fn no_more_are_begun_than_the_rate_allows_and_a_burst() {
        for per_second in [1, 2, 7, 100, 3_000] {
            let burst = (per_second as usize / 4).max(1);
            let allowed = 10 * per_second as usize + burst;
            let begun = begun(per_second, 10_000);
            let least = 10 * per_second as usize - 1;
            assert!((least..=allowed).contains(&begun), "{begun} at {per_second}");
        }
    }

    #[test]
    fn who_waits_until_it_says_may_begin_one() {
        for per_second in [1, 3, 700, 2_000] {
            let mut pace = Pace::new(per_second, 0);
            let room = pace.room(0);
            pace.began(room);
            assert_eq!(pace.room(0), 0);
            let next = pace.next();
            assert!(next > 0);
            assert!(pace.room(next) >= 1, "{per_second}");
        }
    }
}
