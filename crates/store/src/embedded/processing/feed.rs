//! The table `feed`.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use trailkeep_delivery::{DocumentId, Process};

use super::columns::count;
use crate::processing::{FeedDocument, as_signed};

pub const EVERY: &str = "SELECT process, number, entries, processor FROM feed";

const APPEND: &str = "
    INSERT INTO feed (processor, process, number, entries) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (processor, process, number) DO NOTHING";

/// Of the next process, its first document: what is between is not read.
pub const NEXT_PROCESS: &str = "
    SELECT process, number FROM feed WHERE processor = ?1 AND process > ?2
    ORDER BY process, number LIMIT 1";

pub const DOCUMENTS: &str = "
    SELECT number, entries FROM feed WHERE processor = ?1 AND process = ?2 AND number >= ?3
    ORDER BY number LIMIT ?4";

pub const REMOVE: &str = "DELETE FROM feed WHERE processor = ?1 AND process = ?2 AND number = ?3";

const REPLACE: &str = "
    UPDATE feed SET entries = ?4 WHERE processor = ?1 AND process = ?2 AND number = ?3";

/// Their entries are not read.
pub const SIZE: &str = "SELECT count(*) FROM feed WHERE processor = ?1";

const REMOVE_SOME: &str = "
    DELETE FROM feed WHERE processor = ?1 AND (process, number) IN (
        SELECT process, number FROM feed WHERE processor = ?1 LIMIT ?2
    )";

pub fn append(
    transaction: &Transaction<'_>,
    name: &str,
    document: &FeedDocument,
) -> rusqlite::Result<()> {
    let DocumentId { process, number } = document.id;
    let row = params![name, process.0, as_signed(number), document.entries];
    transaction.prepare_cached(APPEND)?.execute(row).map(|_| ())
}

pub fn feeding(connection: &Connection, name: &str) -> rusqlite::Result<Vec<DocumentId>> {
    let mut next = connection.prepare_cached(NEXT_PROCESS)?;
    let mut lowest: Vec<DocumentId> = Vec::new();
    loop {
        // Nothing comes before no bytes.
        let behind = lowest.last().map_or(&[][..], |last| &last.process.0);
        let found = next.query_row(params![name, behind], |row| {
            Ok(DocumentId { process: Process(row.get(0)?), number: count(row, 1)? })
        });
        match found.optional()? {
            Some(id) => lowest.push(id),
            None => return Ok(lowest),
        }
    }
}

pub fn documents(
    connection: &Connection,
    name: &str,
    from: DocumentId,
    limit: usize,
) -> rusqlite::Result<Vec<FeedDocument>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let range = params![name, from.process.0, as_signed(from.number), limit];
    let mut documents = connection.prepare_cached(DOCUMENTS)?;
    let documents = documents.query_map(range, |row| {
        let id = DocumentId { process: from.process, number: count(row, 0)? };
        Ok(FeedDocument { id, entries: row.get(1)? })
    })?;
    documents.collect()
}

/// A row of [`EVERY`].
pub fn document(row: &Row<'_>) -> rusqlite::Result<FeedDocument> {
    let id = DocumentId { process: Process(row.get(0)?), number: count(row, 1)? };
    Ok(FeedDocument { id, entries: row.get(2)? })
}

/// In the place of the document with its id, if that is there.
pub fn replace(
    transaction: &Transaction<'_>,
    name: &str,
    document: &FeedDocument,
) -> rusqlite::Result<()> {
    let DocumentId { process, number } = document.id;
    let row = params![name, process.0, as_signed(number), document.entries];
    transaction.prepare_cached(REPLACE)?.execute(row).map(|_| ())
}

pub fn remove(
    transaction: &Transaction<'_>,
    name: &str,
    ids: &[DocumentId],
) -> rusqlite::Result<()> {
    let mut remove = transaction.prepare_cached(REMOVE)?;
    for id in ids {
        remove.execute(params![name, id.process.0, as_signed(id.number)])?;
    }
    Ok(())
}

pub fn size(connection: &Connection, name: &str) -> rusqlite::Result<u64> {
    connection.prepare_cached(SIZE)?.query_row([name], |row| count(row, 0))
}

/// How many it has removed, of at most so many.
pub fn remove_some(
    transaction: &Transaction<'_>,
    name: &str,
    limit: usize,
) -> rusqlite::Result<usize> {
    transaction.prepare_cached(REMOVE_SOME)?.execute(params![name, limit as i64])
}
