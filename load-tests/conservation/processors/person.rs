//! The person for whom users wait who are held at an event.

use std::collections::HashSet;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::reader::Reader;

/// Requests of theirs at once: each is answered when it is carried out.
const AT_ONCE: usize = 8;
/// The database does not answer just now; it is asked again.
const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

/// What a person says is to become of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// It is not sent any more.
    Skip,
    /// It stays a dead letter.
    Release,
    /// It is sent again, and its user waits.
    Retry,
}

impl Choice {
    fn word(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Release => "release",
            Self::Retry => "retry",
        }
    }

    /// By the last digit of the event's id, so that a seed makes the same choices again.
    /// Sent again, it is refused again, and then it is skipped: it was seen before.
    fn of(event_id: &str, was_seen: bool) -> Self {
        match event_id.chars().next_back().and_then(|digit| digit.to_digit(16)) {
            Some(0..3) if !was_seen => Self::Retry,
            Some(3..6) => Self::Release,
            _ => Self::Skip,
        }
    }
}

/// A choice that the service has taken.
#[derive(Debug, Clone)]
pub struct Decision {
    user: String,
    event_id: String,
    pub choice: Choice,
    /// A moment before it was asked for, in milliseconds since the epoch.
    pub at: i64,
}

impl Decision {
    /// Of an event of this user.
    pub fn of(user: &str, event_id: &str, choice: Choice, at: i64) -> Self {
        Self { user: user.to_owned(), event_id: event_id.to_owned(), choice, at }
    }

    /// Whether it is about this event.
    pub fn is_of(&self, user: &str, event_id: &str) -> bool {
        (&*self.user, &*self.event_id) == (user, event_id)
    }
}

/// Somebody who sees to users who are held.
#[derive(Default)]
pub struct Person {
    decisions: Vec<Decision>,
    seen: HashSet<(String, String)>,
}

impl Person {
    /// What was decided so far.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// Looks who is held, and decides. Answers how many could go on. The list is up to two
    /// seconds old, so that some are not held any more, which is 409 and no fault.
    pub async fn attend(&mut self, reader: &Reader) -> Result<usize, Trouble> {
        let held = held(reader).await?;
        let wanted = held.into_iter().map(|(user, event_id)| {
            let now = chrono::Utc::now().timestamp_millis();
            let was_seen = self.seen.contains(&(user.clone(), event_id.clone()));
            let decision = Decision::of(&user, &event_id, Choice::of(&event_id, was_seen), now);
            self.seen.insert((user, event_id));
            decision
        });
        let wanted: Vec<Decision> = wanted.collect();
        let taken: Vec<Option<Decision>> = stream::iter(wanted)
            .map(|decision| async move {
                decide(reader, &decision).await.map(|taken| taken.then_some(decision))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let taken: Vec<Decision> = taken.into_iter().flatten().collect();
        let freed = taken.iter().filter(|decision| decision.choice != Choice::Retry).count();
        self.decisions.extend(taken);
        Ok(freed)
    }
}

/// Users who wait for a person, and at which event, where that is known.
async fn held(reader: &Reader) -> Result<Vec<(String, String)>, Trouble> {
    let doing = "asking who is held";
    let answer = reader.ask(Method::GET, "/processors/default/users").send().await;
    let answer = answer.during(doing)?;
    if answer.status() == UNAVAILABLE {
        return Ok(Vec::new());
    }
    let answer = answer.error_for_status().during(doing)?;
    let answer: Value = answer.json().await.during(doing)?;
    let users = answer["users"].as_array();
    let users = users.ok_or_else(|| Trouble(format!("no stuck users: {answer}")))?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let held = users.iter().filter(|user| user["state"] == "held");
    Ok(held.filter_map(|user| Some((text(&user["userId"])?, text(&user["eventId"])?))).collect())
}

/// Asks for what was decided; false where the user is not held at that event. A database
/// that does not answer in time may have taken it all the same.
async fn decide(reader: &Reader, decision: &Decision) -> Result<bool, Trouble> {
    let doing = "seeing to a user";
    let path = format!("/processors/default/users/{}/{}", decision.user, decision.choice.word());
    let request = reader.ask(Method::POST, &path).json(&json!({"eventId": decision.event_id}));
    let answer = request.send().await.during(doing)?;
    match answer.status().as_u16() {
        200 | 202 | 503 => Ok(true),
        409 => Ok(false),
        status => {
            let body = answer.text().await.unwrap_or_default();
            Err(Trouble(format!("{decision:?} was answered {status}: {body}")))
        }
    }
}
