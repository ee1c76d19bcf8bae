//! A database as the model has it: what is committed, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use trailkeep_delivery::{DocumentId, Effect, Entry, Found, ParkRecord, UserKey};
use trailkeep_event::StoreId;

/// Everything that is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Database {
    pub events: BTreeSet<Entry>,
    pub feed: BTreeMap<DocumentId, Vec<Entry>>,
    pub outcomes: BTreeSet<StoreId>,
    pub records: BTreeMap<UserKey, ParkRecord>,
    /// Which instance is in charge, and its epoch.
    pub lease: Option<(usize, u64)>,
}

/// What an instance sends to be written. It may take place at any later time, also
/// after it was given up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Write {
    Append(DocumentId, Vec<Entry>),
    Effect(Effect),
}

/// Rules that a database may be asked without, to see that they are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filters {
    /// A change of a record names the change before it, not only the epoch.
    pub name_the_change: bool,
}

impl Database {
    /// Carries a write out; answers whether what it expected was there.
    pub fn write(&mut self, write: &Write, filters: Filters) -> bool {
        match write {
            Write::Append(id, entries) => {
                self.feed.entry(*id).or_insert_with(|| entries.clone());
                true
            }
            Write::Effect(effect) => self.change(effect, filters),
        }
    }

    fn change(&mut self, effect: &Effect, filters: Filters) -> bool {
        let is_there = |expected: &ParkRecord, there: &ParkRecord| {
            if filters.name_the_change {
                expected == there
            } else {
                (expected.user, expected.epoch) == (there.user, there.epoch)
            }
        };
        match effect {
            Effect::Record { id, .. } => {
                self.outcomes.insert(*id);
                true
            }
            Effect::Park(record) => {
                let there = self.records.get(&record.user).copied();
                let is_mine = there.is_none_or(|there| there.epoch <= record.epoch);
                if is_mine {
                    let from = there.map_or(record.from, |there| there.from.min(record.from));
                    self.records.insert(record.user, ParkRecord { from, ..*record });
                }
                is_mine
            }
            Effect::Move { expected, next } => {
                let there = self.records.get(&expected.user).copied();
                let is_expected = there.is_some_and(|there| is_there(expected, &there));
                if is_expected {
                    self.records.insert(next.user, *next);
                }
                // An earlier try of the same may have taken place.
                is_expected || there == Some(*next)
            }
            Effect::Unpark(record) => {
                let there = self.records.get(&record.user).copied();
                let is_expected = there.is_some_and(|there| is_there(record, &there));
                if is_expected {
                    self.records.remove(&record.user);
                }
                is_expected || there.is_none()
            }
            Effect::Forget(documents) => {
                for document in documents {
                    self.feed.remove(document);
                }
                true
            }
            Effect::LookUp(_) | Effect::Read { .. } => true,
        }
    }

    /// Which of these have an outcome.
    pub fn done(&self, ids: &[StoreId]) -> BTreeSet<StoreId> {
        ids.iter().filter(|id| self.outcomes.contains(id)).copied().collect()
    }

    /// The lowest pending events of a user.
    pub fn pending(&self, user: UserKey, from: trailkeep_event::Arrival, limit: usize) -> Found {
        let of_user =
            self.events.iter().filter(|event| event.user == user && event.arrival >= from);
        let all: Vec<_> = of_user.map(|event| (event.arrival, event.id)).collect();
        let looked_at = &all[..limit.min(all.len())];
        let pending = looked_at.iter().filter(|(_, id)| !self.outcomes.contains(id)).copied();
        Found {
            pending: pending.collect(),
            up_to: looked_at.last().filter(|_| all.len() > limit).map(|(arrival, _)| *arrival),
        }
    }

    /// The lowest document of each process.
    pub fn feeding(&self) -> Vec<DocumentId> {
        let mut lowest: Vec<DocumentId> = Vec::new();
        for id in self.feed.keys() {
            if lowest.last().is_none_or(|last| last.process != id.process) {
                lowest.push(*id);
            }
        }
        lowest
    }

    /// The documents of a process from one on.
    pub fn documents(&self, from: DocumentId) -> Vec<(DocumentId, Vec<Entry>)> {
        let of_process = self.feed.range(from..).take_while(|(id, _)| id.process == from.process);
        of_process.map(|(id, entries)| (*id, entries.clone())).collect()
    }

    /// Whether an event is done, or pending somewhere: whoever comes next finds it.
    pub fn has(&self, event: &Entry) -> bool {
        let is_fed = || self.feed.values().flatten().any(|entry| entry.id == event.id);
        let is_covered = || {
            let stored = self.events.iter().find(|stored| stored.id == event.id);
            let record = self.records.get(&event.user);
            stored.zip(record).is_some_and(|(stored, record)| stored.arrival >= record.from)
        };
        self.outcomes.contains(&event.id) || is_fed() || is_covered()
    }
}
