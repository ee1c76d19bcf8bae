//! A disk in memory that forgets what was not synced, and fails when told to.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use rand::Rng as _;
use rand::rngs::StdRng;

use crate::disk::{Disk, SegmentFile};
use crate::head::FIRST_FRAME;

/// Bytes of a segment.
pub const SEGMENT_BYTES: u64 = 128 << 10;

/// What a disk writes as one.
const SECTOR: usize = 512;

#[derive(Default)]
struct File {
    durable: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
}

impl File {
    fn sync(&mut self) {
        for (offset, bytes) in std::mem::take(&mut self.unsynced) {
            self.durable[offset..offset + bytes.len()].copy_from_slice(&bytes);
        }
    }
}

/// What fails, how often.
#[derive(Default)]
pub struct Faults {
    /// Writes into a segment.
    pub writes: usize,
    /// Syncs of one.
    pub syncs: usize,
    /// Segments that are made.
    pub creates: usize,
    /// Names that are given; after the file has its new one.
    pub renames: usize,
    /// Segments that are zeroed.
    pub zeros: usize,
    /// Segments that are removed.
    pub removes: usize,
    /// Reads of one.
    pub reads: usize,
}

#[derive(Default)]
struct State {
    files: BTreeMap<u64, File>,
    faults: Faults,
    bytes_read: usize,
}

/// The disk; its clones are the same one.
#[derive(Clone, Default)]
pub struct MemoryDisk(Arc<Mutex<State>>, Arc<Mutex<()>>);

/// A segment on it.
pub struct MemoryFile {
    disk: MemoryDisk,
    number: u64,
}

fn fault(left: &mut usize, what: &str) -> io::Result<()> {
    if *left == 0 {
        return Ok(());
    }
    *left -= 1;
    Err(io::Error::other(format!("as told: {what}")))
}

impl MemoryDisk {
    /// Has operations fail from now on.
    pub fn fail(&self, set: impl FnOnce(&mut Faults)) {
        set(&mut self.0.lock().faults);
    }

    /// No segment gets a name while this is held, as when the disk is busy.
    pub fn hold_names(&self) -> MutexGuard<'_, ()> {
        self.1.lock()
    }

    /// All that was ever written is on the disk.
    pub fn sync_all(&self) {
        for file in self.0.lock().files.values_mut() {
            file.sync();
        }
    }

    /// The disk as another process finds it.
    pub fn copy(&self) -> Self {
        let state = self.0.lock();
        let copy = |(&number, file): (&u64, &File)| {
            let durable = file.durable.clone();
            (number, File { durable, unsynced: Vec::new() })
        };
        let files = state.files.iter().map(copy).collect();
        let state = State { files, ..State::default() };
        Self(Arc::new(Mutex::new(state)), Arc::default())
    }

    /// The power goes: of what was not synced, some sectors are on the disk
    /// and some are not. What a process still holds is of no use any more.
    pub fn after_power_cut(&self, random: &mut StdRng) -> Self {
        let state = self.0.lock();
        let mut after = State::default();
        for (&number, file) in &state.files {
            let mut durable = file.durable.clone();
            for (offset, bytes) in &file.unsynced {
                write_sectors(&mut durable, *offset, bytes, |_| random.random());
            }
            after.files.insert(number, File { durable, unsynced: Vec::new() });
        }
        Self(Arc::new(Mutex::new(after)), Arc::default())
    }

    /// Changes a byte in the middle of this text, wherever it first stands.
    pub fn damage(&self, text: &[u8]) {
        let mut state = self.0.lock();
        for file in state.files.values_mut() {
            let at = file.durable.windows(text.len()).position(|found| found == text);
            if let Some(at) = at {
                file.durable[at + text.len() / 2] ^= 1;
                return;
            }
        }
        panic!("the text is not on the disk");
    }

    /// Whether this text is anywhere on the disk.
    pub fn holds(&self, text: &[u8]) -> bool {
        let state = self.0.lock();
        let mut files = state.files.values();
        files.any(|file| file.durable.windows(text.len()).any(|found| found == text))
    }

    /// How many bytes were read since it was asked last.
    pub fn bytes_read(&self) -> usize {
        std::mem::take(&mut self.0.lock().bytes_read)
    }

    /// How many segments there are.
    pub fn segments(&self) -> usize {
        self.0.lock().files.len()
    }
}

