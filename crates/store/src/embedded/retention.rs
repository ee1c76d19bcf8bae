//! Deletes what is older than the retention, in steps that are short enough
//! to fit between two flushes.
//!
//! A step looks at the rows written first. Rows are written about in the order
//! in which they were received, so the oldest are among them, and no index on
//! the time of receipt is needed. The price: rows that were received while the
//! machine's clock was ahead keep those behind them from being deleted, at most
//! for as long as the clock was ahead. Outcomes and people come in no such order, and have
//! indexes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tracing::{info, warn};
use trailkeep_event::time::Clock;

use super::people::tables as people;
use super::processing::tables;
use super::schema;

/// Rows that one step looks at: about 10 ms of work.
pub(super) const STEP_ROWS: usize = 500;

/// An outcome outlives its event by a day: until that is gone, it says that it is done.
const OUTCOMES_LONGER_MS: i64 = 24 * 60 * 60 * 1000;

/// How often expired rows are looked for.
const INTERVAL: Duration = Duration::from_secs(60);

/// What a writer without a retention waits for commands before it waits again.
const IDLE: Duration = Duration::from_secs(3600);

/// Where the deletion stands. Lives on the writer's thread.
pub(super) struct Retention {
    keep: Option<Duration>,
    clock: Arc<dyn Clock>,
    phase: Phase,
}

enum Phase {
    /// Not asked to begin yet, or nothing ever expires.
    Off,
    /// The last step found something; there may be more.
    Sweeping { deleted: usize },
    /// Nothing to do until then.
    Resting { until: Instant },
}

impl Retention {
    /// Deletes nothing until [`begin`](Self::begin). Without `keep`, never.
    pub(super) fn new(keep: Option<Duration>, clock: Arc<dyn Clock>) -> Self {
        Self { keep, clock, phase: Phase::Off }
    }

    /// Looks for expired rows now, and from now on.
    pub(super) fn begin(&mut self) {
        if self.keep.is_some() && !matches!(self.phase, Phase::Sweeping { .. }) {
            self.phase = Phase::Sweeping { deleted: 0 };
        }
    }

    /// How long the writer may wait for commands before the next step.
    pub(super) fn wait(&self) -> Duration {
        match self.phase {
            Phase::Off => IDLE,
            Phase::Sweeping { .. } => Duration::ZERO,
            Phase::Resting { until } => until.saturating_duration_since(Instant::now()),
        }
    }

    /// One step, if it is time for one.
    pub(super) fn step_if_due(&mut self, connection: &Connection) {
        let (Some(keep), true) = (self.keep, self.wait().is_zero()) else {
            return;
        };
        let before = match self.phase {
            Phase::Sweeping { deleted } => deleted,
            Phase::Off | Phase::Resting { .. } => 0,
        };
        let keep = i64::try_from(keep.as_millis()).unwrap_or(i64::MAX);
        let horizon = self.clock.now().as_millis().saturating_sub(keep);
        self.phase = match delete_expired(connection, horizon) {
            Ok(0) => {
                if before > 0 {
                    info!(events = before, "deleted events past the retention");
                }
                Phase::rest()
            }
            Ok(deleted) => Phase::Sweeping { deleted: before + deleted },
            Err(error) => {
                warn!(%error, "cannot delete events past the retention; will try again");
                Phase::rest()
            }
        };
    }
}

impl Phase {
    fn rest() -> Self {
        Self::Resting { until: Instant::now() + INTERVAL }
    }
}

/// One step: how many rows received before `horizon`, in milliseconds since
/// the epoch, it has deleted. 0 says that a sweep is done.
pub(super) fn delete_expired(connection: &Connection, horizon: i64) -> rusqlite::Result<usize> {
    let delete = |statement, horizon: i64| {
        connection.prepare_cached(statement)?.execute((horizon, STEP_ROWS as i64))
    };
    let outcomes = horizon.saturating_sub(OUTCOMES_LONGER_MS);
    Ok(delete(schema::DELETE_EXPIRED, horizon)?
        + delete(schema::DELETE_EXPIRED_LETTERS, horizon)?
        + delete(tables::DELETE_EXPIRED, outcomes)?
        + people::delete_expired(connection, horizon, STEP_ROWS)?)
}
