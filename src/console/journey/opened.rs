//! An event that is open: what it was, and its JSON.

use askama::Template;
use trailkeep_store::StoredEvent;

use super::json::Json;
use super::tree::Tree;
use crate::console::links;
use crate::console::sight::length;
use crate::journeys::export;

/// What is told of one event.
#[derive(Template)]
#[template(path = "journey/opened.html")]
pub struct Opened {
    kind: String,
    event_id: String,
    user_id: String,
    anonymous_id: Option<String>,
    session_id: Option<String>,
    account_id: Option<String>,
    /// How long after it happened it was received.
    received: String,
    payload: Json,
    /// All of it, to be copied.
    json: String,
    link: String,
    session_link: Option<String>,
}

impl Opened {
    /// Of this event, with its payload.
    pub fn new(event: &StoredEvent, payload: Json) -> Self {
        let late = event.received_at.as_millis() - event.occurred_at.as_millis();
        let text = |text: &Option<Box<str>>| text.as_ref().map(ToString::to_string);
        Self {
            kind: event.kind.to_string(),
            event_id: event.event_id.to_string(),
            user_id: event.user_id.to_string(),
            anonymous_id: text(&event.anonymous_id).filter(|id| **id != *event.user_id),
            session_id: text(&event.session_id),
            account_id: text(&event.account_id),
            received: match late {
                0.. => format!("{} later", length(late)),
                _ => format!("{} before, by the sender’s clock", length(-late)),
            },
            json: json(event),
            link: links::event(&event.user_id, &event.event_id),
            session_link: event.session_id.as_ref().map(|id| links::session(&event.user_id, id)),
            payload,
        }
    }

    fn tree(&self) -> Tree<'_> {
        Tree::new("payload", &self.payload)
    }
}

/// An event as JSON, as the API gives it.
fn json(event: &StoredEvent) -> String {
    let mut out = Vec::with_capacity(event.bytes());
    export::write_json(event, &mut out);
    String::from_utf8(out).unwrap_or_default()
}
