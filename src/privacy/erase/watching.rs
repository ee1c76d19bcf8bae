//! Who is being erased, as the store has it: looked for while the process lives, and told to
//! `ingest`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};
use trailkeep_event::Timestamp;
use trailkeep_event::time::Clock;
use trailkeep_store::StoreError;
use trailkeep_store::erasures::{ErasedId, Erasure, ErasureKey, ErasureStore};
use uuid::Uuid;

use super::waited::is_away;
use crate::ingest::erased::Erased;

/// How often it is looked for erasures that other instances were asked for.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often the instance says that it is there, and looks for who is blocked.
const SEEN_EVERY: Duration = Duration::from_secs(30);
/// The pause after a look that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// What is known of erasures, for whoever waits for more.
#[derive(Default)]
pub struct Watched {
    looks: Notify,
    /// Whether somebody has asked for a look since the last one.
    is_asked: AtomicBool,
    found: watch::Sender<Vec<Erasure>>,
}

impl Watched {
    /// Has it looked now.
    pub fn look(&self) {
        self.is_asked.store(true, Ordering::Release);
        self.looks.notify_one();
    }

    /// Those in which this instance may have to take part, as they change.
    pub fn found(&self) -> watch::Receiver<Vec<Erasure>> {
        self.found.subscribe()
    }
}

/// Looks for erasures.
pub struct Watching {
    /// Where they are kept.
    pub store: Arc<dyn ErasureStore>,
    /// Who is told.
    pub erased: Arc<Erased>,
    /// Who else is.
    pub watched: Arc<Watched>,
    /// The identity of this instance's data folder.
    pub instance: Uuid,
    /// Whether the folder got it just now.
    pub is_new: bool,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Told at first, and then more and more seldom.
async fn rest(failures: &mut u32, error: &StoreError) {
    *failures += 1;
    if failures.is_power_of_two() {
        warn!(
            %error, failures,
            "it is not known who is to be erased; after a start nothing is written before it is"
        );
    }
    sleep(PAUSE).await;
}

/// What is known from the start on.
struct Known {
    key: ErasureKey,
    /// Erasures that ended without this instance.
    missed: Vec<Erasure>,
}

impl Watching {
    /// Looks for as long as the process lives. `known` is told once all is known that this
    /// instance's journal may have something of: until then nobody may write.
    pub async fn run(self, mut prepared: watch::Receiver<bool>, known: watch::Sender<bool>) {
        if prepared.wait_for(|is_prepared| *is_prepared).await.is_err() {
            return;
        }
        let mut failures = 0_u32;
        let mut state = loop {
            match self.begin().await {
                Ok(state) => break state,
                Err(error) => rest(&mut failures, &error).await,
            }
        };
        if !state.missed.is_empty() {
            info!(
                erasures = state.missed.len(),
                "users were erased while this instance was away; nothing of them is written"
            );
        }
        let mut seen = None;
        loop {
            match self.look(&mut state, &mut seen).await {
                Ok(()) => {
                    failures = 0;
                    known.send_replace(true);
                    let _ = timeout(LOOK_EVERY, self.watched.looks.notified()).await;
                }
                Err(error) => rest(&mut failures, &error).await,
            }
        }
    }

    async fn begin(&self) -> Result<Known, StoreError> {
        let key = self.store.erasure_key().await?;
        let instances = self.store.instances().await?;
        let known = instances.iter().find(|instance| instance.id == self.instance);
        // A folder that this database does not know, and that is not new, may have anything.
        let since = match (known, self.is_new) {
            (Some(known), _) => Some(known.since),
            (None, true) => None,
            (None, false) => Some(Timestamp::from_millis_clamped(0)),
        };
        let missed = match since {
            Some(since) => self.store.erasures_without(self.instance, since).await?,
            None => Vec::new(),
        };
        Ok(Known { key, missed })
    }

    /// Whether nobody waits for this instance any more: it was away from the database for too
    /// long, or somebody gave it up.
    async fn is_given_up(&self) -> Result<bool, StoreError> {
        let (instances, now) = (self.store.instances().await?, self.clock.now());
        let own = instances.iter().find(|instance| instance.id == self.instance);
        Ok(own.is_some_and(|own| is_away(own, now)))
    }

    async fn look(&self, known: &mut Known, seen: &mut Option<Instant>) -> Result<(), StoreError> {
        let is_asked = self.watched.is_asked.swap(false, Ordering::Acquire);
        let is_due = is_asked || seen.is_none_or(|seen| seen.elapsed() >= SEEN_EVERY);
        if is_due && self.is_given_up().await? {
            // Erasures may have ended without it, which it takes part in all the same.
            *known = self.begin().await?;
        }
        let mut missed = Vec::with_capacity(known.missed.len());
        for erasure in &known.missed {
            // This instance may have done its part meanwhile.
            let now = self.store.erasure(erasure.id).await?;
            missed.extend(now.filter(|now| !now.parts.contains_key(&self.instance)));
        }
        known.missed = missed;
        let mut found = self.store.running_erasures().await?;
        found.extend(known.missed.iter().cloned());
        let is_new = *self.watched.found.borrow() != found;
        if is_new {
            let ids: Vec<ErasedId> =
                found.iter().flat_map(|erasure| &erasure.ids).cloned().collect();
            self.erased.are(known.key, &ids);
        }
        if is_new || is_due {
            self.store.see_instance(self.instance, self.clock.now()).await?;
            self.erased.block(known.key, self.store.blocked().await?);
            *seen = Some(Instant::now());
        }
        if is_new {
            self.watched.found.send_replace(found);
        }
        Ok(())
    }
}
