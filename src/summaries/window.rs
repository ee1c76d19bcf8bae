//! The time in which events are counted.

use trailkeep_event::Timestamp;
use trailkeep_store::summaries::Bucket;

use super::series::is_short_enough;

const HOUR_MS: i64 = 60 * 60 * 1000;

/// A time, named or given. Named ones end at the moment of counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// The 24 hours up to now.
    Last24h,
    /// The 7 times 24 hours up to now.
    Last7d,
    /// From one moment to another, both included.
    Between(Timestamp, Timestamp),
}

impl Window {
    /// The named ones.
    pub const NAMED: [Self; 2] = [Self::Last24h, Self::Last7d];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Last24h => "last_24h",
            Self::Last7d => "last_7d",
            Self::Between(..) => "custom",
        }
    }

    /// Whether it is short enough to be told in these.
    pub fn fits(self, bucket: Bucket) -> bool {
        match self {
            Self::Last24h | Self::Last7d => true,
            Self::Between(from, to) => is_short_enough(bucket, from, to),
        }
    }

    /// Its ends, both included.
    pub fn ends(self, now: Timestamp) -> (Timestamp, Timestamp) {
        match self {
            Self::Last24h => (now.plus_millis(-24 * HOUR_MS), now),
            Self::Last7d => (now.plus_millis(-7 * 24 * HOUR_MS), now),
            Self::Between(from, to) => (from, to),
        }
    }
}
