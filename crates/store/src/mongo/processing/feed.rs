//! The collections `feed.NAME`: what is pending, as it was fed.
//!
//! A document's `_id` is the process and then the number, so that a range of `_id` has
//! a process's documents in order, and the entries are one value, which the server need
//! not look into.

use bson::raw::RawDocument;
use bson::{Document, RawBsonRef, doc};
use trailkeep_delivery::{DocumentId, Process};

use super::fields::{self, Fields, batch_of, to_bytes};
use crate::mongo::causal::Call;
use crate::mongo::errors::store_error;
use crate::processing::FeedDocument;
use crate::{Outcome, StoreError};

/// What the collections begin with.
pub const FEED: &str = "feed.";

/// The collection of a processor.
pub fn feed_of(name: &str) -> String {
    format!("{FEED}{name}")
}

/// The server waits until a majority has it also where it is there already.
pub async fn append(
    call: &mut Call<'_>,
    name: &str,
    document: &FeedDocument,
) -> Result<(), StoreError> {
    let document = fields::raw(&self::document(document))?;
    match call.insert(&feed_of(name), vec![document]).await?.pop() {
        Some(Outcome::Stored | Outcome::Duplicate) => Ok(()),
        Some(Outcome::Refused(refusal)) => Err(StoreError::Denied(refusal.to_string())),
        Some(Outcome::Retry | Outcome::Erased) | None => {
            Err(StoreError::Unavailable("a feed was not written this time".to_owned()))
        }
    }
}

/// Skips from each process to the next one: what is between is not read.
pub async fn feeding(call: &mut Call<'_>, name: &str) -> Result<Vec<DocumentId>, StoreError> {
    let collection = feed_of(name);
    let feed = call.collection(&collection);
    let mut lowest: Vec<DocumentId> = Vec::new();
    loop {
        let behind = lowest.last().map(|last| DocumentId { number: u64::MAX, ..*last });
        let filter = behind.map(|behind| doc! { "_id": { "$gt": fields::bytes(&key(behind)) } });
        let find = feed
            .find(filter.unwrap_or_default())
            .sort(doc! { "_id": 1 })
            .projection(doc! { "_id": 1 })
            .limit(1);
        let mut next = None;
        let read = call.each(find, |document| {
            next = Some(read_id(Fields::of(document, &collection)));
            true
        });
        read.await.map_err(|error| store_error(&error))?;
        match next.transpose()? {
            Some(id) => lowest.push(id),
            None => return Ok(lowest),
        }
    }
}

pub async fn documents(
    call: &mut Call<'_>,
    name: &str,
    from: DocumentId,
    limit: usize,
) -> Result<Vec<FeedDocument>, StoreError> {
    let collection = feed_of(name);
    let last = DocumentId { number: u64::MAX, ..from };
    let range = doc! { "$gte": fields::bytes(&key(from)), "$lte": fields::bytes(&key(last)) };
    let feed = call.collection(&collection);
    let find = feed
        .find(doc! { "_id": range })
        .sort(doc! { "_id": 1 })
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .batch_size(batch_of(limit));
    let mut documents = Vec::new();
    let read = call.each(find, |document| {
        documents.push(read(document, &collection));
        true
    });
    read.await.map_err(|error| store_error(&error))?;
    documents.into_iter().collect()
}

/// What the server knows without counting; after a crash of it, about.
pub async fn size(call: &Call<'_>, name: &str) -> Result<u64, StoreError> {
    let size = call.collection(&feed_of(name)).estimated_document_count().await;
    size.map_err(|error| store_error(&error))
}

/// In the place of the document with its id, if that is there.
pub async fn replace(
    call: &mut Call<'_>,
    name: &str,
    document: &FeedDocument,
) -> Result<(), StoreError> {
    let change = doc! { "$set": { "entries": fields::bytes(&document.entries) } };
    let feed = call.collection(&feed_of(name));
    let by_id = doc! { "_id": fields::bytes(&key(document.id)) };
    let updated = feed.update_one(by_id, change).session(call.session()).await;
    updated.map(|_| ()).map_err(|error| store_error(&error))
}

pub async fn remove(call: &mut Call<'_>, name: &str, ids: &[DocumentId]) -> Result<(), StoreError> {
    let ids: Vec<_> = ids.iter().map(|id| fields::bytes(&key(*id))).collect();
    let feed = call.collection(&feed_of(name));
    let deleted = feed.delete_many(doc! { "_id": { "$in": ids } }).session(call.session()).await;
    deleted.map(|_| ()).map_err(|error| store_error(&error))
}

pub async fn drop_all(call: &mut Call<'_>, name: &str) -> Result<(), StoreError> {
    let feed = call.collection(&feed_of(name));
    feed.drop().session(call.session()).await.map_err(|error| store_error(&error))
}

pub fn document(document: &FeedDocument) -> Document {
    doc! {
        "_id": fields::bytes(&key(document.id)),
        "entries": fields::bytes(&document.entries),
    }
}

/// In the order of `_id`, the documents of a process are in that of their numbers.
fn key(id: DocumentId) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&id.process.0);
    key[8..].copy_from_slice(&id.number.to_be_bytes());
    key
}

fn read(document: &RawDocument, collection: &str) -> Result<FeedDocument, StoreError> {
    let fields = Fields::of(document, collection);
    let entries = fields.get("entries", RawBsonRef::as_binary)?;
    Ok(FeedDocument { id: read_id(fields)?, entries: entries.bytes.to_vec() })
}

fn read_id(fields: Fields<'_>) -> Result<DocumentId, StoreError> {
    let key = u128::from_be_bytes(fields.get("_id", to_bytes)?);
    #[allow(clippy::cast_possible_truncation)] // the two halves of it
    let (process, number) = ((key >> 64) as u64, key as u64);
    Ok(DocumentId { process: Process(process.to_be_bytes()), number })
}
