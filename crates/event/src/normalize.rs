//! A draft becomes an event, or a list of what is wrong with it.
//!
//! [`normalize`] is the list of rules in the order in which they are applied;
//! each is a function of its own below.

use std::borrow::Cow;
use std::collections::HashSet;

use uuid::Uuid;

use super::fault::{Fault, Faults, Listed, clip};
use super::json::Scalar;
use super::payload::PayloadLimits;
use super::payload_reader::PayloadValue;
use super::{Event, Payload, StoreId, Timestamp};

/// Milliseconds that the service lets an event lie in the future: 24 hours cover
/// clocks in the wrong time zone; what is beyond is a broken clock.
pub const MAX_FUTURE_MS: i64 = 24 * 60 * 60 * 1000;

/// What events must keep to. Comes from the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Which types are accepted.
    pub types: TypeRule,
    /// The user of events that name none.
    pub default_user: Option<Box<str>>,
    /// Events in one request.
    pub max_events: usize,
    /// What a payload may be.
    pub payload: PayloadLimits,
    /// Milliseconds that an event may lie in the future.
    pub max_future_ms: i64,
}

/// Which event types are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeRule {
    /// Any name of 1 to 64 bytes.
    Any,
    /// One of these, each of 1 to 64 bytes.
    OneOf(HashSet<Box<str>>),
}

/// The fields of an event, and what may stand around events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Whose event it is.
    UserId,
    /// `type`, or `event`.
    Type,
    /// `sessionId`, or `session_id`.
    SessionId,
    /// The business account.
    AccountId,
    /// When it happened.
    OccurredAt,
    /// The tracker's name for the event.
    EventId,
    /// What the tracker adds.
    Payload,
    /// The events of an envelope.
    Events,
    /// When an envelope was sent.
    SentAt,
    /// A name that no field of an event has.
    Unknown,
}

/// How many fields, the first of the list, hold a single string or number.
const SCALARS: usize = 6;

impl Field {
    /// The field that a key names: the contract's name or one of its aliases.
    pub fn of(key: &str) -> Self {
        match key {
            "userId" | "user_id" | "patientId" | "patient_id" | "distinctId" | "distinct_id" => {
                Self::UserId
            }
            "type" | "event" => Self::Type,
            "sessionId" | "session_id" => Self::SessionId,
            "accountId" | "account_id" => Self::AccountId,
            "occurredAt" | "timestamp" | "ts" => Self::OccurredAt,
            "eventId" | "event_id" | "messageId" => Self::EventId,
            "payload" | "data" | "metadata" | "properties" => Self::Payload,
            "events" => Self::Events,
            "sentAt" => Self::SentAt,
            _ => Self::Unknown,
        }
    }
}

/// An event as it was sent: fields by their meaning, values unchecked, and
/// borrowed from the request where it is possible.
#[derive(Debug, Default)]
pub struct Draft<'de> {
    /// The fields from [`Field::UserId`] to [`Field::EventId`].
    pub scalars: [Slot<'de, Scalar<'de>>; SCALARS],
    /// The payload.
    pub payload: Slot<'de, PayloadValue>,
    /// Keys that are no field of an event.
    pub unknown: Listed<Cow<'de, str>>,
    /// Keys that name a field which another key named before.
    pub repeated: Listed<Repeated<'de>>,
}

/// A field's value, with the key under which it was sent.
#[derive(Debug)]
pub struct Slot<'de, T>(Option<(Cow<'de, str>, T)>);

impl<T> Default for Slot<'_, T> {
    fn default() -> Self {
        Self(None)
    }
}

/// A key that names a field once more.
#[derive(Debug)]
pub struct Repeated<'de> {
    again: Cow<'de, str>,
    first: Cow<'de, str>,
}

impl<'de, T> Slot<'de, T> {
    /// Takes the value, or notes that there was one before.
    pub fn set(&mut self, key: Cow<'de, str>, value: T, repeated: &mut Listed<Repeated<'de>>) {
        match &self.0 {
            None => self.0 = Some((key, value)),
            Some((first, _)) => repeated.push(Repeated { again: key, first: first.clone() }),
        }
    }
}

