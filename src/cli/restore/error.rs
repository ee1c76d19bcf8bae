//! Why a backup was not restored. Nothing has changed.

use std::io;
use std::path::PathBuf;

use trailkeep_event::Timestamp;
use trailkeep_store::StoreError;
use trailkeep_store::embedded::RestoreError;

use crate::app::StartError;
use crate::cli::backup::manifest::NotWhole;
use crate::cli::erasures::ListError;

/// Why it was not restored. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum RestoreFailed {
    #[error(
        "the data is in MongoDB: put it back with `mongorestore`, all instances stopped, and then run \
         `trailkeep erasures apply FILE`, so that nobody comes back who is erased; \
         docs/OPERATIONS.md says how"
    )]
    OnMongo,
    #[error(transparent)]
    NotWhole(#[from] NotWhole),
    #[error(
        "the clock of this machine says {now}, and the backup has events of {latest}: set the clock, \
         or events that come later would be ordered before these"
    )]
    ClockBehind { now: Timestamp, latest: Timestamp },
    #[error(
        "{} is of {taken_at}, older than the backup: it knows nobody whom the backup does not know. \
         Name a newer list, or none", .path.display()
    )]
    OldList { path: PathBuf, taken_at: Timestamp },
    #[error(transparent)]
    List(#[from] ListError),
    #[error(transparent)]
    Restore(#[from] RestoreError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: io::Error },
}
