//! What is accepted and not yet stored.
//!
//! A queue for each [lane](lanes); the events that a user has here are all in one.
//! An event keeps its place at the front of its queue while it is on its way to
//! the store: a failed flush has nothing to put back, and whoever reads a
//! user's events finds all of them in one lane, in order. Events that the
//! journal alone holds are counted here too, under the same lock: see
//! [`spill`](super::spill).

mod intake;
mod lane;
pub mod lane_set;
mod lanes;
pub mod turned_away;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};

use tokio::time::Instant;

use super::shares::{Amount, KeyNumber, Shares, Tenants};
use super::spill::Spill;
use super::waiter::{Share, Waiter};
use crate::event::{Accepted, Arrival, StoreId, Timestamp};
use crate::store::Outcome;
pub use intake::{NoRoom, Reserved, Room, TakeBack};
use lane::Entry;
use lane_set::LaneSet;
use lanes::Lanes;
use turned_away::TurnedAway;

/// How much may be buffered. Whichever limit is reached first counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Events.
    pub max_events: usize,
    /// Bytes of memory, as [`Event::size`](crate::event::Event::size) counts them.
    pub max_bytes: usize,
}

/// What lies in the buffer at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// Events, those on their way to the store included.
    pub events: usize,
    /// Bytes of memory that these hold.
    pub bytes: usize,
    /// Events on their way to the store.
    pub in_flight: usize,
    /// Further events, which the journal alone holds.
    pub spilled_events: usize,
    /// Bytes of the journal that these take.
    pub spilled_bytes: u64,
    /// When the oldest event in the buffer was received.
    pub oldest: Option<Timestamp>,
}

/// What became of a batch that was pushed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Events whose identity was in the buffer before.
    pub duplicates: usize,
    /// Lanes that had nothing waiting until now: their flushers know of no
    /// moment to wake at.
    pub lanes_started: LaneSet,
}

/// The queues and what they hold in all.
#[derive(Debug)]
pub struct Buffer {
    lanes: Lanes,
    ids: HashSet<StoreId>,
    /// Who follows which event; most are followed by nobody.
    waiters: HashMap<StoreId, Vec<(Weak<Waiter>, Share)>>,
    limits: Limits,
    events: usize,
    bytes: usize,
    reserved: Room,
    /// Who holds the room that is taken and reserved.
    tenants: Tenants,
    spill: Spill,
    /// What the oldest spilled batch needs, as far as it is known.
    awaited: Room,
    /// Of the batches that found no room since anything left, the one with the
    /// shortest body.
    turned_away: Option<TurnedAway>,
    /// Nothing is taken any more: what is here is being put elsewhere.
    is_closed: bool,
    /// The highest arrival number that was ever here.
    last: Option<Arrival>,
}

impl Buffer {
    /// An empty buffer with that many lanes and writes of so many events, beyond
    /// which up to that many bytes of the journal may be spilled. Where that is
    /// none, tenants have shares of the buffer, and else of the spill: a full
    /// buffer then refuses nobody.
    pub fn new(
        lanes: usize,
        max_flush_events: usize,
        limits: Limits,
        max_spilled_bytes: u64,
        shares: Shares,
    ) -> Self {
        let spill = Spill::new(max_spilled_bytes, shares);
        let of_buffer = if spill.is_on() { Shares::ALL } else { shares };
        let room = Amount {
            events: limits.max_events,
            bytes: limits.max_bytes,
        };
        Self {
            lanes: Lanes::new(lanes, max_flush_events),
            ids: HashSet::new(),
            waiters: HashMap::new(),
            limits,
            events: 0,
            bytes: 0,
            reserved: Room::default(),
            tenants: Tenants::new(room, of_buffer),
            spill,
            awaited: Room::ONE_EVENT,
            turned_away: None,
            is_closed: false,
            last: None,
        }
    }

    /// Whether nothing is taken any more.
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Takes all of a batch, whatever the limits say. The waiter, where there
    /// is one, follows its events.
    pub fn push(
        &mut self,
        batch: Vec<Arc<Accepted>>,
        now: Instant,
        waiter: Option<&Arc<Waiter>>,
    ) -> Pushed {
        for accepted in &batch {
            self.tenants.charge_promised(&accepted.event);
        }
        self.put(batch, None, now, waiter)
    }

    /// Takes all of a batch, whose tenants hold it already.
    fn put(
        &mut self,
        batch: Vec<Arc<Accepted>>,
        key: Option<KeyNumber>,
        now: Instant,
        waiter: Option<&Arc<Waiter>>,
    ) -> Pushed {
        let mut pushed = Pushed::default();
        for accepted in batch {
            let id = accepted.event.id;
            self.last = self.last.max(Some(accepted.arrival));
            let is_new = self.ids.insert(id);
            if let Some(waiter) = waiter {
                self.follow(
                    id,
                    if is_new { Share::Own } else { Share::Repeated },
                    waiter,
                );
            }
            if !is_new {
                pushed.duplicates += 1;
                self.tenants.leave(&accepted.event, key);
                continue;
            }
            let size = accepted.event.size();
            self.events += 1;
            self.bytes += size;
            let started = self.lanes.push(Entry {
                accepted,
                size,
                since: now,
                key,
            });
            if let Some(lane) = started {
                pushed.lanes_started.insert(lane);
            }
        }
        pushed
    }

    /// Has the waiter follow events that are here already.
    pub fn follow_repeated(&mut self, ids: &[StoreId], waiter: &Arc<Waiter>) {
        for &id in ids {
            if self.ids.contains(&id) {
                self.follow(id, Share::Repeated, waiter);
            } else {
                waiter.was_stored_before();
            }
        }
    }

