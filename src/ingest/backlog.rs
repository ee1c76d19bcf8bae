//! What is accepted and not stored, and which records of the journal hold it.
//!
//! Memory holds the *head* of the backlog, in a [queue](super::queue); what comes
//! behind it is *beyond*: counted here, and held by the journal alone. With the
//! default limits nothing ever is, but at a start.
//!
//! - *Order.* Everything in the head, or that has left it, came before everything
//!   beyond. A batch goes straight into the head only while nothing is beyond, and
//!   what is beyond is read back from its oldest end. Both are decided under one
//!   lock, and batches come to it in the order in which they are in the journal.
//! - *Conservation.* A batch is counted from before its sender is answered until
//!   each of its events is settled, in the head or beyond, and never in both.
//! - *Low watermark.* All before it is settled: it is where the oldest record ends
//!   that has no event left and no unsettled record before it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use trailkeep_event::{Accepted, Timestamp};
use trailkeep_journal::{Appended, Mark, Place};
use trailkeep_store::Outcome;

use super::beyond::Beyond;
use super::queue::{Entry, Queue, Write};
use super::quota::Quota;
use super::recent::Recent;
use super::record::Batch;
use super::room::Amount;
use super::waiter::Waiter;

/// What memory holds at the most. A single batch may be larger.
pub const HEAD: Amount = Amount { events: 5_000, bytes: 64 << 20 };

/// When a write goes out, and what happens when it fails.
#[derive(Debug, Clone, Copy)]
pub struct WriteRules {
    /// Events in one write.
    pub max_events: usize,
    /// How long an event waits for others.
    pub max_wait: Duration,
    /// Upper bound of the first pause after a failure.
    pub backoff_min: Duration,
    /// Upper bound of every pause.
    pub backoff_max: Duration,
}

impl WriteRules {
    /// The upper bound of the first pause that the service makes: a write that was
    /// hit by a passing fault goes out again at once. It doubles with each further
    /// try.
    pub const BACKOFF_MIN: Duration = Duration::from_millis(100);
}

/// The backlog at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// All that is accepted and not stored.
    pub held: Amount,
    /// Events of it that are beyond the head.
    pub beyond: usize,
    /// Events in a write.
    pub in_flight: usize,
    /// When the oldest event of the head was received.
    pub oldest: Option<Timestamp>,
}

/// A record with events in the head.
#[derive(Debug)]
struct Outstanding {
    end: Mark,
    /// Its events that are not settled.
    events: usize,
    /// What of its bytes is not given back.
    bytes: usize,
    key: Option<Arc<str>>,
    waiter: Option<Waiter>,
}

/// What settling a write gave.
#[derive(Debug, Default)]
pub struct Settled<'a> {
    /// The events that left, to be freed outside of any lock, and what became of
    /// each.
    pub left: Vec<(Entry, &'a Outcome)>,
    /// The room that they had.
    pub room: Amount,
}

pub struct Backlog {
    queue: Queue,
    quota: Quota,
    /// The most that the head takes.
    head: Amount,
    /// Bytes of what is in the head.
    bytes: usize,
    /// Records with events in the head, and settled ones behind the first.
    records: VecDeque<Outstanding>,
    /// How many records were taken out of that.
    forgotten: u64,
    beyond: Option<Beyond>,
    /// Where the last of what was beyond ended: there may be nothing readable
    /// before it.
    read_up_to: Mark,
    low: Mark,
    /// Told of what comes into the head, in its order.
    recent: Arc<Recent>,
    /// Whether somebody waits for what waits.
    is_urgent: bool,
}

impl Backlog {
    /// Nothing but what an earlier process left in the journal, between these
    /// marks.
    pub fn new(quota: Quota, head: Amount, low: Mark, end: Mark, recent: Arc<Recent>) -> Self {
        let beyond = Beyond::found(low, end);
        Self {
            queue: Queue::default(),
            quota,
            head,
            bytes: 0,
            records: VecDeque::new(),
            forgotten: 0,
            low: if beyond.is_some() { low } else { low.later(end) },
            beyond,
            read_up_to: Mark::default(),
            recent,
            is_urgent: false,
        }
    }

    /// Who holds how much of the head.
    pub fn quota(&mut self) -> &mut Quota {
        &mut self.quota
    }

