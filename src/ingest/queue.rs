//! The head of the backlog in memory: a FIFO for each user.
//!
//! **In order.** Events of one user leave the queue in the order in which they
//! arrived, also when one of them has to be tried again: what follows it waits with
//! it. This structure alone sees to that: a user has at most one write in flight,
//! and of what a write took of one all stays in front from the first event on that
//! has to be tried again.
//!
//! Users whose events wait are *ready*, and taken in turn until a write is full.
//! A user whose first event has to be tried again is *paused* for a while.
//!
//! Entries are in one slab and linked, so a user costs no allocation. Users are
//! told apart by a hash of their ids under a key that nobody outside knows: two
//! with the same one share a FIFO, which does no harm.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use slab::Slab;
use tokio::time::Instant;

use trailkeep_event::Accepted;
use trailkeep_store::Outcome;

use crate::people::facts;

/// Ends a list.
const NONE: usize = usize::MAX;

#[derive(Debug, Clone)]
pub struct Entry {
    pub accepted: Arc<Accepted>,
    /// The record that holds it, by its place among those that were taken in.
    pub record: u64,
    pub since: Instant,
}

#[derive(Debug)]
struct Slot {
    entry: Entry,
    /// The next one of the user.
    next: usize,
}

#[derive(Debug)]
struct User {
    hash: u64,
    first: usize,
    last: usize,
    events: usize,
    state: State,
    /// How often its first event was tried in vain.
    tries: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In `ready`.
    Ready,
    InFlight,
    /// In `paused`.
    Paused,
}

/// What one write takes: it stays in the queue until it is [settled](Queue::settle).
#[derive(Debug, Default)]
pub struct Write {
    /// Those of each user together, and in order.
    pub events: Vec<Arc<Accepted>>,
    /// Whose they are, and how many each has.
    users: Vec<(usize, usize)>,
}

impl Write {
    /// Has all events tried again that follow one of their user that is.
    pub fn hold_followers(&self, outcomes: &mut [Outcome]) {
        let mut rest = outcomes;
        for &(_, events) in &self.users {
            let (of_user, others) = rest.split_at_mut(events);
            if let Some(first) = of_user.iter().position(|outcome| *outcome == Outcome::Retry) {
                of_user[first..].fill(Outcome::Retry);
            }
            rest = others;
        }
    }
}

/// All that waits in memory.
#[derive(Debug, Default)]
pub struct Queue {
    slots: Slab<Slot>,
    users: Slab<User>,
    by_hash: HashMap<u64, usize>,
    hasher: RandomState,
    ready: VecDeque<usize>,
    paused: Vec<(Instant, usize)>,
    /// Events of ready users.
    waiting: usize,
    in_flight: usize,
    /// Events that say whose an id is.
    saying: usize,
}

impl Queue {
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Events that the next writes may take.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Since when the user has waited whose turn is next.
    pub fn waiting_since(&self) -> Option<Instant> {
        let user = &self.users[*self.ready.front()?];
        Some(self.slots[user.first].entry.since)
    }

    /// Puts an event behind those of its user.
    pub fn push(&mut self, entry: Entry) {
        let hash = self.hasher.hash_one(&*entry.accepted.event.user_id);
        self.saying += usize::from(facts::is_users(&entry.accepted.event));
        let slot = self.slots.insert(Slot { entry, next: NONE });
        let Some(&number) = self.by_hash.get(&hash) else {
            let number = self.users.insert(User {
                hash,
                first: slot,
                last: slot,
                events: 1,
                state: State::Ready,
                tries: 0,
            });
            self.by_hash.insert(hash, number);
            self.ready.push_back(number);
            self.waiting += 1;
            return;
        };
        let user = &mut self.users[number];
        self.slots[user.last].next = slot;
        user.last = slot;
        user.events += 1;
        if user.state == State::Ready {
            self.waiting += 1;
        }
    }

    /// Takes events of ready users, in turn, until they are so many or have so
    /// many bytes; a single one may be larger.
    pub fn take(&mut self, max_events: usize, max_bytes: usize) -> Write {
        let mut write =
            Write { events: Vec::with_capacity(max_events.min(self.waiting)), users: Vec::new() };
        let mut left = max_bytes;
        while write.events.len() < max_events
            && let Some(&number) = self.ready.front()
        {
            let before = write.events.len();
            let is_cut = self.take_of(number, max_events, &mut left, &mut write.events);
            let taken = write.events.len() - before;
            if taken == 0 {
                break;
            }
            self.ready.pop_front();
            let user = &mut self.users[number];
            user.state = State::InFlight;
            self.waiting -= user.events;
            self.in_flight += taken;
            write.users.push((number, taken));
            if is_cut {
                break;
            }
        }
        write
    }

    /// Takes events of one user; answers whether there was no room for more.
    fn take_of(
        &self,
        user: usize,
        max_events: usize,
        left: &mut usize,
        events: &mut Vec<Arc<Accepted>>,
    ) -> bool {
        for entry in self.entries(&self.users[user]) {
            let size = entry.accepted.event.size();
            if events.len() >= max_events || (size > *left && !events.is_empty()) {
                return true;
            }
            *left = left.saturating_sub(size);
            events.push(Arc::clone(&entry.accepted));
        }
        false
    }

