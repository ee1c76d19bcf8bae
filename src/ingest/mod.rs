//! From accepted to stored.
//!
//! [`Ingest::admit`] takes a batch whole or refuses it. A batch is in the
//! [journal](trailkeep_journal) before it is answered. Its events lie in the
//! [backlog](backlog), in the FIFO of their user, until a [writer] has them stored:
//! also while they are on their way to the store, so that a write that fails has
//! lost nothing and a journey shows them.
//!
//! # Invariants
//!
//! - **Kept.** An event that was answered 202 is in the journal (synced, unless
//!   `journal.sync` says never), and leaves it only when the store has it durably,
//!   knows it already or keeps it as a dead letter, or its user was [erased], and (with
//!   processors) when the feed has it. What the disk itself damaged is lost, told and counted (`unreadable`).
//! - **Once.** The identity of an event is (userId, eventId); `_id` is derived from
//!   both and from nothing else; the unique `_id` is the only authority on
//!   duplicates. So an event that is sent twice is in the backlog twice, and the
//!   second one comes back as a duplicate.
//! - **Conservation.** `accepted + restored = stored + duplicate + dead-lettered + erased +
//!   unreadable + held`.
//!
//! What the journal may forget is decided at the [feeding]. That users' events stay in order is stated at the `queue`, where "full" is
//! decided at the [room], and what is left of the disk for the database at the
//! [reserve].

mod ack;
pub mod admission;
pub mod backlog;
mod beyond;
mod bisect;
pub mod erased;
pub mod feeder;
pub mod feeding;
mod queue;
pub mod quiet;
pub mod quota;
pub mod readback;
pub mod recent;
mod record;
pub mod reserve;
pub mod room;
mod set_aside;
pub mod waiter;
pub mod wiping;
pub mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;
use trailkeep_event::id::ArrivalClock;
use trailkeep_event::time::Clock;
use trailkeep_event::{Accepted, Arrival};
use trailkeep_journal::{Journal, OnDisk, Opened, ReadBack};

use crate::monitoring::health::Health;
use crate::monitoring::statistics::Statistics;

pub use admission::{NotAdmitted, Patience, Posted};
pub use backlog::WriteRules;
use backlog::{Backlog, HEAD, Snapshot};
use erased::Erased;
use feeder::Feeder;
use quiet::Quiet;
use quota::{Quota, Shares};
use recent::Recent;
use room::{Amount, Room};

/// The way of events into the store; shared by all that admit or read them.
pub struct Ingest {
    room: Arc<Room>,
    backlog: Mutex<Backlog>,
    /// Held while a batch is numbered and handed to the journal, so that records
    /// go on in the order of their numbers.
    arrivals: Mutex<ArrivalClock>,
    journal: Journal,
    /// For whoever watches events come.
    recent: Arc<Recent>,
    /// Whose events are let go.
    erased: Arc<Erased>,
    /// The writers with a write.
    quiet: Quiet,
    /// Between the store's answers and what the journal may forget.
    feeder: Feeder,
    /// Told when there may be something to write.
    writer_wake: Notify,
    /// Told when there may be something to read back.
    readback_wake: Notify,
    rules: WriteRules,
    shares: Shares,
    clock: Arc<dyn Clock>,
    statistics: Arc<Statistics>,
    health: Arc<Health>,
    /// Events up to this arrival number may be stored already: by an earlier
    /// process, or by a try whose answer never came.
    doubtful_up_to: AtomicI64,
    /// How many of the first records have to be stored before the service is
    /// ready.
    replay: AtomicU64,
}

/// What it is made of.
pub struct Parts {
    /// How much may be accepted and not stored.
    pub limit: Amount,
    /// What one tenant may hold of the head.
    pub shares: Shares,
    /// The rules of the writers.
    pub rules: WriteRules,
    /// Tells the arrival numbers of processes apart that number events in the
    /// same millisecond.
    pub instance: u8,
    /// Where batches are kept before they are answered.
    pub journal: Opened,
    pub clock: Arc<dyn Clock>,
    /// What is counted.
    pub statistics: Arc<Statistics>,
    /// Whether the service is well.
    pub health: Arc<Health>,
}

