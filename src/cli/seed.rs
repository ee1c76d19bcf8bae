//! `trailkeep seed`: sample events through the pipeline of this process, or
//! through a running service.

mod error;
mod pipeline;
mod run;
mod service;

use std::process::ExitCode;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::value_parser;
use tokio::runtime::Runtime;
use trailkeep_event::{Timestamp, TypeRule};

use super::control::Control;
use super::flags::Flags;
use super::terminal::complain;
use crate::app::StartError;
use crate::config::Settings;
use crate::seed::{Kind, Plan, Samples};
use error::SeedError;
use pipeline::Pipeline;
use run::{End, Run, Taker};
use service::Service;

/// The variable that names a write key, so that it need not stand in a
/// command line, where all of the machine can read it.
const WRITE_KEY: &str = "TRAILKEEP_WRITE_KEY";

/// Users of this many events, unless told otherwise.
const EVENTS_PER_USER: u64 = 20;

const AFTER_HELP: &str = "\
The same number, options, seed and --until give the same events with the same
ids; so a run that was stopped is taken up by repeating it, and what is stored
already is not stored twice. The command to repeat a run is printed at its end.

One account, the whale, has a fifth of all events. Its id is \"whale\", those of
the others are account-0001, account-0002 and so on; users are user-000001 and
so on.

Events take the way of the service: into the journal of the data folder, and from
there to the database. While a service uses the folder they are sent through it,
by its control socket there; --via-http names one that is elsewhere.

Exit codes: 0 all of it was written; 1 not all of it could be; 2 wrong arguments;
130 (Ctrl-C) or 143 (SIGTERM) stopped before its end, by then what was taken is
written, or left in the journal where the database is away. A second signal ends
at once; the next start on the folder stores what is in the journal.

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
    /// Events in one write or request; in one write a fifth of the backlog at most
    #[arg(long, default_value_t = 1_000, value_parser = value_parser!(u32).range(1..=100_000))]
    batch: u32,
    /// Writes or requests in flight at once; the embedded store takes one
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
        if let Some(url) = &command.via_http {
            return command.send_to(url, samples).await;
        }
        types_are_accepted(settings)?;
        let in_flight = usize::from(command.in_flight);
        match Pipeline::open(settings, command.batch(), in_flight).await {
            Ok(pipeline) => command.write(pipeline, samples).await,
            Err(SeedError::InUse) => match Control::at(settings).await? {
                Some(control) => command.send_to_folder(control, samples).await,
                None => command.send_to_owner(settings, samples).await,
            },
            Err(error) => Err(error),
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

    fn batch(&self) -> usize {
        usize::try_from(self.batch).unwrap_or(usize::MAX)
    }

    async fn write(&self, pipeline: Pipeline, samples: Samples) -> Result<Done, SeedError> {
        let plan = samples.plan().clone();
        let run = Run::begin(samples, pipeline.batch);
        let inlet = pipeline.inlet();
        let end = run.see_through(&inlet, pipeline.work(&run)).await?;
        Ok(self.done(&run, &inlet, &end, &self.repeat(&plan, None)))
    }

    /// To the service that has the folder, by its socket there.
    async fn send_to_folder(&self, control: Control, samples: Samples) -> Result<Done, SeedError> {
        complain(&format!(
            "trailkeep: another process has the data folder; sending the events to it through {}\n",
            control.path().display()
        ));
        self.send(&Service::of_folder(control), None, samples).await
    }

    /// To the service that has the folder and no socket there, by the address that both
    /// are set to.
    async fn send_to_owner(
        &self,
        settings: &Settings,
        samples: Samples,
    ) -> Result<Done, SeedError> {
        // What listens everywhere is here too.
        let address = settings.http.address();
        let address = address.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:");
        let url = format!("http://{address}");
        complain(&format!(
            "trailkeep: another process has the data folder; sending the events to the service at \
             {url}; if it listens elsewhere, name that with --via-http\n"
        ));
        self.send_to(&url, samples).await
    }

    async fn send_to(&self, url: &str, samples: Samples) -> Result<Done, SeedError> {
        let from_environment = || std::env::var(WRITE_KEY).ok().filter(|key| !key.is_empty());
        let key = self.write_key.clone().or_else(from_environment);
        self.send(&Service::at(url, key.as_deref())?, Some(url), samples).await
    }

    async fn send(
        &self,
        service: &Service,
        url: Option<&str>,
        samples: Samples,
    ) -> Result<Done, SeedError> {
        let plan = samples.plan().clone();
        let run = Run::begin(samples, self.batch());
        let work = service.work(&run, usize::from(self.in_flight));
        let end = run.see_through(service, work).await?;
        Ok(self.done(&run, service, &end, &self.repeat(&plan, url)))
    }

    fn done(&self, run: &Run, taker: &impl Taker, end: &End, repeat: &str) -> Done {
        let (mut text, is_whole) = run.summary(taker, end);
        let why = if is_whole { "the same events again" } else { "to go on" };
        text.push_str(&format!("{why}: {repeat}\n"));
        let code = match end {
            End::Complete if is_whole => ExitCode::SUCCESS,
            End::Complete | End::Failed(_) => ExitCode::FAILURE,
            // The codes by which shells know of the signals.
            End::Stopped("SIGTERM") | End::Forced("SIGTERM") => ExitCode::from(143),
            End::Stopped(_) | End::Forced(_) => ExitCode::from(130),
        };
        Done { text, code }
    }

    /// The command line that gives the same events again.
    fn repeat(&self, plan: &Plan, via_http: Option<&str>) -> String {
        let mut line = format!(
            "trailkeep seed {} --seed {} --until {} --users {} --accounts {} --days {}",
            plan.events, plan.seed, plan.until, plan.users, plan.accounts, plan.days
        );
        if plan.whale_share != 0.2 || &*plan.whale != "whale" {
            line.push_str(&format!(" --whale {:?} --whale-share {}", plan.whale, plan.whale_share));
        }
        if let Some(url) = via_http {
            line.push_str(&format!(" --via-http {url}"));
        }
        line
    }
}

