//! One sample event, on its way to a store or onto the wire.

use std::sync::Arc;

use trailkeep_event::json_writer::write_string;
use trailkeep_event::payload::PayloadLimits;
use trailkeep_event::{Event, Payload, StoreId, Timestamp};
use uuid::Uuid;

use super::Kind;

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// A UUID of version 7 that holds the time of the event.
    pub event_id: Uuid,
    /// Whose event it is.
    pub user_id: Arc<str>,
    /// The user's account.
    pub account_id: Arc<str>,
    pub session_id: Arc<str>,
    pub kind: Kind,
    pub payload: String,
    /// When it happened.
    pub occurred_at: Timestamp,
}

/// Far above what the payloads of samples are.
const PAYLOAD: PayloadLimits = PayloadLimits { max_bytes: 4096, max_depth: 8 };

impl Sample {
    /// The event as a service makes it that receives it at this time.
    pub fn to_event(&self, received_at: Timestamp) -> Event {
        let event_id = self.event_id.to_string();
        Event {
            id: StoreId::derive(&self.user_id, &event_id),
            user_id: self.user_id.as_ref().into(),
            event_id: event_id.into(),
            kind: self.kind.name().into(),
            anonymous_id: None,
            session_id: Some(self.session_id.as_ref().into()),
            account_id: Some(self.account_id.as_ref().into()),
            // Each payload that is ever made is an object within the limits:
            // the tests of this module read them all.
            payload: Payload::from_json(self.payload.as_bytes(), PAYLOAD)
                .unwrap_or_else(|_| Payload::empty()),
            occurred_at: self.occurred_at,
            received_at,
        }
    }

    /// Adds the event as the JSON object that trackers send.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let mut id = Uuid::encode_buffer();
        let mut millis = itoa::Buffer::new();
        for (key, text) in [
            (r#"{"eventId":"#, &*self.event_id.hyphenated().encode_lower(&mut id)),
            (r#","userId":"#, &self.user_id),
            (r#","accountId":"#, &self.account_id),
            (r#","sessionId":"#, &self.session_id),
            (r#","type":"#, self.kind.name()),
        ] {
            out.extend_from_slice(key.as_bytes());
            write_string(text, out);
        }
        for part in [
            r#","occurredAt":"#,
            millis.format(self.occurred_at.as_millis()),
            r#","payload":"#,
            &self.payload,
            "}",
        ] {
            out.extend_from_slice(part.as_bytes());
        }
    }
}
