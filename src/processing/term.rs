//! One term of being in charge of a processor: from taking the lease to losing it.
//!
//! The [`Window`] says which event may be sent and what is to be asked of the database;
//! the [`Breaker`] and the [`Attempts`] say when. Here both meet: work is handed out, and
//! what came of it is handed back.

mod agenda;
mod answers;
mod erased;
mod kept;
mod sending;
mod steering;
mod task;
mod telling;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use trailkeep_delivery::lease::Lease;
use trailkeep_delivery::{Effect, Reader, UserKey, Window};
use trailkeep_event::StoreId;
use trailkeep_event::time::Clock;
use trailkeep_store::processing::{Parked, Processed, Processor};

use super::attempts::AttemptRules;
use super::bodies::Bodies;
use super::breaker::{Breaker, Condition};
use super::lateness::Lateness;
use super::pace::Pace;
use super::rests::Rests;
use super::sharing::Sharing;
use super::view::View;
use super::work::{Polled, Report};
use crate::ingest::erased::Erased;
use agenda::Agenda;
use erased::ErasedEntries;
use kept::{Failing, Heading, NotRecorded};
pub use sending::most_events;
pub use task::{Attempt, Task};

/// Entries of the feed in memory, above which the user with most of them is parked: at
/// some 250 bytes each, 5 MB.
const MOST_ENTRIES: usize = 20_000;
/// Bytes of what is pending of one processor, at the most: these entries, and the
/// documents that are read beyond them.
pub const MOST_PENDING_BYTES: usize = 8 << 20;
/// Outcomes that are kept with one call.
const RECORDED: usize = 500;
/// Calls that keep outcomes, at once.
const RECORDING: usize = 2;
/// Other calls to the database at once.
const CALLS: usize = 16;

/// What a term needs to know.
pub struct TermRules {
    pub attempts: AttemptRules,
    /// After which the store deletes the first events, if ever: the type of one that is not
    /// found is not known.
    pub retention: Option<Duration>,
    /// Whether a user waits for a person behind an event that failed for good.
    pub holds: bool,
    /// Requests that are begun in a second at the most.
    pub rate_per_second: Option<u32>,
    /// Whose events are not sent any more.
    pub erased: Arc<Erased>,
}

pub struct Term {
    window: Window,
    /// `None` while the feed is being read.
    reader: Option<Reader>,
    /// Whether there may be something new in the feed.
    wants_poll: bool,
    /// Whether all of the feed was read once, or as much as there is memory for.
    has_read_all: bool,
    /// And looked up. What processes fed that have ended overlaps: only together it is in
    /// order.
    has_caught_up: bool,
    rules: Arc<TermRules>,
    clock: Arc<dyn Clock>,
    bodies: Arc<Bodies>,
    view: Arc<View>,
    erased: ErasedEntries,
    heads: HashMap<StoreId, Heading>,
    /// The ids of users, where they are known and needed.
    users: HashMap<UserKey, Box<str>>,
    /// Calls that fetch bodies.
    fetching: usize,
    verdicts: HashMap<StoreId, Processed>,
    to_record: Vec<(UserKey, Processed)>,
    not_recorded: NotRecorded,
    effects: Vec<Effect>,
    rests: Rests,
    recording: usize,
    calls: usize,
    in_flight: usize,
    /// Who is being parked because there are too many entries.
    overflow: Option<UserKey>,
    /// Whether somebody may have to be: it is looked for among all users, and so not at
    /// each step.
    looks_for_room: bool,
    retrying: HashSet<UserKey>,
    processor: Arc<Processor>,
    steering: Agenda,
    /// Of what is pending in a later run than its first.
    runs: HashMap<StoreId, u32>,
    failing: HashMap<StoreId, Failing>,
    pace: Option<Pace>,
    /// Who was the last that the processor asked to leave alone for a while, and when.
    last_wait: Option<(UserKey, u64)>,
    sharing: Sharing,
    /// When an event may be sent that waits for what other instances have accepted.
    shared_until: Option<u64>,
    lateness: Lateness,
}

