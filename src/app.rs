//! Puts store, pipeline and routes together, runs them and stops them in
//! order.
//!
//! Start: the store and the listener are opened, and what an earlier process
//! left behind is taken in. The service accepts from then on; it is ready once
//! the store is prepared and has what was left behind.
//!
//! Stop: unready, no new connections, requests in flight finish, the buffer is
//! flushed, what is left stays in the journal or goes to a file, the store is
//! closed.

pub(crate) mod access;
mod build;
mod earlier;
mod stores;

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::config::{Settings, memory};
use crate::event::Accepted;
use crate::http::{self, Service, server};
use crate::pipeline::dead_letters;
use crate::pipeline::floods;
use crate::pipeline::flusher::{Destination, Flusher};
use crate::pipeline::health::{CheckRules, Health, watch_store};
use crate::pipeline::journal;
use crate::pipeline::leftover;
use crate::shutdown::{Ending, Signals};
use crate::store::Store;
use crate::store::embedded::OpenError;
use crate::store::mongo::MongoOpenError;
use earlier::{Earlier, Kept};
pub use stores::Stores;

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The embedded store cannot be opened.
    #[error(transparent)]
    Embedded(#[from] OpenError),
    /// The MongoDB URI cannot be used.
    #[error(transparent)]
    Mongo(#[from] MongoOpenError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}{hint}")]
    Listen {
        /// The address.
        address: String,
        /// What the system says.
        source: io::Error,
        /// What to do.
        hint: &'static str,
    },
    /// Events of an earlier process cannot be read.
    #[error("cannot read the events that an earlier process left in {folder}: {source}")]
    Leftover {
        /// The data folder.
        folder: String,
        /// What the system says.
        source: io::Error,
    },
    /// The journal cannot be opened.
    #[error(transparent)]
    Journal(#[from] journal::OpenError),
    /// The system gives no runtime, no signals or no metrics.
    #[error("cannot start: {0}")]
    System(String),
}

/// Runs the service until a signal ends it.
pub fn serve(settings: Settings) -> ExitCode {
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            error!(%error, "cannot start the runtime");
            return Ending::NotStarted.into();
        }
    };
    let ending = runtime.block_on(async {
        run(&settings).await.unwrap_or_else(|error| {
            error!("{error}");
            Ending::NotStarted
        })
    });
    // A read that hangs in the store must not keep the process alive.
    runtime.shutdown_timeout(Duration::from_secs(1));
    ending.into()
}

async fn run(settings: &Settings) -> Result<Ending, StartError> {
    let mut signals = Signals::listen().map_err(|error| StartError::System(error.to_string()))?;
    let stores = Stores::open(settings).await?;
    let listener = listen(&settings.http.address()).await?;
    let mut app = App::start(settings, stores, listener)?;
    let is_defect = tokio::select! {
        signal = signals.next() => {
            info!(signal, "stopping; a second signal ends at once");
            false
        }
        part = app.ended() => {
            error!(part, "a part of the service ended unexpectedly; stopping");
            true
        }
    };
    let pipeline = Arc::clone(&app.service.pipeline);
    let ending = tokio::select! {
        ending = app.stop() => ending,
        signal = signals.next_on_purpose() => {
            let left = pipeline.snapshot();
            let events = left.events + left.spilled_events;
            let is_journaled = pipeline.has_journal();
            error!(signal, events, is_journaled, "ended at once; these events are not stored yet");
            Ending::Forced
        }
    };
    Ok(if is_defect && ending == Ending::Clean {
        Ending::Defect
    } else {
        ending
    })
}

async fn listen(address: &str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Listen {
            address: address.to_owned(),
            hint: match source.kind() {
                io::ErrorKind::AddrInUse => {
                    ". Stop what uses it, or choose another port with --port or PORT"
                }
                io::ErrorKind::PermissionDenied => {
                    ". Ports below 1024 need a right; choose another with --port or PORT"
                }
                _ => ". Choose another address with --host or HOST",
            },
            source,
        })
}

/// A running service.
pub struct App {
    service: Arc<Service>,
    store: Arc<dyn Store>,
    flusher: Flusher,
    server: JoinHandle<()>,
    watcher: JoinHandle<()>,
    counter: JoinHandle<()>,
    floods: JoinHandle<()>,
    access: access::Tasks,
    kept: Arc<Kept>,
    replay: JoinHandle<()>,
    stop: CancellationToken,
    settings: Settings,
}

