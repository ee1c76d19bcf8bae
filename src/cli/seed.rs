//! `trailkeep seed`: sample events into the store, or through a running
//! service.

mod delivery;
mod progress;
mod service;
mod store;
mod tally;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::value_parser;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::Flags;
use crate::app::{StartError, Stores};
use crate::config::Settings;
use crate::event::Timestamp;
use crate::seed::{Kind, Plan, PlanFault, Samples};
use crate::shutdown::Signals;
use crate::store::StoreError;
use crate::store::embedded::OpenError;
use delivery::{Delivery, End, Pace};
use progress::Progress;
use service::{Service, ServiceError};
use store::StoreDestination;

/// The variable that names a write key, so that it need not stand in a
/// command line, where all of the machine can read it.
const WRITE_KEY: &str = "TRAILKEEP_WRITE_KEY";

/// Users of this many events, unless told otherwise.
const EVENTS_PER_USER: u64 = 20;

/// How long the database may take to answer for the first time.
const FIRST_ANSWER: Duration = Duration::from_secs(30);

const AFTER_HELP: &str = "\
The same number, options, seed and --until give the same events with the same
ids; so a run that was stopped is taken up by repeating it, and what is stored
already is not stored twice. The command to repeat a run is printed at its end.

One account, the whale, has a fifth of all events. Its id is \"whale\", those of
the others are account-0001, account-0002 and so on; users are user-000001 and
so on.

Straight to the store, events count as received in the moment in which they
happened: a retention shorter than --days deletes some of them again. The
embedded store belongs to one process: while the service runs on it, use
--via-http.

Exit codes: 0 all of it was written; 1 not all of it could be; 2 wrong arguments;
130 (Ctrl-C) or 143 (SIGTERM) stopped before its end, by then what was in flight
is written. A second signal ends at once.

Examples:
  trailkeep seed                               a million events into ./data
  MONGODB_URI=mongodb://db/shop trailkeep seed 5000000 --days 7
  trailkeep seed 20000 --seed 7 --until 2025-12-15T00:00:00Z
  TRAILKEEP_WRITE_KEY=wk-... trailkeep seed 100000 --via-http http://localhost:3000";

/// What is to be written, and where to.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Command {
    /// How many events
    #[arg(default_value_t = 1_000_000, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    events: u64,
    /// What chance is drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many users; a twentieth of the events without it
    #[arg(long, value_parser = value_parser!(u32).range(2..))]
    users: Option<u32>,
    /// How many accounts beside the whale
    #[arg(long, default_value_t = 400, value_parser = value_parser!(u32).range(1..))]
    accounts: u32,
    /// Spread the events over this many days before --until
    #[arg(long, default_value_t = 30, value_parser = value_parser!(u32).range(1..=3650))]
    days: u32,
    /// The end of those days, as RFC 3339, not in the future; now without it
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<Timestamp>,
    /// The whale's account id
    #[arg(long, default_value = "whale", value_name = "ID")]
    whale: String,
    /// The whale's share of all events, 0 to 1
    #[arg(long, default_value_t = 0.2, value_name = "SHARE")]
    whale_share: f64,
    /// Events in one write: 5,000 to the store, 1,000 over HTTP
    #[arg(long, value_parser = value_parser!(u32).range(1..=100_000))]
    batch: Option<u32>,
    /// Writes in flight at once; the embedded store takes one
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = value_parser!(u8).range(1..=64))]
    in_flight: u8,
    /// Send the events to the service at this address, http://host:port
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    via_http: Option<String>,
    /// The write key to send with them; better in TRAILKEEP_WRITE_KEY
    #[arg(long, value_name = "KEY", requires = "via_http")]
    write_key: Option<String>,
    #[command(flatten)]
    pub(super) flags: Flags,
}

fn parse_time(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse_rfc3339(text).ok_or("must be a time such as 2025-12-15T10:30:00Z")
}

/// Why nothing, or not all, was written.
#[derive(Debug, thiserror::Error)]
pub(super) enum SeedError {
    #[error(transparent)]
    Plan(#[from] PlanFault),
    #[error(
        "--until {0} is in the future; arrival numbers of the service would fall before those of the events"
    )]
    Future(Timestamp),
    #[error(
        "events.types lacks {0}, which the service would refuse; add them, or pass \
         --set events.any_type=true"
    )]
    Types(String),
    #[error("{0}; stop the service for the moment, or send the events through it with --via-http")]
    InUse(StartError),
    #[error(transparent)]
    Start(StartError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the database does not answer within {} s", FIRST_ANSWER.as_secs())]
    NoAnswer,
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl SeedError {
    /// Whether another command line would help, and nothing else.
    pub(super) fn is_of_arguments(&self) -> bool {
        match self {
            Self::Plan(_) | Self::Future(_) | Self::Types(_) => true,
            Self::Service(error) => error.is_of_arguments(),
            _ => false,
        }
    }
}

impl From<StartError> for SeedError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Embedded(OpenError::Locked { .. }) => Self::InUse(error),
            error => Self::Start(error),
        }
    }
}

/// What is to be said at the end, and how it ended.
pub(super) struct Done {
    pub(super) text: String,
    pub(super) code: ExitCode,
}

/// Writes the events. Returns once that is done, has failed for good, or was
/// stopped by a signal.
pub(super) fn run(command: &Command, settings: &Settings) -> Result<Done, SeedError> {
    let samples = Samples::new(command.plan(Timestamp::now())?)?;
    let runtime = Runtime::new().map_err(|error| StartError::System(error.to_string()))?;
    let done = runtime.block_on(async {
        match &command.via_http {
            Some(url) => command.send_to_service(url, samples).await,
            None => command.write_to_store(settings, samples).await,
        }
    });
    // After a second signal nobody waits for what is in flight.
    runtime.shutdown_timeout(Duration::from_millis(200));
    done
}

