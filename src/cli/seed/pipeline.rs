//! Through the pipeline of this process, which has the data folder for itself.

use std::sync::Arc;
use std::time::Duration;

use indicatif::HumanCount;
use tokio::time::{Instant, sleep, timeout};
use trailkeep_event::{Event, Timestamp};

use super::error::{FIRST_ANSWER, SeedError};
use super::run::{NotTaken, Run, Taker};
use crate::app::{Ingestion, Stores};
use crate::config::Settings;
use crate::ingest::backlog::HEAD;
use crate::ingest::{Ingest, NotAdmitted};
use crate::monitoring::health::Health;
use crate::monitoring::statistics::Statistics;
use crate::seed::Sample;

/// Batches that have room at once: some are written while others wait.
const BATCHES: usize = 5;

/// From one look for room, or at what is left, to the next.
const PAUSE: Duration = Duration::from_millis(20);

/// A running pipeline.
pub struct Pipeline {
    ingestion: Ingestion,
    inlet: Inlet,
    /// Events of one batch, and of one write.
    pub batch: usize,
    grace: Duration,
}

/// The way in, and what is counted.
#[derive(Clone)]
pub struct Inlet {
    ingest: Arc<Ingest>,
    health: Arc<Health>,
    statistics: Arc<Statistics>,
}

impl Pipeline {
    /// Opens the store and the journal, as the service does.
    pub async fn open(
        settings: &Settings,
        batch: usize,
        in_flight: usize,
    ) -> Result<Self, SeedError> {
        let mut settings = settings.clone();
        let backlog = &mut settings.backlog;
        // Beyond its head events would be read back; and nobody else needs room.
        backlog.max_events = backlog.max_events.min(HEAD.events);
        backlog.max_bytes = backlog.max_bytes.min(HEAD.bytes);
        backlog.max_share_per_account = 100;
        let batch = batch.min(backlog.max_events / BATCHES).max(1);
        settings.write.max_events = batch;
        settings.write.max_wait = PAUSE;
        settings.write.in_flight = in_flight;
        let stores = Stores::open(&settings).await?;
        let first_answer = timeout(FIRST_ANSWER, stores.events.ping()).await;
        first_answer.map_err(|_| SeedError::NoAnswer)??;
        let ingestion = Ingestion::start(&settings, &stores)?;
        let inlet = Inlet {
            ingest: Arc::clone(&ingestion.ingest),
            health: Arc::clone(&ingestion.health),
            statistics: Arc::clone(&ingestion.statistics),
        };
        Ok(Self { ingestion, inlet, batch, grace: settings.shutdown.grace })
    }

    pub fn inlet(&self) -> Inlet {
        self.inlet.clone()
    }

    /// Takes all events of the run and has them stored. After a stop, what the
    /// database does not take in time is left in the journal.
    pub async fn work(mut self, run: &Run) -> Result<(), String> {
        let fed = tokio::select! {
            fed = self.inlet.feed_and_store(run) => fed,
            part = self.ingestion.ended() => {
                Err(format!("a part ended unexpectedly ({}); see whether its disk is well", part.name()))
            }
        };
        let drained = self.ingestion.drain(Instant::now() + self.grace).await;
        drained.close().await;
        fed
    }
}

impl Inlet {
    async fn feed_and_store(&self, run: &Run) -> Result<(), String> {
        run.feed(self).await?;
        while self.ingest.held().events > 0 && !run.stop.is_cancelled() {
            sleep(PAUSE).await;
        }
        Ok(())
    }

    fn left(&self) -> u64 {
        let taken = self.statistics.accepted.get() + self.statistics.restored.get();
        taken.saturating_sub(self.all_settled())
    }

    fn all_settled(&self) -> u64 {
        let Statistics { stored, duplicate, dead_lettered, erased, unreadable, .. } =
            &*self.statistics;
        let settled = [stored, duplicate, dead_lettered, erased, unreadable];
        settled.into_iter().map(|counter| counter.get()).sum()
    }
}

impl Taker for Inlet {
    async fn offer(&self, batch: &[Sample]) -> Result<(), NotTaken> {
        let now = Timestamp::now();
        let events: Vec<Event> = batch.iter().map(|sample| sample.to_event(now)).collect();
        let patience = self.ingest.patience();
        let admitted = self.ingest.admit(events, patience, None).await;
        admitted.map_err(|error| match error {
            NotAdmitted::Full => NotTaken::Now(PAUSE),
            NotAdmitted::TooLarge => {
                NotTaken::Ever("a batch is larger than backlog.max_bytes; lower --batch".to_owned())
            }
            NotAdmitted::NotWritten => NotTaken::Ever(
                "the journal in the data folder cannot be written; see whether its disk is full"
                    .to_owned(),
            ),
            NotAdmitted::OverShare(_) => NotTaken::Ever(error.to_string()),
        })
    }

    fn settled(&self) -> u64 {
        self.all_settled()
    }

    fn trouble(&self) -> Option<String> {
        if self.health.is_taking_writes() {
            return None;
        }
        let last_error = self.statistics.flushes().last_error;
        Some(
            last_error
                .map_or_else(|| "the database does not answer".to_owned(), |(reason, _)| reason),
        )
    }

    fn told(&self) -> (String, bool) {
        let statistics = &self.statistics;
        let (letters, unreadable) = (statistics.dead_lettered.get(), statistics.unreadable.get());
        let mut text = format!(
            "{} stored, {} there before, {} dead letters",
            HumanCount(statistics.stored.get()),
            HumanCount(statistics.duplicate.get()),
            HumanCount(letters)
        );
        let mut add = |count: u64, what: &str| {
            if count > 0 {
                text.push_str(&format!(", {} {what}", HumanCount(count)));
            }
        };
        add(unreadable, "unreadable");
        add(self.left(), "left in the journal, stored by the next start on this folder");
        add(statistics.restored.get(), "of them were left in the journal before");
        (text, letters + unreadable == 0)
    }
}
