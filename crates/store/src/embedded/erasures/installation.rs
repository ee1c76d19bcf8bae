//! The table `installation`.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};

use crate::erasures::ErasureKey;

pub const EVERY: &str = "SELECT key, id FROM installation";

const FIND: &str = "SELECT key FROM installation WHERE id = 1";

const KEEP: &str = "
    INSERT INTO installation (id, key) VALUES (1, ?1) ON CONFLICT (id) DO NOTHING";

pub fn find(connection: &Connection) -> rusqlite::Result<Option<ErasureKey>> {
    let mut find = connection.prepare_cached(FIND)?;
    find.query_row([], key).optional()
}

/// The key that is there, which is this one where there was none.
pub fn keep(transaction: &Transaction<'_>, drawn: ErasureKey) -> rusqlite::Result<ErasureKey> {
    transaction.prepare_cached(KEEP)?.execute([drawn.0])?;
    transaction.prepare_cached(FIND)?.query_row([], key)
}

pub fn key(row: &Row<'_>) -> rusqlite::Result<ErasureKey> {
    row.get(0).map(ErasureKey)
}
