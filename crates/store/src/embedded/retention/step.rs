//! One step of deleting what has expired: how large it is, and what came of it.

use std::time::Duration;

use trailkeep_event::Timestamp;

/// Rows that one step looks at: about 10 ms of work.
pub const STEP_ROWS: usize = 500;

/// What a step did.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// So many rows went, and there may be more.
    Deleted(usize),
    /// There is nothing more.
    Last,
}

/// What was received before that, in milliseconds since the epoch, has had its time.
pub fn horizon(kept: Option<Duration>, now: Timestamp) -> Option<i64> {
    let kept = i64::try_from(kept?.as_millis()).unwrap_or(i64::MAX);
    Some(now.as_millis().saturating_sub(kept))
}
