//! The table `write_keys`, and the one row that says whether any has come or gone.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use trailkeep_event::Timestamp;
use uuid::Uuid;

use super::columns;
use crate::StoreError;
use crate::embedded::EmbeddedStore;
use crate::embedded::people::tables::from_json;
use crate::write_keys::{WriteKeyRecord, WriteKeyStore};

/// Keys whose use is noted in one transaction: inserts wait for it.
const TOUCHED_ROWS: usize = 500;

const INSERT: &str = "
    INSERT INTO write_keys (id, name, hash, hint, origins, created_by, created_at, expires_at,
                            last_used_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
    ON CONFLICT DO NOTHING";

const IS_SAME: &str = "SELECT EXISTS (SELECT 1 FROM write_keys WHERE id = ?1 AND name = ?2)";

macro_rules! columns {
    () => {
        "id, name, hash, hint, origins, created_by, created_at, expires_at, last_used_at"
    };
}

pub(in crate::embedded) const EVERY: &str = concat!("SELECT ", columns!(), " FROM write_keys");

pub(in crate::embedded) const EVERY_VERSION: &str = "SELECT version, id FROM write_keys_version";

const ALL: &str = concat!("SELECT ", columns!(), " FROM write_keys ORDER BY created_at, id");

const DELETE: &str = concat!("DELETE FROM write_keys WHERE id = ?1 RETURNING ", columns!());

/// Uses may come out of order, and the last one stays the last.
const TOUCH: &str = "
    UPDATE write_keys SET last_used_at = max(?2, coalesce(last_used_at, ?2))
    WHERE id = ?1";

const RENEW_VERSION: &str = "
    INSERT INTO write_keys_version (id, version) VALUES (1, ?1)
    ON CONFLICT (id) DO UPDATE SET version = excluded.version";

const VERSION: &str = "SELECT version FROM write_keys_version WHERE id = 1";

#[async_trait]
impl WriteKeyStore for EmbeddedStore {
    async fn create_write_key(&self, key: &WriteKeyRecord) -> Result<bool, StoreError> {
        let key = key.clone();
        self.writer.change(move |transaction| create(transaction, &key)).await
    }

    async fn delete_write_key(&self, id: Uuid) -> Result<Option<WriteKeyRecord>, StoreError> {
        self.writer.change(move |transaction| delete(transaction, id)).await
    }

    async fn write_keys(&self) -> Result<Vec<WriteKeyRecord>, StoreError> {
        self.readers.read(all).await
    }

    async fn write_keys_version(&self) -> Result<Option<Uuid>, StoreError> {
        self.readers.read(version).await
    }

    async fn touch_write_keys(&self, ids: &[Uuid], now: Timestamp) -> Result<(), StoreError> {
        for ids in ids.chunks(TOUCHED_ROWS) {
            let ids = ids.to_vec();
            self.writer.change(move |transaction| touch(transaction, &ids, now)).await?;
        }
        Ok(())
    }
}

/// Whether it is there now: not if another one has its name.
fn create(transaction: &Transaction<'_>, key: &WriteKeyRecord) -> rusqlite::Result<bool> {
    transaction.prepare_cached(INSERT)?.execute(params![
        key.id.as_bytes(),
        key.name,
        key.hash,
        key.hint,
        serde_json::Value::from(key.origins.as_slice()).to_string(),
        key.created_by.as_ref().map(Uuid::as_bytes),
        key.created_at.as_millis(),
        key.expires_at.map(Timestamp::as_millis),
        key.last_used_at.map(Timestamp::as_millis),
    ])?;
    renew_version(transaction)?;
    transaction
        .prepare_cached(IS_SAME)?
        .query_row(params![key.id.as_bytes(), key.name], |row| row.get(0))
}

fn delete(transaction: &Transaction<'_>, id: Uuid) -> rusqlite::Result<Option<WriteKeyRecord>> {
    renew_version(transaction)?;
    transaction.prepare_cached(DELETE)?.query_row([id.as_bytes()], key).optional()
}

fn renew_version(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let version = Uuid::new_v4();
    transaction.prepare_cached(RENEW_VERSION)?.execute([version.as_bytes()]).map(|_| ())
}

fn all(connection: &Connection) -> rusqlite::Result<Vec<WriteKeyRecord>> {
    connection.prepare_cached(ALL)?.query_map([], key)?.collect()
}

fn version(connection: &Connection) -> rusqlite::Result<Option<Uuid>> {
    connection.prepare_cached(VERSION)?.query_row([], version_of).optional()
}

pub(in crate::embedded) fn version_of(row: &Row<'_>) -> rusqlite::Result<Uuid> {
    columns::uuid(row, 0)
}

fn touch(transaction: &Transaction<'_>, ids: &[Uuid], now: Timestamp) -> rusqlite::Result<()> {
    let mut touch = transaction.prepare_cached(TOUCH)?;
    for id in ids {
        touch.execute(params![id.as_bytes(), now.as_millis()])?;
    }
    Ok(())
}

pub(in crate::embedded) fn key(row: &Row<'_>) -> rusqlite::Result<WriteKeyRecord> {
    let moment = |millis: Option<i64>| millis.map(Timestamp::from_millis_clamped);
    Ok(WriteKeyRecord {
        id: columns::uuid(row, 0)?,
        name: row.get(1)?,
        hash: row.get(2)?,
        hint: row.get(3)?,
        origins: from_json(row, 4)?,
        created_by: columns::optional_uuid(row, 5)?,
        created_at: Timestamp::from_millis_clamped(row.get(6)?),
        expires_at: moment(row.get(7)?),
        last_used_at: moment(row.get(8)?),
    })
}
