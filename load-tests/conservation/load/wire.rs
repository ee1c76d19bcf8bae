//! The wire forms in which batches are posted.

use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use crate::content::{Content, hex};

/// Ours, or that of another collector's SDKs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Native,
    Segment,
    Posthog,
}

impl Wire {
    /// Ours for half of all batches.
    pub fn draw(rng: &mut StdRng) -> Self {
        match rng.random_range(0..4) {
            0 => Self::Segment,
            1 => Self::Posthog,
            _ => Self::Native,
        }
    }

    /// Where it is posted to.
    pub fn path(self) -> &'static str {
        match self {
            Self::Native => "/events",
            Self::Segment => "/v1/batch",
            Self::Posthog => "/batch/",
        }
    }

    /// What is answered once the events are kept.
    pub fn accepted(self) -> u16 {
        match self {
            Self::Native => 202,
            Self::Segment | Self::Posthog => 200,
        }
    }

    /// The events in this form. None says when it was sent, so that times stay as they are.
    pub fn body(self, contents: &[Content]) -> Value {
        match self {
            Self::Native => contents.iter().map(Content::to_json).collect(),
            Self::Segment => json!({ "batch": contents.iter().map(call).collect::<Value>() }),
            Self::Posthog => json!({ "batch": contents.iter().map(capture).collect::<Value>() }),
        }
    }
}

fn call(content: &Content) -> Value {
    let mut call = json!({
        "type": "track",
        "event": content.kind,
        "userId": content.user,
        "messageId": content.event_id,
        "timestamp": content.time(),
        "properties": properties(content),
    });
    if let Some(session) = &content.session {
        call["context"] = json!({ "sessionId": session });
    }
    if let Some(device) = &content.device {
        call["anonymousId"] = device.as_str().into();
    }
    call
}

fn capture(content: &Content) -> Value {
    let mut properties = properties(content);
    if let Some(session) = &content.session {
        properties["$session_id"] = session.as_str().into();
    }
    if let Some(device) = &content.device {
        properties["$device_id"] = device.as_str().into();
    }
    json!({
        "event": content.kind,
        "distinct_id": content.user,
        "uuid": content.event_id,
        "timestamp": content.time(),
        "properties": properties,
    })
}

fn properties(content: &Content) -> Value {
    json!({ "number": content.number, "filler": content.filler, "hash": hex(&content.hash()) })
}
