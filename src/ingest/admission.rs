//! How a batch gets in.
//!
//! 1. [Room](super::room) is taken for all of it, or it is refused; and its
//!    [tenants](super::quota) are charged.
//! 2. Its events are numbered, and its record is handed to the journal, under one
//!    lock: so records are written in the order of their numbers.
//! 3. Once it is on disk, the journal's thread puts it into the
//!    [backlog](super::backlog), in the same order, and its sender is answered.
//!
//! A sender that goes away after the second step is not answered; its batch takes
//! its way all the same.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use trailkeep_event::id::Arrivals;
use trailkeep_event::{Accepted, Event};
use trailkeep_journal::{Appended, NotWritten, Record, frame_bytes};

use super::quota::{OverShare, Quota};
use super::record::{self, Batch};
use super::room::{Amount, NoRoom, Reserved};
use super::waiter::Waiter;
use super::{Ingest, head_of};

#[cfg(all(feature = "fault-early-answer", not(debug_assertions)))]
compile_error!("fault-early-answer loses events: it is for the conservation harness alone");

/// How long a request may wait for room, from its head on. A database that
/// answers takes some thousand events in that time.
const PATIENCE: Duration = Duration::from_millis(300);

/// The events of one request.
#[derive(Debug)]
pub struct Posted {
    pub events: Vec<Event>,
    /// The name of the write key that let them in, where one is needed.
    pub key: Option<Arc<str>>,
}

impl From<Vec<Event>> for Posted {
    fn from(events: Vec<Event>) -> Self {
        Self { events, key: None }
    }
}

/// Why a batch was not taken. Nothing of it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// There is no room for it now.
    #[error("the backlog is full")]
    Full,
    /// There will never be room for it: alone it is larger than the backlog.
    #[error("the batch is larger than the backlog")]
    TooLarge,
    /// The journal has no room, or the disk has none beside what is accepted
    /// already.
    #[error("the batch cannot be written to disk")]
    NotWritten,
    /// Somebody whose events are in it would hold more than its share.
    #[error("the batch would bring {:?} over its share", .0.tenant)]
    OverShare(OverShare),
}

/// Until when a request waits for room.
#[derive(Debug, Clone, Copy)]
pub struct Patience(Option<Instant>);

impl Patience {
    /// Who does not wait.
    pub const NONE: Self = Self(None);
}

impl Ingest {
    /// How long a request waits that comes now: not at all while the database is
    /// known to be away, since then nothing makes room.
    pub fn patience(&self) -> Patience {
        let is_worth_it = self.health.is_taking_writes();
        Patience(is_worth_it.then(|| Instant::now() + PATIENCE))
    }

    /// Returns when the body of a request may be read: at once, unless others
    /// wait for room.
    pub async fn turn(&self, patience: Patience) -> Result<(), NotAdmitted> {
        self.check_disk()?;
        let turn = self.room.turn(patience.0).await;
        turn.map_err(|no_room| self.refused_for(no_room))
    }

