//! `GET /refused`, and what is noted for it.
//!
//! **No values of events.** A message that is part of the program quotes nothing. One
//! that was put together may quote what was sent, so it is told only where its beginning
//! says that it quotes a setting or a name of the contract; of all others the rule alone.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use serde::Serialize;
use trailkeep_event::Timestamp;
use trailkeep_event::dialect::LeftOut;
use utoipa::ToSchema;

use super::guard::Monitor;
use super::peer::Client;
use super::problem::Problem;
use super::problem::answers::{CallerUnverified, NoCredentials};
use super::state::Service;
use crate::monitoring::refusals::{AGENT_BYTES, Example, FAULTS, Group, Sender};
use crate::monitoring::statistics::RefusedBecause;

/// Who sends a request, as far as a refusal tells it. Copied out of the head, because a
/// part of the head keeps the buffer that it came in.
pub struct Caller {
    sender: Sender,
    agent: Agent,
}

impl Caller {
    /// Of a request.
    pub fn of(head: &Parts, service: &Service) -> Self {
        let Client(client) = Client::of(head, service);
        let sent = head.headers.get(USER_AGENT).map_or(&[][..], |agent| agent.as_bytes());
        Self { sender: client.map_or(Sender::Shell, Sender::at), agent: Agent::of(sent) }
    }

    /// It has sent the write key of this name.
    pub fn has_key(&mut self, name: &Arc<str>) {
        self.sender = Sender::Key(Arc::clone(name));
    }
}

/// The beginning of what a client calls itself.
struct Agent {
    bytes: [u8; AGENT_BYTES],
    length: usize,
}

impl Agent {
    fn of(sent: &[u8]) -> Self {
        let length = sent.len().min(AGENT_BYTES);
        let mut bytes = [0; AGENT_BYTES];
        bytes[..length].copy_from_slice(&sent[..length]);
        Self { bytes, length }
    }

    fn text(&self) -> Option<String> {
        let agent = &self.bytes[..self.length];
        (!agent.is_empty()).then(|| String::from_utf8_lossy(agent).into_owned())
    }
}

/// Counts a request that was refused as a whole, and takes note of it.
pub fn note(service: &Service, reason: RefusedBecause, problem: &Problem, caller: Caller) {
    service.statistics.refused(reason);
    let Caller { sender, agent } = caller;
    let example = || Example { agent: agent.text(), faults: faults(problem) };
    service.refusals.note(reason, problem.kind(), sender, service.clock.now(), example);
}

/// Counts a request that was taken but for some events, and takes note of it.
pub fn note_left_out(service: &Service, dialect: &'static str, left_out: &LeftOut, caller: Caller) {
    service.statistics.left_out.count(dialect, left_out);
    if left_out.faults.is_empty() {
        return;
    }
    let reason = RefusedBecause::LeftOut;
    service.statistics.refused(reason);
    let Caller { sender, agent } = caller;
    let told = || {
        let faults = left_out.faults.listed().iter().take(FAULTS);
        let told =
            faults.map(|fault| (name(&fault.field).to_owned(), without_values(&fault.message)));
        Example { agent: agent.text(), faults: told.collect() }
    };
    service.refusals.note(reason, Problem::KIND_OF_EVENTS, sender, service.clock.now(), told);
}

fn faults(problem: &Problem) -> Vec<(String, String)> {
    if let Some(place) = problem.syntax_error() {
        return vec![(String::new(), format!("is not JSON, at {place}"))];
    }
    let faults = problem.faults().take(FAULTS);
    faults.map(|(field, message)| (name(field).to_owned(), without_values(message))).collect()
}

/// A field, where it looks like one: the sender may take anything for a name.
fn name(field: &str) -> &str {
    const MAX: usize = 64;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-$.".contains(&byte);
    let is_name = field.len() <= MAX && field.bytes().all(is_plain);
    if is_name { field } else { "(not shown)" }
}

/// How messages begin that are put together of settings, of limits and of names that the
/// contract has.
const WITHOUT_VALUES: [&str; 6] = [
    "must be ",
    "is longer than ",
    "is larger than ",
    "is nested deeper than ",
    "is none of the accepted types: ",
    "gives a second time what ",
];

/// What is told of those that quote what was sent, by something that they have in them.
const RULES: [(&str, &str); 4] = [
    ("is the placeholder ", "is a placeholder, not an id"),
    (" h in the future", "is too far in the future"),
    ("which leaves the years ", "leaves the years 0000 to 9999"),
    ("has the key ", "has a key twice in one object"),
];

