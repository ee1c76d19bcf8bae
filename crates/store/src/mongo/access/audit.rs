//! What is asked of the audit trail.

use std::time::Duration;

use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::Collection;
use mongodb::options::Hint;
use trailkeep_event::Timestamp;

use super::collections::{AUDIT, collection};
use super::documents::{self, AuditDocument};
use super::indexes::ADDRESSES;
use crate::access::{AuditEntry, AuditRange};
use crate::mongo::connection::Link;
use crate::mongo::errors::store_error;
use crate::mongo::insert::insert_documents;
use crate::{Outcome, StoreError};

/// Entries in one command: far from what the server takes, whatever is in them.
const COMMAND_ENTRIES: usize = 1_000;

fn trail(link: &Link) -> Collection<AuditDocument> {
    collection(link, AUDIT)
}

/// As with events, the command is ours: the driver's would not tell entries
/// that the server never came to. Entries that are there already are fine, so
/// the same ones may be sent again.
pub async fn record(link: &Link, entries: &[AuditEntry]) -> Result<(), StoreError> {
    for entries in entries.chunks(COMMAND_ENTRIES) {
        let documents = entries
            .iter()
            .map(|entry| bson::serialize_to_document(&AuditDocument::from(entry)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| StoreError::Unreadable(error.to_string()))?;
        insert_documents(link, AUDIT, documents).await?.into_iter().try_for_each(written)?;
    }
    Ok(())
}

fn written(outcome: Outcome) -> Result<(), StoreError> {
    match outcome {
        Outcome::Stored | Outcome::Duplicate => Ok(()),
        Outcome::Refused(refusal) => Err(StoreError::Denied(refusal.to_string())),
        Outcome::Retry | Outcome::Erased => Err(StoreError::Unavailable(
            "the database did not take an audit entry this time".to_owned(),
        )),
    }
}

/// The server works on it for at most `timeout`: entries of one actor that
/// have one subject are looked for among all of that actor or that subject.
pub async fn page(
    link: &Link,
    range: &AuditRange,
    limit: usize,
    timeout: Duration,
) -> Result<Vec<AuditEntry>, StoreError> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    trail(link)
        .find(filter(range))
        .sort(doc! { "_id": -1 })
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .max_time(timeout)
        .await
        .map_err(|error| store_error(&error))?
        .map_ok(AuditEntry::from)
        .try_collect()
        .await
        .map_err(|error| store_error(&error))
}

fn filter(range: &AuditRange) -> Document {
    let mut filter = Document::new();
    if let Some(before) = range.before {
        filter.insert("_id", doc! { "$lt": documents::uuid(before) });
    }
    if let Some(actor) = &range.actor {
        filter.insert("actor", actor);
    }
    if let Some(subject) = &range.subject {
        filter.insert("subject", subject);
    }
    filter
}

pub async fn forget_before(link: &Link, since: Timestamp) -> Result<(), StoreError> {
    trail(link)
        .delete_many(doc! { "at": { "$lt": documents::date(since) } })
        .await
        .map(|_| ())
        .map_err(|error| store_error(&error))
}

/// By an index of the entries that have one.
pub async fn forget_addresses_before(link: &Link, since: Timestamp) -> Result<(), StoreError> {
    let aged = doc! { "client": { "$exists": true }, "at": { "$lt": documents::date(since) } };
    trail(link)
        .update_many(aged, doc! { "$unset": { "client": "" } })
        .hint(Hint::Name(ADDRESSES.to_owned()))
        .await
        .map(|_| ())
        .map_err(|error| store_error(&error))
}
