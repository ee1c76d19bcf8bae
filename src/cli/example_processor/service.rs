//! What the example answers, and what it says about it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use tokio::time::{Instant, sleep};
use trailkeep_event::Timestamp;

use super::chance::{Delay, Share};
use super::memory::Memory;
use super::record::Record;
use super::sent::{Event, Sent};
use crate::cli::terminal::{complain, print};
use crate::processing::delivery::{WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP};
use crate::processing::signature::Secret;

/// More than an event has.
const MAX_BODY_BYTES: usize = 16 << 20;

/// How far the clock of a sender may be away: what is older may be an old request that
/// somebody sends once more.
const TOLERANCE_S: u64 = 5 * 60;

/// How it behaves, and what it knows.
pub struct Processor {
    pub delay: Delay,
    pub fail: Share,
    pub poison: Vec<String>,
    pub secrets: Vec<Secret>,
    pub user_field: String,
    pub is_quiet: bool,
    pub record: Record,
    pub memory: Memory,
}

/// What becomes of a request: its status, the message for its sender, and the line for
/// who watches.
struct Outcome {
    status: StatusCode,
    message: String,
    line: String,
    is_repeated: bool,
}

pub fn router(processor: Arc<Processor>) -> Router {
    Router::new()
        .route("/events", post(take))
        .route("/health", get(health))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(processor)
}

/// What is answered, in the order in which processors write it.
#[derive(Serialize)]
struct Answer {
    status: &'static str,
    message: String,
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    service: &'static str,
}

async fn health() -> Json<Health> {
    Json(Health { status: "ok", service: "processor-service" })
}

/// A task of its own: work that has begun goes on when its sender goes away, as it does
/// in most services.
async fn take(
    State(processor): State<Arc<Processor>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = tokio::spawn(async move { processor.handle(&headers, &body).await });
    work.await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

impl Processor {
    async fn handle(&self, headers: &HeaderMap, body: &[u8]) -> Response {
        let sent = Sent::read(headers, body, &self.user_field);
        let mut written = self.record.request(&sent);
        let mut outcome = self.outcome(&sent, headers, body).await;
        if written.is_ok() {
            written = self.record.answer(&sent, outcome.status.as_u16(), outcome.is_repeated);
        }
        if let Err(error) = written {
            // An answer that is not written down would be missed in the file.
            complain(&format!("trailkeep: cannot write the log: {error}\n"));
            outcome = Outcome::refused(StatusCode::INTERNAL_SERVER_ERROR, "the log is broken");
        }
        if !self.is_quiet {
            print(&format!("{}\n", printable(&outcome.line)));
        }
        let status = if outcome.status.is_success() { "success" } else { "error" };
        let answer = Answer { status, message: outcome.message };
        (outcome.status, Json(answer)).into_response()
    }

    async fn outcome(&self, sent: &Sent, headers: &HeaderMap, body: &[u8]) -> Outcome {
        if !self.is_signed(sent, headers, body) {
            return Outcome::refused(StatusCode::UNAUTHORIZED, "the signature does not fit");
        }
        let Some(event) = &sent.event else {
            return Outcome::refused(StatusCode::BAD_REQUEST, "the body is no JSON object");
        };
        if self.poison.contains(&event.kind) {
            let reason = format!("events of type {} are poison here", event.kind);
            let line = format!("refused {}: its type is poison", event.told());
            return Outcome::new(StatusCode::UNPROCESSABLE_ENTITY, reason, line);
        }
        self.process(event, sent).await
    }

    /// Who has no id cannot be told from another.
    async fn process(&self, event: &Event, sent: &Sent) -> Outcome {
        let started = Instant::now();
        let done = sent.id.as_deref().map(|id| self.memory.of(id)).unwrap_or_default();
        let mut is_repeated = true;
        let work = async {
            is_repeated = false;
            sleep(self.delay.draw()).await;
            if self.fail.draw() { Err(()) } else { Ok(()) }
        };
        let processed = done.get_or_try_init(|| work).await.is_ok();
        let took = told(started.elapsed().as_millis());
        let event = event.told();
        if !processed {
            let line = format!("failed {event} after {took}, by chance");
            let message = "failed by chance".to_owned();
            return Outcome::new(StatusCode::INTERNAL_SERVER_ERROR, message, line);
        }
        let line = match is_repeated {
            false => format!("processed {event} in {took}"),
            true => format!("answered {event} again: it was processed before"),
        };
        let message = "Event processed successfully".to_owned();
        Outcome { is_repeated, ..Outcome::new(StatusCode::OK, message, line) }
    }

    fn is_signed(&self, sent: &Sent, headers: &HeaderMap, body: &[u8]) -> bool {
        if self.secrets.is_empty() {
            return true;
        }
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let (Some(id), Some(timestamp), Some(signature)) = (
            sent.id.as_deref(),
            text(WEBHOOK_TIMESTAMP).and_then(|seconds| seconds.parse::<i64>().ok()),
            text(WEBHOOK_SIGNATURE),
        ) else {
            return false;
        };
        let now = Timestamp::now().as_millis().div_euclid(1_000);
        now.abs_diff(timestamp) <= TOLERANCE_S
            && self.secrets.iter().any(|secret| secret.has_signed(id, timestamp, body, signature))
    }
}

impl Outcome {
    fn new(status: StatusCode, message: String, line: String) -> Self {
        Self { status, message, line, is_repeated: false }
    }

    fn refused(status: StatusCode, reason: &str) -> Self {
        Self::new(status, reason.to_owned(), format!("refused a request: {reason}"))
    }
}

/// `12 ms`, `5.2 s`.
fn told(millis: u128) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        _ => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
    }
}

/// What trackers sent is printed on a terminal, which obeys control characters.
fn printable(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_say_them() {
        for (millis, text) in [(0, "0 ms"), (999, "999 ms"), (1_000, "1.0 s"), (5_290, "5.2 s")] {
            assert_eq!(told(millis), text);
        }
    }

    #[test]
    fn a_terminal_is_not_told_what_to_do() {
        assert_eq!(printable("e\x1b[2J\n1"), "e\u{fffd}[2J\u{fffd}1");
    }
}