    /// Takes a batch that is in the journal, behind all others. Its tenants are
    /// charged already.
    pub fn arrive(&mut self, batch: Batch, appended: Appended, waiter: Option<Waiter>) {
        let bytes = appended.end.place.offset - appended.start.offset;
        let need = Amount {
            events: batch.events.len(),
            bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
        };
        if self.beyond.is_none() && self.has_room_for(need) {
            return self.push(batch, appended.end, need.bytes, waiter);
        }
        for accepted in &batch.events {
            self.quota.leave(&accepted.event, batch.key.as_ref());
        }
        let beyond = self.beyond.get_or_insert_with(|| Beyond::before(appended));
        beyond.add(need, appended.end, waiter);
    }

    /// Whether the head takes that much. It takes any batch while it is empty.
    pub fn has_room_for(&self, need: Amount) -> bool {
        let held = Amount { events: self.queue.len(), bytes: self.bytes };
        (held + need).is_within(self.head) || self.queue.len() == 0
    }

    fn push(&mut self, batch: Batch, end: Mark, bytes: usize, waiter: Option<Waiter>) {
        let record = self.forgotten + self.records.len() as u64;
        let since = Instant::now();
        self.is_urgent |= waiter.is_some();
        self.bytes += bytes;
        self.records.push_back(Outstanding {
            end,
            events: batch.events.len(),
            bytes,
            key: batch.key,
            waiter,
        });
        self.recent.push(&batch.events);
        for accepted in batch.events {
            self.queue.push(Entry { accepted, record, since });
        }
    }

    /// What is to be read back next, from where and up to where; `None` while
    /// nothing is beyond, or the head has no room for a record of the usual size.
    pub fn wanted(&self) -> Option<(Place, Place)> {
        let beyond = self.beyond.as_ref()?;
        let has_room = self.has_room_for(Amount { events: 1, bytes: 1 });
        has_room.then(|| beyond.range())
    }

    /// Takes the oldest batch that is beyond into the head, which has room for it.
    /// Answers what of it has no room of its own yet.
    pub fn take_back(&mut self, batch: Batch, end: Place, bytes: usize) -> Amount {
        let need = Amount { events: batch.events.len(), bytes };
        self.quota
            .charge_promised(batch.events.iter().map(|event| &event.event), batch.key.as_ref());
        let Some(beyond) = &mut self.beyond else {
            return Amount::default();
        };
        let passed = beyond.pass(need, end);
        self.push(batch, passed.end, bytes, passed.waiter);
        passed.uncounted
    }

    /// The oldest record that is beyond cannot be used. Answers the room that its
    /// events had, as far as they were counted.
    pub fn skip(&mut self, lost: Amount, end: Place) -> Amount {
        let passed = self.beyond.as_mut().map(|beyond| beyond.pass(lost, end));
        passed.map_or(lost, |passed| lost - passed.uncounted)
    }

    /// Everything up to there was read back: unless more has come since, nothing is
    /// beyond any more. Answers the room of what is still counted, and is not in
    /// the journal.
    pub fn read_up_to(&mut self, up_to: Place) -> Amount {
        let is_read = |beyond: &mut Beyond| beyond.end().place == up_to;
        let Some(beyond) = self.beyond.take_if(is_read) else {
            return Amount::default();
        };
        self.read_up_to = beyond.end();
        self.skip_what_was_read();
        beyond.amount()
    }

    /// When a write is due: at once, if enough events wait to fill one, if somebody
    /// waits for the store, and while draining.
    pub fn due(&mut self, now: Instant, rules: &WriteRules, is_draining: bool) -> Option<Instant> {
        self.queue.end_pauses(now, false);
        let since = self.queue.waiting_since()?;
        if self.is_filled(rules.max_events) || self.is_urgent || is_draining {
            return Some(now);
        }
        Some(since + rules.max_wait)
    }

    /// Has users that are held back tried again at once.
    pub fn end_pauses(&mut self) {
        self.queue.end_pauses(Instant::now(), true);
    }

    /// Whether any event waits that a write may take.
    pub fn is_waiting(&self) -> bool {
        self.queue.waiting() > 0
    }

    /// Whether so many events wait as fill a write, or as the head takes: what is
    /// beyond it cannot fill one.
    pub fn is_filled(&self, max_events: usize) -> bool {
        self.queue.waiting() >= max_events.min(self.head.events)
    }

