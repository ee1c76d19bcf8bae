//! Why there is no backup.

use std::io;
use std::path::PathBuf;

use trailkeep_store::embedded::CopyError;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error(
        "the data is in MongoDB, which has its own tools: `mongodump` or snapshots. Beside each, run \
         `trailkeep erasures save FILE`, so that nobody comes back who is erased; \
         docs/OPERATIONS.md says how"
    )]
    OnMongo,
    #[error("{} is there. Choose another name: a backup overwrites nothing", .0.display())]
    Occupied(PathBuf),
    #[error(transparent)]
    Copy(#[from] CopyError),
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: io::Error },
}
