//! The file that the thread writes to.

use std::path::PathBuf;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::StoreError;
use crate::embedded::wal::{self, Wal};
use crate::embedded::{building, fault};

/// The database, and the only connection that may write to it.
pub(super) struct File {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) wal: Wal,
    pub(super) stopping: CancellationToken,
}

impl File {
    pub(super) fn change<T>(
        &mut self,
        job: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let changed = in_transaction(&mut self.connection, job)
            .map_err(|error| fault::store_error(&error))?;
        self.files_in_place().map(|()| changed)
    }

    pub(super) fn build(&mut self, sql: &str) -> Result<(), StoreError> {
        let built = building::build(&mut self.connection, sql, &self.stopping);
        built.map_err(|error| fault::store_error(&error))?;
        self.files_in_place()
    }

    /// Whether all is in the main file, and nothing in the write-ahead log.
    pub(super) fn empty_wal(&self) -> Result<bool, StoreError> {
        let emptied = wal::empty(&self.connection);
        let is_empty = emptied.map_err(|error| fault::store_error(&error))?;
        self.files_in_place().map(|()| is_empty)
    }

    /// Files that somebody removed can still be written to, and what is written
    /// is gone with the process: that is not to be acknowledged.
    pub(super) fn files_in_place(&self) -> Result<(), StoreError> {
        for path in [&self.path, &self.wal.file] {
            std::fs::metadata(path).map_err(|error| {
                StoreError::Denied(format!(
                    "{} was removed or moved while it was in use ({error}); restart the service",
                    path.display()
                ))
            })?;
        }
        Ok(())
    }

    /// Leaves one file that needs no recovery.
    pub(super) fn finish(self) {
        if let Err(error) = wal::empty(&self.connection) {
            warn!(%error, "cannot empty the write-ahead log; the next start reads it in");
        }
        if let Err((_, error)) = self.connection.close() {
            warn!(%error, "cannot close the database");
        }
    }
}

/// All of what the job does, or, if it fails, none of it.
pub(super) fn in_transaction<T>(
    connection: &mut Connection,
    job: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = job(&transaction)?;
    transaction.commit()?;
    Ok(done)
}
