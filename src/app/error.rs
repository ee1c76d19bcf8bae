//! Why a start did not come about, and what a person does about it.

use std::io;

use trailkeep_store::embedded::OpenError;
use trailkeep_store::mongo::MongoOpenError;

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The embedded store cannot be opened.
    #[error(transparent)]
    Embedded(#[from] OpenError),
    /// The MongoDB URI cannot be used.
    #[error(transparent)]
    Mongo(#[from] MongoOpenError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}{hint}")]
    Listen {
        address: String,
        /// What the system says.
        source: io::Error,
        hint: &'static str,
    },
    /// The journal cannot be opened.
    #[error("the journal in {folder} {source}")]
    Journal {
        folder: String,
        /// Why not, and what to do.
        source: trailkeep_journal::OpenError,
    },
    /// A version without a journal left events in files.
    #[error(
        "{file} holds events that an older version could not store; start that version once, let \
         it store them, and stop it cleanly"
    )]
    Undelivered { file: String },
    /// The backlog may become larger than the disk.
    #[error(
        "backlog.max_bytes = {limit} is more than the {free} bytes that {folder} has room for; \
         lower it, or give the service a larger disk"
    )]
    SmallDisk {
        limit: u64,
        /// Bytes that are free, or taken by the journal already.
        free: u64,
        /// The data folder.
        folder: String,
    },
    /// A processor cannot be delivered for.
    #[error("{0}")]
    Processing(String),
    /// The system gives no runtime, no signals or no metrics.
    #[error("cannot start: {0}")]
    System(String),
}
