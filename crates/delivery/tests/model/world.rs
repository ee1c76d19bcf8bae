//! Instances, a database, and everything that can go wrong between them.

use std::collections::BTreeMap;

use trailkeep_delivery::feed::Outlet;
use trailkeep_delivery::{Effect, Entry, Process, Reader, UserKey, Window};
use trailkeep_event::StoreId;

use crate::database::{Database, Filters, Write};

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
}

impl Rules {
    pub const ALL: Self = Self {
        filters: Filters { name_the_change: true },
        reads_carry_a_time: true,
        forget_after_renewal: true,
        confirm_the_lease: true,
        processes_have_names: true,
        journal_waits_for_feed: true,
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
    Answer(usize, UserKey, bool),
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
        instance.renewal = None;
        instance.reader = Reader::new();
    }

    pub fn carry(&mut self, number: usize, index: usize, age: Age, rules: Rules) {
        let effect = self.instances[number].effects.remove(index);
        let (done, found) = match &effect {
            Effect::LookUp(ids) => (Some(self.read_at(number, age).done(ids)), None),
            Effect::Read { user, from, limit } => {
                (None, Some(self.read_at(number, age).pending(*user, *from, *limit)))
            }
            _ => (None, None),
        };
        let was_expected = done.is_some()
            || found.is_some()
            || self.write(number, &Write::Effect(effect.clone()), rules);
        let Some(window) = &mut self.instances[number].window else { return };
        match effect {
            Effect::LookUp(_) => window.looked_up(&done.unwrap_or_default()),
            Effect::Record { user, id } => window.recorded(user, id),
            Effect::Park(record) => window.parked(record.user, was_expected),
            Effect::Read { user, .. } => {
                if let Some(found) = found {
                    window.read(user, found);
                }
            }
            Effect::Move { expected, .. } => window.moved(expected.user, was_expected),
            Effect::Unpark(record) => window.unparked(record.user, was_expected),
            Effect::Forget(_) => {}
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
