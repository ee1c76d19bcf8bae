//! Whether the service is well, from its own state alone.
//!
//! Readiness is whether a post would be accepted: whether the start is complete
//! and no stop has begun, whether the journal can be written, and whether the
//! backlog has room. Nothing that a client sends and no other service decides it.
//! It has hysteresis: a backlog that was full counts as full until a fifth of it
//! is free. A database that is away is `/health`'s to tell: what is accepted
//! meanwhile is kept, and a load balancer that took the service out would undo
//! that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{error, info, warn};
use trailkeep_store::{Store, StoreError};

use crate::backoff::Backoff;

/// What the parts of the service say of themselves, and what follows.
pub struct Health {
    prepared: watch::Sender<bool>,
    is_draining: AtomicBool,
    is_replaying: AtomicBool,
    lacks_keys: AtomicBool,
    is_journal_stuck: AtomicBool,
    is_disk_short: AtomicBool,
    is_full: AtomicBool,
    /// Whether checks are answered.
    checks: Mutex<Contact>,
    /// Whether writes succeed: a store may answer and have no room.
    writes: Mutex<Contact>,
    /// How often the feed of processors failed, one after the other.
    feed_failures: AtomicU32,
}

/// Whether the store answers.
#[derive(Debug, Clone, Copy)]
enum Contact {
    /// Not yet asked.
    Unknown,
    Answering,
    Failing {
        since: Instant,
        /// Whether it refuses us, which only a person can mend.
        is_refused: bool,
    },
}

impl Contact {
    /// Notes an answer; says for how long there had been none.
    fn answered(&mut self) -> Option<Duration> {
        match std::mem::replace(self, Self::Answering) {
            Self::Failing { since, .. } => Some(since.elapsed()),
            Self::Unknown | Self::Answering => None,
        }
    }

    /// Notes that there was no answer, or a refusal; says whether that is new.
    fn failed(&mut self, is_refused: bool) -> bool {
        let (since, is_new) = match *self {
            Self::Failing { since, .. } => (since, false),
            Self::Unknown | Self::Answering => (Instant::now(), true),
        };
        *self = Self::Failing { since, is_refused };
        is_new
    }

    fn is_failing(&self) -> bool {
        matches!(self, Self::Failing { .. })
    }

    fn failing_for(self) -> Option<Duration> {
        match self {
            Self::Failing { since, .. } => Some(since.elapsed()),
            Self::Unknown | Self::Answering => None,
        }
    }

    fn is_refused(&self) -> bool {
        matches!(self, Self::Failing { is_refused: true, .. })
    }
}

/// Why the service should get no traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unready {
    /// The store has not been prepared yet, what an earlier process accepted is not
    /// stored yet, or it is not known which write keys there are.
    Starting,
    /// A stop has begun.
    Draining,
    /// The journal cannot be written: the disk is full or broken, or what is left of
    /// it is needed to write the backlog to the database.
    Journal,
    /// The backlog is full, or was and is not yet well below its limit.
    Full,
}

impl Unready {
    /// One word for a probe.
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Draining => "draining",
            Self::Journal => "journal",
            Self::Full => "full",
        }
    }
}

impl Health {
    /// A service that has just begun to start.
    pub fn new() -> Self {
        Self {
            prepared: watch::Sender::new(false),
            is_draining: AtomicBool::new(false),
            is_replaying: AtomicBool::new(false),
            lacks_keys: AtomicBool::new(false),
            is_journal_stuck: AtomicBool::new(false),
            is_disk_short: AtomicBool::new(false),
            is_full: AtomicBool::new(false),
            checks: Mutex::new(Contact::Unknown),
            writes: Mutex::new(Contact::Unknown),
            feed_failures: AtomicU32::new(0),
        }
    }

    /// Whether the service should get traffic.
    pub fn readiness(&self) -> Result<(), Unready> {
        if self.is_draining.load(Ordering::Acquire) {
            return Err(Unready::Draining);
        }
        let lacks_keys = self.lacks_keys.load(Ordering::Relaxed);
        if !*self.prepared.borrow() || self.is_replaying() || lacks_keys {
            return Err(Unready::Starting);
        }
        if self.is_journal_stuck.load(Ordering::Relaxed) || self.is_disk_short() {
            return Err(Unready::Journal);
        }
        if self.is_full() {
            return Err(Unready::Full);
        }
        Ok(())
    }

    /// Whether the store is not known to be away, or to take nothing.
    pub fn is_taking_writes(&self) -> bool {
        !self.checks.lock().is_failing() && !self.writes.lock().is_failing()
    }

    /// Whether the store answered when it was last asked.
    pub fn is_connected(&self) -> bool {
        matches!(*self.checks.lock(), Contact::Answering)
    }

    /// For how long the store has not answered, or has taken nothing.
    pub fn failing_for(&self) -> Option<Duration> {
        let (checks, writes) = (*self.checks.lock(), *self.writes.lock());
        checks.failing_for().max(writes.failing_for())
    }

    /// Whether the store will not let us.
    pub fn is_refused(&self) -> bool {
        self.checks.lock().is_refused() || self.writes.lock().is_refused()
    }

