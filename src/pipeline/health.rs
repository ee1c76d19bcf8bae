//! Whether the service is well, from its own state alone.
//!
//! These count: whether the start is complete and no stop has begun, whether
//! the store answers and takes writes, whether the journal can be written, and
//! whether the buffer takes events. Nothing that a client sends and no other
//! service decides it. Readiness has hysteresis: a store must be away for
//! `unready_after` before it counts, and a buffer that was full counts as full
//! until a fifth of it is free.
//!
//! Where events may be [spilled](super::spill), a store that is away does not
//! count: the service accepts on, which is what spilling is for, and a load
//! balancer that took it out would undo that. It is unready once the spill is
//! at its limit, and until a fifth of that is free. `/health` says all the same
//! that the database is away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tracing::{error, info, warn};

use super::backoff::Backoff;
use crate::store::{Store, StoreError};

/// What the parts of the service say of themselves, and what follows.
pub struct Health {
    unready_after: Duration,
    /// Whether events are accepted for long without a store.
    outlasts_outages: bool,
    prepared: watch::Sender<bool>,
    is_draining: AtomicBool,
    is_replaying: AtomicBool,
    is_journal_stuck: AtomicBool,
    is_full: AtomicBool,
    /// Only to be said once.
    is_spilling: AtomicBool,
    /// Whether checks are answered.
    checks: Mutex<Contact>,
    /// Whether writes succeed: a store may answer and have no room.
    writes: Mutex<Contact>,
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

    fn has_failed_for(&self, limit: Duration) -> bool {
        matches!(self, Self::Failing { since, .. } if since.elapsed() >= limit)
    }

    fn is_refused(&self) -> bool {
        matches!(
            self,
            Self::Failing {
                is_refused: true,
                ..
            }
        )
    }
}

/// Why the service should get no traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unready {
    /// The store has not been prepared yet, or what an earlier process
    /// accepted is not stored yet.
    Starting,
    /// A stop has begun.
    Draining,
    /// The journal cannot be written: the disk is full or broken.
    Journal,
    /// The buffer is full, or the spill is where there is one, or was and is
    /// not yet well below its limit.
    Full,
    /// The store has not answered for long enough to matter.
    Disconnected,
}

impl Unready {
    /// One word for a probe.
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Draining => "draining",
            Self::Journal => "journal",
            Self::Full => "full",
            Self::Disconnected => "disconnected",
        }
    }
}

impl Health {
    /// A service that has just begun to start.
    pub fn new(unready_after: Duration) -> Self {
        Self {
            unready_after,
            outlasts_outages: false,
            prepared: watch::Sender::new(false),
            is_draining: AtomicBool::new(false),
            is_replaying: AtomicBool::new(false),
            is_journal_stuck: AtomicBool::new(false),
            is_full: AtomicBool::new(false),
            is_spilling: AtomicBool::new(false),
            checks: Mutex::new(Contact::Unknown),
            writes: Mutex::new(Contact::Unknown),
        }
    }

    /// As it is, or of a service that accepts events for long without a store,
    /// so that a store which is away does not make it unready.
    #[must_use]
    pub fn outlasting_outages(self, outlasts_outages: bool) -> Self {
        Self {
            outlasts_outages,
            ..self
        }
    }

    /// Whether the service should get traffic.
    pub fn readiness(&self) -> Result<(), Unready> {
        if self.is_draining.load(Ordering::Acquire) {
            return Err(Unready::Draining);
        }
        if !*self.prepared.borrow() || self.is_replaying.load(Ordering::Acquire) {
            return Err(Unready::Starting);
        }
        let is_away = |contact: &Mutex<Contact>| contact.lock().has_failed_for(self.unready_after);
        if !self.outlasts_outages && (is_away(&self.checks) || is_away(&self.writes)) {
            return Err(Unready::Disconnected);
        }
        if self.is_journal_stuck.load(Ordering::Relaxed) {
            return Err(Unready::Journal);
        }
        if self.is_full() {
            return Err(Unready::Full);
        }
        Ok(())
    }