impl Command {
    fn plan(&self, now: Timestamp) -> Result<Plan, SeedError> {
        if let Some(until) = self.until.filter(|until| *until > now) {
            return Err(SeedError::Future(until));
        }
        Ok(Plan {
            events: self.events,
            seed: self.seed,
            users: self.users.unwrap_or_else(|| self.usual_users()),
            accounts: self.accounts,
            days: self.days,
            until: self.until.unwrap_or(now),
            whale: self.whale.as_str().into(),
            whale_share: self.whale_share,
        })
    }

    fn usual_users(&self) -> u32 {
        let users = u32::try_from(self.events / EVENTS_PER_USER).unwrap_or(u32::MAX);
        users.max(self.accounts.saturating_add(1))
    }

    fn pace(&self, usual_batch: usize, in_flight: usize) -> Pace {
        let asked_for = self.batch.and_then(|batch| usize::try_from(batch).ok());
        Pace {
            batch: asked_for.unwrap_or(usual_batch),
            in_flight,
        }
    }

    async fn send_to_service(&self, url: &str, samples: Samples) -> Result<Done, SeedError> {
        let from_environment = || std::env::var(WRITE_KEY).ok().filter(|key| !key.is_empty());
        let key = self.write_key.clone().or_else(from_environment);
        let service = Service::reach(url, key.as_deref()).await?;
        let pace = self.pace(service::USUAL_BATCH, usize::from(self.in_flight));
        self.deliver(service, samples, pace).await
    }

    async fn write_to_store(
        &self,
        settings: &Settings,
        samples: Samples,
    ) -> Result<Done, SeedError> {
        types_are_accepted(settings)?;
        let events = Stores::open(settings).await?.events;
        let prepared = async {
            timeout(FIRST_ANSWER, events.ping())
                .await
                .map_err(|_| SeedError::NoAnswer)??;
            Ok::<(), SeedError>(events.prepare().await?)
        };
        let done = match prepared.await {
            Ok(()) => {
                self.warn_of_retention(settings);
                let pace = self.pace(
                    store::USUAL_BATCH,
                    events.lanes(usize::from(self.in_flight)),
                );
                let destination = StoreDestination::new(Arc::clone(&events), self.seed);
                self.deliver(destination, samples, pace).await
            }
            Err(error) => Err(error),
        };
        let _ = timeout(Duration::from_secs(2), events.close()).await;
        done
    }

    fn warn_of_retention(&self, settings: &Settings) {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let shorter = |kept: &Duration| *kept < DAY.saturating_mul(self.days);
        if let Some(kept) = settings.store.retention.filter(shorter) {
            let days = kept.as_secs() / DAY.as_secs();
            super::complain(&format!(
                "trailkeep: store.retention_days is {days}: what is older is deleted again\n"
            ));
        }
    }

    async fn deliver<D: delivery::Destination>(
        &self,
        destination: D,
        samples: Samples,
        pace: Pace,
    ) -> Result<Done, SeedError> {
        let plan = samples.plan().clone();
        let mut signals =
            Signals::listen().map_err(|error| StartError::System(error.to_string()))?;
        let progress = Arc::new(Progress::begin(plan.events));
        let delivery = Delivery {
            destination: Arc::new(destination),
            progress: Arc::clone(&progress),
            pace,
        };
        let (tally, end) = delivery.run(samples, &mut signals).await;
        let took = progress.end();
        if let End::Failed(reason) = &end {
            progress.say(reason);
        }
        let mut text = tally.summary(took, &end);
        let is_whole = matches!(end, End::Complete) && tally.refused == 0;
        text.push_str(&self.repeat(&plan, is_whole));
        Ok(Done {
            text,
            code: match end {
                End::Complete if is_whole => ExitCode::SUCCESS,
                End::Complete | End::Failed(_) => ExitCode::FAILURE,
                End::Stopped(signal) | End::Forced { signal, .. } => ExitCode::from(signal.code()),
            },
        })
    }

    /// The command line that gives the same events again.
    fn repeat(&self, plan: &Plan, is_whole: bool) -> String {
        let why = if is_whole {
            "the same events again"
        } else {
            "to go on"
        };
        let mut line = format!(
            "{why}: trailkeep seed {} --seed {} --until {} --users {} --accounts {} --days {}",
            plan.events, plan.seed, plan.until, plan.users, plan.accounts, plan.days
        );
        if plan.whale_share != 0.2 || &*plan.whale != "whale" {
            line.push_str(&format!(
                " --whale {:?} --whale-share {}",
                plan.whale, plan.whale_share
            ));
        }
        if let Some(url) = &self.via_http {
            line.push_str(&format!(" --via-http {url}"));
        }
        line.push('\n');
        line
    }
}

fn types_are_accepted(settings: &Settings) -> Result<(), SeedError> {
    let events = &settings.events;
    let is_accepted = |kind: &Kind| events.types.iter().any(|name| name == kind.name());
    let missing: Vec<&str> = Kind::ALL
        .iter()
        .filter(|kind| !is_accepted(kind))
        .map(|kind| kind.name())
        .collect();
    if events.any_type || missing.is_empty() {
        return Ok(());
    }
    Err(SeedError::Types(missing.join(", ")))
}