/// The plan of so many events until a moment, with all else as usual.
pub(super) fn usual_plan(events: u64, until: Timestamp) -> Plan {
    const ACCOUNTS: u32 = 40;
    let users = u32::try_from(events / EVENTS_PER_USER).unwrap_or(u32::MAX);
    Plan {
        events,
        seed: 1,
        users: users.max(ACCOUNTS + 1),
        accounts: ACCOUNTS,
        days: 30,
        until,
        whale: "whale".into(),
        whale_share: 0.2,
    }
}

/// Writes the events of the usual plan into the folder that the settings name, which
/// nothing else uses.
pub(super) fn fill(events: u64, settings: &Settings) -> Result<ExitCode, SeedError> {
    let samples = Samples::new(usual_plan(events, Timestamp::now()))?;
    let runtime = Runtime::new().map_err(|error| StartError::System(error.to_string()))?;
    let end = runtime.block_on(async {
        let pipeline = Pipeline::open(settings, 1_000, 1).await?;
        let run = Run::begin(samples, pipeline.batch);
        let inlet = pipeline.inlet();
        let end = run.see_through(&inlet, pipeline.work(&run)).await?;
        let (_, is_whole) = run.summary(&inlet, &end);
        Ok::<_, SeedError>(is_whole)
    })?;
    Ok(if end { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn types_are_accepted(settings: &Settings) -> Result<(), SeedError> {
    let rule = TypeRule::listed(&settings.events.types);
    let names = Kind::ALL.iter().map(|kind| kind.name());
    let missing: Vec<&str> = names.filter(|name| !rule.accepts(name)).collect();
    if missing.is_empty() { Ok(()) } else { Err(SeedError::Types(missing.join(", "))) }
}
