//! The write-ahead log (WAL) of SQLite, which must not grow for ever.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Row};
use tracing::warn;

use super::schema;

/// Bytes of WAL after which it is emptied by force: readers that always
/// overlap would otherwise let it grow for ever.
const LIMIT_BYTES: u64 = 64 << 20;

/// How long emptying the WAL by force waits for readers. Inserts wait as well.
const CHECKPOINT_PATIENCE: Duration = Duration::from_millis(500);

/// The log of the connection that writes.
pub struct Wal {
    /// It lies beside the database.
    pub file: PathBuf,
    /// Bytes after which it is emptied by force.
    limit: u64,
}

impl Wal {
    /// That of the database in this file.
    pub fn beside(database: &Path) -> Self {
        let mut file = database.as_os_str().to_owned();
        file.push("-wal");
        Self { file: file.into(), limit: LIMIT_BYTES }
    }

    /// Where a reader keeps the WAL from being emptied, the next try comes only
    /// when it has grown as much again: each one holds inserts up.
    pub fn keep_within_limit(&mut self, connection: &Connection) {
        if self.bytes() <= self.limit {
            return;
        }
        if let Err(error) = empty(connection) {
            warn!(%error, "cannot empty the write-ahead log");
        }
        self.limit = self.bytes() + LIMIT_BYTES;
    }

    fn bytes(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |file| file.len())
    }
}

/// Moves all of the WAL to the main file and cuts it to nothing, as far as
/// readers let it; whether they did.
pub fn empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(CHECKPOINT_PATIENCE)?;
    let is_empty = |row: &Row<'_>| row.get(0).map(|is_held: bool| !is_held);
    let emptied = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], is_empty);
    connection.busy_timeout(schema::WRITER_PATIENCE)?;
    emptied
}
