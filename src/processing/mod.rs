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
mod lateness;
pub mod orders;
mod pace;
mod rests;
mod sharing;
pub mod signature;
pub mod status;
mod term;
mod upkeep;
mod view;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prometheus::Registry;
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use trailkeep_event::Timestamp;
use trailkeep_event::time::Clock;
use trailkeep_store::StoreError;
use trailkeep_store::processing::{Command, MAX_COMMANDS, ProcessingStore};
use uuid::Uuid;

pub use attempts::AttemptRules;
use bodies::Bodies;
pub use bodies::MAX_BYTES as MAX_BODIES_BYTES;
use client::{Client, ClientError, ClientSettings};
use deliverer::Deliverer;
use delivery::{Form, FormError, FormSettings};
use orders::{Answer, Order};
use status::Status;
use term::TermRules;
pub use term::{MOST_PENDING_BYTES, most_events};
use upkeep::Upkeep;
pub use view::{Metrics, Seen, State, View};
use work::Work;

use crate::ingest::erased::Erased;
use crate::ingest::feeding::Listener;
use crate::ingest::quiet::Quiet;

/// A processor of the settings.
pub struct ProcessorSettings {
    /// Its name.
    pub name: Box<str>,
    /// Where it is.
    pub client: ClientSettings,
    /// What it is sent.
    pub form: FormSettings,
    /// The types that it wants; none for all.
    pub types: Vec<Box<str>>,
    /// How often an event is tried.
    pub attempts: AttemptRules,
    /// Whether a user waits for a person behind an event that failed for good.
    pub holds: bool,
    /// Requests that are begun in a second at the most.
    pub rate_per_second: Option<u32>,
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
    clock: Arc<dyn Clock>,
    /// Who delivers.
    quiet: Arc<Quiet>,
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
        retention: Option<Duration>,
        clock: &Arc<dyn Clock>,
        registry: &Registry,
        erased: &Arc<Erased>,
    ) -> Result<Self, ProcessingError> {
        let quiet = Arc::<Quiet>::default();
        let metrics = Metrics::new(registry)?;
        let bodies = Arc::<Bodies>::default();
        let started = Instant::now();
        let mut processors = BTreeMap::new();
        for one in settings {
            let ProcessorSettings { name, client, form, types, attempts, holds, rate_per_second } =
                one;
            let view = Arc::new(View::new(&name, &metrics));
            let wake = Arc::new(Notify::new());
            let (concurrency, patience) = (client.concurrency, client.timeout + ANSWER_STORED);
            let client = Client::new(&client)
                .map_err(|error| ProcessingError::Client(name.clone(), error))?;
            let form =
                Form::new(&form).map_err(|error| ProcessingError::Form(name.clone(), error))?;
            let deliverer = Deliverer {
                work: Work { name: Arc::from(&*name), store: Arc::clone(store) },
                client: Arc::new(client),
                form: Arc::new(form),
                rules: Arc::new(TermRules {
                    attempts,
                    retention,
                    holds,
                    rate_per_second,
                    erased: Arc::clone(erased),
                }),
                concurrency,
                types,
                clock: Arc::clone(clock),
                bodies: Arc::clone(&bodies),
                view: Arc::clone(&view),
                wake: Arc::clone(&wake),
                started,
                quiet: Arc::clone(&quiet),
                patience,
            };
            let deliverer = parking_lot::Mutex::new(Some(deliverer));
            processors.insert(name, One { view, wake, concurrency, deliverer });
        }
        Ok(Self { processors, bodies, store: Arc::clone(store), clock: Arc::clone(clock), quiet })
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
        let upkeep = Upkeep {
            own: self.processors.keys().cloned().collect(),
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
        };
        let stopped = stop.clone();
        tasks.spawn(async move {
            stopped.run_until_cancelled(upkeep.run()).await;
        });
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

    /// Has all deliverers begin anew, who know then who is erased: waits for what is in flight,
    /// and drops what is in memory.
    pub async fn begin_anew(&self, erased: &Erased) {
        self.quiet.wait().await;
        self.bodies.forget(erased);
    }

    /// The processors of this instance's settings, as it sees them.
    pub fn seen(&self) -> impl Iterator<Item = (&str, usize, Seen)> {
        self.processors.iter().map(|(name, one)| (&**name, one.concurrency, one.view.seen()))
    }

    /// The store, for what is only read of it.
    pub fn store(&self) -> &dyn ProcessingStore {
        &*self.store
    }

    /// Asks whoever delivers for something, and waits a while for the answer.
    ///
    /// # Errors
    ///
    /// Where the database does not answer, or too much was asked for already.
    pub async fn ask(&self, name: &str, order: &Order, now: Timestamp) -> Result<Asked, AskError> {
        if *order == Order::Pause
            && let Some(id) = self.open_pause(name).await?
        {
            return Ok(Asked { id, answer: None });
        }
        let id = Uuid::now_v7();
        let command = Command {
            id,
            processor: name.into(),
            made_at: now,
            order: serde_json::to_string(order).unwrap_or_default().into(),
            progress: None,
            answered_at: None,
            answer: None,
        };
        if !self.store.add_command(&command).await? {
            return Err(AskError::TooMany);
        }
        let until = Instant::now() + ANSWERED_WITHIN;
        // It is open for as long as the pause lasts.
        while *order != Order::Pause && Instant::now() < until {
            sleep(LOOK_EVERY).await;
            if let Some(answer) = self.store.command(id).await?.and_then(|told| told.answer) {
                return Ok(Asked { id, answer: serde_json::from_str(&answer).ok() });
            }
        }
        Ok(Asked { id, answer: None })
    }

    /// The pause that there is: one more would change nothing, and so many of them that
    /// no more is taken would keep anybody from resuming.
    async fn open_pause(&self, name: &str) -> Result<Option<Uuid>, StoreError> {
        let commands = self.store.commands(name).await?;
        let open = commands.iter().find(|command| Order::is_open_pause(command));
        Ok(open.map(|command| command.id))
    }

    /// How a processor is doing, as whoever delivers told it last, and when that was.
    ///
    /// # Errors
    ///
    /// Where it is another instance's to tell, and the database does not answer.
    pub async fn status(
        &self,
        name: &str,
        now: Timestamp,
    ) -> Result<Option<(Timestamp, Status)>, StoreError> {
        if let Some(status) = self.processors.get(name).and_then(|one| one.view.status()) {
            return Ok(Some((now, status)));
        }
        let told = self.store.published(name).await?;
        Ok(told.and_then(|(at, status)| Some((at, serde_json::from_str(&status).ok()?))))
    }
}

/// How long an answer may take to be stored, where a deliverer begins anew.
const ANSWER_STORED: Duration = Duration::from_secs(5);

/// How long whoever asks waits for an answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Something that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The command's identity.
    pub id: Uuid,
    /// What came of it, where that is known yet.
    pub answer: Option<Answer>,
}

/// Why nothing was asked for.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// So many commands wait for an answer that no more are taken.
    #[error("{MAX_COMMANDS} commands of this processor wait to be carried out")]
    TooMany,
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
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
