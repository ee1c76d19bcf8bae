//! What may happen in a [`World`], and what has to hold of it.

use std::collections::{BTreeMap, BTreeSet};

use stateright::{Model, Property};
use trailkeep_delivery::feed::Outlet;
use trailkeep_delivery::{Effect, Ending, Entry, Process, Reader};
use trailkeep_event::StoreId;

use crate::database::{Command, Database};
use crate::world::{Action, Age, Budget, Instance, Rules, World};

/// What happens in it.
#[derive(Debug, Clone)]
pub struct Worlds {
    /// What each instance has accepted.
    pub journals: Vec<Vec<Entry>>,
    /// How many of the first instance's events are stored and fed at the beginning, each
    /// in a document of its own.
    pub fed: usize,
    pub budget: Budget,
    pub rules: Rules,
    /// Whether reads are answered at once: fewer states, for what needs many.
    pub reads_at_once: bool,
}

fn process(rules: Rules, instance: usize, life: u8) -> Process {
    let life = if rules.processes_have_names { life } else { 0 };
    // The life comes last: a successor's name is not always the higher one.
    Process([instance as u8, 255 - life, 0, 0, 0, 0, 0, 0])
}

impl Worlds {
    pub fn begin_life(&self, number: usize, life: u8, journal: Vec<Entry>) -> Instance {
        Instance {
            life,
            journal,
            stored: 0,
            outlet: Outlet::new(process(self.rules, number, life)),
            knows: false,
            epoch: None,
            window: None,
            reader: Reader::new(),
            effects: Vec::new(),
            sending: BTreeMap::new(),
            runs: BTreeMap::new(),
            holding: BTreeSet::new(),
            has_ended: false,
            renewal: None,
        }
    }

    fn ages(&self, world: &World, instance: usize) -> impl Iterator<Item = Age> {
        let may_know = !world.instances[instance].knows || !self.rules.reads_carry_a_time;
        let may = may_know && world.before.as_ref().is_some_and(|before| *before != world.now);
        [Age::Now, Age::Stale].into_iter().take(if may { 2 } else { 1 })
    }

    /// Whether an event is sent before one that the same instance accepted earlier.
    pub fn overtakes(&self, world: &World, id: StoreId) -> bool {
        let earlier = self.journals.iter().flat_map(move |journal| {
            let place = journal.iter().position(|entry| entry.id == id).unwrap_or(0);
            let user = journal.get(place).map(|entry| entry.user);
            journal[..place].iter().filter(move |entry| Some(entry.user) == user)
        });
        // One that is to be sent again was done before.
        earlier.into_iter().any(|entry| !world.now.outcomes.contains_key(&entry.id))
    }

    /// Whether a user waits for a person at an earlier event.
    pub fn passes(&self, world: &World, id: StoreId) -> bool {
        let mut journals = self.journals.iter();
        let held = |journal: &Vec<Entry>| {
            let place = journal.iter().position(|entry| entry.id == id).unwrap_or(0);
            journal[..place].iter().any(|entry| world.now.holds.contains(&entry.id))
        };
        journals.any(held)
    }

    /// What a person may ask for.
    fn commands(&self, world: &World) -> Vec<Command> {
        if world.now.command.is_some() {
            return Vec::new();
        }
        let records = world.now.records.values();
        let held = records.filter_map(|record| Some((record.user, record.held?)));
        let held = held.map(|(user, id)| Command::Release(user, id));
        let done = self.journals.iter().flatten().filter(|event| world.now.is_done(&event.id));
        let again = done.map(|event| {
            let stored = world.now.events.iter().find(|stored| stored.id == event.id);
            Command::Replay(stored.copied().unwrap_or(*event), false)
        });
        let releases = held.take(usize::from(world.left.releases));
        releases.chain(again.take(usize::from(world.left.replays))).collect()
    }
}

