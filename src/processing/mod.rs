//! Users' events on their way to processors.
//!
//! A processor is an HTTP endpoint that acts on events. The events of one user are sent
//! one after the other, users side by side, and what became of each is kept.
//!
//! # Invariants
//!
//! - **At least once.** What is in the feed is what is pending. An event leaves it when its
//!   outcome is stored, or when a record covers it; the feed has it before the journal
//!   forgets it (`ingest::feeding`).
//! - **In order.** The next event of a user is sent only when the outcome of the one before
//!   is durable. That rests on data, not on a lease: two instances that both believe to be
//!   in charge can repeat a request, never overtake one.
//! - **One outcome.** The outcome is the done-mark, its id the event's.
//! - **Conservation.** wanted = processed + failed + skipped + pending.
//!
//! `trailkeep-delivery` has the rules as state machines, and the model check that holds
//! them to this. Here they meet a database and a network:
//!
//! - [`deliverer`]: who is in charge of one processor, and its term.
//! - [`term`]: window, breaker and attempts in one term; `work`: what they ask of the
//!   database.
//! - [`delivery`], [`signature`], [`client`], [`answer`]: what is sent, and what comes back.
//! - `breaker`, `attempts`, `rests`: whether it is the processor that fails, or the event.
//!
//! Nothing here reads settings: who makes a part hands in what it needs.

pub mod answer;
mod attempts;
mod bodies;
mod breaker;
pub mod client;
mod deliverer;
pub mod delivery;
mod rests;
pub mod signature;
mod term;
mod view;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use trailkeep_event::time::Clock;
use trailkeep_store::StoreError;
use trailkeep_store::processing::ProcessingStore;

pub use attempts::AttemptRules;
use bodies::Bodies;
pub use bodies::MAX_BYTES as MAX_BODIES_BYTES;
use client::{Client, ClientError, ClientSettings};
use deliverer::Deliverer;
use delivery::{Form, FormError, FormSettings};
use term::TermRules;
pub use term::{MOST_PENDING_BYTES, most_events};
pub use view::{Metrics, Seen, State, View};
use work::Work;

use crate::ingest::feeding::Listener;

/// A processor of the settings.
pub struct ProcessorSettings {
    /// Its name.
    pub name: Box<str>,
    /// Where it is.
    pub client: ClientSettings,
    /// What it is sent.
    pub form: FormSettings,
    /// How often an event is tried.
    pub attempts: AttemptRules,
}

/// Why a processor cannot be delivered for.
#[derive(Debug, thiserror::Error)]
pub enum ProcessingError {
    /// Its address or its certificates cannot be used.
    #[error("processor {0}: {1}")]
    Client(Box<str>, ClientError),
    /// Its requests cannot have the form that the settings ask for.
    #[error("processor {0}: {1}")]
    Form(Box<str>, FormError),
    /// Its metrics are there already.
    #[error("metrics of processors: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// All processors of this instance.
pub struct Processing {
    processors: BTreeMap<Box<str>, One>,
    bodies: Arc<Bodies>,
    store: Arc<dyn ProcessingStore>,
}

struct One {
    view: Arc<View>,
    wake: Arc<Notify>,
    concurrency: usize,
    /// Taken when it is started.
    deliverer: parking_lot::Mutex<Option<Deliverer>>,
}

impl Processing {
    /// Checks what the settings say. Nothing is sent before [`start`](Self::start).
    ///
    /// # Errors
    ///
    /// What of it cannot be.
    pub fn new(
        settings: Vec<ProcessorSettings>,
        store: &Arc<dyn ProcessingStore>,
        has_retention: bool,
        clock: &Arc<dyn Clock>,
        registry: &Registry,
    ) -> Result<Self, ProcessingError> {
        let metrics = Metrics::new(registry)?;
        let bodies = Arc::<Bodies>::default();
        let started = Instant::now();
        let mut processors = BTreeMap::new();
        for ProcessorSettings { name, client, form, attempts } in settings {
            let view = Arc::new(View::new(&name, &metrics));
            let wake = Arc::new(Notify::new());
            let concurrency = client.concurrency;
            let client = Client::new(&client)
                .map_err(|error| ProcessingError::Client(name.clone(), error))?;
            let form =
                Form::new(&form).map_err(|error| ProcessingError::Form(name.clone(), error))?;
            let deliverer = Deliverer {
                work: Work { name: Arc::from(&*name), store: Arc::clone(store) },
                client: Arc::new(client),
                form: Arc::new(form),
                rules: Arc::new(TermRules { attempts, has_retention }),
                concurrency,
                clock: Arc::clone(clock),
                bodies: Arc::clone(&bodies),
                view: Arc::clone(&view),
                wake: Arc::clone(&wake),
                started,
            };
            let deliverer = parking_lot::Mutex::new(Some(deliverer));
            processors.insert(name, One { view, wake, concurrency, deliverer });
        }
        Ok(Self { processors, bodies, store: Arc::clone(store) })
    }

    /// Hears of what was fed: so it is sent at once, and need not be read again.
    pub fn listener(&self) -> Option<Listener> {
        if self.processors.is_empty() {
            return None;
        }
        let bodies = Arc::clone(&self.bodies);
        let wakes: Vec<_> = self.processors.values().map(|one| Arc::clone(&one.wake)).collect();
        Some(Box::new(move |events| {
            bodies.keep(events);
            for wake in &wakes {
                wake.notify_one();
            }
        }))
    }

    /// Begins to deliver, once all instances know these processors.
    pub fn start(&self, registered: &CancellationToken, grace: Duration) -> Deliverers {
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        for one in self.processors.values() {
            let Some(deliverer) = one.deliverer.lock().take() else { continue };
            let (stop, registered) = (stop.clone(), registered.clone());
            tasks.spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = registered.cancelled() => {}
                }
                deliverer.run(stop, grace).await;
            });
        }
        Deliverers { stop, tasks }
    }

    /// The processors of this instance's settings, as it sees them.
    pub fn seen(&self) -> impl Iterator<Item = (&str, usize, Seen)> {
        self.processors.iter().map(|(name, one)| (&**name, one.concurrency, one.view.seen()))
    }

    /// How many events a processor has refused for good.
    ///
    /// # Errors
    ///
    /// Where the database does not answer.
    pub async fn dead_letters(&self, name: &str) -> Result<u64, StoreError> {
        self.store.failed(name).await
    }
}

/// The running deliverers.
pub struct Deliverers {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Deliverers {
    /// Waits until one ends, which none does before a stop.
    pub async fn ended(&mut self) -> Result<(), JoinError> {
        match self.tasks.join_next().await {
            Some(ended) => ended,
            None => std::future::pending().await,
        }
    }

    /// Sends nothing any more, and waits for what is in flight.
    pub async fn stop(mut self, deadline: Instant) {
        self.stop.cancel();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let _ = timeout_at(deadline, ended).await;
        self.tasks.abort_all();
    }
}
