//! Outcomes of an id: by the identities of its events, or where these may be gone.

use rusqlite::{Connection, Row, Rows, Transaction, params};
use trailkeep_event::{Arrival, StoreId, Timestamp};

use crate::activity::DAY_MS;
use crate::embedded::processing::outcomes::processors;
use crate::embedded::retention::by_type;
use crate::embedded::retention::step::horizon;
use crate::{Id, Retention};

const REMOVE: &str = "DELETE FROM processed_events WHERE processor = ?1 AND id = ?2";

/// Rows are in the order of writing.
const NEWEST: &str =
    "SELECT id, user_id, arrival, processed_at FROM processed_events ORDER BY rowid DESC";

/// `INDEXED BY` turns a plan without the index into an error.
pub const EXPIRED: &str = "
    SELECT id, user_id, arrival, processed_at FROM processed_events
    INDEXED BY processed_events_age WHERE received_at < ?1";

const EXPIRED_OF_TYPE: &str = "
    SELECT id, user_id, arrival, processed_at FROM processed_events
    INDEXED BY processed_events_expiry WHERE type IS ?1 AND received_at < ?2";

pub fn remove(transaction: &Transaction<'_>, ids: &[StoreId]) -> rusqlite::Result<u64> {
    let names = processors(transaction)?;
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
    expired: (&Retention, Timestamp),
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
    let (retention, at) = (expired.0.of_outcomes(), expired.1.plus_millis(DAY_MS));
    if !retention.is_by_type() {
        let Some(before) = horizon(retention.of_others(), at) else { return Ok(found) };
        let old = &mut *connection.prepare_cached(EXPIRED)?;
        add(old.query([before])?, ids, limit, &mut found)?;
        return Ok(found);
    }
    let old = &mut *connection.prepare_cached(EXPIRED_OF_TYPE)?;
    let mut kind = None;
    loop {
        let kept = kind.as_deref().map_or(retention.of_untyped(), |kind| retention.of(kind));
        if let Some(before) = horizon(kept, at) {
            add(old.query(params![kind, before])?, ids, limit, &mut found)?;
        }
        kind = by_type::next_type_of_outcomes(connection, kind)?;
        if kind.is_none() {
            return Ok(found);
        }
    }
}

/// Adds outcomes of these ids until there are enough.
fn add(
    mut rows: Rows<'_>,
    ids: &[Id],
    limit: usize,
    found: &mut Vec<StoreId>,
) -> rusqlite::Result<()> {
    while let Some(row) = rows.next()?.filter(|_| found.len() < limit) {
        found.extend(of(row, ids)?);
    }
    Ok(())
}

/// The identity of an outcome, where it is one of these ids'.
fn of(row: &Row<'_>, ids: &[Id]) -> rusqlite::Result<Option<StoreId>> {
    let Some(user) = row.get_ref(1)?.as_str_or_null().ok().flatten() else { return Ok(None) };
    let arrival = Arrival::from_i64(row.get(2)?);
    let is_one = ids.iter().any(|id| id.holds(user, arrival));
    Ok(if is_one { Some(StoreId::from_bytes(row.get(0)?)) } else { None })
}
