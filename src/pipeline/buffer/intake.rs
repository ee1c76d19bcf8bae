//! How events come into the buffer, straight or by way of the journal.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Buffer, Pushed};
use crate::event::{Accepted, Event, StoreId};
use crate::pipeline::journal::reader::Batch;
use crate::pipeline::journal::recovery::Unstored;
use crate::pipeline::shares::{KeyNumber, OverShare};
use crate::pipeline::spill::{Wanted, Written};
use crate::pipeline::waiter::Waiter;

/// Room that is kept for events which are not here yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Room {
    pub(super) events: usize,
    pub(super) bytes: usize,
    /// Whether it is room to be spilled, and none in the buffer.
    is_spilled: bool,
    /// With which write key the events were sent.
    key: Option<KeyNumber>,
}

impl Room {
    /// What a batch needs at least of which nothing else is known.
    pub(super) const ONE_EVENT: Self = Self {
        events: 1,
        bytes: 0,
        is_spilled: false,
        key: None,
    };
}

/// A batch for which there is room.
#[derive(Debug, PartialEq)]
pub struct Reserved {
    /// Those of its events that are not in the buffer.
    pub events: Vec<Event>,
    /// Those that are.
    pub repeated: Vec<StoreId>,
    /// What is kept for them.
    pub room: Room,
}

/// Why there is no room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoRoom {
    /// A limit is reached: there is none until the store takes events.
    Full,
    /// Too much is on its way to the disk in this moment.
    Busy,
    /// There may be, but a tenant has its share already.
    OverShare(OverShare),
}

impl From<OverShare> for NoRoom {
    fn from(over: OverShare) -> Self {
        Self::OverShare(over)
    }
}

/// What became of a batch that was read back from the journal.
#[derive(Debug)]
pub enum TakeBack {
    /// It is in the buffer, and so many of its events are new here.
    Taken(Pushed),
    /// There is no room for it now.
    NoRoom(Batch),
}

impl Buffer {
    /// Keeps room for events that are about to come, or says that there is
    /// none. Those that are here already are taken out: they need no room. A
    /// batch for which there is none is [remembered](super::turned_away) by the
    /// length of its body.
    pub fn reserve(
        &mut self,
        events: Vec<Event>,
        key: Option<KeyNumber>,
        length: Option<u64>,
    ) -> Result<Reserved, NoRoom> {
        if self.is_closed {
            return Err(NoRoom::Full);
        }
        let is_here = |event: &Event| self.ids.contains(&event.id);
        let (repeated, fresh): (Vec<Event>, Vec<Event>) = if events.iter().any(is_here) {
            events.into_iter().partition(is_here)
        } else {
            (Vec::new(), events)
        };
        let mut room = Room {
            events: fresh.len(),
            bytes: fresh.iter().map(Event::size).sum(),
            is_spilled: false,
            key,
        };
        // First, so that one tenant's batch does not have the service marked
        // as full.
        self.tenants.charge(&fresh, key)?;
        if self.spill.is_empty() && self.fits(room) {
            self.reserved.events += room.events;
            self.reserved.bytes += room.bytes;
        } else if !fresh.is_empty() {
            if let Err(no_room) = self.spill.reserve(&fresh, room.bytes as u64, key) {
                for event in &fresh {
                    self.tenants.leave(event, key);
                }
                if no_room == NoRoom::Full {
                    self.turn_away(room, length);
                }
                return Err(no_room);
            }
            room.is_spilled = true;
        }
        Ok(Reserved {
            repeated: repeated.iter().map(|event| event.id).collect(),
            events: fresh,
            room,
        })
    }

    /// Gives up room that was kept for a batch which does not come.
    pub fn release(&mut self, room: Room, batch: &[Arc<Accepted>]) {
        self.open(room, batch);
        self.nobody_holds(batch, room.key);
    }