impl Ingest {
    /// Takes over what an earlier process left in the journal. Its reader is handed
    /// to the [writers](writer::Writers), which have that read back.
    pub fn new(parts: Parts) -> (Arc<Self>, Box<dyn ReadBack>) {
        let Opened { journal, recovered, reader } = parts.journal;
        let shares = if parts.limit.is_within(HEAD) { parts.shares } else { Shares::ALL };
        let head = head_of(parts.limit);
        let quota = Quota::new(head, shares);
        let recent = Arc::new(Recent::default());
        let backlog = Backlog::new(quota, head, recovered.low, recovered.end, Arc::clone(&recent));
        let found = backlog.held();
        let room = Room::new(parts.limit);
        room.take_found(found);
        let mut arrivals = ArrivalClock::new(parts.instance);
        if let Some(highest) = recovered.highest {
            // The clock may have been stepped back since.
            arrivals.advance_past(Arrival::from_i64(highest));
        }
        journal.settled_before(backlog.low());
        parts.statistics.restored.inc_by(found.events as u64);
        parts.health.replaying(found.events > 0);
        let ingest = Arc::new(Self {
            room: Arc::new(room),
            backlog: Mutex::new(backlog),
            arrivals: Mutex::new(arrivals),
            journal,
            recent,
            erased: Arc::default(),
            quiet: Quiet::default(),
            feeder: Feeder::new(),
            writer_wake: Notify::new(),
            readback_wake: Notify::new(),
            rules: parts.rules,
            shares,
            clock: parts.clock,
            statistics: parts.statistics,
            health: parts.health,
            doubtful_up_to: AtomicI64::new(0),
            replay: AtomicU64::new(u64::MAX),
        });
        (ingest, reader)
    }

    /// Returns when the journal's thread has ended, which it does before
    /// [`close_journal`](Self::close_journal) only when its disk fails.
    pub async fn journal_ended(&self) {
        self.journal.ended().await;
    }

    /// Ends the journal, after what was handed to it is written. Blocks until
    /// then.
    pub fn close_journal(&self) {
        self.journal.close();
    }

    /// The events that were accepted last, for whoever watches them come.
    pub fn recent(&self) -> &Arc<Recent> {
        &self.recent
    }

    /// Whose events are let go.
    pub fn erased(&self) -> &Arc<Erased> {
        &self.erased
    }

    /// The writers, who are at work while they have a write.
    pub fn quiet(&self) -> &Quiet {
        &self.quiet
    }

    /// The events of one user in the head of the backlog, in order of arrival,
    /// and whether there may be others beyond it.
    pub fn of_user(&self, user_id: &str) -> (Vec<Arc<Accepted>>, bool) {
        let backlog = self.backlog.lock();
        (backlog.of_user(user_id), backlog.is_beyond())
    }

    /// The events in the head of the backlog that say whose an id is.
    pub fn saying(&self) -> Vec<Arc<Accepted>> {
        self.backlog.lock().saying()
    }

    /// The events in the head of the backlog, in any order.
    pub fn events(&self) -> Vec<Arc<Accepted>> {
        self.backlog.lock().events()
    }

    /// The events in the head of users who have any of an account, each user's in order
    /// of arrival, those of other accounts among them, and whether there may be others
    /// beyond it.
    pub fn of_account(&self, account_id: &str) -> (Vec<Arc<Accepted>>, bool) {
        let backlog = self.backlog.lock();
        (backlog.of_account(account_id), backlog.is_beyond())
    }

    /// All that is accepted and not stored.
    pub fn held(&self) -> Amount {
        self.backlog.lock().held()
    }

    /// What the backlog holds.
    pub fn snapshot(&self) -> Snapshot {
        self.backlog.lock().snapshot()
    }

    /// What the journal takes on its disk.
    pub fn journal_on_disk(&self) -> OnDisk {
        self.journal.on_disk()
    }

    /// What is counted.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// How much may be accepted and not stored.
    pub fn limit(&self) -> Amount {
        self.room.limit()
    }

    /// What one tenant may hold of the head.
    pub fn shares(&self) -> Shares {
        self.shares
    }

    /// Ends a change of the backlog: what is counted follows it, and what is beyond
    /// is read back where there may be room now.
    fn changed(&self, backlog: MutexGuard<'_, Backlog>) {
        let held = backlog.held();
        self.statistics.backlog_is(held.events, held.bytes);
        if backlog.is_beyond() {
            self.readback_wake.notify_one();
        }
    }

    /// A number below every one that is given out from now on.
    pub fn next_arrival(&self) -> Arrival {
        self.arrivals.lock().take(1, self.clock.micros())
    }

    /// The rules of the writers.
    pub fn rules(&self) -> &WriteRules {
        &self.rules
    }
}

/// What memory holds of a backlog of that size.
fn head_of(limit: Amount) -> Amount {
    Amount { events: limit.events.min(HEAD.events), bytes: limit.bytes.min(HEAD.bytes) }
}

#[cfg(test)]
pub(crate) mod tests;