impl Term {
    /// Of an owner who found these records, and that some users whom they hold wait for
    /// nobody.
    pub fn new(
        lease: Lease,
        processor: Arc<Processor>,
        (parked, lucky): (Vec<Parked>, Vec<(UserKey, StoreId)>),
        rules: Arc<TermRules>,
        clock: Arc<dyn Clock>,
        bodies: Arc<Bodies>,
        view: Arc<View>,
    ) -> Self {
        let records = parked.iter().map(|parked| parked.record);
        let mut window = Window::new(lease.epoch, records);
        for (user, id) in lucky {
            window.release(user, id);
        }
        let pace = rules.rate_per_second.map(|rate| Pace::new(rate, 0));
        let erased = ErasedEntries::of(Arc::clone(&rules.erased));
        let users = parked.into_iter().map(|parked| (parked.record.user, parked.user_id));
        Self {
            window,
            reader: Some(Reader::new()),
            wants_poll: true,
            has_read_all: false,
            has_caught_up: false,
            rules,
            clock,
            bodies,
            view,
            erased,
            heads: HashMap::new(),
            users: users.collect(),
            fetching: 0,
            verdicts: HashMap::new(),
            to_record: Vec::new(),
            not_recorded: NotRecorded::default(),
            effects: Vec::new(),
            rests: Rests::default(),
            recording: 0,
            calls: 0,
            in_flight: 0,
            overflow: None,
            looks_for_room: false,
            retrying: HashSet::new(),
            processor,
            steering: Agenda::new(),
            runs: HashMap::new(),
            failing: HashMap::new(),
            pace,
            last_wait: None,
            sharing: Sharing::default(),
            shared_until: None,
            lateness: Lateness::default(),
        }
    }

    /// Whether another owner has been at work.
    pub fn is_lost(&self) -> bool {
        self.window.is_lost()
    }

    /// The processor, as of a moment ago.
    pub fn processor(&self) -> &Arc<Processor> {
        &self.processor
    }

    /// Requests in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether all that was answered is stored.
    pub fn is_settled(&self) -> bool {
        let is_kept = self.to_record.is_empty() && self.not_recorded.outcomes.is_empty();
        // Those that wait for a renewal too.
        self.in_flight == 0 && self.recording == 0 && is_kept && self.verdicts.is_empty()
    }

    /// There may be something new in the feed.
    pub fn poll_soon(&mut self) {
        self.wants_poll = true;
        self.looks_for_room = true;
    }

    /// Something may have been asked for.
    pub fn orders_soon(&mut self) {
        self.steering.read_soon();
    }

    /// When a user has rested, an outcome is tried again, or the rate lets one more be
    /// sent.
    pub fn next_rest(&self) -> Option<u64> {
        let paced = self.pace.as_ref().filter(|_| self.window.ready().next().is_some());
        let paced = paced.map(Pace::next);
        let again = [self.rests.next(), self.not_recorded.again_at, self.shared_until, paced];
        again.into_iter().flatten().min()
    }

    /// Whether an outcome waits for a renewal, and with it a user.
    pub fn waits_for_renewal(&self) -> bool {
        self.window.has_unsure()
    }

    /// A renewal is sent, and its answer.
    pub fn renewing(&mut self) {
        self.window.renewing();
    }

    pub fn renewed(&mut self) {
        self.window.renewed();
    }

    /// What is to be done now. `may_send` is whether anything may be begun at the
    /// processor.
    pub fn tasks(
        &mut self,
        lease: Lease,
        breaker: &Breaker,
        may_send: bool,
        now: u64,
    ) -> Vec<Task> {
        let mut tasks = Vec::new();
        for user in self.rests.over(now) {
            self.window.rested(user);
        }
        self.record_again(now);
        // Nobody is parked because the processor is away; and one at a time, for what is
        // gained is known when that is done.
        let is_running = breaker.condition() == Condition::Running && self.steering.lets_send();
        let is_full = self.window.len() > MOST_ENTRIES && self.overflow.is_none();
        if is_running && is_full && std::mem::take(&mut self.looks_for_room) {
            self.overflow = self.window.longest().filter(|user| self.window.park(*user));
        }
        let has_room = self.window.len() <= MOST_ENTRIES;
        self.has_read_all |= !has_room;
        self.has_caught_up |= self.has_read_all && !self.window.is_looking_up();
        self.steer(&mut tasks);
        let is_catching_up = self.steering.is_catching_up();
        if self.wants_poll
            && has_room
            && !is_catching_up
            && let Some(reader) = self.reader.take()
        {
            self.wants_poll = false;
            tasks.push(Task::Poll(reader, lease));
        }
        // What is caught up with is read from the events, in order.
        let is_in_order = self.has_caught_up || is_catching_up;
        if may_send && is_in_order && self.steering.lets_send() {
            self.send(breaker, now, &mut tasks);
        }
        self.effects(&mut tasks);
        tasks
    }