    fn follow(&mut self, id: StoreId, share: Share, waiter: &Arc<Waiter>) {
        waiter.follow();
        let waiters = self.waiters.entry(id).or_default();
        // Those that gave up waiting, so that trying again costs no memory.
        waiters.retain(|(waiter, _)| waiter.strong_count() > 0);
        waiters.push((Arc::downgrade(waiter), share));
    }

    /// The next events of a lane for one flush; they stay in the buffer until
    /// [`settle`](Self::settle) is told what became of them. Answers besides
    /// which lane was given some of its users, if one was.
    pub fn take(&mut self, lane: usize) -> (Vec<Arc<Accepted>>, Option<usize>) {
        self.lanes.take(lane)
    }

    /// Ends a lane's flush, given what became of each of its events. Those that
    /// have to be tried again are held aside until [`end_hold`](Self::end_hold),
    /// the others leave and give their room back. Hands out what left, so that
    /// it is freed outside of any lock.
    pub fn settle(&mut self, lane: usize, outcomes: &[Outcome]) -> Vec<Arc<Accepted>> {
        let done = self.lanes.settle(lane, outcomes);
        let mut left = Vec::with_capacity(done.len());
        for (entry, outcome) in done {
            let id = entry.accepted.event.id;
            self.events -= 1;
            self.bytes -= entry.size;
            self.tenants.leave(&entry.accepted.event, entry.key);
            self.ids.remove(&id);
            if !self.waiters.is_empty() {
                for (waiter, share) in self.waiters.remove(&id).unwrap_or_default() {
                    if let Some(waiter) = waiter.upgrade() {
                        waiter.settled(share, outcome);
                    }
                }
            }
            left.push(entry.accepted);
        }
        left
    }

    /// Puts what a lane holds aside back to be written next.
    pub fn end_hold(&mut self, lane: usize) {
        self.lanes.end_hold(lane);
    }

    /// Whether a lane holds anything aside.
    pub fn is_holding(&self, lane: usize) -> bool {
        self.lanes.is_holding(lane)
    }

    /// Empties the buffer, in order of arrival, and closes it.
    pub fn take_all(&mut self) -> Vec<Arc<Accepted>> {
        let mut all: Vec<Arc<Accepted>> = self
            .lanes
            .drain()
            .map(|entry| {
                self.tenants.leave(&entry.accepted.event, entry.key);
                entry.accepted
            })
            .collect();
        all.sort_by_key(|accepted| accepted.arrival);
        self.ids.clear();
        (self.events, self.bytes) = (0, 0);
        // They left without being stored: nothing may be said to be.
        self.is_closed = true;
        all
    }

    /// One user's events, in order of arrival.
    pub fn of_user(&self, user_id: &str) -> Vec<Arc<Accepted>> {
        self.lanes.of_user(user_id)
    }

    /// Since when the oldest event of a lane has waited, but for those that are
    /// held aside.
    pub fn waiting_since(&self, lane: usize) -> Option<Instant> {
        self.lanes.waiting_since(lane)
    }

    /// If as many events wait as one write takes, calls the fullest lanes to
    /// write what they have. Answers which.
    pub fn call_if_full(&mut self) -> LaneSet {
        self.lanes.call_if_full()
    }

    /// Calls every lane to write what it has.
    pub fn call(&mut self) {
        self.lanes.call();
    }

    /// Whether a lane should write what it has without waiting for more.
    pub fn is_called(&self, lane: usize) -> bool {
        self.lanes.is_called(lane)
    }

    /// Events.
    pub fn len(&self) -> usize {
        self.events
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// Bytes of memory that the events hold.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Who holds how much of what is here and reserved.
    #[cfg(test)]
    pub(super) fn tenants(&self) -> &Tenants {
        &self.tenants
    }

    /// Who holds how much of what is here, counted anew.
    #[cfg(test)]
    pub(super) fn recounted_tenants(&self) -> Tenants {
        let entries = self.lanes.entries();
        self.tenants
            .recounted(entries.map(|entry| (&entry.accepted.event, entry.key)))
    }

    /// What is accepted and lies in the journal alone.
    pub fn spill(&self) -> &Spill {
        &self.spill
    }

    /// Everything with a lower arrival number than this is stored, or refused
    /// for good; `None` if nothing was ever here, or nothing may be said any
    /// more.
    pub fn stored_before(&self) -> Option<Arrival> {
        if self.is_closed {
            return None;
        }
        self.oldest_unstored().or(self.last.map(Arrival::next))
    }

    /// No event that is accepted and not stored has a lower arrival number;
    /// `None` if there is no such event.
    pub fn oldest_unstored(&self) -> Option<Arrival> {
        self.oldest_arrival().or(self.spill.from())
    }

    /// The highest arrival number that was ever here.
    pub fn last(&self) -> Option<Arrival> {
        self.last
    }

    /// The lowest arrival number.
    pub fn oldest_arrival(&self) -> Option<Arrival> {
        let oldest = self.lanes.oldest();
        oldest.map(|accepted| accepted.arrival).min()
    }

    /// The lowest arrival number of what is neither stored nor held aside.
    pub fn oldest_waiting(&self) -> Option<Arrival> {
        let oldest = self.lanes.fronts().map(|accepted| accepted.arrival).min();
        oldest.or(self.spill.from())
    }

    /// What lies here.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            events: self.events,
            bytes: self.bytes,
            in_flight: self.lanes.in_flight(),
            spilled_events: self.spill.events(),
            spilled_bytes: self.spill.bytes(),
            oldest: self
                .lanes
                .oldest()
                .map(|accepted| accepted.event.received_at)
                .min(),
        }
    }
}
