//! Reads what is beyond the head back from the journal, as the head gets room.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tracing::error;
use trailkeep_journal::{Place, Read, ReadBack};

use super::Ingest;
use super::backlog::{Backlog, HEAD};
use super::record::{self, Batch, NotDecoded};
use super::room::Amount;

/// How long to leave a disk alone that could not be read.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why reading back does not go on.
enum NotFilled {
    /// The disk could not be read this time.
    Disk(io::Error),
    /// What comes next was written by a newer version.
    Newer,
}

impl From<io::Error> for NotFilled {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// Reads the journal back.
pub struct Readback {
    reader: Box<dyn ReadBack>,
    /// Where the reader goes on.
    place: Place,
    /// What was read and found no room yet. It counts as beyond.
    pending: Option<Read>,
    /// How many events were read.
    events: usize,
}

impl Readback {
    /// Has read nothing yet.
    pub fn new(reader: Box<dyn ReadBack>) -> Self {
        Self { reader, place: Place::default(), pending: None, events: 0 }
    }

    /// Moves batches into the head until that is full or nothing is beyond.
    /// Blocks on the disk.
    fn fill(&mut self, ingest: &Ingest) -> Result<(), NotFilled> {
        while let Some((from, up_to)) = ingest.wanted() {
            let Some(read) = self.next(from, up_to)? else {
                ingest.lose(|backlog| backlog.read_up_to(up_to));
                continue;
            };
            let need = amount(&read);
            if !ingest.backlog.lock().has_room_for(need) {
                self.pending = Some(read);
                return Ok(());
            }
            match record::decode(&read.record) {
                Ok(batch) => {
                    self.events += need.events;
                    ingest.take_back(batch, read.end, need);
                }
                Err(NotDecoded::Unreadable) => {
                    ingest.lose(|backlog| backlog.skip(need, read.end));
                }
                Err(NotDecoded::Newer) => return Err(NotFilled::Newer),
            }
            if self.events >= HEAD.events {
                ingest.filled_first();
            }
        }
        Ok(())
    }

    /// The oldest record that is beyond; `None` if none of them can be read.
    fn next(&mut self, from: Place, up_to: Place) -> io::Result<Option<Read>> {
        if self.pending.is_some() {
            return Ok(self.pending.take());
        }
        if self.place < from {
            self.reader.seek(from);
            self.place = from;
        }
        let read = self.reader.next(up_to)?;
        self.place = read.as_ref().map_or(self.place, |read| read.end);
        Ok(read)
    }
}

fn amount(read: &Read) -> Amount {
    Amount {
        events: read.record.header.weight as usize,
        bytes: usize::try_from(read.bytes).unwrap_or(usize::MAX),
    }
}

impl Ingest {
    fn wanted(&self) -> Option<(Place, Place)> {
        self.backlog.lock().wanted()
    }

    fn take_back(&self, batch: Batch, end: Place, amount: Amount) {
        // Before a writer can see them.
        if let Some(last) = batch.events.last() {
            self.doubt_up_to(last.arrival);
        }
        let mut backlog = self.backlog.lock();
        let uncounted = backlog.take_back(batch, end, amount.bytes);
        self.room.take_found(uncounted);
        self.statistics.restored.inc_by(uncounted.events as u64);
        self.changed(backlog);
        self.writer_wake.notify_one();
    }

    /// What is in the head now has to be stored before the service is ready.
    fn filled_first(&self) {
        let records = self.backlog.lock().records();
        let unset = u64::MAX;
        let _ = self.replay.compare_exchange(unset, records, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Accepted events cannot be read back: it is said, and counted, and waited
    /// for no more.
    fn lose(&self, lose: impl FnOnce(&mut Backlog) -> Amount) {
        let mut backlog = self.backlog.lock();
        let lost = lose(&mut backlog);
        self.statistics.unreadable.inc_by(lost.events as u64);
        let low = backlog.low();
        self.changed(backlog);
        // All that was read may be settled already, and nothing come that would tell so.
        self.feeder.settled_before(low);
        // When draining, writers wait for the last of what is beyond.
        self.writer_wake.notify_waiters();
        if lost.events > 0 {
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
            match filled {
                Ok(()) => {}
                Err(NotFilled::Disk(error)) => {
                    error!(%error, "the journal cannot be read; trying again");
                    tokio::time::sleep(RETRY_AFTER).await;
                    continue;
                }
                // Ends the process: passed over, they would be lost.
                Err(NotFilled::Newer) => {
                    return error!(
                        "the journal holds events that a newer version of the service accepted; \
                         start that version, let it store them, and stop it cleanly"
                    );
                }
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