fn write_sectors(
    file: &mut [u8],
    offset: usize,
    bytes: &[u8],
    mut is_written: impl FnMut(usize) -> bool,
) {
    let mut at = offset;
    while at < offset + bytes.len() {
        let end = ((at / SECTOR + 1) * SECTOR).min(offset + bytes.len());
        if is_written(at) {
            file[at..end].copy_from_slice(&bytes[at - offset..end - offset]);
        }
        at = end;
    }
}

impl Disk for MemoryDisk {
    type Segment = MemoryFile;

    /// So small that segments fill up in tests.
    fn segment_bytes(&self) -> u64 {
        SEGMENT_BYTES
    }

    /// Nothing is gained by sharing what takes no time.
    fn sync_interval(&self) -> Duration {
        Duration::ZERO
    }

    fn numbers(&self) -> io::Result<Vec<u64>> {
        Ok(self.0.lock().files.keys().copied().collect())
    }

    fn length(&self, number: u64) -> io::Result<u64> {
        match self.0.lock().files.get(&number) {
            Some(file) => Ok(file.durable.len() as u64),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn read(&self, number: u64, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
        let mut state = self.0.lock();
        fault(&mut state.faults.reads, "the read")?;
        let file = state.files.get(&number).ok_or(io::ErrorKind::NotFound)?;
        let from = usize::try_from(offset).unwrap().min(file.durable.len());
        let to = from.saturating_add(bytes).min(file.durable.len());
        let part = file.durable[from..to].to_vec();
        state.bytes_read += part.len();
        Ok(part)
    }

    fn create(&self, number: u64, bytes: u64) -> io::Result<MemoryFile> {
        let _names = self.1.lock();
        let mut state = self.0.lock();
        fault(&mut state.faults.creates, "no space")?;
        let durable = vec![0; usize::try_from(bytes).unwrap()];
        let before = state.files.insert(number, File { durable, unsynced: Vec::new() });
        assert!(before.is_none(), "segment {number} is there already");
        drop(state);
        Ok(MemoryFile { disk: self.clone(), number })
    }

    fn rename(&self, old: u64, new: u64) -> io::Result<MemoryFile> {
        let _names = self.1.lock();
        let mut state = self.0.lock();
        let file = state.files.remove(&old).unwrap();
        assert!(state.files.insert(new, file).is_none(), "segment {new} is there already");
        fault(&mut state.faults.renames, "the sync of names")?;
        drop(state);
        Ok(MemoryFile { disk: self.clone(), number: new })
    }

    fn zero(&self, number: u64) -> io::Result<()> {
        let mut state = self.0.lock();
        let fails = fault(&mut state.faults.zeros, "the zeros");
        let file = state.files.get_mut(&number).unwrap();
        file.unsynced.clear();
        // The head first: a fault leaves the rest.
        file.durable[..FIRST_FRAME].fill(0);
        fails?;
        file.durable.fill(0);
        Ok(())
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        let mut state = self.0.lock();
        fault(&mut state.faults.removes, "the sync of names")?;
        state.files.remove(&number);
        Ok(())
    }

    fn quarantine(&self, _: u64, _: u64, _: &[u8]) -> io::Result<PathBuf> {
        Ok(PathBuf::new())
    }
}

impl SegmentFile for MemoryFile {
    fn write(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        let written = fault(&mut state.faults.writes, "the write");
        // A sync that fails leaves it open what is on the disk.
        let synced = fault(&mut state.faults.syncs, "the sync");
        let file = state.files.get_mut(&self.number).unwrap();
        let offset = usize::try_from(offset).unwrap();
        assert!(offset + bytes.len() <= file.durable.len(), "a write behind the end");
        // Also a write that fails may have written.
        file.unsynced.push((offset, bytes.to_vec()));
        written.and(synced)?;
        file.sync();
        Ok(())
    }
}
