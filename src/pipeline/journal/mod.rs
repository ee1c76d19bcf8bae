//! What was accepted, on disk before it is answered.
//!
//! # Promises
//!
//! 1. A batch that was answered [`Ok`] is found by [`recover`](recovery::recover)
//!    after any crash, until [`Journal::forget_before`] has named a higher
//!    arrival number than all of its events have.
//! 2. A batch is given back whole or not at all, and batches come back in the
//!    order in which they were appended.
//! 3. A damaged journal never keeps the service from starting: what cannot be
//!    read is skipped, counted and put aside, and the rest is used.
//! 4. What is appended can be [read back](reader) while more is appended, at a
//!    cost that does not grow with what the journal holds; neither that nor a
//!    start takes more memory than a segment.
//!
//! # On disk
//!
//! A folder of segments, `segment-<number>.journal`, numbers in 20 digits and
//! growing. A segment is made at its full size (16 MiB, more where a single
//! batch needs it), filled with zeros and synced before its first use: writing
//! into it later changes no metadata, so that a sync costs one write and does
//! not stall while the disk is busy. A segment that may be forgotten is renamed
//! to a later number and used again; what it held stays in it. Both are done
//! [ahead](ahead) of use, but for the first segment and those of unusual size.
//!
//! All numbers are little endian. A segment begins with a head of 4,096 bytes,
//! of which these are used, once at 0 and once more at 2,048:
//!
//! | bytes | |
//! | --- | --- |
//! | 0..8 | `TKJRNL1\n` |
//! | 8..16 | the segment's number |
//! | 16..24 | the marker of its frames, drawn at random for each use |
//! | 24..32 | number of a segment that was given up, or 0 |
//! | 32..40 | how many bytes of that one count |
//! | 40..44 | CRC-32 of bytes 0..40 |
//!
//! Frames follow, each at an offset that is a multiple of 8:
//!
//! | bytes | |
//! | --- | --- |
//! | 0..8 | the marker |
//! | 8..12 | length of the body |
//! | 12..16 | CRC-32 of segment number, offset in the segment, length, body |
//! | 16.. | body: one batch, see [`frame`] |
//!
//! The marker is new for each use of a file, so that a frame which an earlier
//! use left behind is not taken for one of this use, and at random, so that
//! nobody can plant one in a payload. The checksum covers number and offset:
//! a frame counts only where it was written. The name of the file is what its
//! number is.
//!
//! # Writing
//!
//! One thread writes. It takes all batches that wait, writes them with one
//! call behind the last frame, syncs once (`fdatasync`), and then answers all
//! of them in order: what arrives meanwhile shares the next sync, which under
//! load [waits a moment](Rules::sync_interval) for more of them.
//!
//! A write or a sync that fails answers its batches with an error, and that
//! segment is never used again, because a later sync that succeeds proves
//! nothing about pages that the kernel has already dropped. So that a batch which
//! was refused does not come back, two things are done before the answer: zeros
//! are written over it, and the next segment's head names the segment and how
//! much of it counts; that one is kept for at least as long as the other. Either
//! is enough. Where no next segment can be made (a full disk) every append is
//! refused until one can, which is tried once a second.
//!
//! A single event that is never stored keeps its segment and all later ones: so
//! they are bounded, and at the bound appends are refused in the same way. It is
//! far beyond what the buffer and the spill can need. To write the event once
//! more, into a newer segment, would bound them too, and would break promise 2,
//! which reading back in one pass and order depends on.
//!
//! # What a crash leaves
//!
//! | the crash comes | what is found | what is done |
//! | --- | --- | --- |
//! | between two writes | frames, then zeros or a stale frame | the end |
//! | in a write | a torn last frame | put aside: it was never answered |
//! | after the write, before the answer | a whole frame | given back: it may have been answered |
//! | while a segment is made | a short or headless file | no frames in it |
//! | after a rename, before the new head | a head with another number | no frames in it |
//! | while one is removed | it is there or not | both are right |
//!
//! Events that are stored already come back as well: their identity makes the
//! second insert harmless. To keep these few, each frame says up to which
//! arrival number everything was stored when it was written, and events below
//! the highest such number are not given back. Later events must therefore be
//! numbered above all that the journal names, also when the clock has gone
//! back meanwhile: see [`Recovered::numbered_up_to`].

mod ahead;
pub mod frame;
mod pace;
pub mod reader;
pub mod recovery;
mod runs;
mod segment;
mod segments;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;

use crate::event::Arrival;
use frame::Body;
use reader::{ReadBack, Reader};
use recovery::Recovered;
pub use runs::Place;
use runs::Runs;
use segment::{Disk, Folder};
use writer::{Submission, Writer};

/// Why a batch is not in the journal. It must not be answered 202.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the journal cannot be written: {0}")]
pub struct NotWritten(pub Arc<str>);

/// What is called, on the journal's thread and in the order of appending, when
/// a batch is on disk, and where, or cannot be.
pub type Done = Box<dyn FnOnce(Result<Place, NotWritten>) + Send>;

/// What is called when the journal gets stuck (true) or works again (false).
pub type OnStuck = Box<dyn Fn(bool) + Send>;

/// How much of the disk a journal may take, and how often it is synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Bytes of segments with events that are needed: beyond that, batches are
    /// refused. Up to three of 16 MiB that wait for use come on top.
    pub max_bytes: u64,
    /// Time between the beginnings of two syncs, while batches of several
    /// clients are coming.
    pub sync_interval: Duration,
}

