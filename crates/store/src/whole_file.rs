//! A file that is there as a whole, or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
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
    /// Begins it. What an earlier try has left goes.
    ///
    /// # Errors
    ///
    /// Those of the folder.
    pub fn begin(path: &Path) -> io::Result<Self> {
        let part = with_ending(path, ".new");
        if let Err(error) = fs::remove_file(&part)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        // Made anew, or it would have the rights of the one before.
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).mode(0o600).open(&part)?;
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

/// Writes a whole file with this in it.
///
/// # Errors
///
/// Those of the folder and of the disk. Then the one that was there before stays.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut new = WholeFile::begin(path)?;
    new.file.write_all(bytes)?;
    new.keep()
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_whole_and_for_this_user_alone_whatever_was_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, left) = (folder.path().join("it"), folder.path().join("it.new"));
        fs::write(&left, "of a killed process").unwrap();
        fs::set_permissions(&left, fs::Permissions::from_mode(0o666)).unwrap();
        write(&path, b"whole").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!left.exists());
    }

    #[test]
    fn one_that_is_not_kept_leaves_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it");
        write(&path, b"before").unwrap();
        let mut half = WholeFile::begin(&path).unwrap();
        half.file.write_all(b"ha").unwrap();
        drop(half);
        assert_eq!(fs::read(&path).unwrap(), b"before");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
