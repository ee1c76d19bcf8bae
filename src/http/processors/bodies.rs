//! What is answered about processors.

use serde::{Deserialize, Serialize};
use trailkeep_event::Timestamp;
use trailkeep_store::processing::{Command, Processed};
use utoipa::ToSchema;

use crate::processing::orders::{Answer, Progress};
use crate::processing::status::{Quantiles, Status, is_new};
use crate::processing::{Asked, Seen, State};

/// How long things took, in milliseconds, of the last 512.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quantiles)]
pub struct QuantilesBody {
    /// Half took no longer.
    pub p50: Option<u64>,
    /// 95 of 100 took no longer.
    pub p95: Option<u64>,
}

impl From<Quantiles> for QuantilesBody {
    fn from(Quantiles { p50, p95 }: Quantiles) -> Self {
        Self { p50, p95 }
    }
}

/// How far delivery is behind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Lag)]
pub struct LagBody {
    /// Events that wait for their turn; about so many where they are more than 20,000.
    pub events: u64,
    /// Since when the first of them waits, in seconds.
    pub seconds: u64,
}

/// A processor.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Processor, example = json!({
    "name": "default", "state": "running", "deliversHere": true, "lag": {"events": 12, "seconds": 0}, "inFlight": 3,
    "stuckUsers": 1, "parkedUsers": 0, "deadLetters": 4,
    "durationMs": {"p50": 41, "p95": 230}, "waitMs": {"p50": 3, "p95": 60},
    "concurrency": 128, "processed": 1042, "failed": 1, "skipped": 0
}))]
pub struct ProcessorBody {
    /// Its name in the settings.
    pub name: String,
    /// `running`; `paused`: a person said so; `away`: it does not answer, or with errors
    /// alone; `refused`: all that it answers is that it will not (a wrong URL or a wrong
    /// key); `catching-up`: what was stored before it was there comes first;
    /// `standing-by`: nobody has told lately that they deliver for it.
    pub state: String,
    /// What it answered last, where it is away or refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Whether this instance delivers for it.
    pub delivers_here: bool,
    pub lag: LagBody,
    /// Requests in flight.
    pub in_flight: u64,
    /// Users whose event fails, or who wait for a person: `GET /processors/{name}/users`.
    pub stuck_users: u64,
    /// Users whose pending events are read from the database as they are needed: one of
    /// theirs fails again and again, or there are too many for the memory.
    pub parked_users: u64,
    /// Events in the database that were given up; null while it does not answer.
    pub dead_letters: Option<u64>,
    /// How long a request took.
    pub duration_ms: QuantilesBody,
    /// How long after its receipt an event was first sent.
    pub wait_ms: QuantilesBody,
    /// Requests that may be in flight, where it is in this instance's settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<usize>,
    /// Events that it took, since the start of this instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processed: Option<u64>,
    /// Events that were given up, since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<u64>,
    /// Events that are not sent, since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<u64>,
}

/// A processor of this instance's settings.
pub struct Local {
    pub concurrency: usize,
    pub seen: Seen,
}

impl ProcessorBody {
    pub fn of(
        name: String,
        local: Option<Local>,
        status: Option<(Timestamp, Status)>,
        dead_letters: Option<u64>,
        now: Timestamp,
    ) -> Self {
        let status = status.filter(|(at, _)| is_new(*at, now)).map(|(_, status)| status);
        let mut status = status.unwrap_or_else(|| {
            let state = State::StandingBy.word().to_owned();
            Status { state, ..Status::default() }
        });
        let is_here = |local: &Local| local.seen.state != State::StandingBy;
        let delivers_here = local.as_ref().is_some_and(is_here);
        // What this instance sees itself is newer than what it told.
        if let Some(Local { seen, .. }) = &local
            && delivers_here
        {
            seen.state.word().clone_into(&mut status.state);
            status.problem = seen.problem.as_deref().map(str::to_owned);
            status.in_flight = u64::try_from(seen.in_flight).unwrap_or(0);
            status.parked_users = u64::try_from(seen.parked_users).unwrap_or(0);
        }
        let seen = local.as_ref().map(|local| &local.seen);
        Self {
            name,
            state: status.state,
            problem: status.problem,
            delivers_here,
            lag: LagBody { events: status.lag.events, seconds: status.lag.seconds },
            in_flight: status.in_flight,
            stuck_users: status.stuck_users,
            parked_users: status.parked_users,
            dead_letters,
            duration_ms: status.duration_ms.into(),
            wait_ms: status.wait_ms.into(),
            concurrency: local.as_ref().map(|local| local.concurrency),
            processed: seen.map(|seen| seen.processed),
            failed: seen.map(|seen| seen.failed),
            skipped: seen.map(|seen| seen.skipped),
        }
    }
}