    /// Hands out what the window wants of the database.
    fn effects(&mut self, tasks: &mut Vec<Task>) {
        while let Some(effect) = self.window.next_effect() {
            match effect {
                Effect::Record { user, id } => {
                    if let Some(outcome) = self.verdicts.remove(&id) {
                        self.to_record.push((user, outcome));
                    }
                }
                Effect::Finish(ticket) => self.finish(ticket, tasks),
                effect => self.effects.push(effect),
            }
        }
        while self.recording < RECORDING && !self.to_record.is_empty() {
            let count = self.to_record.len().min(RECORDED);
            self.recording += 1;
            tasks.push(Task::Record(self.to_record.drain(..count).collect()));
        }
        let room = CALLS.saturating_sub(self.calls).min(self.effects.len());
        for effect in self.effects.drain(..room).collect::<Vec<_>>() {
            self.calls += 1;
            tasks.extend(self.task(effect));
        }
    }

    fn task(&mut self, effect: Effect) -> Option<Task> {
        Some(match effect {
            Effect::LookUp(ids) => Task::LookUp(ids),
            Effect::Park(record) => {
                let event = self.window.next_of(record.user).map(|(_, id)| id);
                Task::Park(record, self.user_id(record.user), event)
            }
            Effect::Read { user, from, limit } => {
                let user_id = self.users.get(&user).cloned().unwrap_or_default();
                Task::Read(user, user_id, from, limit)
            }
            Effect::Move { expected, next } => Task::Move(expected, next),
            Effect::Unpark(record) => Task::Unpark(record),
            Effect::Forget(documents) => Task::Forget(documents),
            Effect::Record { .. } | Effect::Finish(_) => return None,
        })
    }

    fn user_id(&self, user: UserKey) -> Option<Box<str>> {
        let known = self.users.get(&user).cloned();
        known.or_else(|| {
            let (_, id) = self.window.next_of(user)?;
            Some(self.heads.get(&id)?.body.as_ref()?.user_id.clone())
        })
    }

    /// Takes what came of a piece of work.
    pub fn report(&mut self, report: Report, now: u64) -> bool {
        match report {
            Report::Polled(_, None) => return false,
            Report::Polled(reader, Some(Polled { taken, again })) => {
                self.reader = Some(reader);
                // There may be more behind what was read at once.
                self.wants_poll |= !taken.is_empty();
                self.has_read_all |= taken.is_empty();
                self.looks_for_room = true;
                for (id, mut entries) in taken {
                    self.sharing.read(id.process, now);
                    self.erased.leave_out(&self.processor, &mut entries);
                    self.window.take_in(id, entries);
                }
                for id in again {
                    self.window.found_again(id);
                }
            }
            Report::LookedUp(mut done, runs) => {
                // What was in the feed still, and is to be sent again: a replay has not
                // parked its user yet, does so, and is open until then. Sent from here it
                // would come before what is not in the feed any more.
                if self.steering.is_replaying() {
                    done.extend(runs.into_iter().map(|(id, _)| id));
                } else {
                    self.runs.extend(runs);
                }
                self.window_call(|window| window.looked_up(&done));
            }
            Report::Recorded(kept) => {
                self.recording -= 1;
                kept.into_iter()
                    .for_each(|(user, outcome, kept)| self.recorded(user, outcome, &kept, now));
            }
            Report::Parked(parked, is_stored) => {
                let user = parked.record.user;
                self.looks_for_room |= self.overflow.take_if(|parking| *parking == user).is_some();
                self.users.insert(user, parked.user_id);
                self.window_call(|window| window.parked(user, is_stored));
            }
            Report::Read(user, found, runs) => {
                self.runs.extend(runs);
                self.window_call(|window| window.read(user, found));
            }
            Report::Moved(user, is_stored) => {
                self.window_call(|window| window.moved(user, is_stored));
            }
            Report::Unparked(user, is_removed) => {
                self.window_call(|window| window.unparked(user, is_removed));
                self.users.remove(&user);
            }
            Report::Forgotten => self.calls -= 1,
            Report::Fetched(asked, found) => self.fetched(asked, found, now),
            Report::Orders(processor, read) => {
                if let Some(processor) = processor {
                    self.processor = Arc::new(processor);
                }
                self.ordered(read);
            }
            Report::Prepared(id, page) => self.prepared(id, page),
            Report::Told(id, goes_on) => self.told(id, goes_on),
            // The deliverer's own.
            Report::Renewed(..) | Report::Published(_) => {}
        }
        true
    }

    fn window_call(&mut self, call: impl FnOnce(&mut Window)) {
        self.calls -= 1;
        call(&mut self.window);
    }

    /// What is in memory, for people.
    pub fn sizes(&self) -> (usize, usize) {
        (self.window.len(), self.window.parked_users())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
