//! What is pending at one processor, as far as it is in memory: whose event may be sent
//! next, what may be forgotten, and what is to be asked of the database for that.
//!
//! Pure: no clock, no database, no network. Whoever owns a window hands it what was
//! read and answered, carries its [`Effect`]s out, and decides *when* an event is sent;
//! the window decides *which*. So all that order and conservation rest on is here.
//!
//! # Invariants
//!
//! - **Pending.** An event without an outcome is in a document of the feed, or a record
//!   covers it: its user's record is stored and begins at or before it. A document is
//!   forgotten only when each of its events has an outcome or is covered, and after a
//!   renewal of the lease that was begun later than that was known: a record that is made
//!   when another owner is in charge already is unknown to that one.
//! - **One at a time.** An event is sent only when the one before it of its user, in
//!   the order of arrival and as far as it has come, has a stored outcome.
//! - **Bounded.** In memory are the events of documents that were read and not
//!   forgotten ([`len`](Window::len)), and of a user with a record a few more
//!   (`MAX_READ`).
//!
//! # The life of an entry
//!
//! Read, it waits to be looked up, in the order of reading. One with an outcome is
//! settled. One that its user's record covers is dropped, which settles it too. All
//! others join the queue of their user, which is by arrival number. The first of a queue
//! is the *head*: it is sent, rests, is sent again, until there is an answer; then its
//! outcome is stored, and the next is the head.
//!
//! # The life of a record
//!
//! ```text
//! park -> Park -> [ Read -> deliver what was found -> (Move) ]* -> nothing found -> Unpark
//! ```
//!
//! From the moment at which `Park` is acknowledged the user's entries are dropped as they
//! come, and what is pending is read from the events themselves. What is dropped while a
//! `Read` is under way may have been missed by it: so a record is moved up no further
//! than that, and removed only after a `Read` that found nothing and beside which nothing
//! was dropped.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use trailkeep_event::{Arrival, StoreId};

use crate::effect::{Effect, Found};
use crate::names::{DocumentId, Entry, ParkRecord, UserKey};
use crate::user::{Head, Step, User};

/// Identities in one look-up.
const LOOK_UP: usize = 500;

/// What is pending and in memory.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Window {
    epoch: u64,
    /// The number of the last change of a record.
    change: u64,
    /// How many entries of each document are not settled.
    documents: BTreeMap<DocumentId, usize>,
    /// Entries that were read, and are not looked up yet, in the order of reading.
    coming: VecDeque<(Entry, DocumentId)>,
    /// How many of these are being looked up.
    looking: usize,
    /// What got an outcome meanwhile.
    settled_meanwhile: BTreeSet<StoreId>,
    /// Which documents hold an event that is in a queue because of them.
    held_by: BTreeMap<StoreId, Vec<DocumentId>>,
    users: BTreeMap<UserKey, User>,
    /// How many users have a record.
    records: usize,
    /// Users whose head may be sent, in turn.
    ready: VecDeque<UserKey>,
    /// Documents with nothing left, since the last renewal was begun.
    settled: Vec<DocumentId>,
    /// Those from before it.
    closing: Vec<DocumentId>,
    /// Whether an outcome waits for a renewal to be begun.
    has_unsure: bool,
    effects: VecDeque<Effect>,
    is_lost: bool,
}

impl Window {
    /// Of an owner that has just taken over, with the records that it found and has
    /// stamped with its epoch.
    pub fn new(epoch: u64, records: impl IntoIterator<Item = ParkRecord>) -> Self {
        let mut window = Self {
            epoch,
            change: 0,
            documents: BTreeMap::new(),
            coming: VecDeque::new(),
            looking: 0,
            settled_meanwhile: BTreeSet::new(),
            held_by: BTreeMap::new(),
            users: BTreeMap::new(),
            records: 0,
            ready: VecDeque::new(),
            settled: Vec::new(),
            closing: Vec::new(),
            has_unsure: false,
            effects: VecDeque::new(),
            is_lost: false,
        };
        for record in records {
            window.users.insert(record.user, User::parked(record));
            window.records += 1;
            window.go_on(record.user);
        }
        window
    }

