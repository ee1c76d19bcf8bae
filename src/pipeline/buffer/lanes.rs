//! All lanes, and which of them each user's events are in.
//!
//! A user's events are in one lane at any time, so that they leave in order.
//! Which one that is, is decided by the first of them: while there are any, the
//! others follow it; a user who has none is put into the lane that is being
//! filled. So a flush goes out full, with the users of one lane, instead of as
//! a handful of events from each: a database takes a third less for an event in
//! a write of 500 than in one of 125.
//!
//! Users who send all the time are never without an event here, and would stay
//! together: where more waits in a lane than its next two writes take, and
//! another has nothing to do, half of its users move over there.

use std::collections::HashMap;
use std::collections::hash_map;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use tokio::time::Instant;

use super::lane::{Entry, Lane};
use super::lane_set::{LaneSet, MAX_LANES};
use crate::event::Accepted;
use crate::store::Outcome;

#[derive(Debug)]
pub struct Lanes {
    /// Events in one write.
    max_events: usize,
    lanes: Vec<Lane>,
    users: HashMap<UserKey, Whereabouts>,
    /// The lane that is being filled.
    filling: usize,
    /// Events on their way to the store.
    in_flight: usize,
}

/// A hash of a user's id. Two users with the same one share a lane, which does
/// no harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct UserKey(u64);

