//! The mark of a folder whose embedded store was moved into MongoDB, or is being moved.
//!
//! The file of the store stays when it was moved, and what comes in afterwards is in MongoDB
//! alone: started on the file again by accident, the service would show what was, and keep
//! apart what comes. And what has gone over in part is nothing to start on either. So the mark
//! ends a start, and a person who means it removes the mark.

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::OpenError;
use crate::whole_file;

/// Its name within the folder.
const FILE: &str = "moved";

/// What a folder says of its move. A person may read it, and remove it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Drawn when the move began. The database has it too: so a move goes on where it began,
    /// and nowhere else.
    pub id: Uuid,
    /// Where to: hosts and database, without a word of who signs in there.
    pub to: String,
    /// Whether all of it went over, and was compared.
    pub is_complete: bool,
}

impl Mark {
    /// Where it is.
    pub fn path_in(data_dir: &Path) -> PathBuf {
        data_dir.join(FILE)
    }

    /// That of a folder, if it has one.
    ///
    /// # Errors
    ///
    /// Those of the folder, and where the file has something else in it.
    pub fn of(data_dir: &Path) -> Result<Option<Self>, OpenError> {
        let path = Self::path_in(data_dir);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|fault| {
                let fault = format!("{} is no mark of a move: {fault}", path.display());
                unusable(data_dir, io::Error::new(io::ErrorKind::InvalidData, fault))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unusable(data_dir, error)),
        }
    }

    /// Puts it into a folder, under another name until it is whole and on the disk.
    ///
    /// # Errors
    ///
    /// Those of the folder.
    pub fn put_into(&self, data_dir: &Path) -> Result<(), OpenError> {
        let put = || {
            let mut text = serde_json::to_vec(self)?;
            text.push(b'\n');
            whole_file::write(&Self::path_in(data_dir), &text)
        };
        put().map_err(|error| unusable(data_dir, error))
    }

    /// Why nobody starts on a folder with this mark.
    fn refusal(self, data_dir: &Path) -> OpenError {
        let (mark, to) = (Self::path_in(data_dir), self.to);
        if self.is_complete {
            OpenError::Moved { mark, to }
        } else {
            OpenError::HalfMoved { mark, to }
        }
    }
}

fn unusable(data_dir: &Path, source: io::Error) -> OpenError {
    OpenError::Folder { path: data_dir.into(), source }
}

/// Refuses a folder whose store was moved, or is being moved.
pub(super) fn refuse_moved(data_dir: &Path) -> Result<(), OpenError> {
    Mark::of(data_dir)?.map_or(Ok(()), |mark| Err(mark.refusal(data_dir)))
}

/// Refuses a folder whose store has gone over in part, for whoever works with MongoDB.
///
/// # Errors
///
/// It has; or the folder cannot be read.
pub fn refuse_half_moved(data_dir: &Path) -> Result<(), OpenError> {
    match Mark::of(data_dir)? {
        Some(mark) if !mark.is_complete => Err(mark.refusal(data_dir)),
        _ => Ok(()),
    }
}
