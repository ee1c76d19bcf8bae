//! How old the events are, by type: for people who want to know what a retention deletes.

use std::path::Path;

use rusqlite::Connection;
use trailkeep_event::Timestamp;

use super::folder::DATABASE;
use super::{OpenError, inspect};
use crate::Aged;
use crate::activity::DAY_MS;

/// Rows of one statement: a read that took longer would keep the write-ahead log of a service
/// that runs from being emptied.
const AT_ONCE: i64 = 100_000;

const LAST: &str = "SELECT coalesce(max(seq), 0) FROM events";

const AGES: &str = "
    SELECT type, max(0, (?1 - received_at) / ?2) AS days, count(*)
    FROM events WHERE seq > ?3 AND seq <= ?4 GROUP BY type, days";

/// Tells of all events in a data folder, its service running or not; false where there is no
/// database. Reads all of them, and changes nothing.
///
/// # Errors
///
/// A start would end with the same.
pub fn ages(
    data_dir: &Path,
    is_held: bool,
    now: Timestamp,
    each: impl FnMut(Aged),
) -> Result<bool, OpenError> {
    let path = data_dir.join(DATABASE);
    if !path.exists() {
        return Ok(false);
    }
    let of_sqlite = |error| OpenError::from_sqlite(&path, error);
    match inspect::open_known(&path, is_held).map_err(of_sqlite)?? {
        Some((connection, _)) => {
            count(&connection, now, each).map_err(of_sqlite)?;
            Ok(true)
        }
        None => Ok(false),
    }
}

fn count(
    connection: &Connection,
    now: Timestamp,
    mut each: impl FnMut(Aged),
) -> rusqlite::Result<()> {
    let last: i64 = connection.query_row(LAST, [], |row| row.get(0))?;
    let mut counted = connection.prepare(AGES)?;
    let mut after = 0;
    while after < last {
        let up_to = after + AT_ONCE;
        let mut rows = counted.query((now.as_millis(), DAY_MS, after, up_to))?;
        while let Some(row) = rows.next()? {
            let (kind, days, events): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let [days, events] = [days, events].map(|number| u64::try_from(number).unwrap_or(0));
            each(Aged { kind: kind.into(), days, events });
        }
        after = up_to;
    }
    Ok(())
}
