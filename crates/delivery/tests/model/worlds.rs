//! What may happen in a [`World`], and what has to hold of it.

use std::collections::{BTreeMap, BTreeSet};

use stateright::{Model, Property};
use trailkeep_delivery::feed::Outlet;
use trailkeep_delivery::{Covering, Effect, Ending, Entry, Process, Reader, Releasing, Window};
use trailkeep_event::StoreId;

use crate::database::{Command, Database, Write};
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
    fn begin_life(&self, number: usize, life: u8, journal: Vec<Entry>) -> Instance {
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
    fn overtakes(&self, world: &World, id: StoreId) -> bool {
        let earlier = self.journals.iter().flat_map(move |journal| {
            let place = journal.iter().position(|entry| entry.id == id).unwrap_or(0);
            let user = journal.get(place).map(|entry| entry.user);
            journal[..place].iter().filter(move |entry| Some(entry.user) == user)
        });
        // One that is to be sent again was done before.
        earlier.into_iter().any(|entry| !world.now.outcomes.contains_key(&entry.id))
    }

    /// Whether a user waits for a person at an earlier event.
    fn passes(&self, world: &World, id: StoreId) -> bool {
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

    /// Whether what a person asked for is done as an instance sees it, and its window
    /// after a step towards that; `None` where that changes nothing.
    fn steered(&self, world: &World, number: usize) -> Option<(bool, Window)> {
        let before = world.instances[number].window.as_ref()?;
        let mut window = before.clone();
        let Some(command) = world.now.command else {
            // An earlier owner has ended it.
            let users = self.journals.iter().flatten().map(|event| event.user);
            users.for_each(|user| window.uncover(user));
            return (window != *before).then_some((false, window));
        };
        let is_ended = match command {
            Command::Release(user, id) => window.release(user, id) == Releasing::NotHeld,
            Command::Replay(_, false) => return Some((false, window)),
            Command::Replay(event, true) => {
                // A user who waits there goes on with it.
                window.release(event.user, event.id) == Releasing::NotHeld
                    && window.cover(event.user, event.arrival) == Covering::Covered
            }
        };
        (is_ended || window != *before).then_some((is_ended, window))
    }

    fn act(&self, world: &mut World, action: Action) -> Option<()> {
        match action {
            Action::Store(number) => {
                let event = *world.instances[number].journal.get(world.instances[number].stored)?;
                let there = world.now.events.iter().find(|stored| stored.id == event.id).copied();
                let stored = there.unwrap_or(event);
                world.change(Some(number), |now| now.events.insert(stored));
                let instance = &mut world.instances[number];
                instance.stored += 1;
                instance.outlet.push([stored]);
                if !self.rules.journal_waits_for_feed {
                    instance.journal.remove(0);
                    instance.stored -= 1;
                }
            }
            Action::Feed(number) => {
                let (id, entries) = world.instances[number].outlet.document()?;
                let (count, write) = (entries.len(), Write::Append(id, entries.to_vec()));
                world.write(number, &write, self.rules);
                let instance = &mut world.instances[number];
                instance.outlet.acknowledged();
                if self.rules.journal_waits_for_feed {
                    instance.journal.drain(..count);
                    instance.stored -= count;
                }
            }
            Action::FeedIsDelayed(number) => {
                let (id, entries) = world.instances[number].outlet.document()?;
                let write = Write::Append(id, entries.to_vec());
                world.delay(write)?;
            }
            Action::GoStale => {
                world.left.stale_moments -= 1;
                world.before = Some(world.now.clone());
            }
            Action::Land(index) => {
                let write = world.delayed.remove(index);
                world.change(None, |now| now.write(&write, self.rules.filters));
            }
            Action::Crash(number) => {
                world.left.crashes -= 1;
                let dead = &world.instances[number];
                let (life, journal) = (dead.life + 1, dead.journal.clone());
                world.instances[number] = self.begin_life(number, life, journal);
            }
            Action::Take(number) => {
                if let Some((owner, epoch)) = world.now.lease
                    && world.instances[owner].epoch == Some(epoch)
                {
                    world.left.takeovers -= 1;
                }
                let epoch = world.now.lease.map_or(1, |(_, epoch)| epoch + 1);
                world.change(Some(number), |now| now.lease = Some((number, epoch)));
                world.instances[number].epoch = Some(epoch);
            }
            Action::Load(number) => {
                let epoch = world.instances[number].epoch?;
                world.change(Some(number), |now| {
                    for record in now.records.values_mut().filter(|record| record.epoch < epoch) {
                        (record.epoch, record.change) = (epoch, 0);
                    }
                });
                let records = world.now.records.values().copied();
                let mut window = Window::new(epoch, records.clone());
                for (user, id) in records.filter_map(|record| Some((record.user, record.held?))) {
                    // Another owner's outcome counts: nobody waits for a person there.
                    if world.now.outcomes.contains_key(&id) && !world.now.holds.contains(&id) {
                        window.release(user, id);
                    }
                }
                world.instances[number].window = Some(window);
            }
            Action::List(number, age) => {
                let listed = world.read_at(number, age).feeding();
                let reader = &mut world.instances[number].reader;
                reader.begin();
                reader.listed(listed);
            }
            Action::ReadFeed(number, process, age) => {
                let reader = &world.instances[number].reader;
                let from = reader.wanted().find(|wanted| wanted.process == process)?;
                let found = world.read_at(number, age).documents(from);
                world.instances[number].reader.found(process, found);
            }
            Action::Confirm(number, age) => {
                let lease = world.read_at(number, age).lease;
                let instance = &mut world.instances[number];
                let is_mine = lease == instance.epoch.map(|epoch| (number, epoch));
                if is_mine || !self.rules.confirm_the_lease {
                    instance.reader.confirm();
                    instance.take_in();
                } else {
                    world.lose(number);
                }
            }
            Action::Carry(number, index, age) => world.carry(number, index, age, self.rules),
            Action::CarryIsDelayed(number, index) => {
                let instance = &world.instances[number];
                let write = instance.write_of(instance.effects.get(index)?);
                world.delay(write)?;
            }
            Action::Send(number, user) => {
                let (_, id) = world.instances[number].window.as_mut()?.send(user)?;
                world.instances[number].sending.insert(user, id);
                // Sent in an earlier run, it is not what was asked for.
                let run = world.now.outcomes.get(&id).map_or(0, |outcome| outcome.run);
                if world.instances[number].runs.get(&id).copied().unwrap_or(0) == run {
                    world.wanted_again.remove(&id);
                }
                if world.sent.insert(id) {
                    world.overtaken |= self.overtakes(world, id);
                    world.passed |= self.passes(world, id);
                }
            }
            Action::Answer(number, user, ending) => {
                let id = world.instances[number].sending.remove(&user)?;
                match ending {
                    Ending::Done => {}
                    Ending::GivenUp => world.left.failures -= 1,
                    Ending::Held => {
                        world.left.holds -= 1;
                        world.instances[number].holding.insert(id);
                    }
                }
                world.instances[number].window.as_mut()?.answered(user, ending);
            }
            Action::Ask(command) => {
                match command {
                    Command::Release(_, id) => {
                        world.left.releases -= 1;
                        world.now.holds.remove(&id);
                        world.now.released.insert(id);
                    }
                    Command::Replay(..) => world.left.replays -= 1,
                }
                world.now.command = Some(command);
            }
            Action::Steer(number) => {
                let (is_ended, next) = self.steered(world, number)?;
                world.instances[number].window = Some(next);
                if let Some(Command::Replay(event, false)) = world.now.command {
                    world.wanted_again.insert(event.id);
                    world.change(Some(number), Database::replay);
                }
                world.instances[number].has_ended = is_ended;
                if is_ended {
                    if self.rules.finish_after_renewal {
                        world.instances[number].window.as_mut()?.ended(1);
                    } else {
                        world.change(Some(number), |now| now.command = None);
                        world.instances[number].has_ended = false;
                    }
                }
            }
            Action::Fail(number, user) => {
                world.left.failures -= 1;
                world.instances[number].sending.remove(&user);
                let window = world.instances[number].window.as_mut()?;
                window.failed(user);
                window.rested(user);
            }
            Action::Park(number, user) => {
                world.left.parks -= 1;
                world.instances[number].window.as_mut()?.park(user);
            }
            Action::Renew(number) => {
                let instance = &mut world.instances[number];
                let is_mine = world.now.lease == instance.epoch.map(|epoch| (number, epoch));
                instance.window.as_mut()?.renewing();
                instance.renewal = Some(is_mine || !self.rules.forget_after_renewal);
                world.answered(Some(number));
            }
            Action::RenewalAnswered(number) => {
                if world.instances[number].renewal.take()? {
                    world.instances[number].window.as_mut()?.renewed();
                } else {
                    world.lose(number);
                }
            }
        }
        Some(())
    }
}
