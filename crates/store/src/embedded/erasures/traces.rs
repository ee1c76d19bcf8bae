//! What there is of an id: events, and events that were refused.

use rusqlite::{Connection, Row, params};
use trailkeep_event::{Arrival, StoreId};

use crate::Id;
use crate::erasures::Trace;

/// `INDEXED BY` turns a plan without the index into an error. The number is in the index:
/// no row is read that arrived later.
pub const STORED: &str = "
    SELECT id, anonymous_id, session_id FROM events INDEXED BY events_journey
    WHERE user_id = ?1 AND arrival <= ?2 LIMIT ?3";

/// There are few letters, and no index of their users.
const LETTERS: &str = "
    SELECT id, anonymous_id, session_id FROM dead_letters
    WHERE user_id = ?1 AND arrival <= ?2 LIMIT ?3";

pub fn stored(connection: &Connection, id: &Id, limit: usize) -> rusqlite::Result<Vec<Trace>> {
    found(connection, STORED, id, limit)
}

pub fn letters(connection: &Connection, id: &Id, limit: usize) -> rusqlite::Result<Vec<Trace>> {
    found(connection, LETTERS, id, limit)
}

fn found(
    connection: &Connection,
    sql: &str,
    id: &Id,
    limit: usize,
) -> rusqlite::Result<Vec<Trace>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection.prepare_cached(sql)?.query_map(params![id.id, highest(id), limit], trace)?.collect()
}

/// The highest number that an id has.
pub fn highest(id: &Id) -> i64 {
    id.highest().map_or(i64::MAX, Arrival::as_i64)
}

/// A text that a person made unreadable must not keep its event from being removed.
fn trace(row: &Row<'_>) -> rusqlite::Result<Trace> {
    let text = |column| -> rusqlite::Result<Option<Box<str>>> {
        Ok(row.get_ref(column)?.as_str_or_null().ok().flatten().map(Box::from))
    };
    Ok(Trace { id: StoreId::from_bytes(row.get(0)?), anonymous_id: text(1)?, session_id: text(2)? })
}