    /// When users that are held back are tried again.
    pub fn paused_until(&self) -> Option<Instant> {
        self.queue.paused_until()
    }

    /// The events of the next write; they stay until it is settled.
    pub fn take(&mut self, max_events: usize, max_bytes: usize) -> Write {
        let write = self.queue.take(max_events, max_bytes);
        if self.queue.len() == self.queue.in_flight() {
            self.is_urgent = false;
        }
        write
    }

    /// Ends a write, given what became of each of its events.
    pub fn settle<'a>(
        &mut self,
        write: &Write,
        outcomes: &'a [Outcome],
        pause: impl Fn(u32) -> Duration,
    ) -> Settled<'a> {
        let left = self.queue.settle(write, outcomes, pause);
        let mut room = Amount::default();
        for (entry, outcome) in &left {
            room = room + self.leave(entry, outcome);
        }
        self.bytes -= room.bytes;
        while self.records.front().is_some_and(|record| record.events == 0) {
            if let Some(record) = self.records.pop_front() {
                self.low = record.end;
                self.forgotten += 1;
            }
        }
        self.skip_what_was_read();
        Settled { left, room }
    }

    /// Where nothing is left, what could not be read back is behind us too.
    fn skip_what_was_read(&mut self) {
        if self.records.is_empty() && self.beyond.is_none() {
            self.low = self.low.later(self.read_up_to);
        }
    }

    fn leave(&mut self, entry: &Entry, outcome: &Outcome) -> Amount {
        let place = usize::try_from(entry.record - self.forgotten).unwrap_or(usize::MAX);
        let Some(record) = self.records.get_mut(place) else {
            return Amount::default();
        };
        let bytes = record.bytes / record.events.max(1);
        record.bytes -= bytes;
        record.events -= 1;
        if let Some(waiter) = &mut record.waiter {
            waiter.settled(outcome);
        }
        if record.events == 0
            && let Some(waiter) = record.waiter.take()
        {
            waiter.tell();
        }
        self.quota.leave(&entry.accepted.event, record.key.as_ref());
        Amount { events: 1, bytes }
    }

    /// All before it is settled.
    pub fn low(&self) -> Mark {
        self.low
    }

    /// One user's events in the head, in order.
    pub fn of_user(&self, user_id: &str) -> Vec<Arc<Accepted>> {
        self.queue.of_user(user_id)
    }

    /// The events in the head that say whose an id is.
    pub fn saying(&self) -> Vec<Arc<Accepted>> {
        self.queue.saying()
    }

    /// The events in the head.
    pub fn events(&self) -> Vec<Arc<Accepted>> {
        self.queue.events()
    }

    /// The events in the head of users who have any of an account, each user's in order.
    pub fn of_account(&self, account_id: &str) -> Vec<Arc<Accepted>> {
        self.queue.of_account(account_id)
    }

    /// Events in the head.
    #[cfg(test)]
    pub fn head_len(&self) -> usize {
        self.queue.len()
    }

    /// Whether anything is beyond the head.
    pub fn is_beyond(&self) -> bool {
        self.beyond.is_some()
    }

    /// All that is accepted and not stored.
    pub fn held(&self) -> Amount {
        let beyond = self.beyond.as_ref().map(Beyond::amount);
        let head = Amount { events: self.queue.len(), bytes: self.bytes };
        head + beyond.unwrap_or_default()
    }

    /// How many records were taken into the head so far.
    pub fn records(&self) -> u64 {
        self.forgotten + self.records.len() as u64
    }

    /// Whether all events of the first so many records are settled, but for those
    /// of users that are held.
    pub fn has_tried(&self, records: u64) -> bool {
        self.queue.fronts().all(|entry| entry.record >= records)
    }

    pub fn snapshot(&self) -> Snapshot {
        let fronts = self.queue.all_fronts();
        Snapshot {
            held: self.held(),
            beyond: self.beyond.as_ref().map_or(0, |beyond| beyond.amount().events),
            in_flight: self.queue.in_flight(),
            oldest: fronts.map(|entry| entry.accepted.event.received_at).min(),
        }
    }

    /// Whether nobody holds anything.
    #[cfg(test)]
    pub fn is_held_by_nobody(&self) -> bool {
        self.quota.is_empty()
    }
}
