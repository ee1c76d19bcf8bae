//! The service: whether it is well, what comes in, what waits, what was refused.
//!
//! It is looked at most when something is wrong: so it asks the database nothing, and is
//! shown while that is away to whoever was signed in before.

mod past;
mod refused;
mod slots;
mod state;

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State as Shared};
use axum::response::{IntoResponse, Response};
use trailkeep_event::Timestamp;

use super::chart::Chart;
use super::frame::{Frame, Part};
use super::numbers::{bytes, counted, figure, thousands};
use super::page::Page;
use super::sight::{Sight, When, length};
use super::watcher::Watcher;
use crate::http::Service;
use crate::http::health::failing_since;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::monitoring::health::Unready;
use crate::monitoring::statistics::Flushes;
use past::{Recent, day, recent};
use refused::{Refused, refused};
use slots::since;
use state::{Seen, State, Trouble};

/// Over how long it is told how much comes in now.
const NOW_MS: i64 = 10_000;

/// Over how long it is reckoned for how long there is room.
const PACE_MS: i64 = 60_000;

const HOUR_MS: i64 = 60 * 60 * 1000;

#[derive(Template)]
#[template(path = "system.html", blocks = ["service"])]
struct System {
    frame: Frame,
    is_fragment: bool,
    now: When,
    up: String,
    state: State,
    troubles: Vec<Trouble>,
    accepted: String,
    stored: String,
    backlog: Backlog,
    refused_requests: String,
    is_one_refused: bool,
    set_aside: String,
    recent: Recent,
    /// The hours of the day, once a minute is over.
    day: Option<Chart>,
    journal: Journal,
    database: Database,
    processors: Vec<Processor>,
    refused: Vec<Refused>,
}

/// What is accepted and not stored.
struct Backlog {
    events: usize,
    told: String,
    limit: usize,
    limit_told: String,
    percent: usize,
    /// Events that memory does not hold, where there are any.
    beyond: Option<String>,
    /// How old the oldest is, and when it was received.
    oldest: Option<(String, When)>,
}

struct Journal {
    bytes: String,
    segments: usize,
    free: Option<String>,
    is_written: bool,
}

struct Database {
    is_answering: bool,
    is_taking: bool,
    since: Option<When>,
    last_write: Option<When>,
    /// Milliseconds of half of the writes, and of 99 of 100.
    took: Option<(String, String)>,
    failed: String,
    /// What it said last, where writes fail.
    said: Option<String>,
}

struct Processor {
    name: String,
    state: &'static str,
    is_well: bool,
    problem: Option<String>,
    in_flight: i64,
    most_in_flight: usize,
    waiting: i64,
    stuck: i64,
}

/// The page; or, for the script, what changes of it.
pub async fn page(
    Shared(service): Shared<Arc<Service>>,
    watcher: Watcher,
    sight: Sight,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let is_fragment = parameters.flag("fragment").unwrap_or(false);
    parameters.finish()?;
    let page = System::new(&service, &watcher, sight, is_fragment);
    Ok(match is_fragment {
        true => Page(page.as_service()).into_response(),
        false => Page(page).into_response(),
    })
}

impl System {
    fn new(service: &Service, watcher: &Watcher, sight: Sight, is_fragment: bool) -> Self {
        let (minutes, seconds) = (service.history.minutes(), service.history.seconds());
        let before = |ms: i64| sight.now.plus_millis(-ms);
        let now = since(&minutes, &seconds, before(NOW_MS));
        let hour = since(&minutes, &seconds, before(HOUR_MS));
        let failing = failing_since(service);
        let held = service.ingest.held();
        let pace = since(&minutes, &seconds, before(PACE_MS));
        let seen = Seen {
            health: &service.health,
            failing_since: failing,
            held,
            limit: service.ingest.limit(),
            growth: pace.a_second(pace.accepted) - pace.a_second(pace.stored),
        };
        let up = i64::try_from(service.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        Self {
            is_fragment,
            now: sight.clock(sight.now),
            up: length(up).to_string(),
            state: State::of(&service.health),
            troubles: seen.troubles(&sight),
            accepted: figure(now.a_second(now.accepted)),
            stored: figure(now.a_second(now.stored)),
            backlog: Backlog::of(service, &sight),
            refused_requests: thousands(hour.refused.iter().sum()),
            is_one_refused: hour.refused.iter().sum::<u64>() == 1,
            set_aside: counted(
                service.statistics.dead_letters().unwrap_or_default(),
                "event",
                "events",
            ),
            recent: recent(&minutes, &seconds, failing, &sight),
            day: (!minutes.steps.is_empty()).then(|| day(&minutes, number(held.events), &sight)),
            journal: Journal::of(service),
            database: Database::of(service, failing, &sight),
            processors: processors(service),
            refused: refused(&service.refusals.newest_first(), &hour, &sight),
            frame: watcher.frame(service, sight, Part::System, "System"),
        }
    }
}

impl Backlog {
    fn of(service: &Service, sight: &Sight) -> Self {
        let backlog = service.ingest.snapshot();
        let limit = service.ingest.limit().events;
        let age = |oldest: Timestamp| sight.now.as_millis() - oldest.as_millis();
        Self {
            events: backlog.held.events,
            told: thousands(number(backlog.held.events)),
            limit,
            limit_told: thousands(number(limit)),
            percent: backlog.held.events.saturating_mul(100) / limit.max(1),
            beyond: (backlog.beyond > 0)
                .then(|| counted(number(backlog.beyond), "event", "events")),
            oldest: backlog
                .oldest
                .map(|oldest| (length(age(oldest)).to_string(), sight.since(oldest))),
        }
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl Journal {
    fn of(service: &Service) -> Self {
        let journal = service.ingest.journal_on_disk();
        Self {
            bytes: bytes(journal.bytes),
            segments: journal.segments,
            free: service.statistics.folder.free().map(bytes),
            is_written: service.health.readiness() != Err(Unready::Journal),
        }
    }
}

impl Database {
    fn of(service: &Service, failing: Option<Timestamp>, sight: &Sight) -> Self {
        let Flushes { done, failed, latency_ms, last_success, last_error, .. } =
            service.statistics.flushes();
        let is_taking = service.health.is_taking_writes();
        Self {
            is_answering: service.health.is_connected(),
            is_taking,
            since: failing.map(|since| sight.since(since)),
            last_write: last_success.map(|at| sight.ago(at)),
            took: (done > 0).then(|| (figure(latency_ms.p50), figure(latency_ms.p99))),
            failed: thousands(failed),
            said: last_error.filter(|_| !is_taking).map(|(message, _)| message),
        }
    }
}

/// Those of the settings, as this instance sees them.
fn processors(service: &Service) -> Vec<Processor> {
    let processors = service.processing.seen().map(|(name, concurrency, seen)| {
        let state = seen.state.word();
        Processor {
            name: name.to_owned(),
            state: match state {
                "standing-by" => "another instance delivers, or nobody yet",
                "catching-up" => "catching up with what is stored",
                state => state,
            },
            is_well: !matches!(state, "away" | "refused"),
            problem: seen.problem.map(|problem| problem.to_string()),
            in_flight: seen.in_flight,
            most_in_flight: concurrency,
            waiting: seen.pending,
            stuck: seen.parked_users,
        }
    });
    processors.collect()
}