    /// Ends a reservation, but for what its tenants hold.
    fn open(&mut self, room: Room, batch: &[Arc<Accepted>]) {
        if room.is_spilled {
            self.spill.release(batch, room.bytes as u64, room.key);
        } else {
            self.reserved.events -= room.events;
            self.reserved.bytes -= room.bytes;
        }
    }

    fn nobody_holds(&mut self, batch: &[Arc<Accepted>], key: Option<KeyNumber>) {
        for accepted in batch {
            self.tenants.leave(&accepted.event, key);
        }
    }

    /// Takes a batch for which there was room, in the order of arrival: behind
    /// what is spilled if anything is, and else into the buffer. The waiter,
    /// where there is one, follows its events.
    pub fn arrive(
        &mut self,
        batch: Vec<Arc<Accepted>>,
        written: Option<Written>,
        room: Room,
        now: Instant,
        waiter: Option<&Arc<Waiter>>,
    ) -> Pushed {
        self.open(room, &batch);
        let is_spilled = !self.spill.is_empty() || (room.is_spilled && !self.fits(room));
        match (written, batch.first(), batch.last()) {
            (Some(written), Some(first), Some(last)) if is_spilled => {
                let ends = (first.arrival, last.arrival);
                self.nobody_holds(&batch, room.key);
                self.spill.add(ends, &batch, written, room.key, waiter);
                Pushed::default()
            }
            _ => self.put(batch, room.key, now, waiter),
        }
    }

    /// What an earlier process left in the journal is to be taken back first.
    pub fn spilled_before(&mut self, unstored: Unstored) {
        self.spill.found(unstored);
    }

    /// What the refiller should read; `None` if nothing is spilled, or nothing
    /// is taken any more.
    pub fn wanted(&mut self) -> Option<Wanted> {
        if self.is_closed {
            return None;
        }
        self.spill.wanted()
    }

    /// Takes the oldest spilled batch back, if there is room for it. A batch
    /// that no limit allows any more is taken by an empty buffer.
    pub fn take_back(&mut self, batch: Batch, now: Instant) -> TakeBack {
        let from = self.spill.from();
        let is_new = |event: &&Accepted| Some(event.arrival) >= from;
        let mut room = Room::default();
        for event in batch.events.iter().filter(is_new) {
            room.events += 1;
            room.bytes += event.event.size();
        }
        if self.is_closed || !(self.fits(room) || self.is_empty()) {
            self.awaited = room;
            return TakeBack::NoRoom(batch);
        }
        self.awaited = Room::ONE_EVENT;
        let ends = match (batch.events.first(), batch.events.last()) {
            (Some(first), Some(last)) if room.events > 0 => (first.arrival, last.arrival),
            _ => return TakeBack::Taken(Pushed::default()),
        };
        let waiter = self.spill.taken_back(ends, room.events, &batch);
        let events = batch.events.into_iter();
        let events = events.filter(|event| is_new(&event)).map(Arc::new);
        let pushed = self.push(events.collect(), now, waiter.as_ref());
        if let Some(waiter) = waiter {
            waiter.unhold();
        }
        TakeBack::Taken(pushed)
    }

    /// What was wanted is not in the journal any more. Answers how many events
    /// that are.
    pub fn missing(&mut self, wanted: Wanted) -> usize {
        self.spill.missing(wanted)
    }

    /// Whether something is spilled, and there may be room for the oldest batch
    /// of it.
    pub fn may_take_back(&self) -> bool {
        !self.spill.is_empty() && (self.is_empty() || self.fits(self.awaited))
    }

    pub(super) fn fits(&self, room: Room) -> bool {
        self.events + self.reserved.events + room.events <= self.limits.max_events
            && self.bytes + self.reserved.bytes + room.bytes <= self.limits.max_bytes
    }

    /// Whether a fifth of the buffer is free.
    pub fn is_well_below_limits(&self) -> bool {
        let below = |held: usize, max: usize| held <= max - max / 5;
        below(self.events, self.limits.max_events) && below(self.bytes, self.limits.max_bytes)
    }
}
