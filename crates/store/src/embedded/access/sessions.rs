//! The table `sessions`.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use trailkeep_event::Timestamp;
use uuid::Uuid;

use super::columns;
use crate::access::{SecretHash, SessionRecord};

pub(in crate::embedded) const EVERY: &str =
    "SELECT id_hash, account_id, data, expires_at FROM sessions";

const INSERT: &str = "
    INSERT INTO sessions (id_hash, account_id, data, expires_at)
    VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (id_hash) DO NOTHING";

const UPDATE: &str = "
    UPDATE sessions SET account_id = ?2, data = ?3, expires_at = ?4
    WHERE id_hash = ?1";

/// The time is asked for as well: a sweep may be late.
const FIND: &str = "
    SELECT id_hash, account_id, data, expires_at
    FROM sessions
    WHERE id_hash = ?1 AND expires_at > ?2";

const DELETE: &str = "DELETE FROM sessions WHERE id_hash = ?1";

/// Of one account, so few that they are sorted.
const OF: &str = "
    SELECT id_hash, account_id, data, expires_at
    FROM sessions
    WHERE account_id = ?1 AND expires_at > ?2
    ORDER BY expires_at DESC, id_hash LIMIT ?3";

const DELETE_OF: &str = "DELETE FROM sessions WHERE account_id = ?1 AND id_hash IS NOT ?2";

const DELETE_ENDED: &str = "
    DELETE FROM sessions WHERE id_hash IN (
        SELECT id_hash FROM sessions WHERE expires_at <= ?1 LIMIT ?2
    )";

/// False if there is one with its id.
pub(super) fn create(
    transaction: &Transaction<'_>,
    session: &SessionRecord,
) -> rusqlite::Result<bool> {
    write(transaction, INSERT, session).map(|rows| rows > 0)
}

/// Changes nothing if the session is not there any more.
pub(super) fn save(transaction: &Transaction<'_>, session: &SessionRecord) -> rusqlite::Result<()> {
    write(transaction, UPDATE, session).map(|_| ())
}

fn write(
    transaction: &Transaction<'_>,
    statement: &str,
    session: &SessionRecord,
) -> rusqlite::Result<usize> {
    transaction.prepare_cached(statement)?.execute(params![
        session.id_hash,
        session.account_id.map(Uuid::into_bytes),
        session.data,
        session.expires_at.as_millis(),
    ])
}

pub(super) fn find(
    connection: &Connection,
    id_hash: &SecretHash,
    now: Timestamp,
) -> rusqlite::Result<Option<SessionRecord>> {
    connection
        .prepare_cached(FIND)?
        .query_row(params![id_hash, now.as_millis()], session)
        .optional()
}

pub(super) fn delete(transaction: &Transaction<'_>, id_hash: &SecretHash) -> rusqlite::Result<()> {
    transaction.prepare_cached(DELETE)?.execute([id_hash]).map(|_| ())
}

pub(super) fn of(
    connection: &Connection,
    account_id: Uuid,
    now: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<SessionRecord>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    connection
        .prepare_cached(OF)?
        .query_map(params![account_id.as_bytes(), now.as_millis(), limit], session)?
        .collect()
}

pub(super) fn delete_of(
    transaction: &Transaction<'_>,
    account_id: Uuid,
    kept: Option<SecretHash>,
) -> rusqlite::Result<()> {
    transaction.prepare_cached(DELETE_OF)?.execute(params![account_id.as_bytes(), kept]).map(|_| ())
}

/// One step of a sweep: how many it has deleted.
pub(super) fn delete_ended(
    transaction: &Transaction<'_>,
    now: Timestamp,
    rows: usize,
) -> rusqlite::Result<usize> {
    transaction.prepare_cached(DELETE_ENDED)?.execute(params![now.as_millis(), rows as i64])
}

pub(in crate::embedded) fn session(row: &Row<'_>) -> rusqlite::Result<SessionRecord> {
    Ok(SessionRecord {
        id_hash: row.get(0)?,
        account_id: columns::optional_uuid(row, 1)?,
        data: row.get(2)?,
        expires_at: Timestamp::from_millis_clamped(row.get(3)?),
    })
}