#[allow(clippy::ptr_arg)] // which of the two it is decides
fn without_values(message: &Cow<'static, str>) -> String {
    const MAX: usize = 200;
    let text: &str = match message {
        Cow::Borrowed(text) => text,
        Cow::Owned(text) if WITHOUT_VALUES.iter().any(|begin| text.starts_with(begin)) => text,
        Cow::Owned(text) => {
            let rule = RULES.iter().find(|(part, _)| text.contains(part));
            rule.map_or("breaks its rule", |(_, rule)| *rule)
        }
    };
    text.chars().take(MAX).collect()
}

/// The last requests with events that were refused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"refused": [{
    "reason": "invalid", "problem": "urn:trailkeep:problem:invalid-events",
    "client": {"network": "192.0.2.0/24", "userAgent": "shop-tracker/1.4"}, "count": 12,
    "firstAt": "2025-12-15T10:30:00.000Z", "lastAt": "2025-12-15T10:31:07.500Z",
    "faults": [{"field": "userId", "message": "is missing"}]
}]}))]
pub struct RefusedBody {
    /// Those that were refused alike together, the newest first: at most 16 for a reason.
    refused: Vec<GroupBody>,
}

/// Requests that were refused alike.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupBody {
    /// Under which `/stats` counts them.
    reason: &'static str,
    /// The `type` of the problem that was answered.
    problem: String,
    client: ClientBody,
    /// How many there were since this group began.
    count: u64,
    #[schema(format = DateTime)]
    first_at: String,
    #[schema(format = DateTime)]
    last_at: String,
    /// Of one of them, the first faults: none of the values that were sent.
    faults: Vec<ToldFault>,
}

/// Who sent them.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientBody {
    /// The name of the write key that was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    write_key: Option<String>,
    /// Where no write key was: the network of the client's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<String>,
    /// What one of them called itself, the first 80 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
}

/// One thing that was wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToldFault {
    /// The field; empty where the whole is at fault, `(not shown)` where it is no name.
    field: String,
    /// What was wrong.
    message: String,
}

impl From<Group> for GroupBody {
    fn from(group: Group) -> Self {
        let (write_key, network) = match group.sender {
            Sender::Key(name) => (Some(name.to_string()), None),
            Sender::Network(network) => (None, Some(network.to_string())),
            Sender::Shell => (None, None),
        };
        let time = |time: Timestamp| time.to_string();
        let faults = group.example.faults.into_iter();
        Self {
            reason: group.reason.name(),
            problem: format!("urn:trailkeep:problem:{}", group.kind),
            client: ClientBody { write_key, network, user_agent: group.example.agent },
            count: group.count,
            first_at: time(group.first),
            last_at: time(group.last),
            faults: faults.map(|(field, message)| ToldFault { field, message }).collect(),
        }
    }
}

/// The last refused requests
///
/// Requests with events that were refused since the start of this instance, grouped by
/// why and by whom, with the faults of one example.
#[utoipa::path(
    get,
    path = "/refused",
    tag = "Monitoring",
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "The groups.", body = RefusedBody),
        NoCredentials, CallerUnverified,
    ),
)]
pub async fn refused(State(service): State<Arc<Service>>, _monitor: Monitor) -> Json<RefusedBody> {
    let groups = service.refusals.newest_first().into_iter().map(GroupBody::from);
    Json(RefusedBody { refused: groups.collect() })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{name, without_values};

    #[test]
    fn what_quotes_a_value_is_told_by_its_rule() {
        for (message, told) in [
            ("is the placeholder \" nan\", not an id", "is a placeholder, not an id"),
            (
                "is 2035-01-01T00:00:00.000Z, more than 24 h in the future",
                "is too far in the future",
            ),
            ("has the key \"5b1c\" twice in one object", "has a key twice in one object"),
            ("is longer than 256 bytes", "is longer than 256 bytes"),
            ("something \"5b1c\" new", "breaks its rule"),
        ] {
            assert_eq!(without_values(&Cow::Owned(message.to_owned())), told);
        }
    }

    #[test]
    fn what_is_no_name_is_not_shown() {
        for field in ["", "userId", "sesionId", "$set", "context.page"] {
            assert_eq!(name(field), field);
        }
        for field in ["ann@example.com", "a b", "naïve", &"x".repeat(65)] {
            assert_eq!(name(field), "(not shown)");
        }
    }
}
