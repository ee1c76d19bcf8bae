//! What the console's pages show for the whole team, as its administrators set it.
//!
//! It is kept in the store, as one whole that the last one who sets it replaces. Every page
//! needs it, so each instance has a copy in memory, which is read again on the way of a
//! reader who finds it [`FRESH`] old. So what one instance sets is in force on it at once,
//! and on the others within five seconds, and nothing runs where nobody reads.
//!
//! - *One read at a time.* Who comes while the store is asked waits for that answer, and
//!   asks nothing.
//! - *A page never fails for it.* Where the store is away, [`Team::now`] is what was known
//!   last, or the defaults; it waits for [`LOOK_LIMIT`] at the most, and then not again
//!   until the copy is as old.
//! - *Bounded*: what is set comes in one body, and [`draft`] has the rules.

pub mod draft;
pub mod path;
pub mod sentence;
pub mod settings;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};
use trailkeep_event::time::Clock;
use trailkeep_store::StoreError;
use trailkeep_store::team::{TeamRecord, TeamStore};

use settings::TeamSettings;

/// For how long a copy is good.
const FRESH: Duration = Duration::from_secs(2);

/// How long a reader waits for the store.
const LOOK_LIMIT: Duration = Duration::from_secs(2);

/// The team's settings, as they are and as they are set.
pub struct Team {
    store: Arc<dyn TeamStore>,
    clock: Arc<dyn Clock>,
    known: RwLock<Known>,
    /// Held while the store is asked.
    asking: Mutex<()>,
}

/// What is known of the settings.
#[derive(Default)]
struct Known {
    settings: Arc<TeamSettings>,
    /// Whether the store has told them since the start, or was told them here.
    is_told: bool,
    /// When the store was asked last.
    asked_at: Option<Instant>,
    /// Why it did not answer then.
    trouble: Option<StoreError>,
    /// How often they were set here: what was asked for before is older.
    changes: u64,
}

impl Team {
    /// Those that a store has.
    pub fn new(store: Arc<dyn TeamStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, known: RwLock::default(), asking: Mutex::default() }
    }

    /// The settings in force; while the store is away, those that were known last.
    pub async fn now(&self) -> Arc<TeamSettings> {
        self.look().await;
        Arc::clone(&self.known.read().settings)
    }

    /// The same, for somebody who wants to know whether these are they: an error where the
    /// store has not told them since the start.
    pub async fn read(&self) -> Result<Arc<TeamSettings>, StoreError> {
        self.look().await;
        let known = self.known.read();
        match &known.trouble {
            Some(trouble) if !known.is_told => Err(trouble.clone()),
            _ => Ok(Arc::clone(&known.settings)),
        }
    }

    /// Puts these in the place of all that was set before; answers them as they are kept.
    pub async fn set(&self, wanted: TeamSettings) -> Result<Arc<TeamSettings>, StoreError> {
        let record = wanted.record(self.clock.now());
        self.store.set_team(&record).await?;
        let settings = Arc::new(TeamSettings { updated_at: Some(record.updated_at), ..wanted });
        self.known.write().set(&settings);
        Ok(settings)
    }

    /// Asks the store, unless somebody did so just now.
    async fn look(&self) {
        if self.known.read().is_fresh() {
            return;
        }
        let _alone = self.asking.lock().await;
        let changes = {
            let known = self.known.read();
            if known.is_fresh() {
                return;
            }
            known.changes
        };
        let read = timeout(LOOK_LIMIT, self.store.team()).await;
        let read = read.unwrap_or_else(|_| {
            Err(StoreError::Unavailable("it did not answer in time".to_owned()))
        });
        self.known.write().take(read, changes);
    }
}

impl Known {
    fn is_fresh(&self) -> bool {
        self.asked_at.is_some_and(|at| at.elapsed() < FRESH)
    }

    /// What the store answers to a question that was asked after so many changes.
    fn take(&mut self, read: Result<Option<TeamRecord>, StoreError>, changes: u64) {
        self.asked_at = Some(Instant::now());
        match read {
            Ok(record) => {
                self.trouble = None;
                if self.changes == changes {
                    self.is_told = true;
                    self.renew(record.as_ref());
                }
            }
            Err(error) => {
                debug!(%error, "the team's settings cannot be read now");
                self.trouble = Some(error);
            }
        }
    }

    fn renew(&mut self, record: Option<&TeamRecord>) {
        let (settings, left_out) = record.map(TeamSettings::of).unwrap_or_default();
        if settings == *self.settings {
            return;
        }
        self.settings = Arc::new(settings);
        if !left_out.is_empty() {
            let left_out = left_out.join(", ");
            warn!(left_out, "the database has settings of the team that break their rules");
        }
    }

    fn set(&mut self, settings: &Arc<TeamSettings>) {
        self.settings = Arc::clone(settings);
        self.is_told = true;
        self.changes += 1;
    }
}

#[cfg(test)]
mod tests;
