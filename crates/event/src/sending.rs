//! The clocks of a request: ours, and how far the sender's is off.

use super::Timestamp;

/// Up to here a sender's clock counts as right: the request took its time as well.
const MIN_MS: i64 = 5_000;

/// From here on it is no clock that is wrong, but one that was never set, or a
/// `sentAt` that is not meant: ten years.
const MAX_MS: i64 = 3_652 * 24 * 60 * 60 * 1000;

/// The service's clock as it read a request, and how far that of the sender is
/// behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// The time of receipt.
    pub now: Timestamp,
    /// Milliseconds to add to what the sender's clock said; below 0 for a clock
    /// that is ahead.
    behind_ms: i64,
}

impl Clocks {
    /// Times are kept as they are sent.
    pub fn alike(now: Timestamp) -> Self {
        Self { now, behind_ms: 0 }
    }

    /// As of a request that was sent at `sent_at` by the sender's clock. A clock that
    /// is off by 5 s or less counts as right, and so does one that is off by ten years
    /// or more.
    pub fn of_sender(now: Timestamp, sent_at: Timestamp) -> Self {
        // Both lie within 10,000 years.
        let behind_ms = now.as_millis() - sent_at.as_millis();
        let is_off = (MIN_MS + 1..MAX_MS).contains(&behind_ms.abs());
        Self { now, behind_ms: if is_off { behind_ms } else { 0 } }
    }

    /// Whether times of the sender are moved.
    pub fn differ(self) -> bool {
        self.behind_ms != 0
    }

    /// A time of the sender as our clock would have had it; `None` where that lies
    /// outside the years 0000 to 9999.
    pub fn ours(self, theirs: Timestamp) -> Option<Timestamp> {
        Timestamp::from_millis(theirs.as_millis() + self.behind_ms)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::tests::now;

    fn off_by(millis: i64) -> Clocks {
        Clocks::of_sender(now(), Timestamp::from_millis(now().as_millis() - millis).unwrap())
    }

    #[test]
    fn a_clock_is_wrong_from_five_seconds_up_to_ten_years() {
        for right in [0, 1, 5_000, -5_000, MAX_MS, -MAX_MS, 60_000_000_000_000] {
            assert_eq!(off_by(right), Clocks::alike(now()), "{right}");
        }
        for wrong in [5_001, -5_001, 10_800_000, -10_800_000, MAX_MS - 1, 1 - MAX_MS] {
            assert!(off_by(wrong).differ());
            let theirs = Timestamp::from_millis(1_000_000_000_000).unwrap();
            assert_eq!(off_by(wrong).ours(theirs).unwrap().as_millis(), 1_000_000_000_000 + wrong);
        }
    }

    #[test]
    fn what_is_moved_stays_within_the_years_that_can_be_written() {
        let first = Timestamp::from_millis_clamped(i64::MIN);
        let last = Timestamp::from_millis_clamped(i64::MAX);
        assert_eq!(off_by(-10_000).ours(first), None);
        assert_eq!(off_by(10_000).ours(last), None);
        assert!(off_by(10_000).ours(first).is_some() && off_by(-10_000).ours(last).is_some());
        for (now, sent) in [(first, last), (last, first)] {
            assert!(!Clocks::of_sender(now, sent).differ());
        }
    }
}