    /// Takes the next thing to be done.
    pub fn next_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Whether something was found that only another owner can have done: then this
    /// window is worth nothing any more.
    pub fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Entries of the feed that are in memory.
    pub fn len(&self) -> usize {
        self.coming.len() + self.held_by.len()
    }

    /// Whether nothing of the feed is in memory.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes a document that was read. Each is read once, those of a process in order.
    pub fn take_in(&mut self, document: DocumentId, entries: Vec<Entry>) {
        self.documents.insert(document, entries.len());
        if entries.is_empty() {
            self.settled.push(document);
        }
        self.coming.extend(entries.into_iter().map(|entry| (entry, document)));
        self.look_up();
    }

    /// Whether entries wait to be looked up, or are being.
    pub fn is_looking_up(&self) -> bool {
        !self.coming.is_empty()
    }

    /// Asks for the outcomes of the next entries. One look-up at a time, so that
    /// entries join their queues in the order of reading.
    fn look_up(&mut self) {
        if self.looking == 0 && !self.coming.is_empty() {
            self.looking = self.coming.len().min(LOOK_UP);
            let ids = self.coming.iter().take(self.looking).map(|(entry, _)| entry.id);
            self.effects.push_back(Effect::LookUp(ids.collect()));
        }
    }

    /// These events, of those that were asked for, have an outcome.
    pub fn looked_up(&mut self, done: &BTreeSet<StoreId>) {
        let meanwhile = std::mem::take(&mut self.settled_meanwhile);
        let looked: Vec<_> = self.coming.drain(..std::mem::take(&mut self.looking)).collect();
        for (entry, document) in looked {
            if done.contains(&entry.id) || meanwhile.contains(&entry.id) {
                self.settle_entry(document);
            } else {
                self.join(entry, document);
            }
        }
        self.look_up();
    }

    /// An entry without an outcome joins its user's queue, or is dropped.
    fn join(&mut self, entry: Entry, document: DocumentId) {
        let user = self.users.entry(entry.user).or_default();
        if user.covers(entry.arrival) {
            user.drops(entry.arrival);
            return self.settle_entry(document);
        }
        let place = (entry.arrival, entry.id);
        // What came into the feed twice may be on its way already.
        if user.current() != Some(place) {
            user.queue.insert(place);
        }
        self.held_by.entry(entry.id).or_default().push(document);
        self.go_on(entry.user);
    }

    /// Users whose head may be sent, those who have waited longest first.
    pub fn ready(&self) -> impl Iterator<Item = UserKey> {
        self.ready.iter().copied()
    }

    /// The event that comes next of a user: what is on its way, else what would be sent.
    pub fn next_of(&self, user: UserKey) -> Option<(Arrival, StoreId)> {
        let found = self.users.get(&user)?;
        found.current().or_else(|| found.queue.first().copied())
    }

    /// How many events of a user are in memory.
    pub fn queued(&self, user: UserKey) -> usize {
        self.users.get(&user).map_or(0, |user| user.queue.len())
    }

    /// How many users have a record.
    pub fn parked_users(&self) -> usize {
        self.records
    }

    /// Sends a ready user's head: answers which event that is.
    pub fn send(&mut self, user: UserKey) -> Option<(Arrival, StoreId)> {
        let place = self.ready.iter().position(|ready| *ready == user)?;
        self.ready.remove(place);
        let found = self.users.get_mut(&user)?;
        found.is_ready = false;
        // Its record may have changed since it was ready.
        let head = found.wants_to_send().then(|| found.take_head()).flatten();
        match head {
            Some(head) => found.head = Some(Head::Sending(head)),
            None => self.go_on(user),
        }
        head
    }

