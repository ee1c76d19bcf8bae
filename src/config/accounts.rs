//! The `[accounts]` section: what summaries of business accounts may cost.

use std::time::Duration;

use super::reader::Reader;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const KIB: u64 = 1024;
const GIB: u64 = 1024 * 1024 * KIB;

/// Were each of another user and type, of 256 bytes both, they would be some 12
/// of the 16 MiB that MongoDB puts into one answer.
const MAX_PIECE_EVENTS: u64 = 20_000;

/// What summaries of business accounts may cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Accounts {
    /// How long a summary is answered from memory.
    pub fresh: Duration,
    /// For how long after that it is still answered while it is counted anew.
    pub stale: Duration,
    /// Bytes of memory that kept summaries may hold.
    pub max_cache_bytes: usize,
    /// How long counting one summary may take, once it has its turn.
    pub query_timeout: Duration,
    /// Queries that the database works on at once.
    pub max_queries: usize,
    /// Summaries that are counted side by side, in turns.
    pub max_counting: usize,
    /// How long a request waits for its turn.
    pub max_wait: Duration,
    /// Events that one query counts.
    pub piece_events: usize,
    /// Bytes of memory in which pieces of summaries are put together.
    pub max_counting_bytes: usize,
}

impl Accounts {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            fresh: reader.milliseconds("accounts.fresh_ms", 0..=HOUR),
            stale: reader.milliseconds("accounts.stale_ms", 0..=24 * HOUR),
            max_cache_bytes: reader.count("accounts.max_cache_bytes", 64 * KIB..=GIB),
            query_timeout: reader.milliseconds("accounts.query_timeout_ms", 10..=10 * MINUTE),
            max_queries: reader.count("accounts.max_queries", 1..=64),
            max_counting: reader.count("accounts.max_counting", 1..=1024),
            max_wait: reader.milliseconds("accounts.max_wait_ms", 0..=MINUTE),
            piece_events: reader.count("accounts.piece_events", 100..=MAX_PIECE_EVENTS),
            max_counting_bytes: reader.count("accounts.max_counting_bytes", 64 * KIB..=GIB),
        }
    }
}