    /// Ends a write, given what became of each of its events: hands out those
    /// that leave, each with that. What follows one of its user that has to be
    /// tried again stays, whatever became of it. That user is paused for what
    /// `pause` answers to the number of tries.
    pub fn settle<'a>(
        &mut self,
        write: &Write,
        outcomes: &'a [Outcome],
        pause: impl Fn(u32) -> Duration,
    ) -> Vec<(Entry, &'a Outcome)> {
        let mut left = Vec::with_capacity(write.events.len());
        let mut rest = outcomes;
        for &(number, events) in &write.users {
            let (of_user, others) = rest.split_at(events.min(rest.len()));
            rest = others;
            let settled = of_user.iter().take_while(|outcome| **outcome != Outcome::Retry);
            for outcome in settled {
                left.push((self.pop(number), outcome));
            }
            self.in_flight -= events;
            let is_paused = of_user.contains(&Outcome::Retry);
            self.go_on(number, is_paused.then_some(&pause));
        }
        left
    }

    /// What becomes of a user whose write has ended.
    fn go_on(&mut self, number: usize, pause: Option<&impl Fn(u32) -> Duration>) {
        let user = &mut self.users[number];
        if user.events == 0 {
            self.by_hash.remove(&user.hash);
            self.users.remove(number);
        } else if let Some(pause) = pause {
            user.state = State::Paused;
            let until = Instant::now() + pause(user.tries);
            user.tries = user.tries.saturating_add(1);
            self.paused.push((until, number));
        } else {
            user.state = State::Ready;
            user.tries = 0;
            self.waiting += user.events;
            self.ready.push_back(number);
        }
    }

    /// When the next user is paused no more.
    pub fn paused_until(&self) -> Option<Instant> {
        self.paused.iter().map(|(until, _)| *until).min()
    }

    /// Ends the pauses whose time has come, or all of them. Those users are next.
    pub fn end_pauses(&mut self, now: Instant, all: bool) {
        let is_over = |(until, _): &mut (Instant, usize)| all || *until <= now;
        for (_, number) in self.paused.extract_if(.., is_over) {
            let user = &mut self.users[number];
            user.state = State::Ready;
            self.waiting += user.events;
            self.ready.push_front(number);
        }
    }

    /// One user's events, in order.
    pub fn of_user(&self, user_id: &str) -> Vec<Arc<Accepted>> {
        let hash = self.hasher.hash_one(user_id);
        let Some(&number) = self.by_hash.get(&hash) else {
            return Vec::new();
        };
        let entries = self.entries(&self.users[number]);
        let events = entries.map(|entry| &entry.accepted);
        let its = events.filter(|accepted| &*accepted.event.user_id == user_id);
        its.cloned().collect()
    }

    /// The events that say whose an id is.
    pub fn saying(&self) -> Vec<Arc<Accepted>> {
        if self.saying == 0 {
            return Vec::new();
        }
        let events = self.slots.iter().map(|(_, slot)| &slot.entry.accepted);
        events.filter(|accepted| facts::is_users(&accepted.event)).cloned().collect()
    }

    /// All that waits.
    pub fn events(&self) -> Vec<Arc<Accepted>> {
        self.slots.iter().map(|(_, slot)| Arc::clone(&slot.entry.accepted)).collect()
    }

    /// The events of the users who have any of an account, each user's in order. All
    /// that waits is looked at, which is the head.
    pub fn of_account(&self, account_id: &str) -> Vec<Arc<Accepted>> {
        let is_of = |entry: &Entry| entry.accepted.event.account_id.as_deref() == Some(account_id);
        let users = self.users.iter().map(|(_, user)| user);
        let concerned = users.filter(|user| self.entries(user).any(is_of));
        let entries = concerned.flat_map(|user| self.entries(user));
        entries.map(|entry| Arc::clone(&entry.accepted)).collect()
    }

    /// The first event of each user, but for those that are paused.
    pub fn fronts(&self) -> impl Iterator<Item = &Entry> {
        let users = self.users.iter().map(|(_, user)| user);
        let users = users.filter(|user| user.state != State::Paused);
        users.map(|user| &self.slots[user.first].entry)
    }

    /// The first event of each user.
    pub fn all_fronts(&self) -> impl Iterator<Item = &Entry> {
        let users = self.users.iter();
        users.map(|(_, user)| &self.slots[user.first].entry)
    }

    fn entries(&self, user: &User) -> impl Iterator<Item = &Entry> {
        let first = self.slots.get(user.first);
        let slots = std::iter::successors(first, |slot| self.slots.get(slot.next));
        slots.map(|slot| &slot.entry)
    }

    /// Takes out the first event of a user.
    fn pop(&mut self, number: usize) -> Entry {
        let user = &mut self.users[number];
        let slot = self.slots.remove(user.first);
        user.first = slot.next;
        user.events -= 1;
        self.saying -= usize::from(facts::is_users(&slot.entry.accepted.event));
        slot.entry
    }
}
