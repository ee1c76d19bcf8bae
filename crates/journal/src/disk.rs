//! The disk that holds segments: a folder of the service; in tests, one that
//! fails.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::head::FIRST_FRAME;

/// Bytes of damaged places that are kept for a person, in all.
const MAX_QUARANTINED: u64 = 64 << 20;

/// Bytes of a segment on a disk, unless a single record needs more. Small in unit
/// tests, so that segments fill up.
pub const SEGMENT_BYTES: u64 = if cfg!(test) { 128 << 10 } else { 16 << 20 };

/// Time between the beginnings of two syncs while records of several clients
/// come: they then share a sync. Without it an event that is sent alone takes an
/// eighth more CPU at saturation on a fast disk, and is answered in 0.83 instead of
/// 0.97 ms.
const SYNC_INTERVAL: Duration = if cfg!(test) { Duration::ZERO } else { Duration::from_millis(1) };

/// The file that is locked by the process that has the folder.
pub const LOCK: &str = "lock";

/// Where segments lie.
pub trait Disk: Send + Sync + 'static {
    /// An open segment.
    type Segment: SegmentFile;

    /// Bytes of a segment, unless a single record needs more.
    fn segment_bytes(&self) -> u64 {
        SEGMENT_BYTES
    }
    /// The least time between the beginnings of two syncs.
    fn sync_interval(&self) -> Duration {
        SYNC_INTERVAL
    }
    /// The numbers of all segments, in order.
    fn numbers(&self) -> io::Result<Vec<u64>>;
    /// Bytes of a segment.
    fn length(&self, number: u64) -> io::Result<u64>;
    /// That many bytes of a segment from an offset on; fewer at its end.
    fn read(&self, number: u64, offset: u64, bytes: usize) -> io::Result<Vec<u8>>;
    /// Makes a segment of zeros, synced, and so is its name.
    fn create(&self, number: u64, bytes: u64) -> io::Result<Self::Segment>;
    /// Overwrites a segment with zeros, synced; its head first, so that a crash
    /// in between leaves no head in front of frames that are gone.
    fn zero(&self, number: u64) -> io::Result<()>;
    /// Gives a segment another number, synced, and opens it.
    fn rename(&self, old: u64, new: u64) -> io::Result<Self::Segment>;
    /// Removes a segment.
    fn remove(&self, number: u64) -> io::Result<()>;
    /// Puts damaged bytes aside for a person; answers where.
    fn quarantine(&self, number: u64, offset: u64, bytes: &[u8]) -> io::Result<PathBuf>;
}

/// An open segment.
pub trait SegmentFile: Send + 'static {
    /// Writes all of it at an offset, and returns when it is on the disk; without
    /// syncs, when the system has it.
    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
}

#[derive(Debug)]
pub struct FolderSegment {
    file: File,
    is_synced: bool,
}

impl SegmentFile for FolderSegment {
    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)?;
        if self.is_synced {
            self.file.sync_data()?;
        }
        Ok(())
    }
}

#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    lock: File,
    /// Whether anything is synced at all.
    is_synced: bool,
}

impl Folder {
    /// Opens the folder; makes it, for this user only, if it is missing.
    pub fn open(path: &Path, is_synced: bool) -> io::Result<Self> {
        let is_new = !path.exists();
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        if is_new && is_synced {
            // Else a crash may take the folder with what was synced in it.
            sync_parents(path)?;
        }
        let mut options = OpenOptions::new();
        let lock = options.create(true).truncate(false).write(true).mode(0o600);
        Ok(Self { path: path.to_owned(), lock: lock.open(path.join(LOCK))?, is_synced })
    }

    /// Takes the folder for this process; false if another one has it.
    pub fn lock(&self) -> io::Result<bool> {
        match self.lock.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Files with damaged bytes, and how many bytes they have.
    pub fn quarantined(&self) -> io::Result<(usize, u64)> {
        let (mut files, mut bytes) = (0, 0);
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("damaged-") {
                files += 1;
                bytes += entry.metadata()?.len();
            }
        }
        Ok((files, bytes))
    }

