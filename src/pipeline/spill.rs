//! Accepted events that the journal alone holds.
//!
//! While the buffer is full and `spill.max_bytes` allows it, a batch is
//! accepted once it is in the journal, and its events are let go from memory:
//! they are *spilled*. The [refiller](super::refill) reads them back into the
//! buffer as that gets room.
//!
//! # Invariants
//!
//! 1. *Order.* Every event that is in the buffer, or has left it, arrived before
//!    every spilled one. A batch goes straight into the buffer only while
//!    nothing is spilled, and what is spilled leaves from its oldest end. Both
//!    are decided under the lock of the buffer, and batches come to it in the
//!    order in which they are in the journal: so there is no moment, also not
//!    when the last spilled batch is taken back, in which a newer event could
//!    overtake an older one.
//! 2. *Conservation.* A batch counts as spilled from before its sender is
//!    answered until it is in the buffer; it becomes the one and ceases to be
//!    the other under one lock.
//! 3. *Reading.* Only what was answered is read back: nothing beyond `last`,
//!    which is set when the batch is on disk. What is read is what the
//!    journal's [runs](super::journal) hold, so nothing that was given up and
//!    nothing of an earlier use of a segment.
//! 4. *Forgetting.* The journal is told to forget nothing from `from` on, also
//!    while the buffer is empty between two refills.
//! 5. *Memory.* However much is spilled, this is in memory: these counts, one
//!    batch and one piece of a segment at the refiller, batches on their way to
//!    the disk ([`IN_FLIGHT`]), and a few words for each client that waits
//!    right now for a spilled batch to be stored.
//! 6. *Limit.* `max_bytes` bounds the bytes of the journal's frames that hold
//!    spilled events. On disk these take whole segments, and come on top of
//!    those that hold what is in the buffer.
//!
//! What an earlier process left is spilled at first as well, whatever the
//! limit says now: so a start takes in what the buffer holds and leaves the rest
//! where it is. Whose that is is not known until it is read, so it counts for
//! nobody's [portion](portions).

pub mod portions;

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use super::buffer::NoRoom;
use super::journal::Place;
use super::journal::reader::Batch;
use super::journal::recovery::Unstored;
use super::shares::{KeyNumber, Shares};
use super::waiter::Waiter;
use crate::event::{Accepted, Arrival, Event};
use portions::Portions;

/// Bytes of memory of batches that are to be spilled and not yet on disk; a
/// single batch may be larger. A disk writes more than that in a moment, and
/// what comes on top is answered 503.
pub const IN_FLIGHT: u64 = 8 << 20;

/// What is spilled, how much more may be, and who waits for it.
#[derive(Debug)]
pub struct Spill {
    max_bytes: u64,
    /// Bytes of memory of batches on their way to the disk.
    in_flight: u64,
    /// `None` while nothing is spilled.
    held: Option<Held>,
    /// Who waits for spilled batches to be stored, in order of arrival.
    waiting: VecDeque<Waiting>,
    portions: Portions,
    /// The last of what an earlier process left.
    found_up_to: Option<Arrival>,
}

#[derive(Debug)]
struct Held {
    events: usize,
    /// Of the frames that hold them.
    bytes: u64,
    /// All with lower numbers have been taken back.
    from: Arrival,
    last: Arrival,
    /// Where the refiller has to begin; `None` once it has.
    start: Option<Place>,
}

#[derive(Debug)]
struct Waiting {
    first: Arrival,
    waiter: Weak<Waiter>,
}

/// A batch in the journal.
#[derive(Debug, Clone, Copy)]
pub struct Written {
    /// Where its frame begins.
    pub place: Place,
    /// Bytes of the frame.
    pub bytes: u64,
}

/// What the refiller should read.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Where to begin, unless where it is.
    pub start: Option<Place>,
    /// The highest arrival number that may be read.
    pub up_to: Arrival,
    events: usize,
    bytes: u64,
}

impl Spill {
    /// Nothing is spilled, and up to that many bytes may be, or of one tenant
    /// its share of them; none if it is 0.
    pub fn new(max_bytes: u64, shares: Shares) -> Self {
        Self {
            max_bytes,
            in_flight: 0,
            held: None,
            waiting: VecDeque::new(),
            portions: Portions::new(max_bytes, shares),
            found_up_to: None,
        }
    }

    /// Whether events may be spilled at all.
    pub fn is_on(&self) -> bool {
        self.max_bytes > 0
    }

    /// Bytes that may be spilled; 0 for none.
    pub fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// Whether nothing is spilled.
    pub fn is_empty(&self) -> bool {
        self.held.is_none()
    }

    /// Events that are spilled.
    pub fn events(&self) -> usize {
        self.held.as_ref().map_or(0, |held| held.events)
    }

    /// Bytes of the frames that hold them.
    pub fn bytes(&self) -> u64 {
        self.held.as_ref().map_or(0, |held| held.bytes)
    }

    /// All with lower arrival numbers have been taken back; `None` while
    /// nothing is spilled.
    pub fn from(&self) -> Option<Arrival> {
        self.held.as_ref().map(|held| held.from)
    }

