//! How much a journal may take, and for how long.

use std::time::Duration;

/// How a journal is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Bytes of segments with records that are not settled, or come after one
    /// that is not: beyond that, appends are refused. Up to three of 16 MiB that
    /// wait for use come on top.
    pub max_bytes: u64,
    /// Whether a record is synced before its append is answered.
    pub is_synced: bool,
    /// For how long a segment with records is written to at the most. What is settled is
    /// gone from the disk about that long later, however little comes after it.
    pub max_age: Duration,
}

impl Rules {
    /// What suits the rule about age: an hour costs 16 MiB of writing in each, at the most.
    pub const MAX_AGE: Duration = Duration::from_secs(60 * 60);
}
