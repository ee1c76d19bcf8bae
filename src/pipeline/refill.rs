//! Brings [spilled](super::spill) events back into the buffer.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::Pipeline;
use super::buffer::TakeBack;
use super::journal::reader::{Batch, ReadBack};
use super::journal::recovery::Unstored;
use super::spill::Wanted;

/// How long to leave a disk alone that could not be read.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Where in the journal the spilled events are read.
pub struct Refiller {
    reader: Box<dyn ReadBack>,
    /// A batch that was read and for which there was no room yet. It counts as
    /// spilled.
    pending: Option<Batch>,
}

impl Refiller {
    /// A refiller that has read nothing yet.
    pub fn new(reader: Box<dyn ReadBack>) -> Self {
        Self {
            reader,
            pending: None,
        }
    }

    /// Moves batches into the buffer until it is full or nothing is spilled.
    fn refill(&mut self, pipeline: &Pipeline) -> io::Result<()> {
        loop {
            let Some(wanted) = pipeline.buffer.lock().wanted() else {
                return Ok(());
            };
            if let Some(start) = wanted.start {
                self.reader.seek(start);
            }
            let next = match self.pending.take() {
                Some(batch) => Some(batch),
                None => self.reader.next(wanted.up_to)?,
            };
            match next {
                Some(batch) => self.pending = pipeline.take_back(batch),
                None => pipeline.miss(wanted),
            }
            if self.pending.is_some() {
                return Ok(());
            }
        }
    }
}

impl Pipeline {
    /// Takes over what an earlier process left in the journal: as much as the
    /// buffer holds at once, the rest as there is room.
    pub fn restore_spilled(&self, unstored: Unstored) {
        self.number_after(unstored.last);
        self.doubt_up_to(unstored.last);
        self.statistics.restored.inc_by(unstored.events as u64);
        self.buffer.lock().spilled_before(unstored);
        self.refill();
    }

    /// Moves spilled events into the buffer until it is full; answers whether
    /// the disk could be read. Blocks on the disk.
    fn refill(&self) -> bool {
        let Some(refiller) = &mut *self.refiller.lock() else {
            return true;
        };
        match refiller.refill(self) {
            Ok(()) => true,
            Err(error) => {
                error!(%error, "the journal cannot be read; trying again");
                false
            }
        }
    }

    /// Gives the batch back if there is no room for it.
    fn take_back(&self, batch: Batch) -> Option<Batch> {
        let mut buffer = self.buffer.lock();
        let pushed = match buffer.take_back(batch, Instant::now()) {
            TakeBack::NoRoom(batch) => return Some(batch),
            TakeBack::Taken(pushed) => pushed,
        };
        self.statistics.duplicate.inc_by(pushed.duplicates as u64);
        let called = buffer.call_if_full();
        let was_last = buffer.spill().is_empty();
        self.room_was_made(&mut buffer);
        self.forget_stored(&buffer);
        drop(buffer);
        self.wake(pushed.lanes_started.union(called));
        if was_last {
            // When draining, lanes wait for the last of them.
            self.wake_all();
        }
        None
    }

    /// What was wanted is not there: it is said, and counted, and waited for no
    /// more.
    fn miss(&self, wanted: Wanted) {
        let mut buffer = self.buffer.lock();
        let events = buffer.missing(wanted);
        self.statistics.unreadable.inc_by(events as u64);
        self.room_was_made(&mut buffer);
        drop(buffer);
        self.wake_all();
        error!(
            events,
            "accepted events cannot be read back from the journal: the disk has damaged them"
        );
    }

    /// Whether accepted events lie in the journal alone.
    pub fn is_spilling(&self) -> bool {
        !self.buffer.lock().spill().is_empty()
    }
}

/// Brings spilled events back whenever there is room; ends when a drain has
/// begun and nothing is spilled any more.
pub(super) async fn run(pipeline: Arc<Pipeline>, draining: CancellationToken) {
    loop {
        if draining.is_cancelled() && !pipeline.is_spilling() {
            return;
        }
        tokio::select! {
            () = pipeline.refill_wake.notified() => {}
            () = draining.cancelled(), if !draining.is_cancelled() => continue,
        }
        let refilling = Arc::clone(&pipeline);
        match spawn_blocking(move || refilling.refill()).await {
            Ok(true) => {}
            Ok(false) => {
                tokio::time::sleep(RETRY_AFTER).await;
                pipeline.refill_wake.notify_one();
            }
            // Noticed by whoever watches the flusher.
            Err(error) => return error!(%error, "reading the journal back ended unexpectedly"),
        }
    }
}
