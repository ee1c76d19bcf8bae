//! What SQLite's errors mean to an operator, and to the callers of the store.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{ErrorCode, ffi};

use crate::{Reason, Refusal, StoreError};

/// Why the store could not be opened, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made, or this user may not write to it.
    #[error(
        "cannot use the data folder {}: {source}. Let this user write to it, \
         or choose another folder (store.data_dir, DATA_DIR)", .path.display()
    )]
    Folder {
        /// The data folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Another process has it.
    #[error(
        "the data folder {} is in use by another process{}. Stop that process, \
         or give this one a folder of its own (store.data_dir, DATA_DIR)",
        .path.display(), in_words(*.holder)
    )]
    Locked {
        /// The data folder.
        path: PathBuf,
        /// The process that has it, as far as known.
        holder: Option<u32>,
    },
    /// The file is no SQLite database, or a broken one.
    #[error(
        "{} is damaged or not a SQLite database: {detail}. Restore it from a backup, \
         or move it and its -wal and -shm files away to start with an empty one; \
         `sqlite3 FILE .recover` may save what is readable", .path.display()
    )]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },
    /// The file is a database of some other program.
    #[error(
        "{} is a SQLite database, but not one of Trailkeep's. Move it away, \
         or choose another folder (store.data_dir, DATA_DIR)", .path.display()
    )]
    Foreign {
        /// The database file.
        path: PathBuf,
    },
    /// The file was made by a newer version of the program.
    #[error(
        "{} was made by a newer Trailkeep (its format is {found}, this program knows {known}). \
         Run the newer program, or restore a backup from before the update", .path.display()
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// The file's version.
        found: usize,
        /// The newest version that this program knows.
        known: usize,
    },
    /// What the file has is in MongoDB now.
    #[error(
        "the embedded store of this folder was moved to {to}, and what came since is there alone. \
         Start with that database (store.mongodb_uri, MONGODB_URI); to go back to what the file \
         had then, remove {}", .mark.display()
    )]
    Moved {
        /// The file that says so.
        mark: PathBuf,
        /// Where to.
        to: String,
    },
    /// A part of what the file has is in MongoDB.
    #[error(
        "the embedded store of this folder is being moved to {to}, and a part of it is there. Run \
         `trailkeep move` again, which goes on where it was; to stay with the embedded store, \
         remove {}, and drop that database", .mark.display()
    )]
    HalfMoved {
        /// The file that says so.
        mark: PathBuf,
        /// Where to.
        to: String,
    },
    /// There is nothing to move.
    #[error(
        "there is no embedded store in {}: name the folder that has trailkeep.db \
         (--data-dir, DATA_DIR)", .path.display()
    )]
    NoStore {
        /// The data folder.
        path: PathBuf,
    },
    /// The file system gives no shared memory, as network file systems do.
    #[error(
        "{} cannot be opened in WAL mode, as is usual on network file systems. \
         Choose a folder on a local disk (store.data_dir, DATA_DIR)", .path.display()
    )]
    NoWal {
        /// The database file.
        path: PathBuf,
    },
    /// SQLite cannot open the file for any other reason.
    #[error("cannot open {}: {source}. Check the disk's space and the file's rights", .path.display())]
    Sqlite {
        /// The database file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The system would not start a thread.
    #[error("cannot start the store's thread: {0}. Raise the limit of processes for this user")]
    Thread(io::Error),
}

fn in_words(holder: Option<u32>) -> String {
    holder.map_or_else(String::new, |number| format!(" (process {number})"))
}

impl OpenError {
    pub(super) fn from_sqlite(path: &Path, source: rusqlite::Error) -> Self {
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Damaged { path: path.into(), detail: source.to_string() }
            }
            _ => Self::Sqlite { path: path.into(), source },
        }
    }
}

/// What a failed statement means for the whole call.
pub(super) fn store_error(error: &rusqlite::Error) -> StoreError {
    let detail = error.to_string();
    match error.sqlite_error_code() {
        // SQLITE_ERROR itself (`Unknown`) is a table or column that is not there.
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown) => {
            StoreError::Unreadable(detail)
        }
        Some(
            ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::AuthorizationForStatementDenied,
        ) => StoreError::Denied(detail),
        // Outside of inserts, which answer for each row, this ends the call.
        _ if is_of_the_row(error) => StoreError::Denied(detail),
        _ if is_unreadable_value(error) => StoreError::Unreadable(detail),
        _ => StoreError::Unavailable(detail),
    }
}

/// What a failed insert means for all of its events. A row ends the call only
/// where it ended the transaction too, as a trigger can.
pub(super) fn insert_error(error: &rusqlite::Error) -> StoreError {
    if is_of_the_row(error) { StoreError::Refused(refusal(error)) } else { store_error(error) }
}

/// Why SQLite refuses a row.
pub(super) fn refusal(error: &rusqlite::Error) -> Refusal {
    let code = error.sqlite_error();
    let reason = match code.map(|error| (error.code, error.extended_code)) {
        Some((ErrorCode::TooBig, _)) => Reason::TooLarge,
        Some((_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY)) => {
            Reason::UniqueIndex
        }
        Some((ErrorCode::ConstraintViolation, _)) => Reason::Validation,
        _ => Reason::Unknown,
    };
    Refusal::new(reason, error.to_string())
}

/// Whether SQLite refuses the one row for what it is.
pub(super) fn is_of_the_row(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch)
    )
}

/// Whether a row came back from SQLite but holds what we cannot take.
pub(super) fn is_unreadable_value(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..)
    )
}
