//! From accepted to stored.
//!
//! [`Pipeline::admit`] takes a batch whole or refuses it at once; nobody waits
//! for room. A batch is in the [`journal`], on disk, before it is answered.
//! What is admitted lies in the [`buffer`], in the lane of its user, until the
//! [`flusher`] has it stored: also while it is on its way to the store, so that
//! a failed flush has lost nothing and a journey shows it.
//!
//! Invariants, which the tests of this module hold against random traffic:
//!
//! - `accepted + restored = stored + duplicate + dead-lettered + unreadable +
//!   buffered + spilled`.
//! - An event is dead-lettered only when its letter is kept.
//! - Room is given back only when an event has left the buffer.
//! - The journal forgets an event only when it has left the buffer.
//! - What is [spilled](spill) is younger than all that is or was in the buffer.
//! - Events of one user leave in the order in which they came.
//! - What a tenant [holds](shares) is the sum over its events that have room.
//! - At any time at most one event with a given identity is in the buffer.

mod admission;
pub mod backoff;
pub mod buffer;
pub mod dead_letters;
pub mod floods;
pub mod flusher;
pub mod health;
pub mod journal;
pub mod leftover;
pub mod refill;
pub mod shares;
pub mod spill;
pub mod statistics;
pub mod waiter;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::event::id::ArrivalClock;
use crate::event::time::Clock;
use crate::event::{Accepted, Arrival};

pub use admission::{NotAdmitted, Posted};
use buffer::lane_set::LaneSet;
use buffer::{Buffer, Limits, Snapshot};
use health::Health;
use journal::Journal;
use journal::reader::ReadBack;
use refill::Refiller;
use shares::Shares;
use statistics::Statistics;

/// When a flush goes out, and what happens when it fails.
#[derive(Debug, Clone, Copy)]
pub struct FlushRules {
    /// Events in one write.
    pub max_events: usize,
    /// How long an event waits for others.
    pub max_wait: Duration,
    /// After how long a write counts as failed.
    pub timeout: Duration,
    /// Upper bound of the first pause after a failure.
    pub backoff_min: Duration,
    /// Upper bound of every pause.
    pub backoff_max: Duration,
}

/// The way of events into the store; shared by all that admit or read them.
pub struct Pipeline {
    buffer: Mutex<Buffer>,
    /// Held while a batch is numbered and handed on, so that batches go on in
    /// the order of their numbers.
    arrivals: Mutex<ArrivalClock>,
    /// Where batches are kept before they are answered; `None` keeps them in
    /// memory alone.
    journal: Option<Journal>,
    /// Reads spilled events back; `None` where there is no journal to read.
    refiller: Mutex<Option<Refiller>>,
    /// Told when spilled events may have room in the buffer.
    refill_wake: Notify,
    /// One for each lane: told when there is a reason to look at its queue.
    wakes: Vec<Notify>,
    rules: FlushRules,
    limits: Limits,
    shares: Shares,
    clock: Arc<dyn Clock>,
    statistics: Arc<Statistics>,
    health: Arc<Health>,
    /// Events up to this arrival number may be stored already: by an earlier
    /// process, or by a try whose answer never came.
    doubtful_up_to: AtomicI64,
}

/// What a pipeline is made of.
pub struct Parts {
    /// The limits of the buffer.
    pub limits: Limits,
    /// What one tenant may hold of that room.
    pub shares: Shares,
    /// The rules of the flusher.
    pub rules: FlushRules,
    /// How many flushes may be in flight, at most 64.
    pub lanes: usize,
    /// Tells the arrival numbers of processes apart that number events in the
    /// same millisecond.
    pub instance: u8,
    /// Where batches are kept before they are answered.
    pub journal: Option<Journal>,
    /// Reads back what is in that journal, or in that of an earlier process.
    pub reader: Option<Box<dyn ReadBack>>,
    /// Bytes of the journal that may be spilled beyond the buffer; 0 for none,
    /// as it must be without a journal.
    pub max_spilled_bytes: u64,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub statistics: Arc<Statistics>,
    /// Whether the service is well.
    pub health: Arc<Health>,
}

impl Pipeline {
    /// An empty pipeline.
    pub fn new(parts: Parts) -> Self {
        let buffer = Buffer::new(
            parts.lanes,
            parts.rules.max_events,
            parts.limits,
            parts.max_spilled_bytes,
            parts.shares,
        );
        Self {
            buffer: Mutex::new(buffer),
            refiller: Mutex::new(parts.reader.map(Refiller::new)),
            refill_wake: Notify::new(),
            arrivals: Mutex::new(ArrivalClock::new(parts.instance)),
            journal: parts.journal,
            wakes: (0..parts.lanes).map(|_| Notify::new()).collect(),
            rules: parts.rules,
            limits: parts.limits,
            shares: parts.shares,
            clock: parts.clock,
            statistics: parts.statistics,
            health: parts.health,
            doubtful_up_to: AtomicI64::new(0),
        }
    }