/// What came of a command.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Commanded, example = json!({
    "commandId": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88", "state": "done",
    "message": "the event is sent again"
}))]
pub struct CommandedBody {
    /// Under which `GET /processors/{name}/commands` lists it.
    #[schema(format = Uuid)]
    command_id: String,
    /// `done`, or `waiting`: whoever delivers has not carried it out yet.
    state: &'static str,
    /// What that is, in words.
    message: String,
    /// To how many events it was done, where it is about many.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<u64>,
}

impl CommandedBody {
    /// What came of it; an error where what it names is not as it says.
    pub fn of(asked: Asked, waits: &str) -> Result<(bool, Self), String> {
        let command_id = asked.id.to_string();
        match asked.answer {
            Some(Answer::Conflict { message }) => Err(message),
            Some(Answer::Done { message, events }) => {
                Ok((true, Self { command_id, state: "done", message, events }))
            }
            None => {
                let message = waits.to_owned();
                Ok((false, Self { command_id, state: "waiting", message, events: None }))
            }
        }
    }
}

/// A command of the last hour, or one that is still open.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Command, example = json!({
    "id": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88", "order": {"kind": "check", "repair": false},
    "madeAt": "2025-12-15T10:30:00.000Z", "state": "open", "seen": 50000, "events": 2
}))]
pub struct CommandBody {
    #[schema(format = Uuid)]
    id: String,
    /// What was asked for.
    #[schema(value_type = Object)]
    order: serde_json::Value,
    #[schema(format = DateTime)]
    made_at: String,
    /// `open`, `done` or `conflict`.
    state: &'static str,
    /// What came of it, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Events, or users, that were looked at.
    seen: u64,
    /// Events to which it was done.
    events: u64,
}

impl From<Command> for CommandBody {
    fn from(command: Command) -> Self {
        let read = |text: &str| serde_json::from_str(text).unwrap_or_default();
        let progress: Progress = command
            .progress
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let answer = command.answer.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let (state, message) = match answer {
            None => ("open", None),
            Some(Answer::Done { message, .. }) => ("done", Some(message)),
            Some(Answer::Conflict { message }) => ("conflict", Some(message)),
        };
        Self {
            id: command.id.to_string(),
            order: read(&command.order),
            made_at: command.made_at.to_string(),
            state,
            message,
            seen: progress.seen,
            events: progress.events,
        }
    }
}

/// Commands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Commands, example = json!({"commands": [{
    "id": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88", "order": {"kind": "pause"},
    "madeAt": "2025-12-15T10:30:00.000Z", "state": "open", "seen": 0, "events": 0
}]}))]
pub struct CommandsBody {
    /// Oldest first.
    pub commands: Vec<CommandBody>,
}

