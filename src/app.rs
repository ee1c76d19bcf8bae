//! Puts store, ingestion and routes together, runs them and stops them in
//! order.
//!
//! Start: the store, the listener and the journal are opened. The service accepts
//! from then on, and has its control socket; it is ready once the store is prepared and
//! has the head of what an earlier process left in the journal. While it runs, its settings
//! may be read again ([`reload`]).
//!
//! **Loud.** A task or a thread that ends unexpectedly ends the process, in order,
//! non-zero.
//!
//! Stop: unready, no new connections, no control socket, streams end at once, requests in
//! flight finish, the backlog is written, what is left stays in the journal, the store is
//! closed.

pub(crate) mod access;
mod build;
mod control;
mod erasing;
mod error;
mod greeting;
mod ingestion;
mod instance;
mod journal;
pub(crate) mod memory;
mod part;
mod processing;
pub(crate) mod reload;
mod set_up;
mod stores;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::access::Access;
use crate::access::audit::Actor;
use crate::console;
use crate::dead_letters;
use crate::http::{self, Service, server};
use crate::ingest::Ingest;
use crate::monitoring::history;
use crate::people::indexing::keep_indexes;
use crate::processing::Deliverers;
use crate::shutdown::{Ending, HangUp, HangUps, Signals};
use control::Control;
pub(crate) use control::path_in as control_socket;
pub(crate) use erasing::anew;
pub use error::StartError;
use ingestion::CLOSING;
pub(crate) use ingestion::Ingestion;
pub(crate) use instance::known_in as instance_of;
pub(crate) use journal::folder_in as journal_folder;
use part::Part;
use reload::Configured;
use set_up::SetUp;
pub use stores::Stores;
pub(crate) use stores::{of_mongodb, payload_keys, place as store_place, retention, timeouts};

/// What whoever started the process may do with the service that runs in it.
pub struct Running {
    /// Who may do what.
    pub access: Arc<Access>,
    /// Where accepted events go.
    pub ingest: Arc<Ingest>,
    /// Where a browser on this machine finds it.
    pub url: String,
}

/// Runs the service until a signal ends it, and calls back once it listens.
pub fn serve(configured: Configured, started: impl FnOnce(Running)) -> ExitCode {
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            error!(%error, "cannot start the runtime");
            return Ending::NotStarted.into();
        }
    };
    let ending = runtime.block_on(async {
        run(configured, started).await.unwrap_or_else(|error| {
            error!("{error}");
            Ending::NotStarted
        })
    });
    // A read that hangs in the store must not keep the process alive.
    runtime.shutdown_timeout(Duration::from_secs(1));
    ending.into()
}

async fn run(configured: Configured, started: impl FnOnce(Running)) -> Result<Ending, StartError> {
    greeting::says_which_build();
    let no_signals = |error: io::Error| StartError::System(error.to_string());
    let mut signals = Signals::listen().map_err(no_signals)?;
    let mut hang_ups = HangUps::listen().map_err(no_signals)?;
    let settings = &configured.loaded.settings;
    let stores = Stores::open(settings).await?;
    access::keep_write_keys(settings, &stores).await;
    let listener = listen(&settings.http.address()).await?;
    let url = greeting::url(&listener).unwrap_or_default();
    let mut app = App::start(configured, stores, listener)?;
    let (access, ingest) = (Arc::clone(&app.service.access), Arc::clone(&app.service.ingest));
    started(Running { access, ingest, url });
    let ended = loop {
        tokio::select! {
            signal = signals.next() => {
                info!(signal, "stopping; a second signal ends at once");
                break None;
            }
            hang_up = hang_ups.next() => match hang_up {
                HangUp::OnPurpose => app.reload(),
                HangUp::TerminalClosed => {
                    info!("the terminal was closed; stopping");
                    break None;
                }
            },
            part = app.ended() => {
                error!(part = part.name(), "a part of the service ended unexpectedly; stopping");
                break Some(part);
            }
        }
    };
    let ingest = Arc::clone(&app.service.ingest);
    let ending = tokio::select! {
        ending = app.stop(ended) => ending,
        signal = signals.next_on_purpose() => {
            let events = ingest.held().events;
            error!(signal, events, "ended at once; these events are in the journal");
            Ending::Forced
        }
    };
    Ok(match ended {
        Some(_) if ending == Ending::Clean => Ending::Defect,
        _ => ending,
    })
}

