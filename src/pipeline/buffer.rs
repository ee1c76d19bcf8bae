//! What is accepted and not yet stored.
//!
//! A queue for each lane; a user's events always go through the same one. An
//! event keeps its place at the front of its queue while it is on its way to
//! the store: a failed flush has nothing to put back, and whoever reads a
//! user's events finds all of them in one lane, in order. Events that the
//! journal alone holds are counted here too, under the same lock: see
//! [`spill`](super::spill).

mod intake;
mod lane;
pub mod turned_away;

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Weak};

use tokio::time::Instant;

use super::shares::{Amount, KeyNumber, Shares, Tenants};
use super::spill::Spill;
use super::waiter::{Share, Waiter};
use crate::event::{Accepted, Arrival, StoreId, Timestamp};
use crate::store::Outcome;
pub use intake::{NoRoom, Reserved, Room, TakeBack};
use lane::{Entry, Lane};
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
    pub lanes_started: Vec<usize>,
}

/// The queues and what they hold in all.
#[derive(Debug)]
pub struct Buffer {
    lanes: Vec<Lane>,
    ids: HashSet<StoreId>,
    /// Who follows which event; most are followed by nobody.
    waiters: HashMap<StoreId, Vec<(Weak<Waiter>, Share)>>,
    limits: Limits,
    events: usize,
    bytes: usize,
    in_flight: usize,
    /// Events that are held aside.
    held: usize,
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
    /// An empty buffer with that many lanes, beyond which up to that many bytes
    /// of the journal may be spilled. Where that is none, tenants have shares of
    /// the buffer, and else of the spill: a full buffer then refuses nobody.
    pub fn new(lanes: usize, limits: Limits, max_spilled_bytes: u64, shares: Shares) -> Self {
        let spill = Spill::new(max_spilled_bytes, shares);
        let of_buffer = if spill.is_on() { Shares::ALL } else { shares };
        let room = Amount {
            events: limits.max_events,
            bytes: limits.max_bytes,
        };
        Self {
            lanes: (0..lanes.max(1)).map(|_| Lane::default()).collect(),
            ids: HashSet::new(),
            waiters: HashMap::new(),
            limits,
            events: 0,
            bytes: 0,
            in_flight: 0,
            held: 0,
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
            let number = self.lane_of(&accepted.event.user_id);
            let was_idle = self.lanes[number].push(Entry {
                accepted,
                size,
                since: now,
                key,
            });
            if was_idle && !pushed.lanes_started.contains(&number) {
                pushed.lanes_started.push(number);
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

    fn lane_of(&self, user_id: &str) -> usize {
        let mut hasher = DefaultHasher::new();
        user_id.hash(&mut hasher);
        let lanes = self.lanes.len() as u64;
        usize::try_from(hasher.finish() % lanes).unwrap_or(0)
    }

    /// The next events of a lane for one flush; they stay in the buffer until
    /// [`settle`](Self::settle) is told what became of them.
    pub fn take(&mut self, lane: usize, max_events: usize) -> Vec<Arc<Accepted>> {
        self.with_lane(lane, |lane| lane.take(max_events))
    }

    /// Ends a lane's flush, given what became of each of its events. Those that
    /// have to be tried again are held aside until [`end_hold`](Self::end_hold),
    /// the others leave and give their room back. Hands out what left, so that
    /// it is freed outside of any lock.
    pub fn settle(&mut self, lane: usize, outcomes: &[Outcome]) -> Vec<Arc<Accepted>> {
        let done = self.with_lane(lane, |lane| lane.settle(outcomes));
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
        self.with_lane(lane, Lane::end_hold);
    }

    /// Whether a lane holds anything aside.
    pub fn is_holding(&self, lane: usize) -> bool {
        self.lanes[lane].held() > 0
    }

    /// Changes a lane, and keeps the sums over all lanes right.
    fn with_lane<T>(&mut self, lane: usize, change: impl FnOnce(&mut Lane) -> T) -> T {
        let lane = &mut self.lanes[lane];
        let (in_flight, held) = (lane.in_flight(), lane.held());
        let changed = change(lane);
        self.in_flight = self.in_flight - in_flight + lane.in_flight();
        self.held = self.held - held + lane.held();
        changed
    }

    /// Empties the buffer, in order of arrival, and closes it.
    pub fn take_all(&mut self) -> Vec<Arc<Accepted>> {
        let mut all: Vec<Arc<Accepted>> = self
            .lanes
            .iter_mut()
            .flat_map(Lane::drain)
            .map(|entry| {
                self.tenants.leave(&entry.accepted.event, entry.key);
                entry.accepted
            })
            .collect();
        all.sort_by_key(|accepted| accepted.arrival);
        self.ids.clear();
        (self.events, self.bytes) = (0, 0);
        (self.in_flight, self.held) = (0, 0);
        // They left without being stored: nothing may be said to be.
        self.is_closed = true;
        all
    }

    /// One user's events, in order of arrival.
    pub fn of_user(&self, user_id: &str) -> Vec<Arc<Accepted>> {
        self.lanes[self.lane_of(user_id)]
            .events()
            .filter(|accepted| &*accepted.event.user_id == user_id)
            .cloned()
            .collect()
    }

    /// Since when the oldest event of a lane has waited, but for those that are
    /// held aside.
    pub fn waiting_since(&self, lane: usize) -> Option<Instant> {
        self.lanes[lane].waiting_since()
    }

    /// Calls every lane to write what it has, if that many events wait in all.
    /// A call and not a number to look at: once the first lane has taken its
    /// share fewer wait, and the others still have to go.
    pub fn call_if_full(&mut self, max_events: usize) -> bool {
        let is_full = self.waiting() >= max_events;
        if is_full {
            self.call();
        }
        is_full
    }

    /// Calls every lane to write what it has.
    pub fn call(&mut self) {
        for lane in &mut self.lanes {
            lane.call();
        }
    }

    /// Whether a lane should write what it has without waiting for more.
    pub fn is_due(&self, lane: usize, max_events: usize) -> bool {
        self.lanes[lane].is_called() || self.waiting() >= max_events
    }

    /// Events that are neither on their way to the store nor held aside.
    fn waiting(&self) -> usize {
        self.events - self.in_flight - self.held
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
        let entries = self.lanes.iter().flat_map(Lane::entries);
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
        self.oldest().map(|accepted| accepted.arrival).min()
    }

    /// The lowest arrival number of what is neither stored nor held aside.
    pub fn oldest_waiting(&self) -> Option<Arrival> {
        let fronts = self.lanes.iter().filter_map(Lane::front);
        let oldest = fronts.map(|accepted| accepted.arrival).min();
        oldest.or(self.spill.from())
    }

    /// What lies here.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            events: self.events,
            bytes: self.bytes,
            in_flight: self.in_flight,
            spilled_events: self.spill.events(),
            spilled_bytes: self.spill.bytes(),
            oldest: self
                .oldest()
                .map(|accepted| accepted.event.received_at)
                .min(),
        }
    }

    fn oldest(&self) -> impl Iterator<Item = &Accepted> {
        self.lanes.iter().flat_map(Lane::oldest)
    }
}
