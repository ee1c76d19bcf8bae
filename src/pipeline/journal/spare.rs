//! Segments made ahead of their use, on a thread of their own.

use std::sync::Arc;
use std::thread::JoinHandle;

use tracing::debug;

use super::segment::{Disk, SEGMENT_BYTES};

/// Makes one segment at a time. One that cannot be made is no error here: the
/// writer tries again when it needs it, and says so.
pub struct SpareMaker<D> {
    disk: Arc<D>,
    /// Gives the number of the segment, if it could be made.
    at_work: Option<JoinHandle<Option<u64>>>,
}

impl<D: Disk> SpareMaker<D> {
    /// A maker that makes nothing yet.
    pub fn new(disk: Arc<D>) -> Self {
        Self {
            disk,
            at_work: None,
        }
    }

    /// Begins to make a segment with that number; false if one is being made, or
    /// no thread can be had.
    pub fn start(&mut self, number: u64) -> bool {
        if self.at_work.is_some() {
            return false;
        }
        let disk = Arc::clone(&self.disk);
        let make = move || match disk.create(number, SEGMENT_BYTES) {
            Ok(_) => Some(number),
            Err(error) => {
                debug!(segment = number, %error, "no segment could be made ahead of its use");
                None
            }
        };
        let thread = std::thread::Builder::new().name("journal-spare".to_owned());
        self.at_work = thread.spawn(make).ok();
        self.at_work.is_some()
    }

    /// The number of a segment that has been made since the last call.
    pub fn made(&mut self) -> Option<u64> {
        self.at_work
            .take_if(|thread| thread.is_finished())?
            .join()
            .ok()?
    }

    /// Waits for what is being made.
    pub fn finish(&mut self) {
        if let Some(thread) = self.at_work.take() {
            let _ = thread.join();
        }
    }
}
