//! Segments as files, and the disk that holds them.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::frame::Segment;

/// Bytes of a segment, unless a single batch needs more. Small in unit tests, so
/// that segments fill up.
pub const SEGMENT_BYTES: u64 = if cfg!(test) { 128 << 10 } else { 16 << 20 };
/// Bytes in front of the first frame.
pub const HEAD_BYTES: u64 = 4096;
const MAGIC: [u8; 8] = *b"TKJRNL1\n";

/// Of a segment that was given up, only what lies before `counts` is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GivenUp {
    /// Its number.
    pub number: u64,
    /// How many of its bytes count.
    pub counts: u64,
}

/// What the head of a segment says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The segment and what its frames begin with.
    pub segment: Segment,
    /// One that was given up when this one was made.
    pub given_up: Option<GivenUp>,
}

/// What stands where the head belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The head of this segment.
    Head(Head),
    /// Nothing yet, or the head of an earlier use of the file.
    Unused,
    /// Neither.
    Damaged,
}

/// Where in the head its words stand: twice, so that one damaged spot does not
/// cost the segment.
const COPIES: [usize; 2] = [0, 2048];

impl Head {
    /// As it stands at the beginning of the segment.
    pub fn to_bytes(self) -> Vec<u8> {
        let GivenUp { number, counts } = self.given_up.unwrap_or(GivenUp {
            number: 0,
            counts: 0,
        });
        let mut words = Vec::with_capacity(44);
        words.extend_from_slice(&MAGIC);
        words.extend_from_slice(&self.segment.number.to_le_bytes());
        words.extend_from_slice(&self.segment.marker);
        words.extend_from_slice(&number.to_le_bytes());
        words.extend_from_slice(&counts.to_le_bytes());
        words.extend_from_slice(&crc32fast::hash(&words).to_le_bytes());
        let mut head = vec![0; 4096];
        for copy in COPIES {
            head[copy..copy + words.len()].copy_from_slice(&words);
        }
        head
    }

    /// Reads the head of the segment with this number.
    pub fn read(bytes: &[u8], number: u64) -> Found {
        let copies = COPIES
            .iter()
            .map(|&copy| bytes.get(copy..).and_then(Self::read_words));
        match copies.flatten().next() {
            Some(head) if head.segment.number == number => Found::Head(head),
            Some(_) => Found::Unused,
            None if bytes.iter().all(|byte| *byte == 0) => Found::Unused,
            None => Found::Damaged,
        }
    }

    fn read_words(words: &[u8]) -> Option<Self> {
        let checked = words.get(..40)?;
        let crc = u32::from_le_bytes(words.get(40..44)?.try_into().ok()?);
        if checked[..8] != MAGIC || crc32fast::hash(checked) != crc {
            return None;
        }
        let word = |at: usize| -> Option<[u8; 8]> { checked.get(at..at + 8)?.try_into().ok() };
        let number = |at: usize| word(at).map(u64::from_le_bytes);
        let segment = Segment {
            number: number(8)?,
            marker: word(16)?,
        };
        let given_up = GivenUp {
            number: number(24)?,
            counts: number(32)?,
        };
        Some(Self {
            segment,
            given_up: (given_up.number != 0).then_some(given_up),
        })
    }
}

/// Where segments lie. The folder of the service; in tests, one that fails.
pub trait Disk: Send + Sync + 'static {
    /// An open segment.
    type Segment: SegmentFile;

    /// The numbers of all segments, in order.
    fn numbers(&self) -> io::Result<Vec<u64>>;
    /// All bytes of a segment.
    fn read(&self, number: u64) -> io::Result<Vec<u8>>;
    /// That many bytes of a segment from an offset on; fewer at its end.
    fn read_part(&self, number: u64, offset: u64, bytes: usize) -> io::Result<Vec<u8>>;
    /// Makes a segment of zeros, synced, and so is its name.
    fn create(&self, number: u64, bytes: u64) -> io::Result<Self::Segment>;
    /// Gives a segment another number, synced, and opens it.
    fn reuse(&self, old: u64, new: u64) -> io::Result<Self::Segment>;
    /// Removes a segment.
    fn remove(&self, number: u64) -> io::Result<()>;
    /// Puts damaged bytes aside for a person; answers where.
    fn quarantine(&self, number: u64, offset: usize, bytes: &[u8]) -> io::Result<PathBuf>;
}

/// An open segment.
pub trait SegmentFile: Send + 'static {
    /// Writes all of it at an offset.
    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Returns when all that was written is on the disk.
    fn sync(&self) -> io::Result<()>;
}

impl SegmentFile for File {
    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// The folder of a service.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    lock: File,
}

impl Folder {
    /// Opens the folder; makes it, for this user only, if it is missing.
    pub fn open(path: &Path) -> io::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)?;
        let mut options = OpenOptions::new();
        let lock = options.create(true).truncate(false).write(true).mode(0o600);
        Ok(Self {
            path: path.to_owned(),
            lock: lock.open(path.join("lock"))?,
        })
    }

    /// Takes the folder for this process; false if another one has it.
    pub fn lock(&self) -> io::Result<bool> {
        match self.lock.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn path_of(&self, number: u64) -> PathBuf {
        self.path.join(format!("segment-{number:020}.journal"))
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

fn number_of(path: &Path) -> Option<u64> {
    path.file_name()?
        .to_str()?
        .strip_prefix("segment-")?
        .strip_suffix(".journal")?
        .parse()
        .ok()
}

impl Disk for Folder {
    type Segment = File;

    fn numbers(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            numbers.extend(number_of(&entry?.path()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        fs::read(self.path_of(number))
    }

    fn read_part(&self, number: u64, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.path_of(number))?;
        file.seek(SeekFrom::Start(offset))?;
        let mut part = Vec::with_capacity(bytes);
        file.take(bytes as u64).read_to_end(&mut part)?;
        Ok(part)
    }

    fn create(&self, number: u64, bytes: u64) -> io::Result<File> {
        static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
        let path = self.path_of(number);
        let file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        let fill = || {
            let mut offset = 0;
            while offset < bytes {
                let count = usize::try_from(bytes - offset)
                    .unwrap_or(ZEROS.len())
                    .min(ZEROS.len());
                file.write_all_at(&ZEROS[..count], offset)?;
                offset += count as u64;
            }
            file.sync_all()?;
            self.sync_names()
        };
        if let Err(error) = fill() {
            // What it took is needed by others when the disk is full.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(file)
    }

    fn reuse(&self, old: u64, new: u64) -> io::Result<File> {
        fs::rename(self.path_of(old), self.path_of(new))?;
        self.sync_names()?;
        File::options().write(true).open(self.path_of(new))
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        fs::remove_file(self.path_of(number))
    }

    fn quarantine(&self, number: u64, offset: usize, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.path.join(format!("damaged-{number:020}-{offset}.bin"));
        fs::write(&path, bytes)?;
        Ok(path)
    }
}