/// Which events are sent again. What is left out narrows nothing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Replay, example = json!({
    "from": "2026-01-31T10:00:00Z", "to": "2026-01-31T11:00:00Z", "state": "processed",
    "dryRun": true
}))]
pub struct ReplayInput {
    /// Those that happened then or later.
    #[schema(format = DateTime)]
    pub from: Option<String>,
    /// Those that happened then or earlier.
    #[schema(format = DateTime)]
    pub to: Option<String>,
    /// Those of one user.
    pub user_id: Option<String>,
    /// Those of these types; of all that the processor wants where it is left out.
    #[serde(default)]
    pub types: Vec<String>,
    /// Those of which this became: `processed`, `failed` or `skipped`. Left out, events
    /// that were never sent are among them too.
    pub state: Option<String>,
    /// true counts them, and sends nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// Whether a check mends what it finds.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Check, example = json!({"repair": false}))]
pub struct CheckInput {
    /// true feeds what is not pending and has no outcome.
    #[serde(default)]
    pub repair: bool,
}

/// The event that a command about a user is about.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = StuckAt, example = json!({"eventId": "evt_001"}))]
pub struct EventInput {
    /// The event's id, as its journey shows it.
    #[serde(default)]
    pub event_id: String,
}

/// A user who is stuck.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StuckUser)]
pub struct StuckUserBody {
    /// Whose event fails.
    pub user_id: Option<String>,
    /// The event that fails.
    pub event_id: Option<String>,
    /// `retrying`, or `held`: it waits for a person.
    pub state: &'static str,
    /// How often the event was sent.
    pub attempts: u32,
    /// What the processor answered last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When it is sent again; left out while it is at the processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub next_try_at: Option<String>,
    /// Events of the user that wait behind it, as far as they are in memory.
    pub waiting: u64,
}

/// Users who are stuck.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StuckUsers, example = json!({
    "stuckUsers": 1,
    "users": [{
        "userId": "test123", "eventId": "evt_001", "state": "retrying", "attempts": 4,
        "lastError": "the processor answered 500", "nextTryAt": "2025-12-15T10:30:07.000Z",
        "waiting": 3
    }]
}))]
pub struct StuckUsersBody {
    /// How many there are.
    pub stuck_users: u64,
    /// At most 50 of them: those who wait for a person first, then who is tried next.
    pub users: Vec<StuckUserBody>,
}

/// An event that was given up.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProcessingLetter)]
pub struct LetterBody {
    /// The event's `_id`.
    #[schema(format = Uuid)]
    id: String,
    user_id: Option<Box<str>>,
    event_id: Option<Box<str>>,
    r#type: Option<Box<str>>,
    #[schema(format = DateTime)]
    occurred_at: Option<String>,
    /// When it was given up.
    #[schema(format = DateTime)]
    failed_at: String,
    attempts: u32,
    /// What the processor answered last, where it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Box<str>>,
}

impl From<Processed> for LetterBody {
    fn from(outcome: Processed) -> Self {
        let (mut user_id, mut event_id, mut kind, mut occurred_at) = (None, None, None, None);
        if let Some(event) = outcome.event {
            user_id = Some(event.user_id);
            event_id = Some(event.event_id);
            kind = Some(event.kind);
            occurred_at = Some(event.occurred_at.to_string());
        }
        Self {
            id: outcome.id.to_string(),
            user_id,
            event_id,
            r#type: kind,
            occurred_at,
            failed_at: outcome.processed_at.to_string(),
            attempts: outcome.attempts,
            http_status: outcome.http_status,
            error: outcome.error,
        }
    }
}

/// A page of events that were given up.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProcessingLetters, example = json!({
    "deadLetters": [{
        "id": "b9f8bd85-d517-85c5-b55d-1badad985ab9", "userId": "test123", "eventId": "evt_001",
        "type": "purchase", "occurredAt": "2025-12-15T10:30:00.000Z",
        "failedAt": "2025-12-15T10:30:00.250Z", "attempts": 1, "httpStatus": 422,
        "error": "answered 422 Unprocessable Entity"
    }],
    "nextCursor": null
}))]
pub struct LettersBody {
    /// Newest first.
    pub dead_letters: Vec<LetterBody>,
    /// Hand it back as `cursor` for the next page; null on the last one.
    #[schema(required)]
    pub next_cursor: Option<String>,
}
