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
use crate::event::id::Arrivals;
use crate::event::{Accepted, Arrival, Event};

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
        let bytes = events.iter().map(Event::size).sum::<usize>();
        if events.len() > self.limits.max_events || bytes > self.limits.max_bytes {
            return Err(NotAdmitted::TooLarge);
        }
        let reserved = self.buffer.lock().reserve(events);
        let Some(reserved) = reserved else {
            self.health.buffer_full();
            return Err(NotAdmitted::Full);
        };
        match &self.journal {
            Some(journal) if !reserved.events.is_empty() => self.journaled(journal, reserved).await,
            _ => {
                self.in_memory(reserved);
                Ok(())
            }
        }
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

    fn in_memory(&self, reserved: Reserved) {
        let Reserved {
            events,
            duplicates,
            room,
        } = reserved;
        let mut clock = self.arrivals.lock();
        let first = clock.take(events.len(), self.clock.now());
        self.push(numbered(events, first), duplicates, room);
        drop(clock);
    }

    async fn journaled(
        self: &Arc<Self>,
        journal: &Journal,
        reserved: Reserved,
    ) -> Result<(), NotAdmitted> {
        let Reserved {
            events,
            duplicates,
            room,
        } = reserved;
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
                    Ok(()) => pipeline.push(batch, duplicates, room),
                    Err(_) => pipeline.buffer.lock().release(room),
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
    fn push(&self, batch: Vec<Arc<Accepted>>, duplicates: usize, room: Room) {
        let count = batch.len() + duplicates;
        let mut buffer = self.buffer.lock();
        buffer.release(room);
        let pushed = buffer.push(batch, Instant::now());
        // Counted before the flusher can see them, so that no reader finds
        // more stored than accepted.
        self.statistics.accepted.inc_by(count as u64);
        self.statistics
            .duplicate
            .inc_by((duplicates + pushed.duplicates) as u64);
        self.statistics.buffer_is(&buffer);
        let is_flush_due = buffer.call_if_full(self.rules.max_events);
        drop(buffer);
        self.wake(is_flush_due, &pushed.lanes_started);
    }
}

fn numbered(events: Vec<Event>, first: Arrival) -> Vec<Arc<Accepted>> {
    events
        .into_iter()
        .zip(Arrivals::from(first))
        .map(|(event, arrival)| Arc::new(Accepted { event, arrival }))
        .collect()
}
