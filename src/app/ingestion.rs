//! Ingestion under way: what the service and `trailkeep seed` start and end in
//! the same order.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use trailkeep_event::Timestamp;
use trailkeep_event::time::{Clock as _, SystemClock};
use trailkeep_store::Store;
use uuid::Uuid;

use super::error::StartError;
use super::part::Part;
use super::stores::Stores;
use super::{instance, journal, processing};
use crate::config::Settings;
use crate::ingest::feeding::Feeding;
use crate::ingest::quota::Shares;
use crate::ingest::room::Amount;
use crate::ingest::writer::{Destination, Writers};
use crate::ingest::{Ingest, Parts, WriteRules, reserve};
use crate::monitoring::disk::DiskOf;
use crate::monitoring::health::{Health, watch_store};
use crate::monitoring::statistics::Statistics;
use crate::people::People;
use crate::privacy::erase::watching::{Watched, Watching};
use crate::processing::Processing;

/// What closing the journal and the store may take.
pub const CLOSING: Duration = Duration::from_secs(3);

/// Takes events, and writes them to the store.
pub struct Ingestion {
    pub ingest: Arc<Ingest>,
    pub health: Arc<Health>,
    pub statistics: Arc<Statistics>,
    pub processing: Arc<Processing>,
    /// Told when all instances know the processors of the settings.
    pub registered: CancellationToken,
    /// What of people is known to be kept.
    pub people: Arc<People>,
    /// The identity of the data folder.
    pub instance: Uuid,
    /// Who is being erased.
    pub watched: Arc<Watched>,
    store: Arc<dyn Store>,
    writers: Writers,
    watcher: JoinHandle<()>,
    disk_watcher: JoinHandle<()>,
    /// Looks for who is erased.
    erasure_watcher: JoinHandle<()>,
}

impl Ingestion {
    /// Opens the journal. Events are taken from then on, and written once the
    /// store is prepared.
    pub fn start(settings: &Settings, stores: &Stores) -> Result<Self, StartError> {
        let health = Arc::new(Health::new());
        let journal = journal::open(settings, &health)?;
        let statistics = Statistics::new()
            .map_err(|error| StartError::System(error.to_string()))
            .map(Arc::new)?;
        let (ingest, reader) = Ingest::new(Parts {
            limit: Amount {
                events: settings.backlog.max_events,
                bytes: settings.backlog.max_bytes,
            },
            shares: Shares {
                per_account: settings.backlog.max_share_per_account,
                per_key: settings.backlog.max_share_per_key,
            },
            rules: write_rules(settings),
            instance: rand::random(),
            journal,
            clock: Arc::new(SystemClock),
            statistics: Arc::clone(&statistics),
            health: Arc::clone(&health),
        });
        let store = Arc::clone(&stores.events);
        let people = Arc::new(People::new(Arc::clone(&stores.people)));
        let (instance, is_new) = instance::id_in(&settings.store.data_dir)
            .map_err(|error| StartError::System(error.to_string()))?;
        // A journal that has something is of a folder that was used before, perhaps with another
        // database: it may have anything.
        let is_empty = is_new && ingest.held().events == 0;
        let watched = Arc::<Watched>::default();
        let watching = Watching {
            store: Arc::clone(&stores.erasures),
            erased: Arc::clone(ingest.erased()),
            watched: Arc::clone(&watched),
            instance,
            since: if is_empty { SystemClock.now() } else { Timestamp::from_millis_clamped(0) },
            clock: Arc::new(SystemClock),
        };
        // Nothing is written before it is known who was erased: the journal may have it.
        let (known, may_write) = watch::channel(false);
        let erasure_watcher = tokio::spawn(watching.run(health.prepared(), known));
        let destination = Destination {
            feeds: Arc::clone(&stores.processing),
            events: Arc::clone(&store),
            letters: Arc::clone(&stores.letters),
            people: Arc::clone(&people),
        };
        let processing = processing::of(settings, stores, &statistics, ingest.erased())?;
        let registered = CancellationToken::new();
        let feeding = Feeding {
            registry: processing::registry(settings, ingest.next_arrival()),
            registered: registered.clone(),
            listener: processing.listener(),
        };
        let writers = Writers::start(
            &ingest,
            reader,
            &destination,
            feeding,
            store.writes_in_flight(settings.write.in_flight),
            &may_write,
        );
        let watcher = tokio::spawn(watch_store(
            Arc::clone(&health),
            Arc::clone(&store),
            settings.health.check_interval,
        ));
        let disk_watcher = tokio::spawn(reserve::watch(
            Arc::clone(&ingest),
            Arc::new(DiskOf::folder(&settings.store.data_dir)),
            settings.store.mongodb_uri.is_none(),
        ));
        let processing = Arc::new(processing);
        Ok(Self {
            ingest,
            health,
            statistics,
            processing,
            registered,
            people,
            instance,
            watched,
            store,
            writers,
            watcher,
            disk_watcher,
            erasure_watcher,
        })
    }

    /// Waits until a part ends that must not.
    pub async fn ended(&mut self) -> Part {
        tokio::select! {
            _ = self.writers.ended() => Part::Writers,
            _ = &mut self.watcher => Part::DatabaseWatch,
            _ = &mut self.disk_watcher => Part::DiskWatch,
            _ = &mut self.erasure_watcher => Part::Erasures,
            () = self.store.ended() => Part::DatabaseWriter,
            () = self.ingest.journal_ended() => Part::Journal,
        }
    }

    /// Writes what is accepted, until nothing is left or the deadline has come.
    pub async fn drain(self, deadline: Instant) -> Drained {
        let left = self.writers.drain(deadline).await;
        self.watcher.abort();
        self.disk_watcher.abort();
        self.erasure_watcher.abort();
        if left > 0 {
            warn!(
                events = left,
                "the database did not take them in time; these events are in the journal and are \
                 stored by the next start"
            );
        }
        Drained { ingest: self.ingest, store: self.store }
    }
}

/// Writes nothing any more.
pub struct Drained {
    ingest: Arc<Ingest>,
    store: Arc<dyn Store>,
}

impl Drained {
    /// Closes the journal, and the store after it.
    pub async fn close(self) {
        let ingest = self.ingest;
        let journal = tokio::task::spawn_blocking(move || ingest.close_journal());
        if timeout(CLOSING / 2, journal).await.is_err() {
            warn!("the disk did not answer in time; what is in the journal stays there");
        }
        if timeout(CLOSING / 2, self.store.close()).await.is_err() {
            warn!("the database did not close in time");
        }
    }
}

fn write_rules(settings: &Settings) -> WriteRules {
    let write = &settings.write;
    WriteRules {
        max_events: write.max_events,
        max_wait: settings.max_wait(),
        backoff_min: WriteRules::BACKOFF_MIN,
        backoff_max: write.backoff_max,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn with_a_processor_an_idle_write_waits_less() {
        let url = ("processors.default.url", "http://localhost:3001");
        let alone = write_rules(&Settings::defaults());
        let with_processor = write_rules(&Settings::with([url]).unwrap());
        assert_eq!(alone.max_wait, Duration::from_secs(1));
        assert_eq!(with_processor.max_wait, Duration::from_millis(50));
    }
}