impl App {
    /// Starts all parts on an open listener.
    pub fn start(
        settings: &Settings,
        stores: Stores,
        listener: TcpListener,
    ) -> Result<Self, StartError> {
        let may_spill = settings.spill.max_bytes > 0;
        let health = Health::new(settings.health.unready_after).outlasting_outages(may_spill);
        let health = Arc::new(health);
        let mut earlier = Earlier::read(settings, &health)?;
        let journal = (earlier.journal.take(), earlier.reader.take());
        let (service, audit_writer) = build::service(settings, &stores, &health, journal)?;
        let service = Arc::new(service);
        let access = access::Tasks::start(
            Arc::clone(&service.access),
            audit_writer,
            stores.access,
            Arc::clone(&service.clock),
            settings.access.audit_retention,
        );
        let store = stores.events;
        health.replaying(true);
        let (wait_for, kept) = earlier.hand_over(&service.pipeline, may_spill);
        let kept = Arc::new(kept);
        let pipeline = Arc::clone(&service.pipeline);
        let replay = Arc::clone(&kept).replayed(wait_for, pipeline, Arc::clone(&health));
        let replay = tokio::spawn(replay);

        let flusher = Flusher::start(
            Arc::clone(&service.pipeline),
            Destination {
                events: Arc::clone(&store),
                letters: stores.letters,
            },
            health.prepared(),
        );
        let checks = CheckRules {
            interval: settings.health.check_interval,
            timeout: settings.health.check_timeout,
        };
        let watcher = tokio::spawn(watch_store(Arc::clone(&health), Arc::clone(&store), checks));

        let counter = tokio::spawn(dead_letters::watch_count(
            Arc::clone(&service.dead_letters),
            Arc::clone(&service.statistics),
        ));

        let floods = tokio::spawn(floods::watch(Arc::clone(&service.statistics)));

        if let Ok(address) = listener.local_addr() {
            let store = if settings.store.mongodb_uri.is_some() {
                "mongodb"
            } else {
                "embedded"
            };
            info!(%address, store, version = env!("CARGO_PKG_VERSION"), "listening");
        }
        info!(
            mebibytes = memory::reckon(settings).mebibytes(),
            "memory is bounded"
        );
        let stop = CancellationToken::new();
        let server = tokio::spawn(server::serve(
            listener,
            http::router(Arc::clone(&service)),
            server::Limits {
                max_connections: settings.http.max_connections,
                header_timeout: settings.http.header_timeout,
                grace: settings.shutdown.request_grace,
            },
            stop.clone(),
        ));
        let settings = settings.clone();
        Ok(Self {
            service,
            store,
            flusher,
            server,
            watcher,
            counter,
            floods,
            access,
            kept,
            replay,
            stop,
            settings,
        })
    }

    /// Waits until a part ends that must not, and names it.
    async fn ended(&mut self) -> &'static str {
        tokio::select! {
            _ = self.flusher.ended() => "flusher",
            _ = &mut self.server => "listener",
            _ = &mut self.watcher => "database watch",
            _ = &mut self.counter => "count of dead letters",
            _ = &mut self.floods => "count of refusals",
            () = self.access.ended() => "audit trail",
            () = self.service.pipeline.journal_ended() => "journal",
        }
    }

    /// Stops all parts in order.
    async fn stop(self) -> Ending {
        let grace = self.settings.shutdown.grace;
        let deadline = Instant::now() + grace - (grace / 5).min(CLOSING);
        self.service.health.drain();
        self.stop.cancel();
        if !self.server.is_finished() {
            let _ = tokio::time::timeout_at(deadline, self.server).await;
        }
        // What it waits for would look stored once the buffer is emptied.
        self.replay.abort();
        let _ = self.replay.await;
        let left = self.flusher.drain(deadline).await;
        self.watcher.abort();
        self.counter.abort();
        self.floods.abort();
        self.access.stop().await;
        let ending = keep(
            &left,
            &self.service,
            &self.kept,
            &self.settings.store.data_dir,
        );
        close(&self.service, &*self.store).await;
        ending
    }
}

/// Sees to it that what could not be stored is there at the next start.
fn keep(left: &[Arc<Accepted>], service: &Service, kept: &Kept, folder: &Path) -> Ending {
    let spilled = service.pipeline.snapshot().spilled_events;
    let events = left.len() + spilled;
    if events == 0 {
        kept.remove();
        return Ending::Clean;
    }
    // Those that came from the file of an earlier stop are in it still. Without
    // a journal, nothing is accepted while that of an earlier process is read:
    // all that is left is in there, or in a file.
    if service.pipeline.has_journal() || spilled > 0 {
        warn!(
            events,
            spilled,
            "the database did not take them in time; these events are in the journal and are \
             stored by the next start"
        );
        return Ending::Clean;
    }
    match leftover::write(folder, left, service.clock.now()) {
        Ok(file) => {
            warn!(
                events, file = %file.display(),
                "the database could not be reached in time; these events are in the file and are \
                 stored by the next start"
            );
            // What older files held is stored by now, or in the new one.
            kept.remove();
            Ending::LeftInFile
        }
        Err(error) => {
            error!(events, %error, "these events were accepted and are lost");
            Ending::Lost
        }
    }
}

/// What of the grace is left for closing the journal and the store.
const CLOSING: Duration = Duration::from_secs(3);

async fn close(service: &Service, store: &dyn Store) {
    service.summaries.close();
    let pipeline = Arc::clone(&service.pipeline);
    let journal = tokio::task::spawn_blocking(move || pipeline.close_journal());
    if timeout(CLOSING / 2, journal).await.is_err() {
        warn!("the disk did not answer in time; what is in the journal stays there");
    }
    if timeout(CLOSING / 2, store.close()).await.is_err() {
        warn!("the database did not close in time");
    }
}
