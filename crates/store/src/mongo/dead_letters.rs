//! The collection `deadLetters`: events that the server refused for good.
//!
//! Its fields are called as those of `events`, but for the payload, which is
//! text: what made the server refuse the event must not make it refuse the
//! letter.

use std::time::Duration;

use async_trait::async_trait;
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::options::{
    CollectionOptions, IndexOptions, ReadConcern, ReadPreference, SelectionCriteria,
};
use mongodb::{Collection, IndexModel};
use trailkeep_event::{Accepted, Arrival, Payload, StoreId, Timestamp};

use super::connection::Link;
use super::errors::store_error;
use super::indexes::{existing, settle};
use super::insert::insert_documents;
use super::retention::{self, is_of_retention, keep_for};
use super::store::MongoStore;
use crate::dead_letters::{DeadLetter, DeadLetterStore, LetterHead, LetterPlace};
use crate::{Outcome, Reason, Refusal, Retention, StoreError};

/// The collection.
pub const DEAD_LETTERS: &str = "deadLetters";

/// The index by which they are listed.
const LISTING: &str = "listing";

/// Bytes of payloads in one command, unless it is a single letter's.
const COMMAND_BYTES: usize = 4 << 20;

/// Letters in one command.
const COMMAND_LETTERS: usize = 500;

/// Makes what listing and the retention need. Several instances may do it at
/// once.
pub async fn prepare(link: &Link, retention: &Retention) -> Result<(), StoreError> {
    let index = listing_index();
    settle(async || {
        let there = existing(link, DEAD_LETTERS).await?;
        if !there.iter().any(|other| other.keys == index.keys) {
            collection(link).create_index(index.clone()).await?;
        }
        keep_for(link, DEAD_LETTERS, &there, retention).await
    })
    .await
}

fn listing_index() -> IndexModel {
    IndexModel::builder()
        .keys(doc! { "setAsideAt": -1, "_id": -1 })
        .options(IndexOptions::builder().name(LISTING.to_owned()).build())
        .build()
}

/// The indexes of the collection.
pub fn wanted(retention: &Retention) -> Vec<IndexModel> {
    [listing_index()].into_iter().chain(retention::wanted(retention)).collect()
}

/// Whether one index is as good as a wanted one.
pub fn serves(index: &IndexModel, wanted: &IndexModel) -> bool {
    if is_of_retention(wanted) {
        return retention::serves(index, wanted);
    }
    index.keys == wanted.keys
}

/// As the primary has it: a letter that was dropped must not be seen again.
fn collection(link: &Link) -> Collection<Document> {
    let options = CollectionOptions::builder()
        .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        .read_concern(ReadConcern::local())
        .build();
    link.database().collection_with_options(DEAD_LETTERS, options)
}

#[async_trait]
impl DeadLetterStore for MongoStore {
    async fn put(&self, letters: &[DeadLetter]) -> Result<Vec<Outcome>, StoreError> {
        self.write(async { put(self.link().await?, letters).await }).await
    }

    async fn list(
        &self,
        after: Option<LetterPlace>,
        limit: usize,
    ) -> Result<Vec<LetterHead>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let timeout = self.settings.timeouts.read;
        self.read(async { list(self.link().await?, after, limit, timeout).await }).await
    }

    async fn get(&self, id: StoreId) -> Result<Option<DeadLetter>, StoreError> {
        self.read(async {
            let found = collection(self.link().await?)
                .find_one(doc! { "_id": binary(id) })
                .await
                .map_err(|error| store_error(&error))?;
            found.map(|document| letter(&document)).transpose()
        })
        .await
    }

    async fn refused_again(
        &self,
        id: StoreId,
        refusal: &Refusal,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let change = doc! {
            "$set": {
                "reason": refusal.reason.word(),
                "error": &refusal.error,
                "triedAt": date(now),
            },
            "$inc": { "tries": 1_i64 },
        };
        self.write(async {
            collection(self.link().await?)
                .update_one(doc! { "_id": binary(id) }, change)
                .await
                .map(|_| ())
                .map_err(|error| store_error(&error))
        })
        .await
    }

    async fn remove(&self, ids: &[StoreId]) -> Result<u64, StoreError> {
        let ids: Vec<Binary> = ids.iter().copied().map(binary).collect();
        self.write(async {
            collection(self.link().await?)
                .delete_many(doc! { "_id": { "$in": ids } })
                .await
                .map(|deleted| deleted.deleted_count)
                .map_err(|error| store_error(&error))
        })
        .await
    }

    async fn count(&self) -> Result<u64, StoreError> {
        self.read(async {
            collection(self.link().await?)
                .estimated_document_count()
                .await
                .map_err(|error| store_error(&error))
        })
        .await
    }
}

async fn put(link: &Link, letters: &[DeadLetter]) -> Result<Vec<Outcome>, StoreError> {
    let mut outcomes = Vec::with_capacity(letters.len());
    while outcomes.len() < letters.len() {
        let documents = next_documents(&letters[outcomes.len()..]);
        outcomes.extend(insert_documents(link, DEAD_LETTERS, documents).await?);
    }
    Ok(outcomes)
}

