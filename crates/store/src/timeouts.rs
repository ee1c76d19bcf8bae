//! How long a store may take to answer.

use std::time::Duration;

use tokio::time::timeout;

use super::StoreError;

/// How long each kind of call may take, the wait for a connection or a turn
/// included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Reads: one part of a journey, a session, a page of a list.
    pub read: Duration,
    /// A write of events, or of anything else.
    pub write: Duration,
    /// Whether the store answers at all.
    pub check: Duration,
    /// What works through all that is kept: making indexes, removing what has
    /// ended. A database goes on with it when nobody waits any more.
    pub prepare: Duration,
}

impl Timeouts {
    /// Making an index on a large collection takes about that long; it is
    /// asked for again afterwards.
    pub const PREPARE: Duration = Duration::from_secs(60);
}

/// What a call answers, if it does so in time.
pub(super) async fn in_time<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    timeout(limit, call).await.unwrap_or_else(|_| Err(no_answer(limit)))
}

/// The error of a call that took too long.
pub(super) fn no_answer(limit: Duration) -> StoreError {
    StoreError::Unavailable(format!("no answer within {limit:?}"))
}