    /// What a person has to mend, without a word of what is inside.
    pub fn problem(&self) -> Option<&'static str> {
        let is_unfed = !self.is_feeding();
        self.is_refused().then_some(REFUSED).or(is_unfed.then_some(UNFED))
    }

    fn is_feeding(&self) -> bool {
        self.feed_failures.load(Ordering::Relaxed) < FEED_FAILURES
    }

    /// Whether all is as it should be: ready, no write is failing, and processors are told
    /// of what is stored.
    pub fn is_well(&self) -> bool {
        self.is_connected()
            && self.is_taking_writes()
            && self.is_feeding()
            && self.readiness().is_ok()
    }

    /// Becomes true when the store is prepared.
    pub fn prepared(&self) -> watch::Receiver<bool> {
        self.prepared.subscribe()
    }

    /// A stop has begun.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::Release);
    }

    /// The store has all it needs.
    pub fn store_prepared(&self) {
        self.prepared.send_replace(true);
    }

    /// Whether the head of what an earlier process accepted is still to be stored.
    pub fn is_replaying(&self) -> bool {
        self.is_replaying.load(Ordering::Acquire)
    }

    /// Notes whether it is.
    pub fn replaying(&self, is_replaying: bool) {
        self.is_replaying.store(is_replaying, Ordering::Release);
    }

    /// Notes whether it is not known which write keys there are, so that nothing is taken.
    pub fn lacks_write_keys(&self, lacks: bool) {
        self.lacks_keys.store(lacks, Ordering::Relaxed);
    }

    /// Whether the journal cannot be written.
    pub fn journal_stuck(&self, is_stuck: bool) {
        self.is_journal_stuck.store(is_stuck, Ordering::Relaxed);
    }

    /// Whether what is left of the disk is needed for what is accepted already.
    pub fn is_disk_short(&self) -> bool {
        self.is_disk_short.load(Ordering::Relaxed)
    }

    /// Notes whether it is.
    pub fn disk_short(&self, is_short: bool) {
        if self.is_disk_short.swap(is_short, Ordering::Relaxed) == is_short {
            return;
        }
        if is_short {
            warn!(
                "the disk is nearly full; events are refused, so that those in the backlog can \
                 still be written to the database"
            );
        } else {
            info!("the disk has room again");
        }
    }

    /// The store answered a check.
    pub fn store_answered(&self) {
        if let Some(away) = self.checks.lock().answered() {
            info!(away_ms = millis(away), "the database answers again");
        }
    }

    /// The store refused a check, did not answer it, or not in time.
    pub fn store_failed(&self, reason: &str, is_refused: bool) {
        if self.checks.lock().failed(is_refused) {
            warn!(reason, "the database does not answer");
        }
    }

    /// A write succeeded.
    pub fn write_succeeded(&self) {
        if let Some(failing) = self.writes.lock().answered() {
            info!(failing_ms = millis(failing), "the database takes events again");
        }
    }

    /// A write was refused, failed, or was not answered in time.
    pub fn write_failed(&self, is_refused: bool) {
        self.writes.lock().failed(is_refused);
    }

    /// The feed of processors was written.
    pub fn feed_written(&self) {
        self.feed_failures.store(0, Ordering::Relaxed);
    }

    /// The feed of processors could not be written: so many times now.
    pub fn feed_failed(&self) -> u32 {
        self.feed_failures.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A batch found no room.
    pub fn backlog_full(&self) {
        if !self.is_full.swap(true, Ordering::Relaxed) {
            warn!("the backlog is full; events are refused until the database takes some");
        }
    }

    /// A fifth of the backlog is free.
    pub fn backlog_has_room(&self) {
        if self.is_full() && self.is_full.swap(false, Ordering::Relaxed) {
            info!("the backlog has room again");
        }
    }

    /// Whether a batch found no room, and less than a fifth is free since.
    pub fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

/// After how long a check counts as failed: twice the time between two of them. Not
/// before half a second, which a database that is only busy may take, nor after ten
/// seconds, because an outage has to be told.
pub fn check_timeout(interval: Duration) -> Duration {
    (interval * 2).clamp(Duration::from_millis(500), Duration::from_secs(10))
}

/// Prepares the store, however long it takes to be reached, and then asks it
/// at intervals whether it still answers. Ends with the process.
pub async fn watch_store(health: Arc<Health>, store: Arc<dyn Store>, interval: Duration) {
    prepare(&health, &*store, interval).await;
    loop {
        tokio::time::sleep(interval).await;
        match store.ping().await {
            Ok(()) => health.store_answered(),
            Err(error) => health.store_failed(&error.to_string(), is_refusal(&error)),
        }
    }
}

/// What `/health` says of a store that will not let us.
const REFUSED: &str = "the database refuses us: mend the name, password or rights of its user, \
                       or its settings; the log and /stats have its words";

/// After so many failures, one after the other, the feed is a problem of its own.
const FEED_FAILURES: u32 = 3;

/// What `/health` says then.
const UNFED: &str = "what is stored cannot be told to processors: it is kept in the journal, and \
                     the log has the database's words";

fn is_refusal(error: &StoreError) -> bool {
    matches!(error, StoreError::Denied(_))
}

async fn prepare(health: &Health, store: &dyn Store, interval: Duration) {
    let mut backoff = Backoff::new(interval, interval * 5);
    loop {
        let error = match store.prepare().await {
            Ok(()) => {
                health.store_answered();
                health.store_prepared();
                info!("the database is ready");
                return;
            }
            Err(error) => error,
        };
        let (reason, is_refused) = (error.to_string(), is_refusal(&error));
        if is_refused {
            error!(reason, "the database cannot be prepared; mend its settings");
            backoff.slow_down();
        } else {
            warn!(reason, "the database is not ready yet; trying again");
        }
        health.store_failed(&reason, is_refused);
        tokio::time::sleep(backoff.pause()).await;
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
