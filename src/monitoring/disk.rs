//! The disk of the data folder, and how much of it is free.

use std::io;
use std::path::{Path, PathBuf};

/// What can be asked of a disk.
pub trait Disk: Send + Sync + 'static {
    /// Bytes that this user may still take.
    fn free(&self) -> io::Result<u64>;
}

/// The disk that a folder is on.
#[derive(Debug)]
pub struct DiskOf(PathBuf);

impl DiskOf {
    /// The folder has to be there when it is asked.
    pub fn folder(folder: &Path) -> Self {
        Self(folder.to_owned())
    }
}

impl Disk for DiskOf {
    fn free(&self) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(&self.0)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
}
