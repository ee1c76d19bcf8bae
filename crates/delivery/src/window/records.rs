//! Records: users whose pending events are not in memory, and users who wait for a
//! person.

use trailkeep_event::{Arrival, StoreId};

use super::Window;
use crate::effect::{Covering, Effect, Found, Releasing};
use crate::names::{ParkRecord, UserKey};
use crate::user::{Head, Step, Then};

/// A user who is not simply waiting for a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stuck {
    /// Who.
    pub user: UserKey,
    /// The event that is tried, where one is in memory.
    pub head: Option<StoreId>,
    /// The event at which the user waits for a person.
    pub held: Option<StoreId>,
    /// Whether the head failed, and is to be sent again.
    pub is_failing: bool,
    /// Events behind the head in memory.
    pub queued: usize,
}

impl Window {
    /// The user with most entries in memory among those for whom a record is worth its
    /// writes: who has many, or whose head has failed and keeps them there.
    pub fn longest(&self) -> Option<UserKey> {
        let users = self.users.iter().filter(|(_, user)| user.may_park() && user.is_heavy());
        users.max_by_key(|(_, user)| user.queue.len()).map(|(key, _)| *key)
    }

    /// Takes a user's events out of memory, and their entries out of the feed. Answers
    /// whether that is begun; it is not where it is under way, or would gain nothing.
    pub fn park(&mut self, user: UserKey) -> bool {
        let Some(found) = self.users.get_mut(&user).filter(|user| user.may_park()) else {
            return false;
        };
        let Some(lowest) = found.lowest() else { return false };
        let held = found.held();
        self.effects.push_back(found.park(user, lowest, held, self.epoch, &mut self.change));
        true
    }

    /// The record of a user is stored; or it is not, because another owner's is there.
    pub fn parked(&mut self, user: UserKey, is_stored: bool) {
        let Some(found) = self.users.get_mut(&user) else { return };
        let Some(Step::Parking(record)) = found.step() else { return };
        if !is_stored {
            self.is_lost = true;
            return;
        }
        self.records += usize::from(found.record().is_none());
        found.holds(record);
        let covered = found.queue.split_off(&(record.from, StoreId::from_bytes([0; 16])));
        let head = found.current().map(|(_, id)| id);
        if let Some(Head::Holding(head)) = found.head
            && record.held == Some(head.1)
        {
            found.head = Some(Head::Unsure(head, Then::Record));
            self.has_unsure = true;
        }
        for id in covered.into_iter().map(|(_, id)| id).chain(head) {
            for document in self.held_by.remove(&id).into_iter().flatten() {
                self.settle_entry(document);
            }
        }
        self.go_on(user);
    }

    /// What is pending of a user from its record on.
    pub fn read(&mut self, user: UserKey, found: Found) {
        if let Some(user) = self.users.get_mut(&user) {
            user.found(found);
        }
        self.go_on(user);
    }

    /// A record was replaced; or it was not, because it is another one.
    pub fn moved(&mut self, user: UserKey, is_stored: bool) {
        let Some(found) = self.users.get_mut(&user) else { return };
        let Some(Step::Moving(record)) = found.step() else { return };
        if is_stored {
            found.holds(record);
            self.go_on(user);
        } else {
            self.is_lost = true;
        }
    }

    /// A record is removed; or it is not, because it is another one.
    pub fn unparked(&mut self, user: UserKey, is_removed: bool) {
        let Some(found) = self.users.get_mut(&user) else { return };
        if !matches!(found.step(), Some(Step::Leaving)) {
            return;
        }
        if is_removed {
            found.leaves();
            self.records -= 1;
            self.go_on(user);
        } else {
            self.is_lost = true;
        }
    }

    /// Lets a user's record cover everything from a number on, for what is to be sent
    /// again, or was never in the feed. Asked again, it says when the record is stored;
    /// until then the record stays as it is, so whoever does not ask again
    /// [`uncover`](Self::uncover)s it.
    pub fn cover(&mut self, user: UserKey, from: Arrival) -> Covering {
        let found = self.users.entry(user).or_default();
        if found.covers(from) {
            // A read that is under way or behind may have missed it.
            found.drops(from);
            found.keeps(false);
            self.go_on(user);
            return Covering::Covered;
        }
        if !found.may_change_record() {
            return Covering::Busy;
        }
        let held = found.held();
        self.effects.push_back(found.park(user, from, held, self.epoch, &mut self.change));
        found.keeps(true);
        Covering::Begun
    }

    /// Nobody will ask again whether a record covers what it was to cover: so it goes
    /// its way.
    pub fn uncover(&mut self, user: UserKey) {
        if let Some(found) = self.users.get_mut(&user) {
            found.keeps(false);
            self.go_on(user);
        }
    }

    /// Lets a user go on who waits for a person at this event.
    pub fn release(&mut self, user: UserKey, id: StoreId) -> Releasing {
        let found = self.users.get_mut(&user).filter(|user| user.held() == Some(id));
        let Some(found) = found else { return Releasing::NotHeld };
        let Some(record) = found.record() else { return Releasing::NotHeld };
        if found.head.is_some() || found.step() != Some(Step::Delivering) {
            return Releasing::Busy;
        }
        self.change += 1;
        let next = ParkRecord { epoch: self.epoch, change: self.change, held: None, ..record };
        found.begin(Step::Moving(next));
        self.effects.push_back(Effect::Move { expected: record, next });
        Releasing::Begun
    }

    /// At which event a user waits for a person.
    pub fn held(&self, user: UserKey) -> Option<StoreId> {
        self.users.get(&user)?.held()
    }

    /// Who is not simply waiting for a turn: whose head fails, also while it is being sent
    /// again, or who waits for a person.
    pub fn stuck(&self, is_retried: impl Fn(&UserKey) -> bool) -> impl Iterator<Item = Stuck> {
        let stuck = self.users.iter();
        let stuck = stuck.filter(move |(key, user)| {
            user.held().is_some() || user.is_failing() || is_retried(key)
        });
        stuck.map(|(key, user)| Stuck {
            user: *key,
            head: user.current().map(|(_, id)| id),
            held: user.held(),
            is_failing: user.is_failing(),
            queued: user.queue.len(),
        })
    }

    /// The lowest number that waits for its turn and for nothing else: how far behind
    /// delivery is.
    pub fn oldest(&self, is_retried: impl Fn(&UserKey) -> bool) -> Option<Arrival> {
        let waiting = self.users.iter().filter(|(_, user)| user.record().is_none());
        let waiting = waiting.filter(|(key, user)| !user.is_failing() && !is_retried(key));
        let waiting = waiting.filter_map(|(_, user)| user.lowest());
        let coming = self.coming.iter().map(|(entry, _)| entry.arrival);
        waiting.chain(coming).min()
    }
}
