//! The table `set_up_codes`.

use rusqlite::{Connection, Row, Transaction, params};
use trailkeep_event::Timestamp;

use crate::access::{MAX_SET_UP_CODES, SecretHash};

pub(in crate::embedded) const EVERY: &str = "SELECT hash, created_at FROM set_up_codes";

const INSERT: &str = "
    INSERT INTO set_up_codes (hash, created_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING";

const DELETE_OLDEST: &str = "
    DELETE FROM set_up_codes WHERE hash IN (
        SELECT hash FROM set_up_codes ORDER BY created_at DESC, hash LIMIT -1 OFFSET ?1
    )";

const ALL: &str = "SELECT hash FROM set_up_codes";

const DELETE_ALL: &str = "DELETE FROM set_up_codes";

pub(super) fn add(
    transaction: &Transaction<'_>,
    hash: &SecretHash,
    now: Timestamp,
) -> rusqlite::Result<()> {
    transaction.prepare_cached(INSERT)?.execute(params![hash, now.as_millis()])?;
    transaction.prepare_cached(DELETE_OLDEST)?.execute([MAX_SET_UP_CODES as i64]).map(|_| ())
}

pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<SecretHash>> {
    connection.prepare_cached(ALL)?.query_map([], |row| row.get(0))?.collect()
}

pub(super) fn clear(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.prepare_cached(DELETE_ALL)?.execute([]).map(|_| ())
}

/// A code's hash, and since when it is good.
pub(in crate::embedded) fn code(row: &Row<'_>) -> rusqlite::Result<(SecretHash, Timestamp)> {
    Ok((row.get(0)?, Timestamp::from_millis_clamped(row.get(1)?)))
}
