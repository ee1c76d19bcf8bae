//! Who is being erased, as the store has it: looked for while the process lives, and told to
//! `ingest`.

use std::convert::Infallible;
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
    /// Since when the folder's journal may have something, where the database does not know it.
    pub since: Timestamp,
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

/// What is known from one look to the next.
struct Known {
    key: ErasureKey,
    /// Since when this instance's journal may have something.
    since: Timestamp,
    /// Erasures in which this instance may have to take part, as they were told last; `None`
    /// before the first look.
    found: Option<Vec<Erasure>>,
    /// When this instance said last that it is there.
    seen: Option<Instant>,
}

impl Watching {
    /// Looks for as long as the process lives. `known` is told once all is known that this
    /// instance's journal may have something of: until then nobody may write.
    pub async fn run(self, mut prepared: watch::Receiver<bool>, known: watch::Sender<bool>) {
        if prepared.wait_for(|is_prepared| *is_prepared).await.is_err() {
            return;
        }
        let mut failures = 0_u32;
        loop {
            // After an error it is begun anew: that this instance was given up is answered once,
            // and that answer may have been lost.
            let Err(error) = self.watch(&known, &mut failures).await;
            rest(&mut failures, &error).await;
        }
    }

    async fn watch(
        &self,
        known: &watch::Sender<bool>,
        failures: &mut u32,
    ) -> Result<Infallible, StoreError> {
        let mut state = self.begin().await?;
        loop {
            self.look(&mut state).await?;
            *failures = 0;
            known.send_replace(true);
            let _ = timeout(LOOK_EVERY, self.watched.looks.notified()).await;
        }
    }

    async fn begin(&self) -> Result<Known, StoreError> {
        let key = self.store.erasure_key().await?;
        let instances = self.store.instances().await?;
        let known = instances.iter().find(|instance| instance.id == self.instance);
        let since = known.map_or(self.since, |known| known.since);
        Ok(Known { key, since, found: None, seen: None })
    }

    async fn look(&self, known: &mut Known) -> Result<(), StoreError> {
        let is_asked = self.watched.is_asked.swap(false, Ordering::Acquire);
        let is_due = is_asked || known.seen.is_none_or(|seen| seen.elapsed() >= SEEN_EVERY);
        if is_due && self.was_given_up(known.since).await? {
            // Erasures may have ended without it, which it takes part in all the same.
            known.found = None;
        }
        let mut found = self.store.running_erasures().await?;
        // After the running ones: so one that ends in between is among these.
        found.extend(self.ended_without_this(known, &found).await?);
        let is_new = known.found.as_ref() != Some(&found);
        if is_new {
            let ids: Vec<ErasedId> =
                found.iter().flat_map(|erasure| &erasure.ids).cloned().collect();
            self.erased.are(known.key, &ids);
        }
        if is_new || is_due {
            self.erased.block(known.key, self.store.blocked().await?);
            known.seen = Some(Instant::now());
        }
        // Who asks for a look may have changed who is waited for.
        if is_new || is_asked {
            self.watched.found.send_replace(found.clone());
            known.found = Some(found);
        }
        Ok(())
    }

    /// Erasures that are done, and have no part of this instance yet: at first all there are
    /// since its journal may have something, then those that were found before. What was known
    /// of their ids stays known.
    async fn ended_without_this(
        &self,
        known: &Known,
        running: &[Erasure],
    ) -> Result<Vec<Erasure>, StoreError> {
        let Some(before) = &known.found else {
            let missed = self.store.erasures_without(self.instance, known.since).await?;
            if !missed.is_empty() {
                info!(
                    erasures = missed.len(),
                    "users were erased while this instance was away; nothing of them is written"
                );
            }
            return Ok(missed);
        };
        let mut ended = Vec::new();
        for erasure in before.iter().filter(|known| running.iter().all(|now| now.id != known.id)) {
            let now = self.store.erasure(erasure.id).await?;
            ended.extend(
                now.filter(|now| !now.parts.contains_key(&self.instance))
                    .map(|now| Erasure { ids: erasure.ids.clone(), ..now }),
            );
        }
        Ok(ended)
    }

    /// Says that this instance is there, and answers whether nobody waited for it any more: it
    /// was away from the database for too long, or somebody gave it up. In one step, as the
    /// process may be stopped between any two.
    async fn was_given_up(&self, since: Timestamp) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let before = self.store.see_instance(self.instance, since, now).await?;
        Ok(before.is_some_and(|seen| is_away(seen, now)))
    }
}
