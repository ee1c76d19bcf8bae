//! Documents as [`encode`](super::encode) writes them, read in one pass.

use trailkeep_event::bson_reader::{Elements, Foreign, Value};
use trailkeep_event::bson_to_json::bson_to_json;
use trailkeep_event::{Arrival, StoreId, Timestamp};

use crate::StoredEvent;

/// An event of this user out of a document that has no fields but ours, each of
/// the type that we write. `anonymousId`, `sessionId` and `accountId` may be missing,
/// and `userId` and `period`, which are not looked at.
pub fn read_event(document: &[u8], user_id: &str) -> Result<StoredEvent, Foreign> {
    let mut fields = Fields::default();
    let mut elements = Elements::of(document)?;
    while let Some(element) = elements.next_element()? {
        fields.take(element.key, element.value)?;
    }
    fields.event(user_id).ok_or(Foreign)
}

#[derive(Default)]
struct Fields<'a> {
    id: Option<StoreId>,
    event_id: Option<&'a str>,
    kind: Option<&'a str>,
    anonymous_id: Option<&'a str>,
    session_id: Option<&'a str>,
    account_id: Option<&'a str>,
    payload: Option<&'a [u8]>,
    occurred_at: Option<i64>,
    received_at: Option<i64>,
    arrival: Option<i64>,
}

impl<'a> Fields<'a> {
    fn take(&mut self, key: &[u8], value: Value<'a>) -> Result<(), Foreign> {
        match (key, value) {
            (b"_id", Value::Uuid(bytes)) => self.id = Some(StoreId::from_bytes(*bytes)),
            (b"eventId", Value::Text(bytes)) => self.event_id = Some(text(bytes)?),
            (b"type", Value::Text(bytes)) => self.kind = Some(text(bytes)?),
            (b"anonymousId", Value::Text(bytes)) => self.anonymous_id = Some(text(bytes)?),
            (b"sessionId", Value::Text(bytes)) => self.session_id = Some(text(bytes)?),
            (b"accountId", Value::Text(bytes)) => self.account_id = Some(text(bytes)?),
            (b"payload", Value::Document(bson)) => self.payload = Some(bson),
            (b"occurredAt", Value::Date(millis)) => self.occurred_at = Some(millis),
            (b"receivedAt", Value::Date(millis)) => self.received_at = Some(millis),
            (b"arrival", Value::Int64(number @ 0..)) => self.arrival = Some(number),
            // The index says whose it is, and needs the other one.
            (b"userId", Value::Text(_)) | (b"period", Value::Date(_)) => {}
            _ => return Err(Foreign),
        }
        Ok(())
    }

    fn event(self, user_id: &str) -> Option<StoredEvent> {
        Some(StoredEvent {
            id: self.id?,
            user_id: user_id.into(),
            event_id: self.event_id?.into(),
            kind: self.kind?.into(),
            anonymous_id: self.anonymous_id.map(Box::from),
            session_id: self.session_id.map(Box::from),
            account_id: self.account_id.map(Box::from),
            occurred_at: Timestamp::from_millis_clamped(self.occurred_at?),
            received_at: Timestamp::from_millis_clamped(self.received_at?),
            arrival: Arrival::from_i64(self.arrival?),
            // Last: without one of the others nothing is converted, and warned
            // about, that is read again in another way.
            payload: payload_of_bson(self.payload?),
        })
    }
}

fn text(bytes: &[u8]) -> Result<&str, Foreign> {
    std::str::from_utf8(bytes).map_err(|_| Foreign)
}

/// A payload as JSON; `{}` for one that is no readable BSON.
pub fn payload_of_bson(document: &[u8]) -> String {
    bson_to_json(document).unwrap_or_else(|fault| {
        tracing::warn!("a payload in the database is shown as {{}}: {fault}");
        "{}".to_owned()
    })
}
