//! Events as trackers send them.

use serde_json::{Value, json};

/// An event with all that is required, and an id.
pub fn event(user: &str, id: &str) -> Value {
    json!({ "userId": user, "type": "page_view", "eventId": id })
}

/// An event at a time of its own.
pub fn event_at(user: &str, id: &str, occurred_at: &str) -> Value {
    let mut event = event(user, id);
    event["occurredAt"] = occurred_at.into();
    event
}

/// Events of one user with the ids `{prefix}-{number}`.
pub fn events(user: &str, prefix: &str, numbers: std::ops::Range<usize>) -> Value {
    numbers.map(|number| event(user, &format!("{prefix}-{number}"))).collect()
}

/// The ids of [`events`].
pub fn ids(prefix: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("{prefix}-{number}")).collect()
}
