//! Waiting until nothing is left on the disk of what was accepted before.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tracing::warn;
use trailkeep_journal::{is_wiped, remove_damaged};

use super::Ingest;

/// How often it is looked whether a segment is gone.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Why it is not known that all is gone.
#[derive(Debug, thiserror::Error)]
pub enum NotWiped {
    /// The folder cannot be read, or nothing removed from it.
    #[error("the journal's folder: {0}")]
    Folder(#[from] io::Error),
    /// The process is about to end.
    #[error("the journal has ended")]
    Ended,
}

impl Ingest {
    /// Has the journal leave its segment, and waits until all up to there is settled and zeroed
    /// in its folder: as long as an event before it cannot be stored. What was put aside as
    /// damaged is removed, for nobody can tell whose it is.
    ///
    /// # Errors
    ///
    /// Those of the folder. It may be done again.
    pub async fn wipe_journal(&self, folder: &Path) -> Result<(), NotWiped> {
        let (told, left) = oneshot::channel();
        self.journal.leave(Box::new(move |number| told.send(number).unwrap_or_default()));
        let last = left.await.map_err(|_| NotWiped::Ended)?;
        while !in_folder(folder, move |folder| is_wiped(folder, last)).await? {
            sleep(LOOK_EVERY).await;
        }
        let files = in_folder(folder, remove_damaged).await?;
        if files > 0 {
            warn!(
                files,
                "damaged places of the journal that were put aside may have held something of \
                 an erased user, and are removed"
            );
        }
        Ok(())
    }
}

async fn in_folder<T: Send + 'static>(
    folder: &Path,
    work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> Result<T, NotWiped> {
    let folder: PathBuf = folder.to_owned();
    let done = spawn_blocking(move || work(&folder)).await;
    Ok(done.map_err(|_| NotWiped::Ended)??)
}
