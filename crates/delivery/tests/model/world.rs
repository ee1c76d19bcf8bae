//! Instances, a database, and everything that can go wrong between them.

use std::collections::BTreeMap;

use trailkeep_delivery::feed::Outlet;
use trailkeep_delivery::{Effect, Ending, Entry, Process, Reader, UserKey, Window};
use trailkeep_event::StoreId;

use crate::database::{Command, Database, Filters, Write};

/// How often each thing may go wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Budget {
    pub crashes: u8,
    /// Writes whose sender hears nothing, and which take place at any later time.
    pub delays: u8,
    /// Leases that are taken while somebody else has them.
    pub takeovers: u8,
    /// Moments that reads may be answered from later, as by a server that has lost touch.
    pub stale_moments: u8,
    /// Users that are parked.
    pub parks: u8,
    /// Attempts that fail.
    pub failures: u8,
    /// Of those, how many hold the user.
    pub holds: u8,
    /// Users that a person lets go on.
    pub releases: u8,
    /// Events that a person wants to be sent again.
    pub replays: u8,
}

/// What the world is asked without, to see that it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    pub filters: Filters,
    /// A read is not older than what its reader was answered before.
    pub reads_carry_a_time: bool,
    /// Documents are forgotten only after a renewal that succeeded.
    pub forget_after_renewal: bool,
    /// What was read of the feed is taken only if the lease is the same after that.
    pub confirm_the_lease: bool,
    /// A process draws a name of its own.
    pub processes_have_names: bool,
    /// The journal forgets an event only when the feed has it.
    pub journal_waits_for_feed: bool,
    /// A user whose event has another's outcome goes on after a renewal.
    pub renew_after_anothers_outcome: bool,
    /// What a person asked for is done after a renewal.
    pub finish_after_renewal: bool,
}

impl Rules {
    pub const ALL: Self = Self {
        filters: Filters { name_the_change: true, name_the_run: true },
        reads_carry_a_time: true,
        forget_after_renewal: true,
        confirm_the_lease: true,
        processes_have_names: true,
        journal_waits_for_feed: true,
        renew_after_anothers_outcome: true,
        finish_after_renewal: true,
    };
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Instance {
    pub life: u8,
    /// What it accepted and its journal holds, in order.
    pub journal: Vec<Entry>,
    /// How many of those this life has stored.
    pub stored: usize,
    pub outlet: Outlet,
    /// Whether it was answered anything that was not so in the stale moment.
    pub knows: bool,
    pub epoch: Option<u64>,
    pub window: Option<Window>,
    pub reader: Reader,
    pub effects: Vec<Effect>,
    pub sending: BTreeMap<UserKey, StoreId>,
    /// The runs of pending events that are not in their first, as it found them.
    pub runs: BTreeMap<StoreId, u8>,
    /// Events whose users are held by what it answered.
    pub holding: std::collections::BTreeSet<StoreId>,
    /// What a person asked for and is done, as far as it knows.
    pub has_ended: bool,
    /// Whether the renewal that is under way found the lease unchanged.
    pub renewal: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    pub now: Database,
    /// As it was in the stale moment, once there is one.
    pub before: Option<Database>,
    pub instances: Vec<Instance>,
    pub delayed: Vec<Write>,
    /// What was sent, ever.
    pub sent: std::collections::BTreeSet<StoreId>,
    pub overtaken: bool,
    /// Whether an event was sent of a user who waits for a person.
    pub passed: bool,
    /// Events that are asked for again and were not sent since.
    pub wanted_again: std::collections::BTreeSet<StoreId>,
    pub left: Budget,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Action {
    /// Instance stores its next event and hands it to the feed.
    Store(usize),
    /// It writes the next document of the feed.
    Feed(usize),
    FeedIsDelayed(usize),
    /// From now on reads may be answered from this moment.
    GoStale,
    /// A delayed write takes place.
    Land(usize),
    Crash(usize),
    Take(usize),
    /// It stamps the records and loads them.
    Load(usize),
    List(usize, Age),
    ReadFeed(usize, Process, Age),
    /// It finds the lease unchanged, or not, and takes what it read.
    Confirm(usize, Age),
    Carry(usize, usize, Age),
    CarryIsDelayed(usize, usize),
    Send(usize, UserKey),
    Answer(usize, UserKey, Ending),
    /// A person asks for something.
    Ask(Command),
    /// An instance goes a step on with it.
    Steer(usize),
    Fail(usize, UserKey),
    Park(usize, UserKey),
    Renew(usize),
    RenewalAnswered(usize),
}

/// Whether a read is answered from the stale moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Age {
    Now,
    Stale,
}

impl World {
    /// Changes the database, for an instance that is answered, or for none.
    pub fn change<T>(&mut self, by: Option<usize>, change: impl FnOnce(&mut Database) -> T) -> T {
        let changed = change(&mut self.now);
        self.answered(by);
        changed
    }

