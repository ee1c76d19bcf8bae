//! A stored event as JSON, as journeys show it and processors are sent it.

use std::borrow::Cow;

use trailkeep_event::json_writer::{has_no_escape, write_string};

use super::StoredEvent;

/// What the fields are called of which the name may be chosen: each with what JSON
/// has before and behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonKeys {
    user_id: Cow<'static, [u8]>,
    payload: Cow<'static, [u8]>,
    occurred_at: Cow<'static, [u8]>,
}

/// The names that are the same everywhere.
const FIXED: [&str; 6] = ["eventId", "anonymousId", "sessionId", "accountId", "type", "receivedAt"];

/// Bytes that a name may have.
const MAX_NAME: usize = 64;

/// Why a field cannot be called so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongName {
    /// It is empty or long.
    #[error("must have 1 to {MAX_NAME} bytes")]
    Length,
    /// It would have to be escaped.
    #[error("must not have quotes, backslashes and control characters")]
    Characters,
    /// An object would have two fields of this name.
    #[error("is the name of another field")]
    Taken,
}

impl JsonKeys {
    /// The names in a journey.
    pub const JOURNEY: Self = Self {
        user_id: Cow::Borrowed(br#","userId":"#),
        payload: Cow::Borrowed(br#","payload":"#),
        occurred_at: Cow::Borrowed(br#","occurredAt":"#),
    };

    /// Other names for the user's id, the payload and the time at which the event
    /// happened. The error has the name that is wrong.
    pub fn named<'a>(
        user_id: &'a str,
        payload: &'a str,
        occurred_at: &'a str,
    ) -> Result<Self, (&'a str, WrongName)> {
        let mut taken: Vec<&str> = FIXED.to_vec();
        let mut key = |name: &'a str| {
            let wrong = if !(1..=MAX_NAME).contains(&name.len()) {
                WrongName::Length
            } else if !has_no_escape(name.as_bytes()) {
                WrongName::Characters
            } else if taken.contains(&name) {
                WrongName::Taken
            } else {
                taken.push(name);
                return Ok(Cow::Owned(format!(",\"{name}\":").into_bytes()));
            };
            Err((name, wrong))
        };
        Ok(Self { user_id: key(user_id)?, payload: key(payload)?, occurred_at: key(occurred_at)? })
    }
}

impl StoredEvent {
    /// Appends the event as a JSON object, without the fields that it does not have.
    pub fn write_json(&self, keys: &JsonKeys, out: &mut Vec<u8>) {
        let mut field = |key: &[u8], text: &str| {
            out.extend_from_slice(key);
            write_string(text, out);
        };
        field(b"{\"eventId\":", &self.event_id);
        field(&keys.user_id, &self.user_id);
        if let Some(anonymous_id) = &self.anonymous_id {
            field(b",\"anonymousId\":", anonymous_id);
        }
        if let Some(session_id) = &self.session_id {
            field(b",\"sessionId\":", session_id);
        }
        if let Some(account_id) = &self.account_id {
            field(b",\"accountId\":", account_id);
        }
        field(b",\"type\":", &self.kind);
        for (key, moment) in
            [(&*keys.occurred_at, self.occurred_at), (&b",\"receivedAt\":"[..], self.received_at)]
        {
            out.extend_from_slice(key);
            out.push(b'"');
            out.extend_from_slice(&moment.to_rfc3339());
            out.push(b'"');
        }
        out.extend_from_slice(&keys.payload);
        out.extend_from_slice(self.payload.as_bytes());
        out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use trailkeep_event::{Arrival, StoreId, Timestamp};

    use super::*;

    fn written(keys: &JsonKeys) -> String {
        let event = StoredEvent {
            id: StoreId::derive("ann", "e-1"),
            user_id: "ann".into(),
            event_id: "e-1".into(),
            kind: "visit".into(),
            anonymous_id: None,
            session_id: None,
            account_id: Some("acme".into()),
            payload: r#"{"ward":3}"#.into(),
            occurred_at: Timestamp::from_millis_clamped(1_765_794_600_000),
            received_at: Timestamp::from_millis_clamped(1_765_794_600_120),
            arrival: Arrival::from_i64(1),
        };
        let mut out = Vec::new();
        event.write_json(keys, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn three_fields_can_be_called_otherwise() {
        let keys = JsonKeys::named("patientId", "data", "ts").unwrap();
        assert_eq!(
            written(&keys),
            r#"{"eventId":"e-1","patientId":"ann","accountId":"acme","type":"visit","ts":"2025-12-15T10:30:00.000Z","receivedAt":"2025-12-15T10:30:00.120Z","data":{"ward":3}}"#
        );
        let usual = JsonKeys::named("userId", "payload", "occurredAt").unwrap();
        assert_eq!(usual, JsonKeys::JOURNEY);
    }

    #[test]
    fn names_that_give_no_object_are_refused() {
        let long = "a".repeat(65);
        for (user, payload, time, expected) in [
            ("", "data", "ts", ("", WrongName::Length)),
            ("id", &*long, "ts", (&*long, WrongName::Length)),
            ("id", "a\"b", "ts", ("a\"b", WrongName::Characters)),
            ("type", "data", "ts", ("type", WrongName::Taken)),
            ("id", "data", "id", ("id", WrongName::Taken)),
        ] {
            assert_eq!(JsonKeys::named(user, payload, time), Err(expected));
        }
    }
}