    /// The attempt failed. The head stays, and is sent again when it has
    /// [`rested`](Self::rested).
    pub fn failed(&mut self, user: UserKey) {
        if let Some(found) = self.users.get_mut(&user)
            && let Some(Head::Sending(head)) = found.head
        {
            found.head = Some(Head::Resting(head));
        }
    }

    /// A head that rested may be sent again.
    pub fn rested(&mut self, user: UserKey) {
        if let Some(found) = self.users.get_mut(&user)
            && let Some(Head::Resting(head)) = found.head
        {
            found.head = None;
            found.again = Some(head);
            self.go_on(user);
        }
    }

    /// There is an outcome, to be stored before the user goes on. One that another
    /// owner may contradict (`failed`, `skipped`) is stored only after a renewal that
    /// was begun later than this.
    pub fn answered(&mut self, user: UserKey, needs_renewal: bool) {
        let Some(found) = self.users.get_mut(&user) else { return };
        let Some(Head::Sending(head)) = found.head else { return };
        if needs_renewal {
            found.head = Some(Head::Unsure(head));
            self.has_unsure = true;
        } else {
            found.head = Some(Head::Recording(head));
            self.effects.push_back(Effect::Record { user, id: head.1 });
        }
    }

    /// The outcome of an event is stored, or another one was there already.
    pub fn recorded(&mut self, user: UserKey, id: StoreId) {
        if self.looking > 0 {
            self.settled_meanwhile.insert(id);
        }
        for document in self.held_by.remove(&id).into_iter().flatten() {
            self.settle_entry(document);
        }
        if let Some(found) = self.users.get_mut(&user) {
            found.head.take_if(|head| matches!(head, Head::Recording((_, head)) if *head == id));
            self.go_on(user);
        }
    }

    fn settle_entry(&mut self, document: DocumentId) {
        if let Some(left) = self.documents.get_mut(&document) {
            *left -= 1;
            if *left == 0 {
                self.documents.remove(&document);
                self.settled.push(document);
            }
        }
    }

    /// A renewal of the lease is sent.
    pub fn renewing(&mut self) {
        self.closing.append(&mut self.settled);
        self.has_unsure = false;
        for user in self.users.values_mut() {
            if let Some(Head::Unsure(head)) = user.head {
                user.head = Some(Head::Renewing(head));
            }
        }
    }

    /// Whether an outcome waits for a renewal to be begun, and with it a user.
    pub fn has_unsure(&self) -> bool {
        self.has_unsure
    }

    /// Whether a renewal would let anything go on.
    pub fn waits_for_renewal(&self) -> bool {
        !self.settled.is_empty() || !self.closing.is_empty() || self.has_unsure
    }

    /// It succeeded: what was known before it may be acted upon.
    pub fn renewed(&mut self) {
        if !self.closing.is_empty() {
            self.effects.push_back(Effect::Forget(std::mem::take(&mut self.closing)));
        }
        for (key, user) in &mut self.users {
            if let Some(Head::Renewing(head)) = user.head {
                user.head = Some(Head::Recording(head));
                self.effects.push_back(Effect::Record { user: *key, id: head.1 });
            }
        }
    }

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
        self.change += 1;
        let from = found.record().map_or(lowest, |record| record.from.min(lowest));
        let record = ParkRecord { user, from, epoch: self.epoch, change: self.change, held: None };
        found.begin(Step::Parking(record));
        self.effects.push_back(Effect::Park(record));
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
        let heads = found.current().map(|(_, id)| id);
        for id in covered.into_iter().map(|(_, id)| id).chain(heads) {
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

    /// Goes on with a user as far as that goes without an answer.
    fn go_on(&mut self, key: UserKey) {
        let Some(user) = self.users.get_mut(&key) else { return };
        if user.wants_to_send() {
            user.is_ready = true;
            self.ready.push_back(key);
        }
        if let Some(effect) = user.next_effect(key, self.epoch, &mut self.change) {
            self.effects.push_back(effect);
        }
        if user.is_gone() {
            self.users.remove(&key);
        }
    }
}