    /// Whether not even a small batch may be spilled.
    pub fn is_full(&self) -> bool {
        self.bytes() >= self.max_bytes
    }

    /// Whether a batch that holds as many bytes of memory stays within the limit.
    pub fn has_room_for(&self, bytes: u64) -> bool {
        self.bytes() + self.in_flight + bytes <= self.max_bytes
    }

    /// Whether a fifth of the limit is free.
    pub fn is_well_below_limit(&self) -> bool {
        self.bytes() <= self.max_bytes - self.max_bytes / 5
    }

    /// Keeps room for a batch that holds as many bytes of memory, which its
    /// frame does not exceed.
    pub fn reserve(
        &mut self,
        batch: &[Event],
        bytes: u64,
        key: Option<KeyNumber>,
    ) -> Result<(), NoRoom> {
        if self.bytes() + bytes > self.max_bytes {
            return Err(NoRoom::Full);
        }
        // What is on its way may take less than is kept for it: not before it is
        // there can it be said that there is no room.
        let is_in_the_way = !self.has_room_for(bytes) || self.in_flight + bytes > IN_FLIGHT;
        if self.in_flight > 0 && is_in_the_way {
            return Err(NoRoom::Busy);
        }
        self.portions.charge(batch, key)?;
        self.in_flight += bytes;
        Ok(())
    }

    /// Gives up room that was kept.
    pub fn release(&mut self, batch: &[Arc<Accepted>], bytes: u64, key: Option<KeyNumber>) {
        self.portions.release(events_of(batch), key);
        self.in_flight -= bytes;
    }

    /// A batch is spilled that is the newest of all. The waiter, where there is
    /// one, is held until it is taken back.
    pub fn add(
        &mut self,
        (first, last): (Arrival, Arrival),
        batch: &[Arc<Accepted>],
        written: Written,
        key: Option<KeyNumber>,
        waiter: Option<&Arc<Waiter>>,
    ) {
        self.portions
            .add(events_of(batch), last, written.bytes, key);
        let held = self.held.get_or_insert(Held {
            events: 0,
            bytes: 0,
            from: first,
            last,
            start: Some(written.place),
        });
        held.events += batch.len();
        held.bytes += written.bytes;
        held.last = last;
        self.forget_gone_waiters();
        if let Some(waiter) = waiter {
            waiter.follow();
            self.waiting.push_back(Waiting {
                first,
                waiter: Arc::downgrade(waiter),
            });
        }
    }

    /// They all wait for the same time: who came first goes first.
    fn forget_gone_waiters(&mut self) {
        let is_gone = |waiting: &mut Waiting| waiting.waiter.strong_count() == 0;
        while self.waiting.pop_front_if(is_gone).is_some() {}
    }

    /// What an earlier process left in the journal is spilled.
    pub fn found(&mut self, unstored: Unstored) {
        self.found_up_to = Some(unstored.last);
        self.held = Some(Held {
            events: unstored.events,
            bytes: unstored.bytes,
            from: unstored.from,
            last: unstored.last,
            start: Some(unstored.place),
        });
    }

    /// What to read next; `None` if nothing is spilled.
    pub fn wanted(&mut self) -> Option<Wanted> {
        self.held.as_mut().map(|held| Wanted {
            start: held.start.take(),
            up_to: held.last,
            events: held.events,
            bytes: held.bytes,
        })
    }

    /// The oldest batch was taken back: that many of its events had not been
    /// before. Hands out who waits for it.
    pub fn taken_back(
        &mut self,
        (first, last): (Arrival, Arrival),
        events: usize,
        batch: &Batch,
    ) -> Option<Arc<Waiter>> {
        if Some(last) > self.found_up_to {
            let events = batch.events.iter().map(|accepted| &accepted.event);
            self.portions.taken_back(events, batch.bytes);
        }
        self.subtract(last, events, batch.bytes);
        let mut found = None;
        while let Some(waiting) = self.waiting.pop_front_if(|waiting| waiting.first <= first) {
            if waiting.first == first {
                found = waiting.waiter.upgrade();
            }
        }
        found
    }

    /// Nothing more of what was wanted is in the journal. Answers how many
    /// events are missing, which the disk gave back damaged.
    pub fn missing(&mut self, wanted: Wanted) -> usize {
        self.subtract(wanted.up_to, wanted.events, wanted.bytes);
        if self.is_empty() {
            // Whose the damaged ones were is not known.
            self.portions.forget_accounts();
        }
        wanted.events
    }

    fn subtract(&mut self, last: Arrival, events: usize, bytes: u64) {
        self.portions.gone_up_to(last);
        if let Some(held) = &mut self.held {
            held.events = held.events.saturating_sub(events);
            held.bytes = held.bytes.saturating_sub(bytes);
            held.from = last.next();
            if held.events == 0 && held.last <= last {
                self.held = None;
            }
        }
    }

    /// What each tenant has of it.
    #[cfg(test)]
    pub fn portions(&self) -> &Portions {
        &self.portions
    }
}

fn events_of(batch: &[Arc<Accepted>]) -> impl Iterator<Item = &Event> + Clone {
    batch.iter().map(|accepted| &accepted.event)
}
