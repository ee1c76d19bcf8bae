//! How rows of an id go, from whatever table. `secure_delete` overwrites them in their
//! places.

use rusqlite::{Transaction, params};
use trailkeep_event::StoreId;

const EVENT: &str = "DELETE FROM events WHERE id = ?1";

/// `INDEXED BY` turns a plan without the index into an error.
pub const SUBJECT: &str = "
    UPDATE audit_trail SET subject = ?2 WHERE id IN (
        SELECT id FROM audit_trail INDEXED BY audit_trail_subject WHERE subject = ?1 LIMIT ?3
    )";

pub fn events(transaction: &Transaction<'_>, ids: &[StoreId]) -> rusqlite::Result<u64> {
    let mut delete = transaction.prepare_cached(EVENT)?;
    let mut removed = 0;
    for id in ids {
        removed += delete.execute([id.as_bytes()])? as u64;
    }
    Ok(removed)
}

/// How many it has renamed, of at most so many.
pub fn rename_subject(
    transaction: &Transaction<'_>,
    subject: &str,
    becomes: &str,
    limit: usize,
) -> rusqlite::Result<usize> {
    transaction.prepare_cached(SUBJECT)?.execute(params![subject, becomes, limit as i64])
}
