//! A file that is there as a whole, or not at all.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// What is beside a SQLite file that is written to.
const BESIDE: [&str; 3] = ["-journal", "-wal", "-shm"];

/// A file for this user alone, under another name until it is whole. Dropped before that, it
/// goes. Whoever writes it has a lock on it, which ends with the process.
pub struct WholeFile {
    path: PathBuf,
    part: PathBuf,
    /// What is written to.
    pub file: File,
    is_kept: bool,
}

impl WholeFile {
    /// Begins it. What an earlier try has left goes. Where the path is a link, it is the file
    /// behind it.
    ///
    /// # Errors
    ///
    /// Those of the folder, and [`io::ErrorKind::WouldBlock`] where somebody else writes it.
    pub fn begin(path: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let part = with_ending(&path, ".new");
        let file = made_anew(&part).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => {
                let fault = format!("another command is writing {}", path.display());
                io::Error::new(io::ErrorKind::WouldBlock, fault)
            }
            _ => error,
        })?;
        Ok(Self { path, part, file, is_kept: false })
    }

    /// What it is called until it is whole.
    pub fn part(&self) -> &Path {
        &self.part
    }

    /// Gives it its name, once it is on the disk. One that has the name goes.
    ///
    /// # Errors
    ///
    /// Those of the disk, and where the part was taken away meanwhile. Then it goes.
    pub fn keep(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        if !is_at(&self.file, &self.part) {
            let fault = format!("somebody has removed {}", self.part.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, fault));
        }
        fs::rename(&self.part, &self.path)?;
        self.is_kept = true;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

/// A new file at this place, and locked. It is made anew, or it would have the rights and the
/// owner of what was left there.
fn made_anew(part: &Path) -> io::Result<File> {
    loop {
        let mut options = OpenOptions::new();
        match options.read(true).write(true).create_new(true).mode(0o600).open(part) {
            Ok(file) => {
                lock(&file)?;
                // Whoever came in between took it for left, and has removed it.
                if is_at(&file, part) {
                    return Ok(file);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => remove_left(part)?,
            Err(error) => return Err(error),
        }
    }
}

/// Removes what was left there. A file is removed under its lock, for it may be somebody's.
fn remove_left(part: &Path) -> io::Result<()> {
    let Some(left) = or_gone(fs::symlink_metadata(part))? else { return Ok(()) };
    if !left.is_file() {
        return or_gone(fs::remove_file(part)).map(drop);
    }
    let left = OpenOptions::new().read(true).write(true).open(part);
    let Some(left) = or_gone(left)? else { return Ok(()) };
    lock(&left)?;
    if is_at(&left, part) { or_gone(fs::remove_file(part)).map(drop) } else { Ok(()) }
}

/// Fails where somebody else has it. A disk without locks tells nobody apart.
fn lock(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// Whether this very file is what has the name.
fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(file), Ok(there)) = (file.metadata(), fs::symlink_metadata(path)) else {
        return false;
    };
    (file.dev(), file.ino()) == (there.dev(), there.ino())
}

/// `None` where somebody was faster.
fn or_gone<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        done => done.map(Some),
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
        // The lock is given up after this.
        if self.is_kept || !is_at(&self.file, &self.part) {
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

    use std::os::unix::fs::{PermissionsExt as _, symlink};

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

    #[test]
    fn one_that_somebody_else_writes_is_left_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it");
        let mut first = WholeFile::begin(&path).unwrap();
        first.file.write_all(b"of the first").unwrap();
        let refused = WholeFile::begin(&path).err().unwrap().to_string();
        assert_eq!(refused, format!("another command is writing {}", path.display()));
        first.keep().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"of the first");
        write(&path, b"of the second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"of the second");
    }

    #[test]
    fn a_part_that_was_put_in_the_place_of_ours_is_neither_kept_nor_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it");
        for is_kept in [true, false] {
            let ours = WholeFile::begin(&path).unwrap();
            let part = ours.part().to_owned();
            fs::remove_file(&part).unwrap();
            fs::write(&part, "of another").unwrap();
            assert!(!is_kept || ours.keep().is_err());
            assert_eq!(fs::read(&part).unwrap(), b"of another");
            assert!(!path.exists());
        }
    }

    #[test]
    fn a_link_stays_and_what_is_behind_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        write(&real, b"before").unwrap();
        symlink(&real, &link).unwrap();
        write(&link, b"after").unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), real);
        assert_eq!(fs::read(&real).unwrap(), b"after");
    }

    #[test]
    fn a_link_in_the_place_of_the_part_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("it"), folder.path().join("other"));
        fs::write(&other, "of another").unwrap();
        symlink(&other, folder.path().join("it.new")).unwrap();
        write(&path, b"whole").unwrap();
        assert_eq!(fs::read(&other).unwrap(), b"of another");
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
    }

    #[test]
    fn of_many_at_once_each_is_whole_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it");
        let one = |number: u8| {
            let done = (0..200).filter(|_| match write(&path, &[number; 5_000]) {
                Ok(()) => true,
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "{error}");
                    false
                }
            });
            done.count()
        };
        let written = std::thread::scope(|scope| {
            let all: Vec<_> = (1..=4).map(|number| scope.spawn(move || one(number))).collect();
            all.into_iter().map(|one| one.join().unwrap()).sum::<usize>()
        });
        assert!(written > 0);
        let bytes = fs::read(&path).unwrap();
        assert!(bytes.len() == 5_000 && bytes.iter().all(|byte| *byte == bytes[0]));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
