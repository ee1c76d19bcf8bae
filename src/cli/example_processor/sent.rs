//! A request, as far as it can be read.

use axum::http::HeaderMap;
use serde_json::{Map, Value};

use crate::processing::delivery::{ATTEMPT, WEBHOOK_ID};

/// What was sent.
pub struct Sent {
    pub id: Option<String>,
    pub attempt: Option<u32>,
    pub event: Option<Event>,
}

/// What is of interest in an event; empty where it is not there.
pub struct Event {
    pub user: String,
    pub event_id: String,
    pub kind: String,
}

impl Sent {
    /// The user's id is in the field of this name.
    pub fn read(headers: &HeaderMap, body: &[u8], user_field: &str) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let fields: Option<Map<String, Value>> = serde_json::from_slice(body).ok();
        Self {
            id: text(WEBHOOK_ID).map(str::to_owned),
            attempt: text(ATTEMPT).and_then(|attempt| attempt.parse().ok()),
            event: fields.map(|fields| Event::of(&fields, user_field)),
        }
    }
}

impl Event {
    fn of(fields: &Map<String, Value>, user_field: &str) -> Self {
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        Self {
            user: text(user_field).to_owned(),
            event_id: text("eventId").to_owned(),
            kind: text("type").to_owned(),
        }
    }

    /// `e1 of user ann (page_view)`.
    pub fn told(&self) -> String {
        format!("{} of user {} ({})", self.event_id, self.user, self.kind)
    }
}
