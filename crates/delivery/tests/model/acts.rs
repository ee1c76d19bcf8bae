//! What each action does to a [`World`].

use trailkeep_delivery::{Covering, Ending, Releasing, Window};

use crate::database::{Command, Database, Write};
use crate::world::{Action, World};
use crate::worlds::Worlds;

impl Worlds {
    /// Whether what a person asked for is done as an instance sees it, and its window
    /// after a step towards that; `None` where that changes nothing.
    pub fn steered(&self, world: &World, number: usize) -> Option<(bool, Window)> {
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

    pub fn act(&self, world: &mut World, action: Action) -> Option<()> {
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
