//! Outcomes of an id: by the identities of its events, or where these may be gone.

use rusqlite::{Connection, Row, Transaction, params};
use trailkeep_event::{Arrival, StoreId, Timestamp};

use crate::Id;

/// All that have outcomes, one seek each.
const PROCESSORS: &str = "
    WITH RECURSIVE names (name) AS (
        SELECT min(processor) FROM processed_events
        UNION ALL
        SELECT (SELECT min(processor) FROM processed_events WHERE processor > name) FROM names
        WHERE name IS NOT NULL
    )
    SELECT name FROM names WHERE name IS NOT NULL";

const REMOVE: &str = "DELETE FROM processed_events WHERE processor = ?1 AND id = ?2";

/// Rows are in the order of writing.
const NEWEST: &str =
    "SELECT id, user_id, arrival, processed_at FROM processed_events ORDER BY rowid DESC";

/// `INDEXED BY` turns a plan without the index into an error.
pub const EXPIRED: &str = "
    SELECT id, user_id, arrival, processed_at FROM processed_events
    INDEXED BY processed_events_age WHERE received_at < ?1";

pub fn remove(transaction: &Transaction<'_>, ids: &[StoreId]) -> rusqlite::Result<u64> {
    let mut names = transaction.prepare_cached(PROCESSORS)?;
    let names =
        names.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    let mut delete = transaction.prepare_cached(REMOVE)?;
    let mut removed = 0;
    for name in &names {
        for id in ids {
            removed += delete.execute(params![name, id.as_bytes()])? as u64;
        }
    }
    Ok(removed)
}

pub fn strays(
    connection: &Connection,
    ids: &[Id],
    since: Timestamp,
    expired: Option<Timestamp>,
    limit: usize,
) -> rusqlite::Result<Vec<StoreId>> {
    let mut found = Vec::new();
    let mut newest = connection.prepare_cached(NEWEST)?;
    let mut rows = newest.query([])?;
    while let Some(row) = rows.next()? {
        if found.len() >= limit || row.get::<_, i64>(3)? < since.as_millis() {
            break;
        }
        found.extend(of(row, ids)?);
    }
    if let Some(expired) = expired {
        let mut old = connection.prepare_cached(EXPIRED)?;
        let mut rows = old.query([expired.as_millis()])?;
        while let Some(row) = rows.next()?.filter(|_| found.len() < limit) {
            found.extend(of(row, ids)?);
        }
    }
    Ok(found)
}

/// The identity of an outcome, where it is one of these ids'.
fn of(row: &Row<'_>, ids: &[Id]) -> rusqlite::Result<Option<StoreId>> {
    let Some(user) = row.get_ref(1)?.as_str_or_null().ok().flatten() else { return Ok(None) };
    let arrival = Arrival::from_i64(row.get(2)?);
    let is_one = ids.iter().any(|id| id.holds(user, arrival));
    Ok(if is_one { Some(StoreId::from_bytes(row.get(0)?)) } else { None })
}
