//! Makes segments ready before they are needed, and zeroes those that are not
//! needed any more, on a thread of its own.
//!
//! To fill a file with zeros and to give it a name takes a sync of names, which
//! waits for all that others have written into the same file system: tens of
//! milliseconds beside a busy database. Nobody who waits for an answer should
//! wait for that.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;

use tracing::warn;

use super::disk::Disk;

/// Zeroed segments that are kept to be used again.
const SPARES: usize = 2;

/// A segment that has its name and its bytes, and not yet its head.
pub struct Ready<F> {
    pub number: u64,
    pub file: F,
}

enum Job {
    /// Of a segment and of its bytes: nobody needs it any more.
    Free(u64, u64),
    /// A segment with this number is needed.
    Make(u64),
}

pub struct Preparer<D: Disk> {
    jobs: Option<Sender<Job>>,
    made: Receiver<io::Result<Ready<D::Segment>>>,
    thread: Option<JoinHandle<()>>,
    is_making: bool,
}

impl<D: Disk> Preparer<D> {
    pub fn start(disk: Arc<D>) -> io::Result<Self> {
        let (jobs, received) = channel();
        let (answers, made) = channel();
        let thread = std::thread::Builder::new()
            .name("journal-segments".to_owned())
            .spawn(move || run(&*disk, &received, &answers))?;
        Ok(Self { jobs: Some(jobs), made, thread: Some(thread), is_making: false })
    }

    /// Has a segment zeroed, or removed.
    pub fn free(&self, number: u64, bytes: u64) {
        self.send(Job::Free(number, bytes));
    }

    /// Has a segment made, unless one is being made already.
    pub fn make(&mut self, number: impl FnOnce() -> u64) {
        if !self.is_making {
            self.is_making = true;
            self.send(Job::Make(number()));
        }
    }

    /// What came of the segment that is being made, without waiting for it.
    pub fn made(&mut self) -> Option<io::Result<Ready<D::Segment>>> {
        match self.made.try_recv() {
            Ok(made) => {
                self.is_making = false;
                Some(made)
            }
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(gone())),
        }
    }

    /// Waits for the segment that is being made; `None` if none is.
    pub fn wait(&mut self) -> Option<io::Result<Ready<D::Segment>>> {
        if !std::mem::take(&mut self.is_making) {
            return None;
        }
        Some(self.made.recv().unwrap_or_else(|_| Err(gone())))
    }

    /// Whether the thread is there, as it must be.
    pub fn is_alive(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    fn send(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            // Noticed by `is_alive`.
            let _ = jobs.send(job);
        }
    }
}

/// Waits for what was to be done: nothing is done in the folder after this.
impl<D: Disk> Drop for Preparer<D> {
    fn drop(&mut self) {
        self.jobs.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn gone() -> io::Error {
    io::Error::other("the thread that makes segments has ended")
}

fn run<D: Disk>(disk: &D, jobs: &Receiver<Job>, answers: &Sender<io::Result<Ready<D::Segment>>>) {
    let mut spares = Vec::new();
    while let Ok(job) = jobs.recv() {
        match job {
            Job::Free(number, bytes) => free(disk, number, bytes, &mut spares),
            Job::Make(number) => {
                let _ = answers.send(make(disk, number, &mut spares));
            }
        }
    }
}

fn free<D: Disk>(disk: &D, number: u64, bytes: u64, spares: &mut Vec<u64>) {
    if bytes == disk.segment_bytes() && spares.len() < SPARES {
        match disk.zero(number) {
            Ok(()) => return spares.push(number),
            Err(error) => warn!(segment = number, %error, "a segment cannot be zeroed"),
        }
    }
    remove(disk, number);
}

fn remove<D: Disk>(disk: &D, number: u64) {
    if let Err(error) = disk.remove(number)
        && error.kind() != io::ErrorKind::NotFound
    {
        warn!(segment = number, %error, "a segment cannot be removed");
    }
}

fn make<D: Disk>(disk: &D, number: u64, spares: &mut Vec<u64>) -> io::Result<Ready<D::Segment>> {
    if let Some(spare) = spares.pop() {
        if let Ok(file) = disk.rename(spare, number) {
            return Ok(Ready { number, file });
        }
        // It has the one name or the other, and would be nobody's.
        remove(disk, spare);
        remove(disk, number);
    }
    let file = disk.create(number, disk.segment_bytes())?;
    Ok(Ready { number, file })
}