    /// Numbers every later event higher than this: earlier processes gave out
    /// numbers up to it, and the clock may have been stepped back since.
    pub fn number_after(&self, last: Arrival) {
        self.arrivals.lock().advance_past(last);
    }

    /// Takes in events that an earlier process accepted and could not store,
    /// in the order of their numbers and whatever room there is: they were
    /// promised.
    pub fn restore(&self, mut events: Vec<Accepted>) {
        events.sort_by_key(|accepted| accepted.arrival);
        let Some(last) = events.last().map(|accepted| accepted.arrival) else {
            return;
        };
        self.number_after(last);
        self.doubt_up_to(last);
        self.statistics.restored.inc_by(events.len() as u64);
        let mut buffer = self.buffer.lock();
        let pushed = buffer.push(
            events.into_iter().map(Arc::new).collect(),
            Instant::now(),
            None,
        );
        self.statistics.duplicate.inc_by(pushed.duplicates as u64);
        self.statistics.buffer_is(&buffer);
        drop(buffer);
        self.wake_all();
    }

    /// Events up to this number may be stored already.
    fn doubt_up_to(&self, last: Arrival) {
        self.doubtful_up_to
            .fetch_max(last.as_i64(), Ordering::Relaxed);
    }

    fn wake(&self, lanes: LaneSet) {
        for lane in lanes.numbers() {
            self.wakes[lane].notify_one();
        }
    }

    fn wake_all(&self) {
        self.wakes.iter().for_each(Notify::notify_one);
    }

    /// Says that something left the buffer or the spill. Called under its lock,
    /// so that no batch that is refused meanwhile leaves the service marked as
    /// full.
    fn room_was_made(&self, buffer: &mut Buffer) {
        buffer.reopen();
        self.statistics.buffer_is(buffer);
        let spill = buffer.spill();
        let has_room = if spill.is_on() {
            spill.is_well_below_limit()
        } else {
            spill.is_empty() && buffer.is_well_below_limits()
        };
        if has_room {
            self.health.buffer_has_room();
        }
        if spill.is_empty() && buffer.is_well_below_limits() {
            self.health.spilling(false);
        }
        self.refill_if_possible(buffer);
    }

    fn refill_if_possible(&self, buffer: &Buffer) {
        if buffer.may_take_back() {
            self.refill_wake.notify_one();
        }
    }

    /// Lets the journal forget what has left the buffer, stored or refused for
    /// good.
    fn forget_stored(&self, buffer: &Buffer) {
        if let (Some(journal), Some(before)) = (&self.journal, buffer.stored_before()) {
            journal.forget_before(before);
        }
    }

    /// Whether what is left at a stop is on disk already.
    pub fn has_journal(&self) -> bool {
        self.journal.is_some()
    }

    /// Waits until the journal's thread ends, which it does not before
    /// [`close_journal`](Self::close_journal): it is a defect.
    pub async fn journal_ended(&self) {
        const CHECK: Duration = Duration::from_secs(1);
        while self.journal.as_ref().is_none_or(Journal::is_alive) {
            tokio::time::sleep(CHECK).await;
        }
    }

    /// Ends the journal, after what was handed to it is written. Blocks until
    /// then.
    pub fn close_journal(&self) {
        if let Some(journal) = &self.journal {
            journal.close();
        }
    }

    /// The events of one user that are not stored yet, in order of arrival.
    pub fn buffered(&self, user_id: &str) -> Vec<Arc<Accepted>> {
        self.buffer.lock().of_user(user_id)
    }

    /// What lies in the buffer.
    pub fn snapshot(&self) -> Snapshot {
        self.buffer.lock().snapshot()
    }

    /// No event that is accepted and not stored has a lower arrival number.
    /// `None` when all are stored.
    pub fn oldest_unstored(&self) -> Option<Arrival> {
        self.buffer.lock().oldest_unstored()
    }

    /// The lowest arrival number of what is to be written next: the others have
    /// left, or were tried and are held aside.
    pub fn oldest_waiting(&self) -> Option<Arrival> {
        self.buffer.lock().oldest_waiting()
    }

    /// The highest arrival number that was ever in the buffer.
    pub fn taken_in_up_to(&self) -> Option<Arrival> {
        self.buffer.lock().last()
    }

    fn doubtful_up_to(&self) -> Arrival {
        Arrival::from_i64(self.doubtful_up_to.load(Ordering::Relaxed))
    }

    /// What is counted.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// The limits of the buffer.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// What one tenant may hold of the room that there is.
    pub fn shares(&self) -> Shares {
        self.shares
    }

    /// Bytes of the journal that may be spilled beyond the buffer.
    pub fn max_spilled_bytes(&self) -> u64 {
        self.buffer.lock().spill().max_bytes()
    }

    /// The rules of the flusher.
    pub fn flush_rules(&self) -> &FlushRules {
        &self.rules
    }
}

#[cfg(test)]
mod tests;