async fn listen(address: &str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Listen {
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
    ingestion: Ingestion,
    deliverers: Deliverers,
    server: JoinHandle<()>,
    control: Control,
    counter: JoinHandle<()>,
    history: JoinHandle<()>,
    access: access::Tasks,
    indexing: JoinHandle<()>,
    set_up: JoinHandle<()>,
    eraser: JoinHandle<()>,
    stop: CancellationToken,
    grace: Duration,
}

impl App {
    /// Starts all parts on an open listener.
    pub fn start(
        configured: Configured,
        stores: Stores,
        listener: TcpListener,
    ) -> Result<Self, StartError> {
        // What stays as it is until the end; of what a reload may change, the service has more
        // to say.
        let of_start = configured.loaded.settings.clone();
        let settings = &of_start;
        let ingestion = Ingestion::start(settings, &stores)?;
        let stop = CancellationToken::new();
        let (service, audit_writer) = build::service(configured, &stores, &ingestion, &stop)?;
        let service = Arc::new(service);
        let access = access::Tasks::start(&service, audit_writer, &stores);
        let counter = tokio::spawn(dead_letters::watch_count(
            Arc::clone(&service.dead_letters),
            Arc::clone(&service.statistics),
        ));
        let history = tokio::spawn(history::watch(
            Arc::clone(&service.history),
            Arc::clone(&service.statistics),
            Arc::clone(&service.clock),
        ));
        let router = http::router(Arc::clone(&service), console::router(&service));
        let limits = server::ConnectionLimits {
            max_connections: settings.http.max_connections,
            grace: request_grace(settings.shutdown.grace),
        };
        // The journal is open, and with it the folder's lock is held.
        let in_force = &service.in_force;
        let control =
            Control::start(settings, router.clone(), limits, Arc::clone(in_force), stop.clone());
        greeting::says_where(&listener, settings);
        let set_up = SetUp {
            store: Arc::clone(&stores.access),
            clock: Arc::clone(&service.clock),
            made: service.access.accounts.made(),
            data_dir: settings.store.data_dir.clone(),
            url: greeting::url(&listener).unwrap_or_default(),
        };
        let set_up = tokio::spawn(set_up.run(service.health.prepared()));
        info!(mebibytes = memory::reckon(settings).mebibytes(), "memory is bounded");
        let indexing = tokio::spawn(keep_indexes(
            service.health.prepared(),
            Arc::clone(&stores.payloads),
            payload_keys(settings),
        ));
        let in_force = Arc::clone(in_force);
        let server = tokio::spawn(server::serve(listener, router, limits, in_force, stop.clone()));
        let eraser = erasing::start(settings, &stores, &ingestion, &service);
        let grace = request_grace(settings.shutdown.grace);
        let deliverers = ingestion.processing.start(&ingestion.registered, grace);
        Ok(Self {
            service,
            ingestion,
            deliverers,
            server,
            control,
            counter,
            history,
            access,
            indexing,
            set_up,
            eraser,
            stop,
            grace: of_start.shutdown.grace,
        })
    }

    /// Has the settings read again, for whoever may send signals. What comes of it is in the
    /// log.
    fn reload(&self) {
        let reload = Arc::clone(&self.service.reload);
        tokio::spawn(async move {
            let _ = reload.reload(Actor::shell()).await;
        });
    }

    /// Waits until a part ends that must not.
    async fn ended(&mut self) -> Part {
        tokio::select! {
            part = self.ingestion.ended() => part,
            _ = self.deliverers.ended() => Part::Deliverers,
            _ = &mut self.server => Part::Listener,
            () = self.control.ended() => Part::ControlSocket,
            _ = &mut self.counter => Part::LetterCount,
            _ = &mut self.history => Part::History,
            _ = &mut self.eraser => Part::Erasures,
            () = self.access.ended() => Part::AuditTrail,
        }
    }

    /// Stops all parts in order. Where the journal has ended, requests in flight
    /// wait for nothing any more, and are not waited for.
    async fn stop(self, ended: Option<Part>) -> Ending {
        let grace = self.grace;
        let deadline = Instant::now() + grace - (grace / 5).min(CLOSING);
        self.service.health.drain();
        self.stop.cancel();
        // What it has not done is done by the next start.
        self.eraser.abort();
        // What is accepted is in the journal, and what is stored from now on cannot
        // be noted there any more.
        let is_journal_gone = ended == Some(Part::Journal);
        let deadline = if is_journal_gone { Instant::now() } else { deadline };
        let answered = async {
            if is_journal_gone {
                self.server.abort();
            } else if !self.server.is_finished() {
                let _ = tokio::time::timeout_at(deadline, self.server).await;
            }
        };
        tokio::join!(answered, self.control.stop(deadline));
        // Each has what the other waits for: what is answered is stored, and what is
        // stored is fed, for the next start.
        let (drained, ()) =
            tokio::join!(self.ingestion.drain(deadline), self.deliverers.stop(deadline));
        self.counter.abort();
        self.history.abort();
        self.indexing.abort();
        self.set_up.abort();
        self.access.stop().await;
        self.service.summaries.close();
        drained.close().await;
        Ending::Clean
    }
}

/// How long requests in flight have to finish: two thirds of a stop, so that what
/// they bring in can still be stored.
fn request_grace(grace: Duration) -> Duration {
    grace * 2 / 3
}

#[cfg(test)]
mod tests;
