//! Outcomes of an id: by the identities of its events, or where these may be gone.

use bson::raw::RawDocument;
use bson::{Document, doc};
use mongodb::options::Hint;
use trailkeep_event::{Arrival, StoreId, Timestamp};

use crate::activity::DAY_MS;
use crate::mongo::causal::Call;
use crate::mongo::errors::store_error;
use crate::mongo::processing::fields::{Fields, to_i64, to_id, to_moment, to_text};
use crate::mongo::processing::outcome_collections;
use crate::mongo::query::any_of;
use crate::mongo::retention;
use crate::{Id, Retention, StoreError};

/// Documents that a command removes: far from what the server takes, and done in a moment.
const AT_ONCE: usize = 1_000;

pub async fn remove(call: &mut Call<'_>, ids: &[StoreId]) -> Result<u64, StoreError> {
    let mut removed = 0;
    for collection in collections(call).await? {
        for ids in ids.chunks(AT_ONCE) {
            removed += call.delete(&collection, any_of(ids)).await?;
        }
    }
    Ok(removed)
}

/// The newest documents are the last ones in a collection: one that takes the place of another
/// was there before, and went with its event.
pub async fn strays(
    call: &mut Call<'_>,
    ids: &[Id],
    since: Timestamp,
    expired: (&Retention, Timestamp),
    limit: usize,
) -> Result<Vec<StoreId>, StoreError> {
    let users: Vec<&str> = ids.iter().map(|id| id.id.as_str()).collect();
    let (retention, at) = (expired.0.of_outcomes(), expired.1.plus_millis(DAY_MS));
    let mut found = Vec::new();
    for collection in collections(call).await? {
        let newest = Way { sort: Some(doc! { "$natural": -1 }), index: None };
        read(call, &collection, doc! {}, newest, |outcome| {
            let is_new = outcome.processed_at.is_none_or(|at| at >= since);
            found.extend(outcome.id.filter(|_| is_new && outcome.is_of(ids)));
            is_new && found.len() < limit
        })
        .await?;
        for (mut old, index) in retention::expired(&retention, at) {
            old.insert("userId", doc! { "$in": &users });
            read(call, &collection, old, Way { sort: None, index }, |outcome| {
                found.extend(outcome.id.filter(|_| outcome.is_of(ids)));
                found.len() < limit
            })
            .await?;
        }
    }
    Ok(found)
}

/// What is read of an outcome. What cannot be read is not one of ours.
struct Found {
    id: Option<StoreId>,
    user: Option<Box<str>>,
    arrival: Option<i64>,
    processed_at: Option<Timestamp>,
}

impl Found {
    fn of(document: &RawDocument, collection: &str) -> Self {
        let fields = Fields::of(document, collection);
        Self {
            id: fields.optional("_id", to_id).ok().flatten(),
            user: fields.optional("userId", to_text).ok().flatten(),
            arrival: fields.optional("arrival", to_i64).ok().flatten(),
            processed_at: fields.optional("processedAt", to_moment).ok().flatten(),
        }
    }

    fn is_of(&self, ids: &[Id]) -> bool {
        let arrival = Arrival::from_i64(self.arrival.unwrap_or(i64::MIN));
        let user = self.user.as_deref();
        user.is_some_and(|user| ids.iter().any(|id| id.holds(user, arrival)))
    }
}

/// How documents are read.
struct Way {
    sort: Option<Document>,
    /// The index.
    index: Option<&'static str>,
}

async fn read(
    call: &mut Call<'_>,
    collection: &str,
    filter: Document,
    way: Way,
    mut take: impl FnMut(&Found) -> bool,
) -> Result<(), StoreError> {
    let outcomes = call.collection(collection);
    let fields = doc! { "userId": 1, "arrival": 1, "processedAt": 1 };
    let mut find = outcomes.find(filter).projection(fields);
    if let Some(sort) = way.sort {
        find = find.sort(sort);
    }
    if let Some(index) = way.index {
        find = find.hint(Hint::Name(index.to_owned()));
    }
    let read = call.each(find, |document| take(&Found::of(document, collection)));
    read.await.map_err(|error| store_error(&error))
}

async fn collections(call: &Call<'_>) -> Result<Vec<String>, StoreError> {
    outcome_collections(call.link()).await.map_err(|error| store_error(&error))
}
