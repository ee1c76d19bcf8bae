//! Deletes what is older than the retention, in steps that are short enough
//! to fit between two flushes.
//!
//! Where all types are kept alike, a step looks at the rows written first. Rows are written
//! about in the order in which they were received, so the oldest are among them, and no
//! index on the time of receipt is needed. The price: rows that were received while the
//! machine's clock was ahead keep those behind them from being deleted, at most
//! for as long as the clock was ahead. Outcomes and people come in no such order, and have
//! indexes. Where types differ, see [`by_type`].

pub(super) mod by_type;
pub(super) mod step;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tracing::{info, warn};
use trailkeep_event::Timestamp;
use trailkeep_event::time::Clock;

use self::by_type::ByType;
use self::step::{STEP_ROWS, Step, horizon};
use super::people::tables as people;
use super::processing::tables;
use super::schema;
use crate::Retention;

/// How often expired rows are looked for.
const INTERVAL: Duration = Duration::from_secs(60);

/// What a writer without a retention waits for commands before it waits again.
const IDLE: Duration = Duration::from_secs(3600);

/// Where the deletion stands. Lives on the writer's thread.
pub(super) struct Sweeper {
    kept: Retention,
    clock: Arc<dyn Clock>,
    phase: Phase,
}

enum Phase {
    /// Not asked to begin yet, or nothing ever expires.
    Off,
    /// The last step found something; there may be more.
    Sweeping(Sweep),
    /// Nothing to do until then.
    Resting { until: Instant },
}

impl Sweeper {
    /// Deletes nothing until [`begin`](Self::begin). Where all is kept for good, never.
    pub(super) fn new(kept: Retention, clock: Arc<dyn Clock>) -> Self {
        Self { kept, clock, phase: Phase::Off }
    }

    /// Looks for expired rows now, and from now on.
    pub(super) fn begin(&mut self) {
        if self.kept.shortest().is_some() && !matches!(self.phase, Phase::Sweeping(_)) {
            self.phase = Phase::Sweeping(Sweep::default());
        }
    }

    /// How long the writer may wait for commands before the next step.
    pub(super) fn wait(&self) -> Duration {
        match self.phase {
            Phase::Off => IDLE,
            Phase::Sweeping(_) => Duration::ZERO,
            Phase::Resting { until } => until.saturating_duration_since(Instant::now()),
        }
    }

    /// One step, if it is time for one.
    pub(super) fn step_if_due(&mut self, connection: &Connection) {
        if matches!(self.phase, Phase::Off) || !self.wait().is_zero() {
            return;
        }
        let mut sweep = match std::mem::replace(&mut self.phase, Phase::Off) {
            Phase::Sweeping(sweep) => sweep,
            Phase::Off | Phase::Resting { .. } => Sweep::default(),
        };
        self.phase = match sweep.step(connection, &self.kept, self.clock.now()) {
            Ok(Step::Last) => {
                if sweep.deleted > 0 {
                    info!(rows = sweep.deleted, "deleted what was past the retention");
                }
                Phase::rest()
            }
            Ok(Step::Deleted(_)) => Phase::Sweeping(sweep),
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

/// One way through everything.
#[derive(Default)]
pub(super) struct Sweep {
    deleted: usize,
    by_type: ByType,
}

impl Sweep {
    pub(super) fn step(
        &mut self,
        connection: &Connection,
        kept: &Retention,
        now: Timestamp,
    ) -> rusqlite::Result<Step> {
        let outcomes = kept.of_outcomes();
        let mut step = if kept.is_by_type() {
            self.by_type.step(connection, [kept, kept, &outcomes], now)?
        } else {
            of_all(connection, horizon(kept.of_others(), now), horizon(outcomes.of_others(), now))?
        };
        if step == Step::Last {
            step = of_users(connection, horizon(kept.longest(), now))?;
        }
        if let Step::Deleted(rows) = step {
            self.deleted += rows;
        }
        Ok(step)
    }
}

fn of_all(
    connection: &Connection,
    events: Option<i64>,
    outcomes: Option<i64>,
) -> rusqlite::Result<Step> {
    let delete = |statement, horizon: Option<i64>| match horizon {
        Some(horizon) => connection.prepare_cached(statement)?.execute((horizon, STEP_ROWS as i64)),
        None => Ok(0),
    };
    let deleted = delete(schema::DELETE_EXPIRED, events)?
        + delete(schema::DELETE_EXPIRED_LETTERS, events)?
        + delete(tables::DELETE_EXPIRED, outcomes)?;
    Ok(if deleted == 0 { Step::Last } else { Step::Deleted(deleted) })
}

fn of_users(connection: &Connection, horizon: Option<i64>) -> rusqlite::Result<Step> {
    let Some(horizon) = horizon else { return Ok(Step::Last) };
    Ok(match people::delete_expired(connection, horizon, STEP_ROWS)? {
        0 => Step::Last,
        deleted => Step::Deleted(deleted),
    })
}