    /// Whether the store answered when it was last asked.
    pub fn is_connected(&self) -> bool {
        matches!(*self.checks.lock(), Contact::Answering)
    }

    /// What a person has to mend, without a word of what is inside.
    pub fn problem(&self) -> Option<&'static str> {
        let is_refused = self.checks.lock().is_refused() || self.writes.lock().is_refused();
        is_refused.then_some(REFUSED)
    }

    /// Whether all is as it should be: ready, and no write is failing.
    pub fn is_well(&self) -> bool {
        let is_failing = matches!(*self.writes.lock(), Contact::Failing { .. });
        self.is_connected() && !is_failing && self.readiness().is_ok()
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

    /// Whether events of an earlier process are still to be stored.
    pub fn replaying(&self, is_replaying: bool) {
        self.is_replaying.store(is_replaying, Ordering::Release);
    }

    /// Whether the journal cannot be written.
    pub fn journal_stuck(&self, is_stuck: bool) {
        self.is_journal_stuck.store(is_stuck, Ordering::Relaxed);
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
            info!(
                failing_ms = millis(failing),
                "the database takes events again"
            );
        }
    }

    /// A write was refused, failed, or was not answered in time.
    pub fn write_failed(&self, is_refused: bool) {
        self.writes.lock().failed(is_refused);
    }

    /// A batch found no room. How many do is [told](super::floods) elsewhere.
    pub fn buffer_full(&self) {
        if !self.is_full.swap(true, Ordering::Relaxed) {
            warn!("the buffer is full; events are refused with 503 until the database takes some");
        }
    }

    /// A fifth of what bounds admission is free.
    pub fn buffer_has_room(&self) {
        if self.is_full.swap(false, Ordering::Relaxed) {
            info!("the buffer has room again");
        }
    }

    /// Whether a batch found no room, and less than a fifth is free since.
    pub fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    /// Whether events are accepted beyond the buffer.
    pub fn spilling(&self, is_spilling: bool) {
        if self.is_spilling.swap(is_spilling, Ordering::Relaxed) == is_spilling {
            return;
        }
        if is_spilling {
            warn!("the buffer is full; further events are kept in the journal alone");
        } else {
            info!("no event is kept in the journal alone any more, and the buffer has room");
        }
    }
}

/// How the store is watched.
#[derive(Debug, Clone, Copy)]
pub struct CheckRules {
    /// Time between two checks.
    pub interval: Duration,
    /// After how long a check counts as failed.
    pub timeout: Duration,
}

/// Prepares the store, however long it takes to be reached, and then asks it
/// at intervals whether it still answers. Ends with the process.
pub async fn watch_store(health: Arc<Health>, store: Arc<dyn Store>, rules: CheckRules) {
    prepare(&health, &*store, rules).await;
    loop {
        tokio::time::sleep(rules.interval).await;
        match timeout(rules.timeout, store.ping()).await {
            Ok(Ok(())) => health.store_answered(),
            Ok(Err(error)) => health.store_failed(&error.to_string(), is_refusal(&error)),
            Err(_) => health.store_failed(NO_ANSWER, false),
        }
    }
}

/// What `/health` says of a store that will not let us.
const REFUSED: &str = "the database refuses us: mend the name, password or rights of its user, \
                       or its settings; the log and /stats have its words";

fn is_refusal(error: &StoreError) -> bool {
    matches!(error, StoreError::Denied(_))
}

const NO_ANSWER: &str = "it did not answer in time";

/// How long making an index on a large collection may take before it is asked
/// for again; the database goes on with it meanwhile.
const PREPARE_TIMEOUT: Duration = Duration::from_secs(60);

async fn prepare(health: &Health, store: &dyn Store, rules: CheckRules) {
    let mut backoff = Backoff::new(rules.interval, rules.interval * 5);
    loop {
        let (reason, is_refused) = match timeout(PREPARE_TIMEOUT, store.prepare()).await {
            Ok(Ok(())) => {
                health.store_answered();
                health.store_prepared();
                info!("the database is ready");
                return;
            }
            Ok(Err(error)) => (error.to_string(), is_refusal(&error)),
            Err(_) => (NO_ANSWER.to_owned(), false),
        };
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