impl UserKey {
    fn of(user_id: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        user_id.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// Where a user's events are.
#[derive(Debug)]
struct Whereabouts {
    lane: usize,
    events: usize,
}

impl Lanes {
    /// That many lanes, at least one and at most 64, with writes of so many events.
    pub fn new(count: usize, max_events: usize) -> Self {
        Self {
            max_events,
            lanes: (0..count.clamp(1, MAX_LANES))
                .map(|_| Lane::default())
                .collect(),
            users: HashMap::new(),
            filling: 0,
            in_flight: 0,
        }
    }

    /// Takes an entry. Answers its lane, if nothing waited there until now.
    pub fn push(&mut self, entry: Entry) -> Option<usize> {
        let number = match self.users.entry(UserKey::of(&entry.accepted.event.user_id)) {
            hash_map::Entry::Occupied(mut user) => {
                user.get_mut().events += 1;
                user.get().lane
            }
            hash_map::Entry::Vacant(user) => {
                let filling = lane_to_fill(&self.lanes, self.filling, self.max_events);
                user.insert(Whereabouts {
                    lane: filling,
                    events: 1,
                });
                self.filling = filling;
                filling
            }
        };
        let was_idle = self.lanes[number].push(entry);
        was_idle.then_some(number)
    }

    /// The next events of a lane for one flush; they stay until
    /// [`settle`](Self::settle). Answers besides which lane was given some of
    /// its users, if one was.
    pub fn take(&mut self, lane: usize) -> (Vec<Arc<Accepted>>, Option<usize>) {
        let relieved_by = self.relieve(lane);
        let batch = self.lanes[lane].take(self.max_events);
        self.in_flight += batch.len();
        (batch, relieved_by)
    }

    /// Moves half of a lane's users to one that has nothing to do, if more waits
    /// than two writes take. Nothing of the lane may be in flight.
    fn relieve(&mut self, lane: usize) -> Option<usize> {
        let from = &self.lanes[lane];
        if from.waiting() <= 2 * self.max_events || from.held() > 0 {
            return None;
        }
        let to = self.lanes.iter().position(Lane::is_empty)?;
        let mut moves = HashMap::new();
        let mut is_next_moved = false;
        let mut leaves = |entry: &Entry| {
            *moves
                .entry(UserKey::of(&entry.accepted.event.user_id))
                .or_insert_with(|| {
                    is_next_moved = !is_next_moved;
                    !is_next_moved
                })
        };
        for entry in self.lanes[lane].split_off(&mut leaves) {
            self.lanes[to].push(entry);
        }
        for (key, _) in moves.into_iter().filter(|(_, moves)| *moves) {
            if let Some(user) = self.users.get_mut(&key) {
                user.lane = to;
            }
        }
        self.lanes[to].call();
        Some(to)
    }

    /// Ends a lane's flush, and hands out what is done with.
    pub fn settle<'a>(
        &mut self,
        lane: usize,
        outcomes: &'a [Outcome],
    ) -> Vec<(Entry, &'a Outcome)> {
        self.in_flight -= self.lanes[lane].in_flight();
        let done = self.lanes[lane].settle(outcomes);
        for (entry, _) in &done {
            self.leaves(&entry.accepted.event.user_id);
        }
        done
    }

    fn leaves(&mut self, user_id: &str) {
        if let hash_map::Entry::Occupied(mut user) = self.users.entry(UserKey::of(user_id)) {
            user.get_mut().events -= 1;
            if user.get().events == 0 {
                user.remove();
            }
        }
    }

    /// Puts what a lane holds aside back to be written next.
    pub fn end_hold(&mut self, lane: usize) {
        self.lanes[lane].end_hold();
    }

    /// Whether a lane holds anything aside.
    pub fn is_holding(&self, lane: usize) -> bool {
        self.lanes[lane].held() > 0
    }

    /// Empties all lanes, in no special order.
    pub fn drain(&mut self) -> impl Iterator<Item = Entry> {
        self.users.clear();
        self.in_flight = 0;
        self.lanes.iter_mut().flat_map(Lane::drain)
    }

    /// One user's events, in order of arrival.
    pub fn of_user(&self, user_id: &str) -> Vec<Arc<Accepted>> {
        let Some(user) = self.users.get(&UserKey::of(user_id)) else {
            return Vec::new();
        };
        self.lanes[user.lane]
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

    /// Calls lanes to write what they have, the fullest first, until less than
    /// one write is left in those that are not called. Answers which were.
    pub fn call_if_full(&mut self) -> LaneSet {
        let mut called = LaneSet::default();
        while let Some(fullest) = self.fullest_if_full() {
            self.lanes[fullest].call();
            called.insert(fullest);
        }
        called
    }

    /// The fullest of the lanes that are not called, if together they have as
    /// much as one write takes.
    fn fullest_if_full(&self) -> Option<usize> {
        let not_called = || {
            let lanes = self.lanes.iter().enumerate();
            lanes.filter(|(_, lane)| !lane.is_called())
        };
        let waiting = not_called().map(|(_, lane)| lane.waiting()).sum::<usize>();
        if waiting < self.max_events {
            return None;
        }
        let fullest = not_called().max_by_key(|(_, lane)| lane.waiting());
        fullest.map(|(number, _)| number)
    }

    /// Calls every lane to write what it has.
    pub fn call(&mut self) {
        for lane in &mut self.lanes {
            lane.call();
        }
    }

    /// Whether a lane should write what it has without waiting for more.
    pub fn is_called(&self, lane: usize) -> bool {
        self.lanes[lane].is_called()
    }

    /// Events on their way to the store.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// All entries.
    #[cfg(test)]
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.lanes.iter().flat_map(Lane::entries)
    }

    /// Among these is the oldest event of all.
    pub fn oldest(&self) -> impl Iterator<Item = &Accepted> {
        self.lanes.iter().flat_map(Lane::oldest)
    }

    /// The oldest event of each lane that is not held aside.
    pub fn fronts(&self) -> impl Iterator<Item = &Accepted> {
        self.lanes.iter().filter_map(Lane::front)
    }
}

/// Which lane a user is put into who has no events yet. The one that is being
/// filled, as long as it does not write; then one that does not either, and has
/// least. Where all write, the same one on and on, up to a whole write: its next
/// one shall be full.
fn lane_to_fill(lanes: &[Lane], filling: usize, max_events: usize) -> usize {
    let is_busy = |lane: &Lane| lane.is_called() || lane.in_flight() > 0;
    let is_filled = |lane: &Lane| lane.waiting() >= max_events;
    let current = &lanes[filling];
    if !is_busy(current) && !is_filled(current) {
        return filling;
    }
    let others = lanes.iter().enumerate();
    let emptiest = others.min_by_key(|(_, lane)| (is_busy(lane), lane.waiting()));
    match emptiest {
        Some((number, lane)) if !is_busy(lane) || is_filled(current) => number,
        _ => filling,
    }
}

#[cfg(test)]
mod tests;