    fn path_of(&self, number: u64) -> PathBuf {
        path_of(&self.path, number)
    }

    fn sync_names(&self) -> io::Result<()> {
        if self.is_synced {
            File::open(&self.path)?.sync_all()?;
        }
        Ok(())
    }

    fn fill_with_zeros(&self, file: &File, from: u64, to: u64) -> io::Result<()> {
        static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
        let mut offset = from;
        while offset < to {
            let left = usize::try_from(to - offset).unwrap_or(ZEROS.len());
            let count = left.min(ZEROS.len());
            file.write_all_at(&ZEROS[..count], offset)?;
            offset += count as u64;
        }
        if self.is_synced {
            file.sync_all()?;
        }
        Ok(())
    }
}

fn sync_parents(path: &Path) -> io::Result<()> {
    let path = path.canonicalize()?;
    for parent in path.ancestors().skip(1).take(2) {
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

fn path_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("segment-{number:020}.journal"))
}

/// The numbers of all segments in a folder, in order.
pub fn numbers_in(folder: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        numbers.extend(number_of(&entry?.path()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Bytes of a segment in a folder.
pub fn length_in(folder: &Path, number: u64) -> io::Result<u64> {
    Ok(fs::metadata(path_of(folder, number))?.len())
}

/// That many bytes of a segment in a folder, from an offset on; fewer at its end.
pub fn read_in(folder: &Path, number: u64, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
    let mut file = File::open(path_of(folder, number))?;
    file.seek(SeekFrom::Start(offset))?;
    let mut part = Vec::with_capacity(bytes.min(1 << 20));
    file.take(bytes as u64).read_to_end(&mut part)?;
    Ok(part)
}

fn number_of(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix("segment-")?.strip_suffix(".journal")?.parse().ok()
}

impl Disk for Folder {
    type Segment = FolderSegment;

    fn numbers(&self) -> io::Result<Vec<u64>> {
        numbers_in(&self.path)
    }

    fn length(&self, number: u64) -> io::Result<u64> {
        length_in(&self.path, number)
    }

    fn read(&self, number: u64, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
        read_in(&self.path, number, offset, bytes)
    }

    fn create(&self, number: u64, bytes: u64) -> io::Result<FolderSegment> {
        let path = self.path_of(number);
        let file = File::options().write(true).create_new(true).mode(0o600).open(&path)?;
        let filled = self.fill_with_zeros(&file, 0, bytes).and_then(|()| self.sync_names());
        if let Err(error) = filled {
            // What it took is needed by others when the disk is full.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(FolderSegment { file, is_synced: self.is_synced })
    }

    fn zero(&self, number: u64) -> io::Result<()> {
        let file = File::options().write(true).open(self.path_of(number))?;
        let end = file.metadata()?.len();
        let head = (FIRST_FRAME as u64).min(end);
        self.fill_with_zeros(&file, 0, head)?;
        self.fill_with_zeros(&file, head, end)
    }

    fn rename(&self, old: u64, new: u64) -> io::Result<FolderSegment> {
        let path = self.path_of(new);
        fs::rename(self.path_of(old), &path)?;
        self.sync_names()?;
        Ok(FolderSegment {
            file: File::options().write(true).open(path)?,
            is_synced: self.is_synced,
        })
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        fs::remove_file(self.path_of(number))
    }

    fn quarantine(&self, number: u64, offset: u64, bytes: &[u8]) -> io::Result<PathBuf> {
        let (_, kept) = self.quarantined()?;
        if kept + bytes.len() as u64 > MAX_QUARANTINED {
            return Err(io::Error::other(format!(
                "{kept} bytes of damaged places are kept already; look at the damaged-* files \
                 in {} and remove them",
                self.path.display()
            )));
        }
        let path = self.path.join(format!("damaged-{number:020}-{offset}.bin"));
        let file =
            File::options().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        file.write_all_at(bytes, 0)?;
        Ok(path)
    }
}