    /// Takes a batch whole, or refuses it; but for events of blocked users, which nobody gets to
    /// see. The waiter, where there is one, is
    /// told what becomes of each event, and the batch is written at once:
    /// whoever waits for it waits for the store and not for the clock.
    pub async fn admit(
        self: &Arc<Self>,
        posted: impl Into<Posted>,
        patience: Patience,
        waiter: Option<Waiter>,
    ) -> Result<(), NotAdmitted> {
        self.check_disk()?;
        let Posted { mut events, key } = posted.into();
        let blocked = self.erased.leave_out_blocked(&mut events);
        if blocked > 0 {
            self.statistics.blocked.inc_by(blocked as u64);
            if events.is_empty() {
                if let Some(waiter) = waiter {
                    waiter.tell();
                }
                return Ok(());
            }
        }
        let need = room_for(&events, key.as_deref());
        let reserved = self.room.reserve(need, patience.0).await;
        let reserved = reserved.map_err(|no_room| self.refused_for(no_room))?;
        if let Err(over) = self.charge(&events, key.as_ref()) {
            drop(reserved);
            self.tell_room();
            return Err(over);
        }
        let record = record::encode(&events, key.as_deref());
        let answered = self.append(record, events, key, reserved, waiter);
        if cfg!(feature = "fault-early-answer") {
            return Ok(());
        }
        match answered.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(NotAdmitted::NotWritten),
            // The journal's disk fails: whether the batch is on it is not known,
            // so its sender gets no answer, and the process is about to end.
            Err(_) => std::future::pending().await,
        }
    }

    /// Whether a batch could be taken if nothing else were held. Takes nothing.
    ///
    /// # Errors
    ///
    /// It alone is larger than the backlog, or than a tenant's share of it.
    pub fn could_take(&self, posted: &Posted) -> Result<(), NotAdmitted> {
        let Posted { events, key } = posted;
        if !room_for(events, key.as_deref()).is_within(self.room.limit()) {
            return Err(NotAdmitted::TooLarge);
        }
        // Nobody else holds anything of it.
        let mut quota = Quota::new(head_of(self.room.limit()), self.shares);
        quota.charge(events, key.as_ref()).map_err(NotAdmitted::OverShare)
    }

    /// Asks for what was last found, never the disk itself.
    fn check_disk(&self) -> Result<(), NotAdmitted> {
        if self.health.is_disk_short() { Err(NotAdmitted::NotWritten) } else { Ok(()) }
    }

    fn charge(&self, events: &[Event], key: Option<&Arc<str>>) -> Result<(), NotAdmitted> {
        let charged = self.backlog.lock().quota().charge(events, key);
        charged.map_err(NotAdmitted::OverShare)
    }

    fn refused_for(&self, no_room: NoRoom) -> NotAdmitted {
        match no_room {
            NoRoom::Ever => NotAdmitted::TooLarge,
            NoRoom::Now => {
                // A large batch may find none where there is plenty for others.
                if !self.room.is_well_free() {
                    self.health.backlog_full();
                    // Room may have been made since.
                    self.tell_room();
                }
                NotAdmitted::Full
            }
        }
    }

    /// Numbers a batch and hands it to the journal.
    fn append(
        self: &Arc<Self>,
        mut record: Record,
        events: Vec<Event>,
        key: Option<Arc<str>>,
        reserved: Reserved,
        waiter: Option<Waiter>,
    ) -> oneshot::Receiver<Result<(), NotWritten>> {
        let (answer, answered) = oneshot::channel();
        let mut clock = self.arrivals.lock();
        let first = clock.take(events.len(), self.clock.micros());
        let numbered = events.into_iter().zip(Arrivals::from(first));
        let events: Vec<_> =
            numbered.map(|(event, arrival)| Arc::new(Accepted { event, arrival })).collect();
        let last = events.last().map_or(first, |last| last.arrival);
        record::number(&mut record, first, last);
        let ingest = Arc::clone(self);
        let done = move |written: Result<Appended, NotWritten>| {
            let batch = Batch { events, key };
            let answered = match written {
                Ok(appended) => {
                    reserved.keep();
                    ingest.arrive(batch, appended, waiter);
                    Ok(())
                }
                Err(reason) => {
                    ingest.release(&batch);
                    drop(reserved);
                    ingest.tell_room();
                    Err(reason)
                }
            };
            // Nobody may be waiting any more.
            let _ = answer.send(answered);
        };
        self.journal.append(record, Box::new(done));
        answered
    }

    /// Has the tenants of a batch that was not written hold it no more.
    fn release(&self, batch: &Batch) {
        let mut backlog = self.backlog.lock();
        for accepted in &batch.events {
            backlog.quota().leave(&accepted.event, batch.key.as_ref());
        }
    }

    /// Takes a batch that is in the journal.
    fn arrive(&self, batch: Batch, appended: Appended, waiter: Option<Waiter>) {
        // Counted before it can be written, so that no reader finds more stored
        // than accepted.
        self.statistics.accepted.inc_by(batch.events.len() as u64);
        let mut backlog = self.backlog.lock();
        // Else a writer knows of a moment at which it looks again.
        let was_idle = !backlog.is_waiting();
        let is_urgent = waiter.is_some();
        backlog.arrive(batch, appended, waiter);
        let is_due = is_urgent || backlog.is_filled(self.rules.max_events);
        self.changed(backlog);
        if was_idle || is_due {
            self.writer_wake.notify_one();
        }
    }
}

/// What a batch takes of the backlog.
fn room_for(events: &[Event], key: Option<&str>) -> Amount {
    Amount { events: events.len(), bytes: frame_bytes(record::body_bytes(events, key)) }
}
