//! The `[accounts]` section: what summaries of business accounts may cost.

use std::time::Duration;

use super::reader::Reader;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const KIB: u64 = 1024;
const GIB: u64 = 1024 * 1024 * KIB;

/// What summaries of business accounts may cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Accounts {
    /// How long a summary is answered from memory.
    pub fresh: Duration,
    /// For how long after that it is still answered while it is counted anew.
    pub stale: Duration,
    /// Bytes of memory that kept summaries may hold.
    pub max_cache_bytes: usize,
    /// How long the database may work on one summary.
    pub query_timeout: Duration,
    /// Summaries that are counted at once.
    pub max_queries: usize,
    /// How long a request waits for its turn to have one counted.
    pub max_wait: Duration,
}

impl Accounts {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            fresh: reader.milliseconds("accounts.fresh_ms", 0..=HOUR),
            stale: reader.milliseconds("accounts.stale_ms", 0..=24 * HOUR),
            max_cache_bytes: reader.count("accounts.max_cache_bytes", 64 * KIB..=GIB),
            query_timeout: reader.milliseconds("accounts.query_timeout_ms", 10..=10 * MINUTE),
            max_queries: reader.count("accounts.max_queries", 1..=64),
            max_wait: reader.milliseconds("accounts.max_wait_ms", 0..=MINUTE),
        }
    }
}
