//! One sample event, on its way to a store or onto the wire.

use std::sync::Arc;

use uuid::Uuid;

use super::Kind;
use crate::event::id::ArrivalClock;
use crate::event::payload::{PayloadLimits, write_string};
use crate::event::{Accepted, Event, Payload, StoreId, Timestamp};

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// A UUID of version 7 that holds the time of the event.
    pub event_id: Uuid,
    /// Whose event it is.
    pub user_id: Arc<str>,
    /// The user's account.
    pub account_id: Arc<str>,
    /// The visit.
    pub session_id: Arc<str>,
    /// What happened.
    pub kind: Kind,
    /// A JSON object.
    pub payload: String,
    /// When it happened.
    pub occurred_at: Timestamp,
}

/// Far above what the payloads of samples are.
const PAYLOAD: PayloadLimits = PayloadLimits {
    max_bytes: 4096,
    max_depth: 8,
};

impl Sample {
    /// The event as the service would have made it, had it received it in the
    /// moment in which it happened.
    pub fn to_event(&self) -> Event {
        let event_id = self.event_id.to_string();
        Event {
            id: StoreId::derive(&self.user_id, &event_id),
            user_id: self.user_id.as_ref().into(),
            event_id: event_id.into(),
            kind: self.kind.name().into(),
            session_id: Some(self.session_id.as_ref().into()),
            account_id: Some(self.account_id.as_ref().into()),
            // Each payload that is ever made is an object within the limits:
            // the tests of this module read them all.
            payload: Payload::from_json(self.payload.as_bytes(), PAYLOAD)
                .unwrap_or_else(|_| Payload::empty()),
            occurred_at: self.occurred_at,
            received_at: self.occurred_at,
        }
    }

    /// Adds the event as the JSON object that trackers send.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let mut id = Uuid::encode_buffer();
        let mut millis = itoa::Buffer::new();
        for (key, text) in [
            (
                r#"{"eventId":"#,
                &*self.event_id.hyphenated().encode_lower(&mut id),
            ),
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

/// Numbers the events of a stream in their order, as a service would have
/// numbered them that had received each in the moment in which it happened.
///
/// So a number made here is lower than any that a running service gives out
/// from now on, as long as the stream does not reach into the future, and
/// nothing that a service knows of its own numbers is touched: it counts by its
/// clock, and asks a store only for the number of an event that it holds
/// itself. Two streams with users in common number the events of one
/// millisecond differently, as two instances do: eight bits of the number are
/// drawn from the seed.
#[derive(Debug)]
pub struct Numbering(ArrivalClock);

impl Numbering {
    /// The numbers of the stream of this seed.
    pub fn of_seed(seed: u64) -> Self {
        let instance = seed.to_le_bytes().into_iter().fold(0, |mixed: u8, byte| {
            mixed.wrapping_mul(31).wrapping_add(byte)
        });
        Self(ArrivalClock::new(instance))
    }

    /// The next event of the stream, numbered.
    pub fn accept(&mut self, sample: &Sample) -> Accepted {
        let event = sample.to_event();
        let arrival = self.0.take(1, event.received_at);
        Accepted { event, arrival }
    }
}
