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

mod records;
mod renewals;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use trailkeep_event::{Arrival, StoreId};

use crate::effect::{Effect, Ending, Ticket};
use crate::names::{DocumentId, Entry, ParkRecord, UserKey};
use crate::user::{Head, Then, User};
pub use records::Stuck;

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
    /// What a person asked for and is done, since the last renewal was begun.
    ended: Vec<Ticket>,
    /// That from before it.
    finishing: Vec<Ticket>,
    /// Whether something that is waited for needs a renewal to be begun.
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
            ended: Vec::new(),
            finishing: Vec::new(),
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

    /// Documents that they are in.
    pub fn documents(&self) -> usize {
        self.documents.len()
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

    /// A document that was [taken in](Self::take_in) is in the feed still. One of which
    /// nothing is known any more was forgotten, and has come again: the process that wrote
    /// it stood still before it heard that it was written, and has tried once more. It is
    /// forgotten again, for nobody reads it a second time.
    pub fn found_again(&mut self, document: DocumentId) {
        let leaving = self.settled.iter().chain(&self.closing);
        let is_known = self.documents.contains_key(&document)
            || leaving.into_iter().any(|leaving| *leaving == document);
        if !is_known {
            self.settled.push(document);
        }
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

    /// A head that rests is taken out, to get an outcome without being sent again.
    /// Answers its number, where it is this user's head and rests.
    pub fn take_up(&mut self, user: UserKey, id: StoreId) -> Option<Arrival> {
        if self.next_of(user)?.1 != id {
            return None;
        }
        let found = self.users.get_mut(&user)?;
        match found.head {
            Some(Head::Resting(head)) => {
                found.head = Some(Head::Sending(head));
                Some(head.0)
            }
            None => self.send(user).map(|(arrival, _)| arrival),
            Some(_) => None,
        }
    }

    /// There is an outcome, to be stored before the user goes on. One that another
    /// owner may contradict is stored only after a renewal that was begun later than
    /// this; and one that holds the user, later than the record was stored which does:
    /// so whoever comes next finds that record.
    pub fn answered(&mut self, user: UserKey, ending: Ending) {
        let Some(found) = self.users.get_mut(&user) else { return };
        let Some(Head::Sending(head)) = found.head else { return };
        match ending {
            Ending::Done => {
                found.head = Some(Head::Recording(head));
                self.effects.push_back(Effect::Record { user, id: head.1 });
            }
            Ending::GivenUp => {
                found.head = Some(Head::Unsure(head, Then::Record));
                self.has_unsure = true;
            }
            Ending::Held => {
                found.head = Some(Head::Holding(head));
                self.go_on(user);
            }
        }
    }

    /// The outcome of an event is stored. Where one was there already that is not this
    /// owner's (`is_ours` says otherwise), another may be in charge, who knows why this
    /// user has to wait: the user goes on after a renewal.
    pub fn recorded(&mut self, user: UserKey, id: StoreId, is_ours: bool) {
        if self.looking > 0 {
            self.settled_meanwhile.insert(id);
        }
        for document in self.held_by.remove(&id).into_iter().flatten() {
            self.settle_entry(document);
        }
        if let Some(found) = self.users.get_mut(&user)
            && let Some(Head::Recording(head)) = found.head
            && head.1 == id
        {
            found.head = (!is_ours).then_some(Head::Unsure(head, Then::GoOn));
            self.has_unsure |= !is_ours;
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

    /// Goes on with a user as far as that goes without an answer.
    fn go_on(&mut self, key: UserKey) {
        let Some(user) = self.users.get_mut(&key) else { return };
        if user.wants_to_send() {
            user.is_ready = true;
            self.ready.push_back(key);
        }
        let (epoch, change) = (self.epoch, &mut self.change);
        let effect = user.hold(key, epoch, change);
        if let Some(effect) = effect.or_else(|| user.next_effect(key, epoch, change)) {
            self.effects.push_back(effect);
        }
        if user.is_gone() {
            self.users.remove(&key);
        }
    }
}
