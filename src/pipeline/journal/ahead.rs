//! Segments made ready ahead of their use, on a thread of their own.
//!
//! To give a file its new name, or to fill it with zeros, takes a sync of names,
//! which waits for all that others have written into the same file system: tens
//! of milliseconds beside a busy database. Nobody who waits for an answer should
//! wait for that.

use std::sync::Arc;
use std::thread::JoinHandle;

use tracing::debug;

use super::segment::{Disk, SEGMENT_BYTES};

/// A segment that has its name and its bytes, and not yet its head.
pub struct Ready<F> {
    pub number: u64,
    pub file: F,
}

/// Makes one segment ready at a time. One that cannot be made is no error here:
/// the writer tries again when it needs it, and says so.
pub struct Ahead<D: Disk> {
    disk: Arc<D>,
    at_work: Option<JoinHandle<Option<Ready<D::Segment>>>>,
}

impl<D: Disk> Ahead<D> {
    /// Makes nothing yet.
    pub fn new(disk: Arc<D>) -> Self {
        Self {
            disk,
            at_work: None,
        }
    }

    /// Whether a segment is being made ready, or has become so and was not taken.
    pub fn is_at_work(&self) -> bool {
        self.at_work.is_some()
    }

    /// Begins to make a segment with that number ready, out of one that is not
    /// needed any more if there is one.
    pub fn start(&mut self, spare: Option<u64>, number: u64) {
        let disk = Arc::clone(&self.disk);
        let make = move || {
            let made = match spare {
                Some(spare) => disk.reuse(spare, number),
                None => disk.create(number, SEGMENT_BYTES),
            };
            match made {
                Ok(file) => Some(Ready { number, file }),
                Err(error) => {
                    debug!(segment = number, %error, "no segment could be made ahead of its use");
                    None
                }
            }
        };
        let thread = std::thread::Builder::new().name("journal-ahead".to_owned());
        self.at_work = thread.spawn(make).ok();
    }

    /// Takes the segment that has become ready, without waiting for it.
    pub fn made(&mut self) -> Option<Ready<D::Segment>> {
        let thread = self.at_work.take_if(|thread| thread.is_finished())?;
        thread.join().ok()?
    }

    /// Takes the segment that is being made, once it is ready.
    pub fn wait(&mut self) -> Option<Ready<D::Segment>> {
        self.at_work.take()?.join().ok()?
    }
}
