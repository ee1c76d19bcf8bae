//! A file that is there as a whole, or not at all.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// What is beside a SQLite file that is written to.
const BESIDE: [&str; 3] = ["-journal", "-wal", "-shm"];

/// A file for this user alone, under another name until it is whole. Dropped before that, it
/// goes.
pub struct WholeFile {
    path: PathBuf,
    part: PathBuf,
    /// What is written to.
    pub file: File,
    is_kept: bool,
}

impl WholeFile {
    /// Begins it. What an earlier try has left is overwritten.
    ///
    /// # Errors
    ///
    /// Those of the folder.
    pub fn begin(path: &Path) -> io::Result<Self> {
        let part = with_ending(path, ".part");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(&part)?;
        Ok(Self { path: path.to_owned(), part, file, is_kept: false })
    }

    /// What it is called until it is whole.
    pub fn part(&self) -> &Path {
        &self.part
    }

    /// Gives it its name, once it is on the disk. One that has the name goes.
    ///
    /// # Errors
    ///
    /// Those of the disk. Then it goes.
    pub fn keep(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.part, &self.path)?;
        self.is_kept = true;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        let _ = fs::remove_file(&self.part);
        for ending in BESIDE {
            let _ = fs::remove_file(with_ending(&self.part, ending));
        }
    }
}

/// A path with something behind its name.
pub fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
