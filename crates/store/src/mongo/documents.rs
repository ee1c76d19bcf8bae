//! The collection's documents: their fields, and how they are read.
//!
//! What we write is read back exactly. What another tool wrote is taken as far
//! as it makes sense, for one odd document must not hide a user's journey:
//!
//! | missing or of another type | taken as |
//! | --- | --- |
//! | `payload` | `{}` |
//! | `arrival` (missing, null or below 0) | 0 |
//! | `eventId` | the text of `_id` |
//! | `type` | the empty text |
//! | `receivedAt` | `occurredAt` |
//! | `_id` (no UUID) | an id derived from the user, its type and its text |
//!
//! Without a date in `occurredAt`, or with an `arrival` that is no whole
//! number of 64 bits, a document has no place in the order and is left out.
//!
//! An `arrival` below 0 counts as 0 because one that is missing does: in the
//! index the missing ones come first, and no number is to lie between equals.
//!
//! `period` says where the document is in the index of journeys, and nothing of
//! the event. One that should have it and does not, which only another tool can
//! have written, is read as from before the first period.

mod own;

use bson::RawBsonRef;
use bson::raw::{RawDocument, RawDocumentBuf};
use bson::spec::BinarySubtype;
use trailkeep_event::bson_to_json::bson_to_json;
use trailkeep_event::{Accepted, Arrival, StoreId, Timestamp};

use super::bson_writer::BsonWriter;
use crate::{Position, StoredEvent};

/// An event as the document that goes into the collection.
pub fn encode(accepted: &Accepted) -> Vec<u8> {
    let mut out = BsonWriter::with_capacity(expected_bytes(accepted));
    let document = out.open();
    write_fields(accepted, &mut out);
    out.close(document);
    out.into_bytes()
}

/// About the bytes of an event's document, for a buffer that need not grow.
pub fn expected_bytes(accepted: &Accepted) -> usize {
    /// What the names of the fields take beyond what an event takes in memory,
    /// and the period.
    const NAMES: usize = 80;
    accepted.event.size() + NAMES
}

/// Writes the fields of an event into the document that is open.
pub fn write_fields(accepted: &Accepted, out: &mut BsonWriter) {
    let event = &accepted.event;
    out.uuid("_id", event.id.as_bytes());
    out.string("userId", &event.user_id);
    if let Some(anonymous_id) = &event.anonymous_id {
        out.string("anonymousId", anonymous_id);
    }
    out.string("eventId", &event.event_id);
    out.string("type", &event.kind);
    if let Some(session_id) = &event.session_id {
        out.string("sessionId", session_id);
    }
    if let Some(account_id) = &event.account_id {
        out.string("accountId", account_id);
    }
    out.document("payload", event.payload.as_bson());
    out.date("occurredAt", event.occurred_at.as_millis());
    out.date("receivedAt", event.received_at.as_millis());
    out.int64("arrival", accepted.arrival.as_i64());
}

/// Why a document has no place in a journey.
#[derive(Debug, thiserror::Error)]
pub enum DocumentFault {
    /// It cannot be read.
    #[error("it is no readable BSON: {0}")]
    Bson(#[from] bson::error::Error),
    /// Nobody knows when it happened.
    #[error("its occurredAt is no date (_id {0})")]
    OccurredAt(String),
    /// It has no place among the events of its millisecond.
    #[error("its arrival is no whole number (_id {0})")]
    Arrival(String),
}

/// A document as an event of this user.
pub fn read_event(document: &RawDocument, user_id: &str) -> Result<StoredEvent, DocumentFault> {
    own::read_event(document.as_bytes(), user_id).or_else(|_| read_any(document, user_id))
}

/// A document that any tool may have written.
fn read_any(document: &RawDocument, user_id: &str) -> Result<StoredEvent, DocumentFault> {
    let fields = Fields::of(document)?;
    let id_text = || fields.id.map_or_else(String::new, text_of);
    let occurred_at =
        fields.occurred_at.and_then(moment).ok_or_else(|| DocumentFault::OccurredAt(id_text()))?;
    let arrival = arrival_of(fields.arrival).ok_or_else(|| DocumentFault::Arrival(id_text()))?;
    let text = |value: Option<RawBsonRef<'_>>| value.and_then(RawBsonRef::as_str).map(Box::from);
    Ok(StoredEvent {
        id: fields.id.and_then(own_id).unwrap_or_else(|| foreign_id(user_id, fields.id)),
        user_id: user_id.into(),
        event_id: text(fields.event_id).unwrap_or_else(|| id_text().into()),
        kind: text(fields.kind).unwrap_or_default(),
        anonymous_id: text(fields.anonymous_id),
        session_id: text(fields.session_id),
        account_id: text(fields.account_id),
        payload: payload_of(fields.payload),
        occurred_at,
        received_at: fields.received_at.and_then(moment).unwrap_or(occurred_at),
        arrival,
    })
}

/// The identity and the arrival number of a document, if it is one of ours.
pub fn read_arrival(document: &RawDocument) -> Option<(StoreId, Arrival)> {
    let fields = Fields::of(document).ok()?;
    Some((fields.id.and_then(own_id)?, arrival_of(fields.arrival).unwrap_or(Arrival::from_i64(0))))
}

/// The place of one of our documents in its user's journey, if it has one.
pub fn read_position(document: &RawDocument) -> Option<Position> {
    let fields = Fields::of(document).ok()?;
    Some(Position {
        occurred_at: fields.occurred_at.and_then(moment)?,
        arrival: arrival_of(fields.arrival)?,
        id: fields.id.and_then(own_id)?,
    })
}

/// The place of one of our documents in the order of arrival, if it has one.
pub fn read_place(document: &RawDocument) -> Option<(Arrival, StoreId)> {
    let fields = Fields::of(document).ok()?;
    Some((arrival_of(fields.arrival)?, fields.id.and_then(own_id)?))
}

/// The fields of a document, found in one pass.
#[derive(Default)]
struct Fields<'a> {
    id: Option<RawBsonRef<'a>>,
    event_id: Option<RawBsonRef<'a>>,
    kind: Option<RawBsonRef<'a>>,
    anonymous_id: Option<RawBsonRef<'a>>,
    session_id: Option<RawBsonRef<'a>>,
    account_id: Option<RawBsonRef<'a>>,
    payload: Option<RawBsonRef<'a>>,
    occurred_at: Option<RawBsonRef<'a>>,
    received_at: Option<RawBsonRef<'a>>,
    arrival: Option<RawBsonRef<'a>>,
}

