//! How a batch gets in.
//!
//! 1. Room is kept for it, in the buffer or beyond it ([spill](super::spill)),
//!    or it is refused: where it can be told from its length, [unparsed](super::buffer::turned_away).
//! 2. Its events are numbered, and it is handed to the journal, under one
//!    lock: so batches are written in the order of their numbers.
//! 3. Once it is on disk, the journal's thread puts it into the buffer, in the
//!    same order, and its sender is answered. From then on it is visible. While
//!    older batches are spilled it is not put there, but counted behind them.
//!
//! A sender that goes away after the second step is not answered; its batch
//! takes its way all the same. Without a journal the third step follows at
//! once.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Pipeline;
use super::buffer::turned_away::reaches;
use super::buffer::{NoRoom, Reserved, Room};
use super::journal::frame::Body;
use super::journal::{Journal, NotWritten, Place};
use super::shares::{KeyNumber, OverShare};
use super::spill::Written;
use super::waiter::Waiter;
use crate::event::id::Arrivals;
use crate::event::{Accepted, Arrival, Event, StoreId};

/// The events of one request.
#[derive(Debug)]
pub struct Posted {
    /// The events.
    pub events: Vec<Event>,
    /// The write key that let them in, where one is needed.
    pub key: Option<KeyNumber>,
    /// Bytes of the body that held them, decoded; `None` if they came in none.
    pub length: Option<u64>,
}

impl From<Vec<Event>> for Posted {
    fn from(events: Vec<Event>) -> Self {
        Self {
            events,
            key: None,
            length: None,
        }
    }
}

/// Why a batch was not taken. Nothing of it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// There is no room for it now.
    #[error("the buffer is full")]
    Full,
    /// There will never be room for it: alone it is larger than the buffer.
    #[error("the batch is larger than the buffer")]
    TooLarge,
    /// The journal cannot be written.
    #[error("the batch cannot be written to disk")]
    NotWritten,
    /// Somebody whose events are in it would hold more than its share.
    #[error("the batch would bring {:?} over its share", .0.tenant)]
    OverShare(OverShare),
}

impl Pipeline {
    /// Takes a batch whole, or refuses it. An event whose identity is in the
    /// buffer already is accepted and takes no further room.
    pub async fn admit(self: &Arc<Self>, posted: impl Into<Posted>) -> Result<(), NotAdmitted> {
        self.take(posted.into(), None).await
    }

    /// As [`admit`](Self::admit), and has the batch written to the store at
    /// once: whoever waits for it waits for the store and not for the clock.
    pub async fn admit_at_once(
        self: &Arc<Self>,
        posted: impl Into<Posted>,
    ) -> Result<Arc<Waiter>, NotAdmitted> {
        let waiter = Arc::new(Waiter::default());
        self.take(posted.into(), Some(Arc::clone(&waiter))).await?;
        Ok(waiter)
    }

    async fn take(
        self: &Arc<Self>,
        posted: Posted,
        waiter: Option<Arc<Waiter>>,
    ) -> Result<(), NotAdmitted> {
        let bytes = posted.events.iter().map(Event::size).sum::<usize>();
        if posted.events.len() > self.limits.max_events || bytes > self.limits.max_bytes {
            return Err(NotAdmitted::TooLarge);
        }
        let Reserved {
            events,
            repeated,
            room,
        } = self.reserve(posted)?;
        let coming = Coming {
            repeated,
            room,
            waiter,
        };
        match &self.journal {
            Some(journal) if !events.is_empty() => self.journaled(journal, events, coming).await,
            _ => self.in_memory(events, coming),
        }
    }

    fn reserve(&self, posted: Posted) -> Result<Reserved, NotAdmitted> {
        let mut buffer = self.buffer.lock();
        buffer
            .reserve(posted.events, posted.key, posted.length)
            .map_err(|no_room| match no_room {
                NoRoom::Full => {
                    // Under the lock: whoever makes room next takes it back.
                    self.health.buffer_full();
                    self.statistics.buffer_is(&buffer);
                    NotAdmitted::Full
                }
                NoRoom::Busy => NotAdmitted::Full,
                NoRoom::OverShare(over) => NotAdmitted::OverShare(over),
            })
    }