impl Draft<'_> {
    /// Every key that was given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let scalars = self.scalars.iter().filter_map(|slot| slot.0.as_ref().map(|(key, _)| key));
        let payload = self.payload.0.iter().map(|(key, _)| key);
        let repeated = self.repeated.first.iter().map(|key| &key.again);
        scalars.chain(payload).chain(&self.unknown.first).chain(repeated).map(AsRef::as_ref)
    }
}

const MAX_ID: usize = 256;
const MAX_TYPE: usize = 64;
const MAX_EVENT_ID: usize = 128;

/// Applies every rule to one draft. What is wrong is added to `faults`, all of
/// it; only a draft without faults becomes an event.
pub fn normalize(
    draft: Draft<'_>,
    index: usize,
    rules: &Rules,
    now: Timestamp,
    faults: &mut Faults,
) -> Option<Event> {
    let before = faults.total();
    let mut check = Check { index, faults };
    let [user_id, kind, session_id, account_id, occurred_at, event_id] = draft.scalars;

    check.no_unknown_keys(&draft.unknown);
    check.no_repeated_fields(&draft.repeated);
    let user_id = check.user(user_id, rules.default_user.as_deref());
    let kind = check.kind(kind, &rules.types);
    let session_id = check.optional_text(session_id, MAX_ID);
    let account_id = check.optional_text(account_id, MAX_ID);
    let payload = check.payload(draft.payload);
    let occurred_at = check.time(occurred_at, now, rules.max_future_ms);
    let event_id = check.optional_text(event_id, MAX_EVENT_ID);

    if faults.total() > before {
        return None;
    }
    let (user_id, kind) = (user_id?, kind?);
    let event_id = event_id.unwrap_or_else(|| Cow::Owned(new_event_id()));
    Some(Event {
        id: StoreId::derive(&user_id, &event_id),
        user_id: user_id.into(),
        event_id: event_id.into(),
        kind: kind.into(),
        session_id: session_id.map(Into::into),
        account_id: account_id.map(Into::into),
        payload: payload.unwrap_or_else(Payload::empty),
        occurred_at: occurred_at.unwrap_or(now),
        received_at: now,
    })
}

/// Ids in the order of their making keep neighbours together in the index of
/// every store.
fn new_event_id() -> String {
    let mut text = Uuid::encode_buffer();
    let id = Uuid::now_v7().hyphenated().encode_lower(&mut text);
    id.to_owned()
}

/// Applies rules to the event at `index`. Each rule answers the value, or adds
/// a fault and answers nothing.
struct Check<'f> {
    index: usize,
    faults: &'f mut Faults,
}

