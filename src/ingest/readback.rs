//! Reads what is beyond the head back from the journal, as the head gets room.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::Ingest;
use super::backlog::HEAD;
use super::record::{self, Batch};
use super::room::Amount;
use crate::journal::{Place, ReadBack};

/// How long to leave a disk alone that could not be read.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Reads the journal back.
pub struct Readback {
    reader: Box<dyn ReadBack>,
    /// Where the reader goes on.
    place: Place,
    /// What was read and found no room yet. It counts as beyond.
    pending: Option<Pending>,
    /// How many were read.
    events: usize,
}

struct Pending {
    batch: Batch,
    end: Place,
    bytes: usize,
}

impl Readback {
    /// Has read nothing yet.
    pub fn new(reader: Box<dyn ReadBack>) -> Self {
        Self {
            reader,
            place: Place::default(),
            pending: None,
            events: 0,
        }
    }

    /// Moves batches into the head until that is full or nothing is beyond.
    /// Blocks on the disk.
    fn fill(&mut self, ingest: &Ingest) -> io::Result<()> {
        while let Some((from, up_to)) = ingest.wanted() {
            match self.next(from, up_to)? {
                Next::Batch(pending) => {
                    self.events += pending.batch.events.len();
                    self.pending = ingest.take_back(pending);
                    if self.events >= HEAD.events {
                        ingest.filled_first();
                    }
                    if self.pending.is_some() {
                        return Ok(());
                    }
                }
                Next::Unreadable { events, bytes, end } => ingest.skip(events, bytes, end),
                Next::Nothing => ingest.read_up_to(up_to),
            }
        }
        Ok(())
    }

    fn next(&mut self, from: Place, up_to: Place) -> io::Result<Next> {
        if let Some(pending) = self.pending.take() {
            return Ok(Next::Batch(pending));
        }
        if self.place < from {
            self.reader.seek(from);
            self.place = from;
        }
        let Some(read) = self.reader.next(up_to)? else {
            return Ok(Next::Nothing);
        };
        self.place = read.end;
        let bytes = usize::try_from(read.bytes).unwrap_or(usize::MAX);
        let end = read.end;
        Ok(match record::decode(&read.record) {
            Some(batch) => Next::Batch(Pending { batch, end, bytes }),
            None => Next::Unreadable {
                events: read.record.weight as usize,
                bytes,
                end,
            },
        })
    }
}

enum Next {
    Batch(Pending),
    /// A record that is whole and that we cannot read.
    Unreadable {
        events: usize,
        bytes: usize,
        end: Place,
    },
    Nothing,
}

impl Ingest {
    fn wanted(&self) -> Option<(Place, Place)> {
        self.backlog.lock().wanted()
    }

    /// Gives the batch back if there is no room for it.
    fn take_back(&self, pending: Pending) -> Option<Pending> {
        let Pending { batch, end, bytes } = pending;
        // Before a writer can see them.
        if let Some(last) = batch.events.last() {
            self.doubt_up_to(last.arrival);
        }
        let mut backlog = self.backlog.lock();
        match backlog.take_back(batch, end, bytes) {
            Ok(uncounted) => self.room.take_found(uncounted),
            Err(batch) => return Some(Pending { batch, end, bytes }),
        }
        self.count(&backlog);
        drop(backlog);
        self.writer_wake.notify_one();
        None
    }

    /// What is in the head now has to be stored before the service is ready.
    fn filled_first(&self) {
        let records = self.backlog.lock().records();
        let unset = u64::MAX;
        let _ = self
            .replay
            .compare_exchange(unset, records, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn skip(&self, events: usize, bytes: usize, end: Place) {
        let lost = self.backlog.lock().skip(events, bytes, end);
        self.lost(lost);
    }

    fn read_up_to(&self, up_to: Place) {
        let lost = self.backlog.lock().read_up_to(up_to);
        self.lost(lost);
    }

    /// Accepted events cannot be read back: it is said, and counted, and waited
    /// for no more.
    fn lost(&self, lost: Amount) {
        // When draining, writers wait for the last of what is beyond.
        self.writer_wake.notify_waiters();
        if lost.events > 0 {
            self.statistics.unreadable.inc_by(lost.events as u64);
            self.made_room(lost);
            error!(
                events = lost.events,
                "accepted events cannot be read back from the journal: the disk has damaged them"
            );
        }
    }
}

/// Reads back whenever there is room; ends when a drain has begun and nothing is
/// beyond any more.
pub async fn run(ingest: Arc<Ingest>, mut readback: Readback, draining: CancellationToken) {
    loop {
        if ingest.wanted().is_some() {
            let filling = Arc::clone(&ingest);
            let filled = spawn_blocking(move || {
                let filled = readback.fill(&filling);
                (readback, filled)
            });
            // Noticed by whoever watches the tasks.
            let Ok((back, filled)) = filled.await else {
                return error!("reading the journal back ended unexpectedly");
            };
            readback = back;
            if let Err(error) = filled {
                error!(%error, "the journal cannot be read; trying again");
                tokio::time::sleep(RETRY_AFTER).await;
                continue;
            }
        }
        ingest.filled_first();
        ingest.replayed();
        if draining.is_cancelled() && !ingest.backlog.lock().is_beyond() {
            return;
        }
        tokio::select! {
            () = ingest.readback_wake.notified() => {}
            () = draining.cancelled(), if !draining.is_cancelled() => {}
        }
    }
}