    /// Gives back the room of a batch that could not be kept. The buffer may
    /// have been full for that room alone.
    fn release(&self, room: Room, batch: &[Arc<Accepted>]) {
        let mut buffer = self.buffer.lock();
        buffer.release(room, batch);
        self.room_was_made(&mut buffer);
    }

    /// Whether a request is refused without being parsed whose body has that many
    /// bytes, decoded; `None` if that is not known. So it is where a batch that
    /// was not longer [found no room](super::buffer::turned_away), there is
    /// still none for it, and nothing has left the buffer since; and, however
    /// long it is, where the buffer is full. While requests are refused this takes no
    /// lock.
    pub fn turns_away(&self, length: Option<u64>) -> bool {
        if !self.statistics.is_shut_for(length) {
            return false;
        }
        self.health.is_full() || self.becomes_full(length)
    }

    /// Marks the service as full, if the buffer still is. Under the lock:
    /// whoever makes room next takes it back.
    fn becomes_full(&self, length: Option<u64>) -> bool {
        let buffer = self.buffer.lock();
        let is_full = buffer.shut_from().is_some_and(|from| reaches(length, from));
        if is_full {
            self.health.buffer_full();
        }
        is_full
    }

    fn in_memory(&self, events: Vec<Event>, coming: Coming) -> Result<(), NotAdmitted> {
        let mut clock = self.arrivals.lock();
        if self.buffer.lock().is_closed() {
            return Err(NotAdmitted::Full);
        }
        let first = clock.take(events.len(), self.clock.now());
        self.arrive(numbered(events, first), None, coming);
        drop(clock);
        Ok(())
    }

    async fn journaled(
        self: &Arc<Self>,
        journal: &Journal,
        events: Vec<Event>,
        coming: Coming,
    ) -> Result<(), NotAdmitted> {
        let mut body = Body::encode(&events);
        let bytes = body.frame_bytes() as u64;
        let (answer, answered) = oneshot::channel();
        {
            let mut clock = self.arrivals.lock();
            let first = clock.take(events.len(), self.clock.now());
            body.number_from(first);
            let batch = numbered(events, first);
            let last = batch.last().map_or(first, |accepted| accepted.arrival);
            let pipeline = Arc::clone(self);
            let done = move |written: Result<Place, NotWritten>| {
                match &written {
                    &Ok(place) => {
                        pipeline.arrive(batch, Some(Written { place, bytes }), coming);
                    }
                    Err(_) => pipeline.release(coming.room, &batch),
                }
                // Nobody may be waiting any more.
                let _ = answer.send(written.map(|_| ()));
            };
            journal.append(body, last, Box::new(done));
        }
        match answered.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(NotAdmitted::NotWritten),
        }
    }

    /// Takes a batch that is accepted, and wakes the lanes that have a reason.
    fn arrive(&self, batch: Vec<Arc<Accepted>>, written: Option<Written>, coming: Coming) {
        let Coming {
            repeated,
            room,
            waiter,
        } = coming;
        let count = batch.len() + repeated.len();
        let mut buffer = self.buffer.lock();
        let pushed = buffer.arrive(batch, written, room, Instant::now(), waiter.as_ref());
        // Counted before the flusher can see them, so that no reader finds
        // more stored than accepted.
        self.statistics.accepted.inc_by(count as u64);
        self.statistics
            .duplicate
            .inc_by((repeated.len() + pushed.duplicates) as u64);
        self.statistics.buffer_is(&buffer);
        if !buffer.spill().is_empty() {
            self.health.spilling(true);
            self.refill_if_possible(&buffer);
        }
        let called = buffer.call_if_full();
        if let Some(waiter) = &waiter {
            buffer.follow_repeated(&repeated, waiter);
            buffer.call();
            drop(buffer);
            self.wake_all();
            return;
        }
        drop(buffer);
        self.wake(pushed.lanes_started.union(called));
    }
}

/// What belongs to a batch on its way into the buffer.
struct Coming {
    /// Events of the request that were in the buffer before.
    repeated: Vec<StoreId>,
    room: Room,
    waiter: Option<Arc<Waiter>>,
}

fn numbered(events: Vec<Event>, first: Arrival) -> Vec<Arc<Accepted>> {
    events
        .into_iter()
        .zip(Arrivals::from(first))
        .map(|(event, arrival)| Arc::new(Accepted { event, arrival }))
        .collect()
}
