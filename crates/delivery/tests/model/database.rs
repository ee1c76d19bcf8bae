//! A database as the model has it: what is committed, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use trailkeep_delivery::{DocumentId, Effect, Entry, Found, ParkRecord, UserKey};
use trailkeep_event::StoreId;

/// Everything that is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Database {
    pub events: BTreeSet<Entry>,
    pub feed: BTreeMap<DocumentId, Vec<Entry>>,
    pub outcomes: BTreeMap<StoreId, Outcome>,
    /// Given up, and their users wait for a person.
    pub holds: BTreeSet<StoreId>,
    /// At which a person let the user go on.
    pub released: BTreeSet<StoreId>,
    /// What a person asked for and is not done.
    pub command: Option<Command>,
    pub records: BTreeMap<UserKey, ParkRecord>,
    /// Which instance is in charge, and its epoch.
    pub lease: Option<(usize, u64)>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Outcome {
    /// How often it was asked for again.
    pub run: u8,
    pub is_done: bool,
}

/// What a person asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Command {
    /// Let a user go on who waits at this event.
    Release(UserKey, StoreId),
    /// Send an event again that is done. Whether its outcome is pending already.
    Replay(Entry, bool),
}

/// What an instance sends to be written. It may take place at any later time, also
/// after it was given up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Write {
    Append(DocumentId, Vec<Entry>),
    /// An event is done in this run, and whether its user is held by that.
    Outcome(StoreId, u8, bool),
    Effect(Effect),
}

/// Rules that a database may be asked without, to see that they are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filters {
    /// A change of a record names the change before it, not only the epoch.
    pub name_the_change: bool,
    /// An outcome is of a run.
    pub name_the_run: bool,
}

impl Database {
    /// Carries a write out; answers whether what it expected was there.
    pub fn write(&mut self, write: &Write, filters: Filters) -> bool {
        match write {
            Write::Append(id, entries) => {
                self.feed.entry(*id).or_insert_with(|| entries.clone());
                true
            }
            Write::Outcome(id, run, holds) => {
                let there = self.outcomes.get(id).copied();
                let run = if filters.name_the_run { *run } else { u8::MAX };
                let is_in_place = there
                    .is_none_or(|there| there.run < run || (there.run == run && !there.is_done));
                if is_in_place {
                    let run = if filters.name_the_run { run } else { 0 };
                    self.outcomes.insert(*id, Outcome { run, is_done: true });
                    if *holds && !self.released.contains(id) {
                        self.holds.insert(*id);
                    }
                }
                is_in_place
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
            Effect::Finish(_) => {
                self.command = None;
                true
            }
            Effect::LookUp(_) | Effect::Read { .. } | Effect::Record { .. } => true,
        }
    }

    /// Which of these have an outcome.
    pub fn done(&self, ids: &[StoreId]) -> BTreeSet<StoreId> {
        ids.iter().filter(|id| self.is_done(id)).copied().collect()
    }

    pub fn is_done(&self, id: &StoreId) -> bool {
        self.outcomes.get(id).is_some_and(|outcome| outcome.is_done)
    }

    /// Has an event sent again that is done.
    pub fn replay(&mut self) {
        if let Some(Command::Replay(event, is_pending)) = &mut self.command
            && !*is_pending
        {
            *is_pending = true;
            let there = self.outcomes.get_mut(&event.id);
            if let Some(outcome) = there.filter(|outcome| outcome.is_done) {
                *outcome = Outcome { run: outcome.run + 1, is_done: false };
                self.holds.remove(&event.id);
            }
        }
    }

    /// The lowest pending events of a user.
    pub fn pending(&self, user: UserKey, from: trailkeep_event::Arrival, limit: usize) -> Found {
        let of_user =
            self.events.iter().filter(|event| event.user == user && event.arrival >= from);
        let all: Vec<_> = of_user.map(|event| (event.arrival, event.id)).collect();
        let looked_at = &all[..limit.min(all.len())];
        let pending = looked_at.iter().filter(|(_, id)| !self.is_done(id)).copied();
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
        let is_asked_for =
            matches!(self.command, Some(Command::Replay(again, _)) if again == *event);
        self.is_done(&event.id) || is_fed() || is_covered() || is_asked_for
    }
}
