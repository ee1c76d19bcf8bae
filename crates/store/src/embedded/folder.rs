//! The data folder: making it, and keeping other processes out of it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::OpenError;

/// The database's name within the folder.
pub(super) const DATABASE: &str = "trailkeep.db";

/// Where the database of a data folder is.
pub fn file_in(data_dir: &Path) -> PathBuf {
    data_dir.join(DATABASE)
}

/// The lock's name within the folder. The file stays when the lock is
/// released: removing it would let a process lock a file that has no name.
const LOCK: &str = "lock";

/// Where a database is made ready that is to be restored, within the folder.
const STAGING: &str = "restoring";

/// A data folder that belongs to this process for as long as this lives.
///
/// The lock is the operating system's, so it also ends when the process is
/// killed. The file holds the process's number, only for the error message.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder if it is missing, for this user alone, and locks it.
    pub(super) fn claim(path: &Path) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Folder { path: path.into(), source };
        make_private_folder(path).map_err(unusable)?;
        let mut lock = open_private_file(&path.join(LOCK)).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Locked { path: path.into(), holder: holder(&mut lock) });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        sign(&mut lock).map_err(unusable)?;
        Ok(Self { path: path.into(), _lock: lock })
    }

    /// Where a database is made ready that is to be restored.
    pub(super) fn staging(&self) -> PathBuf {
        self.path.join(STAGING)
    }

    /// Removes what a restore has left that was killed: it may have users who are erased.
    pub(super) fn clear_staging(&self) -> Result<(), OpenError> {
        match fs::remove_dir_all(self.staging()) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(OpenError::Folder { path: self.path.clone(), source })
            }
            _ => Ok(()),
        }
    }

    /// The database file, made if it is missing: SQLite itself would make it
    /// readable for everyone, and gives its side files the same rights.
    pub(super) fn database(&self) -> Result<PathBuf, OpenError> {
        let path = self.path.join(DATABASE);
        match open_private_file(&path) {
            Ok(_) => Ok(path),
            Err(source) => Err(OpenError::Folder { path: self.path.clone(), source }),
        }
    }
}

/// Who has a data folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Nobody.
    Free,
    /// A process, and its number as far as known.
    Process(Option<u32>),
}

/// Asks who has a data folder, for a moment, with a lock that others who ask may
/// have too.
///
/// # Errors
///
/// The file of the lock cannot be opened, or the system does not tell.
pub fn hold(path: &Path) -> io::Result<Hold> {
    let mut lock = match File::open(path.join(LOCK)) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Hold::Free),
        Err(error) => return Err(error),
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(Hold::Free),
        Err(TryLockError::WouldBlock) => Ok(Hold::Process(holder(&mut lock))),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

pub(super) fn make_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn open_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The process that holds the lock, if it wrote itself into the file.
fn holder(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn sign(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())
}
