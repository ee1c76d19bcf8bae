//! Segments made ready ahead of their use, on a thread of their own.
//!
//! To give a file its new name, or to fill it with zeros, takes a sync of names,
//! which waits for all that others have written into the same file system: tens
//! of milliseconds beside a busy database. Nobody who waits for an answer should
//! wait for that.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tracing::warn;

use super::segment::{Disk, SEGMENT_BYTES};

/// How long to leave a disk alone that could not give a segment: on a full one
/// each try takes the last bytes, for a moment, that others may need.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A segment that has its name and its bytes, and not yet its head.
pub struct Ready<F> {
    pub number: u64,
    pub file: F,
}

impl<F> Ready<F> {
    /// Out of a segment that is not needed any more, or, where there is none or
    /// it does not work, a new one.
    pub fn make<D>(disk: &D, spare: Option<u64>, number: u64, bytes: u64) -> io::Result<Self>
    where
        D: Disk<Segment = F>,
    {
        if let Some(spare) = spare {
            if let Ok(file) = disk.reuse(spare, number) {
                return Ok(Self { number, file });
            }
            // It has the one name or the other, and would be nobody's.
            let _ = disk.remove(spare);
            let _ = disk.remove(number);
        }
        let file = disk.create(number, bytes)?;
        Ok(Self { number, file })
    }
}

/// Makes one segment ready at a time. One that cannot be made is no error here:
/// the writer tries again when it needs it.
pub struct Ahead<D: Disk> {
    disk: Arc<D>,
    at_work: Option<JoinHandle<Option<Ready<D::Segment>>>>,
    failed: Option<Instant>,
}

impl<D: Disk> Ahead<D> {
    /// Makes nothing yet.
    pub fn new(disk: Arc<D>) -> Self {
        Self {
            disk,
            at_work: None,
            failed: None,
        }
    }

    /// Whether it may be told to start: all that it made was taken, and it did
    /// not fail a moment ago.
    pub fn is_free(&self) -> bool {
        let has_rested = self
            .failed
            .is_none_or(|failed| failed.elapsed() >= RETRY_AFTER);
        self.at_work.is_none() && has_rested
    }

    /// Begins to make a segment with that number ready, out of one that is not
    /// needed any more if there is one. Gives that back if it cannot begin.
    pub fn start(&mut self, spare: Option<u64>, number: u64) -> Result<(), Option<u64>> {
        let disk = Arc::clone(&self.disk);
        let make = move || {
            Ready::make(&*disk, spare, number, SEGMENT_BYTES)
                .inspect_err(|error| {
                    warn!(segment = number, %error, "no segment of the journal could be made ahead");
                })
                .ok()
        };
        let thread = std::thread::Builder::new().name("journal-ahead".to_owned());
        match thread.spawn(make) {
            Ok(thread) => {
                self.at_work = Some(thread);
                Ok(())
            }
            Err(_) => {
                self.failed = Some(Instant::now());
                Err(spare)
            }
        }
    }

    /// Takes the segment that has become ready, without waiting for it.
    pub fn made(&mut self) -> Option<Ready<D::Segment>> {
        if self.at_work.as_ref()?.is_finished() {
            self.wait()
        } else {
            None
        }
    }

    /// Takes the segment that is being made, once it is ready.
    pub fn wait(&mut self) -> Option<Ready<D::Segment>> {
        let made = self.at_work.take()?.join().ok().flatten();
        self.failed = made.is_none().then(Instant::now);
        made
    }
}