impl<'a> Fields<'a> {
    fn of(document: &'a RawDocument) -> Result<Self, bson::error::Error> {
        let mut fields = Self::default();
        for element in document {
            let (key, value) = element?;
            let field = match key.as_str() {
                "_id" => &mut fields.id,
                "eventId" => &mut fields.event_id,
                "type" => &mut fields.kind,
                "anonymousId" => &mut fields.anonymous_id,
                "sessionId" => &mut fields.session_id,
                "accountId" => &mut fields.account_id,
                "payload" => &mut fields.payload,
                "occurredAt" => &mut fields.occurred_at,
                "receivedAt" => &mut fields.received_at,
                "arrival" => &mut fields.arrival,
                _ => continue,
            };
            *field = Some(value);
        }
        Ok(fields)
    }
}

fn moment(value: RawBsonRef<'_>) -> Option<Timestamp> {
    value.as_datetime().map(|date| Timestamp::from_millis_clamped(date.timestamp_millis()))
}

/// The number in the order of arrival; nothing, and what is below, counts as 0.
fn arrival_of(value: Option<RawBsonRef<'_>>) -> Option<Arrival> {
    /// The first number beyond 64 signed bits.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    let number = match value {
        None | Some(RawBsonRef::Null) => 0,
        Some(RawBsonRef::Int64(number)) => number,
        Some(RawBsonRef::Int32(number)) => i64::from(number),
        #[allow(clippy::cast_possible_truncation)] // whole; far below 0 it saturates
        Some(RawBsonRef::Double(number)) if number.fract() == 0.0 && number < BEYOND => {
            number as i64
        }
        Some(_) => return None,
    };
    Some(Arrival::from_i64(number.max(0)))
}

fn payload_of(value: Option<RawBsonRef<'_>>) -> String {
    match value.and_then(RawBsonRef::as_document) {
        Some(document) => own::payload_of_bson(document.as_bytes()),
        None => "{}".to_owned(),
    }
}

/// The identity that we gave it, if it has one of ours.
pub fn own_id(value: RawBsonRef<'_>) -> Option<StoreId> {
    let binary = value.as_binary()?;
    let bytes = <[u8; 16]>::try_from(binary.bytes).ok()?;
    (binary.subtype == BinarySubtype::Uuid).then(|| StoreId::from_bytes(bytes))
}

/// An identity for a document of another tool. No two have the same, so its
/// type counts where its text may be that of another: 7 is not "7".
fn foreign_id(user_id: &str, id: Option<RawBsonRef<'_>>) -> StoreId {
    match id {
        None => StoreId::derive(user_id, ""),
        Some(RawBsonRef::String(text)) => StoreId::derive(user_id, text),
        Some(other) => {
            let text = format!("\0{:?} {}", other.element_type(), text_of(other));
            StoreId::derive(user_id, &text)
        }
    }
}

/// Any `_id` as text: a string as it is, another value as it stands in JSON.
fn text_of(value: RawBsonRef<'_>) -> String {
    if let RawBsonRef::String(text) = value {
        return text.to_owned();
    }
    let mut wrapped = RawDocumentBuf::new();
    wrapped.append(bson::raw::cstr!("_"), value);
    let json = bson_to_json(wrapped.as_bytes()).unwrap_or_default();
    let value =
        json.strip_prefix("{\"_\":").and_then(|rest| rest.strip_suffix('}')).unwrap_or(&json);
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value).to_owned()
}

#[cfg(test)]
mod tests;
