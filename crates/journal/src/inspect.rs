//! A look at a journal that changes nothing, also while another process writes it.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::disk::{self, Disk, SegmentFile};
use super::place::Totals;
use super::recovery::{OpenError, recover};

/// How often a look is begun again that a process which writes has disturbed: it
/// renames, zeroes and removes segments.
const TRIES: u32 = 5;

/// What there is of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inspected {
    /// Segments that are needed.
    pub segments: usize,
    /// Bytes of all files of segments, those that wait for use included.
    pub bytes: u64,
    /// What is not known to be settled. While a process writes, what it has settled
    /// within the last second or two is in it.
    pub unsettled: Totals,
    /// Places that cannot be read, as far as a start would look at them.
    pub damaged: usize,
}

/// Whether a process has the journal in this folder. Asked for a moment with a lock
/// that others who look may have too.
///
/// # Errors
///
/// The file of the lock cannot be opened, or the system does not tell.
pub fn is_held(folder: &Path) -> io::Result<bool> {
    let lock = match File::open(folder.join(disk::LOCK)) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Looks through the journal in this folder as a start does; `None` where there is
/// none. Where a process writes it, what seems damaged is what it is just writing,
/// and is left out.
///
/// # Errors
///
/// A start would end with the same.
pub fn inspect(folder: &Path, is_held: bool) -> Result<Option<Inspected>, OpenError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let looked = look(folder);
        let is_sound = matches!(&looked, Ok(None) | Ok(Some(Inspected { damaged: 0, .. })));
        if is_sound || !is_held {
            return looked;
        }
        if tries == TRIES {
            let without = |inspected| Inspected { damaged: 0, ..inspected };
            return looked.map(|looked| looked.map(without));
        }
    }
}

fn look(folder: &Path) -> Result<Option<Inspected>, OpenError> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let disk = Untouched(folder.to_owned());
    let mut bytes = 0;
    for number in disk.numbers()? {
        bytes += disk.length(number)?;
    }
    let recovered = recover(&disk)?;
    Ok(Some(Inspected {
        segments: recovered.extents.len(),
        bytes,
        unsettled: recovered.unsettled(),
        damaged: recovered.damaged,
    }))
}

/// A disk that stays as it is, whatever is to be done to it.
struct Untouched(PathBuf);

/// Nobody writes to a journal that is looked at.
struct NoSegment;

impl SegmentFile for NoSegment {
    fn write(&self, _bytes: &[u8], _offset: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}

impl Disk for Untouched {
    type Segment = NoSegment;

    fn numbers(&self) -> io::Result<Vec<u64>> {
        disk::numbers_in(&self.0)
    }

    fn length(&self, number: u64) -> io::Result<u64> {
        disk::length_in(&self.0, number)
    }

    fn read(&self, number: u64, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
        disk::read_in(&self.0, number, offset, bytes)
    }

    fn create(&self, _number: u64, _bytes: u64) -> io::Result<NoSegment> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn zero(&self, _number: u64) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, _old: u64, _new: u64) -> io::Result<NoSegment> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    /// Left to the next start.
    fn remove(&self, _number: u64) -> io::Result<()> {
        Ok(())
    }

    /// Left to the next start.
    fn quarantine(&self, _number: u64, _offset: u64, _bytes: &[u8]) -> io::Result<PathBuf> {
        Ok(PathBuf::new())
    }
}
