//! The table `tokens`.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use trailkeep_event::Timestamp;
use uuid::Uuid;

use super::columns;
use crate::access::{SecretHash, TokenRecord};

const INSERT: &str = "
    INSERT INTO tokens (id, name, hash, scope, created_by, created_at, expires_at, last_used_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT DO NOTHING";

const IS_SAME: &str = "SELECT EXISTS (SELECT 1 FROM tokens WHERE id = ?1 AND hash = ?2)";

macro_rules! columns {
    () => {
        "id, name, hash, scope, created_by, created_at, expires_at, last_used_at"
    };
}

pub(in crate::embedded) const EVERY: &str = concat!("SELECT ", columns!(), " FROM tokens");

const BY_HASH: &str = concat!("SELECT ", columns!(), " FROM tokens WHERE hash = ?1");

const ALL: &str = concat!("SELECT ", columns!(), " FROM tokens ORDER BY created_at, id");

const DELETE: &str = concat!("DELETE FROM tokens WHERE id = ?1 RETURNING ", columns!());

/// Uses may come out of order, and the last one stays the last.
const TOUCH: &str = "
    UPDATE tokens SET last_used_at = max(?2, coalesce(last_used_at, ?2))
    WHERE id = ?1";

const DELETE_ENDED: &str = "
    DELETE FROM tokens WHERE id IN (
        SELECT id FROM tokens WHERE expires_at <= ?1 LIMIT ?2
    )";

/// Whether it is there now: not if another one has its id or its hash.
pub(super) fn create(transaction: &Transaction<'_>, token: &TokenRecord) -> rusqlite::Result<bool> {
    transaction.prepare_cached(INSERT)?.execute(params![
        token.id.as_bytes(),
        token.name,
        token.hash,
        token.scope,
        token.created_by.as_bytes(),
        token.created_at.as_millis(),
        token.expires_at.map(Timestamp::as_millis),
        token.last_used_at.map(Timestamp::as_millis),
    ])?;
    transaction
        .prepare_cached(IS_SAME)?
        .query_row(params![token.id.as_bytes(), token.hash], |row| row.get(0))
}

pub(super) fn by_hash(
    connection: &Connection,
    hash: &SecretHash,
) -> rusqlite::Result<Option<TokenRecord>> {
    connection.prepare_cached(BY_HASH)?.query_row([hash], token).optional()
}

pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<TokenRecord>> {
    connection.prepare_cached(ALL)?.query_map([], token)?.collect()
}

pub(super) fn delete(
    transaction: &Transaction<'_>,
    id: Uuid,
) -> rusqlite::Result<Option<TokenRecord>> {
    transaction.prepare_cached(DELETE)?.query_row([id.as_bytes()], token).optional()
}

pub(super) fn touch(
    transaction: &Transaction<'_>,
    id: Uuid,
    now: Timestamp,
) -> rusqlite::Result<()> {
    transaction.prepare_cached(TOUCH)?.execute(params![id.as_bytes(), now.as_millis()]).map(|_| ())
}

/// One step of a sweep: how many it has deleted.
pub(super) fn delete_ended(
    transaction: &Transaction<'_>,
    now: Timestamp,
    rows: usize,
) -> rusqlite::Result<usize> {
    transaction.prepare_cached(DELETE_ENDED)?.execute(params![now.as_millis(), rows as i64])
}

pub(in crate::embedded) fn token(row: &Row<'_>) -> rusqlite::Result<TokenRecord> {
    Ok(TokenRecord {
        id: columns::uuid(row, 0)?,
        name: row.get(1)?,
        hash: row.get(2)?,
        scope: row.get(3)?,
        created_by: columns::uuid(row, 4)?,
        created_at: Timestamp::from_millis_clamped(row.get(5)?),
        expires_at: moment(row.get(6)?),
        last_used_at: moment(row.get(7)?),
    })
}

fn moment(millis: Option<i64>) -> Option<Timestamp> {
    millis.map(Timestamp::from_millis_clamped)
}