/// The server works on it for at most `timeout`.
async fn list(
    link: &Link,
    after: Option<LetterPlace>,
    limit: usize,
    timeout: Duration,
) -> Result<Vec<LetterHead>, StoreError> {
    let documents: Vec<Document> = collection(link)
        .find(after.map(comes_after).unwrap_or_default())
        .projection(doc! { "payload": 0 })
        .sort(doc! { "setAsideAt": -1, "_id": -1 })
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .max_time(timeout)
        .await
        .map_err(|error| store_error(&error))?
        .try_collect()
        .await
        .map_err(|error| store_error(&error))?;
    documents.iter().map(head).collect()
}

/// As many of the letters as go into one command, in order; at least one.
fn next_documents(letters: &[DeadLetter]) -> Vec<Document> {
    let mut documents = Vec::new();
    let mut bytes = 0;
    for letter in letters.iter().take(COMMAND_LETTERS) {
        let payload = letter.accepted.event.payload.to_json();
        bytes += payload.len();
        if bytes > COMMAND_BYTES && !documents.is_empty() {
            break;
        }
        documents.push(document(letter, payload));
    }
    documents
}

/// The document of a letter, whose payload as text this is.
pub fn document(letter: &DeadLetter, payload: String) -> Document {
    let Accepted { event, arrival } = &*letter.accepted;
    let mut document = doc! {
        "_id": binary(event.id),
        "userId": &*event.user_id,
        "eventId": &*event.event_id,
        "type": &*event.kind,
    };
    for (name, value) in [
        ("anonymousId", &event.anonymous_id),
        ("sessionId", &event.session_id),
        ("accountId", &event.account_id),
    ] {
        if let Some(value) = value {
            document.insert(name, &**value);
        }
    }
    document.extend(doc! {
        "payload": payload,
        "occurredAt": date(event.occurred_at),
        "receivedAt": date(event.received_at),
        "arrival": arrival.as_i64(),
        "reason": letter.refusal.reason.word(),
        "error": &letter.refusal.error,
        "setAsideAt": date(letter.set_aside_at),
        "triedAt": date(letter.tried_at),
        "tries": i64::from(letter.tries),
    });
    document
}

/// What comes after this place. The first condition is what the index begins
/// with.
fn comes_after(place: LetterPlace) -> Document {
    let at = date(place.set_aside_at);
    doc! {
        "setAsideAt": { "$lte": at },
        "$or": [
            { "setAsideAt": { "$lt": at } },
            { "_id": { "$lt": binary(place.id) } },
        ],
    }
}

fn letter(document: &Document) -> Result<DeadLetter, StoreError> {
    let head = head(document)?;
    let payload = document.get_str("payload").map_err(unreadable)?;
    let payload = Payload::from_kept_json(payload)
        .map_err(|error| unreadable(format!("payload: {error}")))?;
    Ok(head.with_payload(payload))
}

fn head(document: &Document) -> Result<LetterHead, StoreError> {
    let text = |field: &str| document.get_str(field).map(Box::from).map_err(unreadable);
    let optional = |field: &str| document.get_str(field).ok().map(Box::from);
    let time = |field: &str| {
        let date = document.get_datetime(field).map_err(unreadable)?;
        Ok(Timestamp::from_millis_clamped(date.timestamp_millis()))
    };
    Ok(LetterHead {
        id: id_of(document)?,
        user_id: text("userId")?,
        event_id: text("eventId")?,
        kind: text("type")?,
        anonymous_id: optional("anonymousId"),
        session_id: optional("sessionId"),
        account_id: optional("accountId"),
        occurred_at: time("occurredAt")?,
        received_at: time("receivedAt")?,
        arrival: Arrival::from_i64(document.get_i64("arrival").map_err(unreadable)?),
        refusal: Refusal::new(
            Reason::from_word(document.get_str("reason").unwrap_or_default()),
            document.get_str("error").unwrap_or_default(),
        ),
        set_aside_at: time("setAsideAt")?,
        tried_at: time("triedAt")?,
        tries: document
            .get_i64("tries")
            .ok()
            .and_then(|tries| u32::try_from(tries).ok())
            .unwrap_or(1),
    })
}

fn id_of(document: &Document) -> Result<StoreId, StoreError> {
    let bytes = match document.get("_id") {
        Some(Bson::Binary(binary)) => <[u8; 16]>::try_from(&*binary.bytes).ok(),
        _ => None,
    };
    bytes.map(StoreId::from_bytes).ok_or_else(|| unreadable("its _id is no UUID"))
}

fn unreadable(fault: impl ToString) -> StoreError {
    let fault = fault.to_string();
    StoreError::Unreadable(format!("a document in {DEAD_LETTERS}: {fault}"))
}

fn binary(id: StoreId) -> Binary {
    Binary { subtype: BinarySubtype::Uuid, bytes: id.as_bytes().to_vec() }
}

fn date(time: Timestamp) -> bson::DateTime {
    bson::DateTime::from_millis(time.as_millis())
}