    pub fn answered(&mut self, instance: Option<usize>) {
        let is_new = self.before.as_ref().is_some_and(|before| *before != self.now);
        if let Some(number) = instance {
            self.instances[number].knows |= is_new;
        }
    }

    pub fn write(&mut self, instance: usize, write: &Write, rules: Rules) -> bool {
        self.change(Some(instance), |now| now.write(write, rules.filters))
    }

    pub fn read_at(&mut self, instance: usize, age: Age) -> Database {
        match &self.before {
            Some(before) if age == Age::Stale => before.clone(),
            _ => {
                self.answered(Some(instance));
                self.now.clone()
            }
        }
    }

    /// Takes from a window what it wants done.
    pub fn gather(&mut self, number: usize) {
        let instance = &mut self.instances[number];
        if let Some(window) = &mut instance.window {
            while let Some(effect) = window.next_effect() {
                instance.effects.push(effect);
            }
            // One that nothing hangs on is carried out at any time; the order of the
            // list means nothing.
            instance.effects.sort();
            if window.is_lost() {
                self.lose(number);
            }
        }
    }

    pub fn lose(&mut self, number: usize) {
        let instance = &mut self.instances[number];
        instance.window = None;
        instance.epoch = None;
        instance.effects.clear();
        instance.sending.clear();
        instance.runs.clear();
        instance.holding.clear();
        instance.has_ended = false;
        instance.renewal = None;
        instance.reader = Reader::new();
    }

    pub fn carry(&mut self, number: usize, index: usize, age: Age, rules: Rules) {
        let effect = self.instances[number].effects.remove(index);
        let mut done = Default::default();
        let mut found = None;
        let mut was_expected = true;
        match &effect {
            Effect::LookUp(ids) => {
                let read = self.read_at(number, age);
                self.learn(number, &read, ids.iter().copied());
                done = read.done(ids);
            }
            Effect::Read { user, from, limit } => {
                let read = self.read_at(number, age);
                let pending = read.pending(*user, *from, *limit);
                self.learn(number, &read, pending.pending.iter().map(|(_, id)| *id));
                found = Some(pending);
            }
            _ => {
                let write = self.instances[number].write_of(&effect);
                was_expected = self.write(number, &write, rules);
            }
        }
        let Some(window) = &mut self.instances[number].window else { return };
        match effect {
            Effect::LookUp(_) => window.looked_up(&done),
            Effect::Record { user, id } => {
                let is_ours = was_expected || !rules.renew_after_anothers_outcome;
                window.recorded(user, id, is_ours);
            }
            Effect::Park(record) => window.parked(record.user, was_expected),
            Effect::Read { user, .. } => {
                if let Some(found) = found {
                    window.read(user, found);
                }
            }
            Effect::Move { expected, .. } => window.moved(expected.user, was_expected),
            Effect::Unpark(record) => window.unparked(record.user, was_expected),
            Effect::Finish(_) => self.instances[number].has_ended = false,
            Effect::Forget(_) => {}
        }
    }

    /// Notes the runs of pending events.
    fn learn(&mut self, number: usize, read: &Database, ids: impl Iterator<Item = StoreId>) {
        for id in ids {
            if let Some(outcome) = read.outcomes.get(&id) {
                self.instances[number].runs.insert(id, outcome.run);
            }
        }
    }
}

impl World {
    pub fn delay(&mut self, write: Write) -> Option<()> {
        self.left.delays -= 1;
        self.delayed.push(write);
        self.delayed.sort();
        Some(())
    }
}

impl Instance {
    /// What is written for an effect.
    pub fn write_of(&self, effect: &Effect) -> Write {
        match effect {
            Effect::Record { id, .. } => {
                let run = self.runs.get(id).copied().unwrap_or(0);
                Write::Outcome(*id, run, self.holding.contains(id))
            }
            effect => Write::Effect(effect.clone()),
        }
    }

    pub fn take_in(&mut self) {
        while let Some((document, entries)) = self.reader.take() {
            if let Some(window) = &mut self.window {
                window.take_in(document, entries);
            }
        }
    }

    pub fn has_read(&self, id: trailkeep_delivery::DocumentId) -> bool {
        self.reader.has_read(id)
    }
}
