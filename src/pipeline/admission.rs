//! How a batch gets in.
//!
//! 1. Room is kept for it, or it is refused.
//! 2. Its events are numbered, and it is handed to the journal, under one
//!    lock: so batches are written in the order of their numbers.
//! 3. Once it is on disk, the journal's thread puts it into the buffer, in the
//!    same order, and its sender is answered. From then on it is visible.
//!
//! A sender that goes away after the second step is not answered; its batch
//! takes its way all the same. Without a journal the third step follows at
//! once.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Pipeline;
use super::buffer::{Reserved, Room};
use super::journal::frame::Body;
use super::journal::{Journal, NotWritten};
use super::waiter::Waiter;
use crate::event::id::Arrivals;
use crate::event::{Accepted, Arrival, Event, StoreId};

/// Why a batch was not taken. Nothing of it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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
}

impl Pipeline {
    /// Takes a batch whole, or refuses it. An event whose identity is in the
    /// buffer already is accepted and takes no further room.
    pub async fn admit(self: &Arc<Self>, events: Vec<Event>) -> Result<(), NotAdmitted> {
        self.take(events, None).await
    }

    /// As [`admit`](Self::admit), and has the batch written to the store at
    /// once: whoever waits for it waits for the store and not for the clock.
    pub async fn admit_at_once(
        self: &Arc<Self>,
        events: Vec<Event>,
    ) -> Result<Arc<Waiter>, NotAdmitted> {
        let waiter = Arc::new(Waiter::default());
        self.take(events, Some(Arc::clone(&waiter))).await?;
        Ok(waiter)
    }

    async fn take(
        self: &Arc<Self>,
        events: Vec<Event>,
        waiter: Option<Arc<Waiter>>,
    ) -> Result<(), NotAdmitted> {
        let bytes = events.iter().map(Event::size).sum::<usize>();
        if events.len() > self.limits.max_events || bytes > self.limits.max_bytes {
            return Err(NotAdmitted::TooLarge);
        }
        let Reserved {
            events,
            repeated,
            room,
        } = self.reserve(events)?;
        let place = Place {
            repeated,
            room,
            waiter,
        };
        match &self.journal {
            Some(journal) if !events.is_empty() => self.journaled(journal, events, place).await,
            _ => self.in_memory(events, place),
        }
    }

    fn reserve(&self, events: Vec<Event>) -> Result<Reserved, NotAdmitted> {
        let mut buffer = self.buffer.lock();
        buffer.reserve(events).ok_or_else(|| {
            // Under the lock: whoever makes room next takes it back.
            self.health.buffer_full();
            NotAdmitted::Full
        })
    }

    /// Gives back the room of a batch that could not be kept. The buffer may
    /// have been full for that room alone.
    fn release(&self, room: Room) {
        let mut buffer = self.buffer.lock();
        buffer.release(room);
        self.room_was_made(&buffer);
    }

    /// Whether no further event would be taken: lets a request be refused
    /// before its body is read. Called only for a request that then is.
    pub fn is_full(&self) -> bool {
        let is_full = self.statistics.is_buffer_full();
        if is_full {
            self.health.buffer_full();
        }
        is_full
    }

    fn in_memory(&self, events: Vec<Event>, place: Place) -> Result<(), NotAdmitted> {
        let mut clock = self.arrivals.lock();
        if self.buffer.lock().is_closed() {
            return Err(NotAdmitted::Full);
        }
        let first = clock.take(events.len(), self.clock.now());
        self.push(numbered(events, first), place);
        drop(clock);
        Ok(())
    }

    async fn journaled(
        self: &Arc<Self>,
        journal: &Journal,
        events: Vec<Event>,
        place: Place,
    ) -> Result<(), NotAdmitted> {
        let mut body = Body::encode(&events);
        let (answer, answered) = oneshot::channel();
        {
            let mut clock = self.arrivals.lock();
            let first = clock.take(events.len(), self.clock.now());
            body.number_from(first);
            let batch = numbered(events, first);
            let last = batch.last().map_or(first, |accepted| accepted.arrival);
            let pipeline = Arc::clone(self);
            let done = move |written: Result<(), NotWritten>| {
                match &written {
                    Ok(()) => pipeline.push(batch, place),
                    Err(_) => pipeline.release(place.room),
                }
                // Nobody may be waiting any more.
                let _ = answer.send(written);
            };
            journal.append(body, last, Box::new(done));
        }
        match answered.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(NotAdmitted::NotWritten),
        }
    }

    /// Puts a batch into the buffer, and wakes the lanes that have a reason.
    fn push(&self, batch: Vec<Arc<Accepted>>, place: Place) {
        let Place {
            repeated,
            room,
            waiter,
        } = place;
        let count = batch.len() + repeated.len();
        let mut buffer = self.buffer.lock();
        buffer.release(room);
        let pushed = buffer.push(batch, Instant::now(), waiter.as_ref());
        // Counted before the flusher can see them, so that no reader finds
        // more stored than accepted.
        self.statistics.accepted.inc_by(count as u64);
        self.statistics
            .duplicate
            .inc_by((repeated.len() + pushed.duplicates) as u64);
        self.statistics.buffer_is(&buffer);
        let mut is_flush_due = buffer.call_if_full(self.rules.max_events);
        if let Some(waiter) = &waiter {
            buffer.follow_repeated(&repeated, waiter);
            buffer.call();
            is_flush_due = true;
        }
        drop(buffer);
        self.wake(is_flush_due, &pushed.lanes_started);
    }
}

/// What belongs to a batch on its way into the buffer.
struct Place {
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
