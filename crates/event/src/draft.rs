//! An event as it was sent: which key is which field, and what it was given.

use std::borrow::Cow;

use super::fault::Listed;
use super::json::Scalar;
use super::payload_reader::PayloadValue;

/// The fields of an event, and what may stand around events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Whose event it is.
    UserId,
    /// Under which the visitor was known before.
    AnonymousId,
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

/// What is taken for an event: each field by the contract's name, with its others.
pub const FIELDS: &[(&str, &[&str])] = &[
    ("userId", &["user_id", "patientId", "patient_id", "distinctId", "distinct_id"]),
    ("anonymousId", &["anonymous_id", "deviceId", "device_id"]),
    ("type", &["event"]),
    ("sessionId", &["session_id"]),
    ("accountId", &["account_id"]),
    ("occurredAt", &["timestamp", "ts"]),
    ("eventId", &["event_id", "messageId"]),
    ("payload", &["data", "metadata", "properties"]),
];

/// How many fields, the first of the list, hold a single string or number.
const SCALARS: usize = 7;

impl Field {
    /// The field that a key names: the contract's name or one of its aliases.
    pub fn of(key: &str) -> Self {
        match key {
            "userId" | "user_id" | "patientId" | "patient_id" | "distinctId" | "distinct_id" => {
                Self::UserId
            }
            "anonymousId" | "anonymous_id" | "deviceId" | "device_id" => Self::AnonymousId,
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
pub struct Slot<'de, T>(pub(super) Option<(Cow<'de, str>, T)>);

impl<T> Default for Slot<'_, T> {
    fn default() -> Self {
        Self(None)
    }
}

/// A key that names a field once more.
#[derive(Debug)]
pub struct Repeated<'de> {
    /// The key.
    pub again: Cow<'de, str>,
    /// The one before it.
    pub first: Cow<'de, str>,
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

impl<'de> Slot<'de, Scalar<'de>> {
    /// The key that was sent with null, which counts as left out; else this name.
    pub fn key_of_null(&self, name: &'static str) -> Cow<'de, str> {
        match &self.0 {
            Some((key, Scalar::Null)) => key.clone(),
            _ => Cow::Borrowed(name),
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