/// Takes batches to be kept. Dropping it ends the thread after what was
/// appended is written.
pub struct Journal {
    submissions: Mutex<Option<mpsc::Sender<Submission>>>,
    forget_before: Arc<AtomicI64>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// Why there is no journal.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made, read or written.
    #[error("the journal in {folder} cannot be opened: {source}")]
    Io {
        /// The folder.
        folder: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process has it.
    #[error(
        "the journal in {folder} is in use by another process; stop that one, or give this one \
         a folder of its own with --data-dir or DATA_DIR"
    )]
    Locked {
        /// The folder.
        folder: String,
    },
}

/// A journal that was opened.
pub struct Opened<J> {
    /// It.
    pub journal: J,
    /// What an earlier process left in it.
    pub recovered: Recovered,
    /// Reads that, and what is appended later.
    pub reader: Box<dyn ReadBack>,
}

/// A journal that is only read: a service that has none any more stores what
/// an earlier one left.
pub struct OldJournal {
    folder: Arc<Folder>,
    segments: Vec<u64>,
}

impl OldJournal {
    /// Opens the journal in this folder; `None` if there is none.
    pub fn open(folder: &Path) -> Result<Option<Opened<Self>>, OpenError> {
        if !folder.exists() {
            return Ok(None);
        }
        let folder_of = io_error(folder);
        let folder = Arc::new(lock(folder)?);
        let recovered = recovery::recover(&*folder).map_err(folder_of)?;
        let runs = Runs::new(recovered.runs.iter().copied());
        let reader = Reader::new(Arc::clone(&folder), Arc::new(runs));
        let segments = recovered.segments.iter();
        let segments = segments.map(|segment| segment.number).collect();
        Ok(Some(Opened {
            journal: Self { folder, segments },
            recovered,
            reader: Box::new(reader),
        }))
    }

    /// Removes what was read, once it is stored.
    pub fn remove(&self) {
        for &number in &self.segments {
            if let Err(error) = self.folder.remove(number)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(segment = number, %error, "a segment cannot be removed");
            }
        }
    }
}

fn io_error(folder: &Path) -> impl FnOnce(std::io::Error) -> OpenError {
    let folder = folder.display().to_string();
    |source| OpenError::Io { folder, source }
}

fn lock(folder: &Path) -> Result<Folder, OpenError> {
    let disk = Folder::open(folder).map_err(io_error(folder))?;
    if !disk.lock().map_err(io_error(folder))? {
        return Err(OpenError::Locked {
            folder: folder.display().to_string(),
        });
    }
    Ok(disk)
}

impl Journal {
    /// Opens the journal in this folder, which is made if it is missing.
    /// `on_stuck` is told, on the journal's thread, when no batch can be written
    /// any more and when one can again.
    pub fn open(folder: &Path, rules: Rules, on_stuck: OnStuck) -> Result<Opened<Self>, OpenError> {
        Self::on(lock(folder)?, rules, on_stuck).map_err(io_error(folder))
    }

    pub(super) fn on<D: Disk>(
        disk: D,
        rules: Rules,
        on_stuck: OnStuck,
    ) -> std::io::Result<Opened<Self>> {
        let disk = Arc::new(disk);
        let recovered = recovery::recover(&*disk)?;
        let runs = Arc::new(Runs::new(recovered.runs.iter().copied()));
        let reader = Reader::new(Arc::clone(&disk), Arc::clone(&runs));
        let forget_before = Arc::new(AtomicI64::new(i64::MIN));
        let (submissions, received) = mpsc::channel();
        let shared = writer::Shared {
            runs,
            forget_before: Arc::clone(&forget_before),
        };
        let writer = Writer::new(disk, &recovered, shared, rules, on_stuck);
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run(&received))?;
        let journal = Self {
            submissions: Mutex::new(Some(submissions)),
            forget_before,
            writer: Mutex::new(Some(thread)),
        };
        Ok(Opened {
            journal,
            recovered,
            reader: Box::new(reader),
        })
    }

    /// Has a batch written. `last` is the highest arrival number in it.
    pub fn append(&self, body: Body, last: Arrival, done: Done) {
        let submission = Submission {
            body,
            last: Some(last),
            done,
        };
        let refused = match &*self.submissions.lock() {
            Some(submissions) => submissions.send(submission).err().map(|error| error.0),
            None => Some(submission),
        };
        if let Some(submission) = refused {
            (submission.done)(Err(NotWritten("its thread has ended".into())));
        }
    }

    /// Everything with a lower arrival number is stored for good, and may be
    /// forgotten. Takes effect with the next batch.
    pub fn forget_before(&self, arrival: Arrival) {
        self.forget_before
            .fetch_max(arrival.as_i64(), Ordering::Release);
    }

    /// Writes what was appended, notes what may be forgotten, and ends the
    /// thread. Later appends are refused.
    pub fn close(&self) {
        self.submissions.lock().take();
        let writer = self.writer.lock().take();
        // The last owner may be what the thread itself was handed.
        let other = writer.filter(|writer| writer.thread().id() != std::thread::current().id());
        if let Some(Err(_)) = other.map(JoinHandle::join) {
            tracing::error!("the journal's thread panicked");
        }
    }

    /// Whether the thread that writes is at work, as it must be until
    /// [`close`](Self::close).
    pub fn is_alive(&self) -> bool {
        self.writer
            .lock()
            .as_ref()
            .is_some_and(|writer| !writer.is_finished())
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
pub(super) mod tests;
