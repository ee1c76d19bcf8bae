//! A row as a document of `people`.

use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{DateTime, deserialize_from_slice, serialize_to_raw_document_buf};
use serde::{Deserialize, Serialize};
use trailkeep_event::{Arrival, Timestamp};

use super::indexes::PEOPLE;
use crate::StoreError;
use crate::people::{Age, Parts, Person, Row, Seen};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersonDocument {
    #[serde(rename = "_id")]
    id: Box<str>,
    rev: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_seen: Option<DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_seen: Option<DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_since: Option<i64>,
    /// Whose it is: a user's, or its own. So a user and all that is linked are found by
    /// one key.
    #[serde(default)]
    owner: Box<str>,
    /// Since when it is another's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<i64>,
    /// The end of the hour in which it was seen last. The server deletes by it, and by the
    /// name that the field has in other collections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    received_at: Option<DateTime>,
    /// The same where it stays for as long as its user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stays_with_user: Option<DateTime>,
    #[serde(default)]
    terms: Vec<String>,
    #[serde(flatten)]
    parts: Parts,
}

/// The document of a row of this revision.
pub fn encode(person: &Person, rev: i64) -> Result<RawDocumentBuf, StoreError> {
    let link = person.link();
    let (received_at, stays_with_user) = match person.age() {
        Some(Age::Alone(from)) => (Some(date(from)), None),
        Some(Age::WithItsUser(from)) => (None, Some(date(from))),
        None => (None, None),
    };
    let document = PersonDocument {
        id: person.id.clone(),
        rev,
        first_seen: person.seen.map(|seen| date(seen.first)),
        last_seen: person.seen.map(|seen| date(seen.last)),
        user_since: person.user_since.map(Arrival::as_i64),
        since: link.as_ref().map(|link| link.since.as_i64()),
        owner: link.map_or_else(|| person.id.clone(), |link| link.user),
        received_at,
        stays_with_user,
        terms: person.terms(),
        parts: Parts::of(person),
    };
    serialize_to_raw_document_buf(&document).map_err(unreadable)
}

/// The row that a document is.
pub fn decode(document: &RawDocument) -> Result<Row, StoreError> {
    let document: PersonDocument =
        deserialize_from_slice(document.as_bytes()).map_err(unreadable)?;
    let seen = document.first_seen.zip(document.last_seen);
    let seen = seen.map(|(first, last)| Seen { first: moment(first), last: moment(last) });
    let user_since = document.user_since.map(Arrival::from_i64);
    let person = document.parts.into_person(document.id, seen, user_since);
    Ok(Row { person, rev: document.rev })
}

pub fn date(moment: Timestamp) -> DateTime {
    DateTime::from_millis(moment.as_millis())
}

fn moment(date: DateTime) -> Timestamp {
    Timestamp::from_millis_clamped(date.timestamp_millis())
}

fn unreadable(fault: bson::error::Error) -> StoreError {
    StoreError::Unreadable(format!("a document in {PEOPLE}: {fault}"))
}