impl Model for Worlds {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let journals = self.journals.iter().cloned().enumerate();
        let instances = journals.map(|(number, journal)| self.begin_life(number, 0, journal));
        let mut instances: Vec<Instance> = instances.collect();
        let mut now = Database::default();
        for event in instances[0].journal.drain(..self.fed).collect::<Vec<_>>() {
            now.events.insert(event);
            instances[0].outlet.push([event]);
            if let Some((id, entries)) = instances[0].outlet.document() {
                now.feed.insert(id, entries.to_vec());
            }
            instances[0].outlet.acknowledged();
        }
        vec![World {
            now,
            before: None,
            instances,
            delayed: Vec::new(),
            sent: Default::default(),
            overtaken: false,
            passed: false,
            wanted_again: BTreeSet::new(),
            left: self.budget,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for (number, instance) in world.instances.iter().enumerate() {
            if instance.stored < instance.journal.len() {
                actions.push(Action::Store(number));
            }
            if !instance.outlet.is_empty() {
                actions.push(Action::Feed(number));
                if world.left.delays > 0 {
                    actions.push(Action::FeedIsDelayed(number));
                }
            }
            if world.left.crashes > 0 {
                actions.push(Action::Crash(number));
            }
            self.actions_of_delivery(world, number, instance, actions);
        }
        actions.extend((0..world.delayed.len()).map(Action::Land));
        actions.extend(self.commands(world).into_iter().map(Action::Ask));
        if world.left.stale_moments > 0 {
            actions.push(Action::GoStale);
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        self.act(&mut next, action)?;
        for number in 0..next.instances.len() {
            next.gather(number);
            while self.reads_at_once && self.read_once(&mut next, number) {
                next.gather(number);
            }
        }
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::always("kept", |worlds, world| {
                let journals = worlds.journals.iter().flatten();
                let mut accepted = journals;
                accepted.all(|event| {
                    let is_in = |instance: &Instance| {
                        instance.journal.iter().any(|entry| entry.id == event.id)
                    };
                    world.now.has(event) || world.instances.iter().any(is_in)
                })
            }),
            Property::<Self>::always("in order", |_, world| !world.overtaken),
            Property::<Self>::always("held", |_, world| !world.passed),
            Property::<Self>::always("done in the end", |worlds, world| {
                let mut actions = Vec::new();
                worlds.actions(world, &mut actions);
                let is_done = |event: &Entry| {
                    let is_wanted = world.wanted_again.contains(&event.id);
                    let record = world.now.records.get(&event.user);
                    let is_held = record.is_some_and(|record| record.held.is_some());
                    (world.now.is_done(&event.id) && !is_wanted) || is_held
                };
                !actions.is_empty() || worlds.journals.iter().flatten().all(is_done)
            }),
            Property::<Self>::sometimes("all is done and the feed is empty", |worlds, world| {
                let done = |event: &Entry| world.now.is_done(&event.id);
                let all_done = worlds.journals.iter().flatten().all(done);
                all_done && world.now.feed.is_empty() && world.now.records.is_empty()
            }),
        ]
    }
}

impl Worlds {
    /// Carries out one read that an instance waits for.
    fn read_once(&self, world: &mut World, number: usize) -> bool {
        let instance = &world.instances[number];
        let is_read = |effect: &Effect| matches!(effect, Effect::LookUp(_) | Effect::Read { .. });
        if let Some(index) = instance.effects.iter().position(is_read) {
            world.carry(number, index, Age::Now, self.rules);
            return true;
        }
        let wanted = instance.reader.wanted().next();
        let action = match wanted {
            Some(wanted) => Action::ReadFeed(number, wanted.process, Age::Now),
            None if instance.reader.has_new() => Action::List(number, Age::Now),
            None => return false,
        };
        self.act(world, action).is_some()
    }

    fn actions_of_delivery(
        &self,
        world: &World,
        number: usize,
        instance: &Instance,
        actions: &mut Vec<Action>,
    ) {
        let Some(window) = &instance.window else {
            let is_mine = |(owner, epoch)| owner == number && instance.epoch == Some(epoch);
            match world.now.lease {
                Some(lease) if is_mine(lease) => actions.push(Action::Load(number)),
                // Of the dead, or of one that lost it: nobody renews it any more.
                Some((owner, epoch)) if world.instances[owner].epoch == Some(epoch) => {
                    if world.left.takeovers > 0 {
                        actions.push(Action::Take(number));
                    }
                }
                _ => actions.push(Action::Take(number)),
            }
            return;
        };
        for age in self.ages(world, number) {
            let has_new = world.now.feed.keys().any(|id| !instance.has_read(*id));
            if has_new || instance.reader.buffered() > 0 {
                actions.push(Action::List(number, age));
            }
            if instance.reader.is_complete() && instance.reader.buffered() > 0 {
                actions.push(Action::Confirm(number, age));
            }
            for wanted in instance.reader.wanted() {
                actions.push(Action::ReadFeed(number, wanted.process, age));
            }
        }
        for (index, effect) in instance.effects.iter().enumerate() {
            if matches!(effect, Effect::LookUp(_) | Effect::Read { .. }) {
                actions
                    .extend(self.ages(world, number).map(|age| Action::Carry(number, index, age)));
            } else {
                actions.push(Action::Carry(number, index, Age::Now));
                if world.left.delays > 0 {
                    actions.push(Action::CarryIsDelayed(number, index));
                }
            }
        }
        for user in window.ready() {
            actions.push(Action::Send(number, user));
        }
        for &user in instance.sending.keys() {
            actions.push(Action::Answer(number, user, Ending::Done));
            if world.left.failures > 0 {
                actions.push(Action::Answer(number, user, Ending::GivenUp));
                actions.push(Action::Fail(number, user));
            }
            if world.left.holds > 0 {
                actions.push(Action::Answer(number, user, Ending::Held));
            }
        }
        if !instance.has_ended && self.steered(world, number).is_some() {
            actions.push(Action::Steer(number));
        }
        if world.left.parks > 0 {
            let users = self.journals.iter().flatten().map(|event| event.user);
            for user in users.collect::<BTreeSet<_>>() {
                if window.clone().park(user) {
                    actions.push(Action::Park(number, user));
                }
            }
        }
        let is_mine = world.now.lease == instance.epoch.map(|epoch| (number, epoch));
        if instance.renewal.is_some() {
            actions.push(Action::RenewalAnswered(number));
        } else if !is_mine || window.waits_for_renewal() || instance.has_ended {
            actions.push(Action::Renew(number));
        }
    }
}
