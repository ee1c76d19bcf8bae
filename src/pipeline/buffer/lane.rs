//! One lane of the buffer: the events of some users, in order.
//!
//! Events that the store could not take this time are held aside for a while,
//! and with them all that comes later of the same users: so the events of
//! other users go on, and each user's stay in order.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;

use crate::event::Accepted;
use crate::pipeline::shares::KeyNumber;
use crate::store::Outcome;

/// Bytes of events in one flush at the most: well below the 48 MB that a
/// MongoDB message may have, also when the largest payloads meet.
const MAX_FLUSH_BYTES: usize = 16 << 20;

#[derive(Debug, Default)]
pub struct Lane {
    queue: VecDeque<Entry>,
    /// How many entries at the front are on their way to the store.
    in_flight: usize,
    /// Held aside. All of a user's come before that user's in the queue.
    held: VecDeque<Entry>,
    held_users: HashSet<Box<str>>,
    /// Whether enough had come together, here or in all lanes, to be written.
    is_called: bool,
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub accepted: Arc<Accepted>,
    pub size: usize,
    pub since: Instant,
    /// With which write key it was sent, as far as that is known.
    pub key: Option<KeyNumber>,
}

impl Lane {
    /// Takes an entry; answers whether nothing waited until now.
    pub fn push(&mut self, entry: Entry) -> bool {
        let was_idle = self.waiting() == 0;
        self.queue.push_back(entry);
        was_idle
    }

    /// The next events for one flush. Those of users that are held aside join
    /// what is held.
    pub fn take(&mut self, max_events: usize) -> Vec<Arc<Accepted>> {
        self.pass_over_held_users(max_events);
        let mut bytes = 0;
        let batch: Vec<Arc<Accepted>> = self
            .queue
            .iter()
            .take(max_events)
            .take_while(|entry| {
                bytes += entry.size;
                bytes <= MAX_FLUSH_BYTES || bytes == entry.size
            })
            .map(|entry| Arc::clone(&entry.accepted))
            .collect();
        self.in_flight = batch.len();
        self.is_called = false;
        batch
    }

    /// Sees to it that none of the next so many entries is of a held user.
    fn pass_over_held_users(&mut self, max_events: usize) {
        if self.held_users.is_empty() {
            return;
        }
        let mut free = VecDeque::with_capacity(max_events.min(self.queue.len()));
        while free.len() < max_events
            && let Some(entry) = self.queue.pop_front()
        {
            if self.held_users.contains(&entry.accepted.event.user_id) {
                self.held.push_back(entry);
            } else {
                free.push_back(entry);
            }
        }
        for entry in free.into_iter().rev() {
            self.queue.push_front(entry);
        }
    }

    /// Ends a flush: hands out what is done with, each with its outcome, and
    /// holds aside what has to be tried again.
    pub fn settle<'a>(&mut self, outcomes: &'a [Outcome]) -> Vec<(Entry, &'a Outcome)> {
        let mut done = Vec::with_capacity(self.in_flight);
        for outcome in &outcomes[..self.in_flight.min(outcomes.len())] {
            let Some(entry) = self.queue.pop_front() else {
                break;
            };
            if *outcome == Outcome::Retry {
                self.held_users.insert(entry.accepted.event.user_id.clone());
                self.held.push_back(entry);
            } else {
                done.push((entry, outcome));
            }
        }
        self.in_flight = 0;
        done
    }

    /// Puts what is held aside back in front of all others.
    pub fn end_hold(&mut self) {
        self.held_users.clear();
        for entry in self.held.drain(..).rev() {
            self.queue.push_front(entry);
        }
    }

    /// Takes out the entries that leave; all stay in order. Nothing may be in
    /// flight or held aside.
    pub fn split_off(&mut self, leaves: impl FnMut(&Entry) -> bool) -> VecDeque<Entry> {
        let mut leaves = leaves;
        let entries = std::mem::take(&mut self.queue).into_iter();
        let (left, stayed) = entries.partition(|entry| leaves(entry));
        self.queue = stayed;
        left
    }

    /// Whether it has nothing at all.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.held.is_empty()
    }

    /// Empties the lane, in no special order.
    pub fn drain(&mut self) -> impl Iterator<Item = Entry> {
        self.in_flight = 0;
        self.held_users.clear();
        self.held.drain(..).chain(self.queue.drain(..))
    }

    /// All entries; those of each user in order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.held.iter().chain(&self.queue)
    }

    /// All events; those of each user in order.
    pub fn events(&self) -> impl Iterator<Item = &Arc<Accepted>> {
        self.entries().map(|entry| &entry.accepted)
    }

    /// The oldest event of the queue, and what is held aside: the oldest of
    /// all is one of these.
    pub fn oldest(&self) -> impl Iterator<Item = &Accepted> {
        self.held
            .iter()
            .chain(self.queue.front())
            .map(|entry| &*entry.accepted)
    }

    /// The oldest event that is not held aside.
    pub fn front(&self) -> Option<&Accepted> {
        self.queue.front().map(|entry| &*entry.accepted)
    }

    /// Since when the oldest event that is not held aside has waited.
    pub fn waiting_since(&self) -> Option<Instant> {
        self.queue.front().map(|entry| entry.since)
    }

    /// Has the lane write what it has.
    pub fn call(&mut self) {
        self.is_called = self.waiting() > 0;
    }

    /// Whether it should write what it has without waiting for more.
    pub fn is_called(&self) -> bool {
        self.is_called
    }

    /// Events that are neither on their way to the store nor held aside.
    pub fn waiting(&self) -> usize {
        self.queue.len() - self.in_flight
    }

    /// Events on their way to the store.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Events that are held aside.
    pub fn held(&self) -> usize {
        self.held.len()
    }
}