impl Check<'_> {
    fn fault(&mut self, field: &str, message: impl Into<Cow<'static, str>>) {
        let index = Some(self.index);
        self.faults.add(|| Fault { index, field: clip(field), message: message.into() });
    }

    /// A typo must not become a lost value.
    fn no_unknown_keys(&mut self, keys: &Listed<Cow<'_, str>>) {
        for key in &keys.first {
            self.fault(key, "is not a field of an event; put your own data into \"payload\"");
        }
        self.faults.count(keys.beyond);
    }

    /// Of two values for one field, neither is known to be the right one.
    fn no_repeated_fields(&mut self, keys: &Listed<Repeated<'_>>) {
        for Repeated { again, first } in &keys.first {
            self.fault(again, format!("gives a second time what {first:?} gives; send one"));
        }
        self.faults.count(keys.beyond);
    }

    fn user<'de>(
        &mut self,
        slot: Slot<'de, Scalar<'de>>,
        default: Option<&str>,
    ) -> Option<Cow<'de, str>> {
        let key = slot.0.as_ref().map_or(Cow::Borrowed("userId"), |(key, _)| key.clone());
        let before = self.faults.total();
        match self.optional_text(slot, MAX_ID) {
            Some(user) if user.trim().is_empty() => {
                self.fault(&key, "is blank");
                None
            }
            Some(user) if is_placeholder(&user) => {
                self.fault(&key, format!("is the placeholder {user:?}, not a user's id"));
                None
            }
            Some(user) => Some(user),
            None if self.faults.total() > before => None,
            None => match default {
                Some(default) => Some(Cow::Owned(default.to_owned())),
                None => {
                    self.fault(&key, "is missing");
                    None
                }
            },
        }
    }

    fn kind<'de>(
        &mut self,
        slot: Slot<'de, Scalar<'de>>,
        rule: &TypeRule,
    ) -> Option<Cow<'de, str>> {
        let key = slot.0.as_ref().map_or(Cow::Borrowed("type"), |(key, _)| key.clone());
        let before = self.faults.total();
        let kind = self.optional_text(slot, MAX_TYPE);
        match (kind, rule) {
            (Some(kind), TypeRule::OneOf(known)) if !known.contains(&*kind) => {
                let mut known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
                known.sort_unstable();
                self.fault(&key, format!("is none of the accepted types: {}", known.join(", ")));
                None
            }
            (None, _) if self.faults.total() == before => {
                self.fault(&key, "is missing");
                None
            }
            (kind, _) => kind,
        }
    }

    /// A string of 1 to `max` bytes; null counts as left out.
    fn optional_text<'de>(
        &mut self,
        slot: Slot<'de, Scalar<'de>>,
        max: usize,
    ) -> Option<Cow<'de, str>> {
        let (key, value) = slot.0?;
        let text = match value {
            Scalar::Null => return None,
            Scalar::Text(text) => text,
            Scalar::Integer(_) => {
                self.fault(&key, "must be a string, not a number");
                return None;
            }
            Scalar::Other(kind) => {
                self.fault(&key, format!("must be a string, not {kind}"));
                return None;
            }
        };
        if text.is_empty() {
            self.fault(&key, "is empty");
        } else if text.len() > max {
            self.fault(&key, format!("is longer than {max} bytes"));
        } else if has_control(&text) {
            self.fault(&key, "holds a control character");
        } else {
            return Some(text);
        }
        None
    }

    fn payload(&mut self, slot: Slot<'_, PayloadValue>) -> Option<Payload> {
        let (key, value) = slot.0?;
        match value? {
            Ok(payload) => Some(payload),
            Err(fault) => {
                self.fault(&key, fault);
                None
            }
        }
    }

    fn time(
        &mut self,
        slot: Slot<'_, Scalar<'_>>,
        now: Timestamp,
        max_future_ms: i64,
    ) -> Option<Timestamp> {
        let (key, value) = slot.0?;
        let time = match value {
            Scalar::Null => return None,
            Scalar::Text(text) => Timestamp::parse_rfc3339(&text),
            Scalar::Integer(millis) => Timestamp::from_millis(millis),
            Scalar::Other(_) => None,
        };
        match time {
            None => {
                self.fault(
                    &key,
                    "must be an RFC 3339 time such as 2025-12-15T10:30:00.000Z, \
                     or whole milliseconds since the epoch",
                );
                None
            }
            Some(time) if time > now.plus_millis(max_future_ms) => {
                let hours = max_future_ms / 3_600_000;
                self.fault(&key, format!("is {time}, more than {hours} h in the future"));
                None
            }
            Some(time) => Some(time),
        }
    }
}

fn has_control(text: &str) -> bool {
    // Most texts are plain ASCII, which is told without a branch for each byte.
    let is_plain = |is_plain, byte| is_plain & (b' '..0x7f).contains(&byte);
    !text.bytes().fold(true, is_plain) && text.chars().any(char::is_control)
}

/// What broken trackers send where a user's id belongs: the text of a value
/// that was not there.
fn is_placeholder(user_id: &str) -> bool {
    const PLACEHOLDERS: [&str; 5] = ["undefined", "null", "nan", "none", "[object Object]"];
    let user_id = user_id.trim();
    PLACEHOLDERS.iter().any(|placeholder| user_id.eq_ignore_ascii_case(placeholder))
}

#[cfg(test)]
mod tests;
