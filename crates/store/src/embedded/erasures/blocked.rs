//! The table `blocked_ids`.

use rusqlite::{Connection, Row, Transaction};

use crate::erasures::IdHash;

const BLOCK: &str = "INSERT INTO blocked_ids (hash) VALUES (?1) ON CONFLICT DO NOTHING";

const UNBLOCK: &str = "DELETE FROM blocked_ids WHERE hash = ?1";

pub const EVERY: &str = "SELECT hash FROM blocked_ids";

pub fn block(transaction: &Transaction<'_>, ids: &[IdHash]) -> rusqlite::Result<()> {
    let mut block = transaction.prepare_cached(BLOCK)?;
    for id in ids {
        block.execute([id.0])?;
    }
    Ok(())
}

pub fn unblock(transaction: &Transaction<'_>, id: IdHash) -> rusqlite::Result<bool> {
    Ok(transaction.prepare_cached(UNBLOCK)?.execute([id.0])? > 0)
}

pub fn all(connection: &Connection) -> rusqlite::Result<Vec<IdHash>> {
    let mut all = connection.prepare_cached(EVERY)?;
    all.query_map([], hash)?.collect()
}

pub fn hash(row: &Row<'_>) -> rusqlite::Result<IdHash> {
    row.get(0).map(IdHash)
}
