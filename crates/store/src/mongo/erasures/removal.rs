//! How documents of an id go, from whatever collection.

use bson::raw::RawBson;
use bson::{Bson, Document, doc};
use trailkeep_event::StoreId;

use super::foreign::ForeignIds;
use crate::StoreError;
use crate::mongo::access::collections::AUDIT;
use crate::mongo::causal::Call;
use crate::mongo::connection::EVENTS;
use crate::mongo::errors::store_error;
use crate::mongo::processing::fields::batch_of;
use crate::mongo::query::any_of;

/// Documents that a command removes or changes: far from what the server takes, and done in
/// a moment.
const AT_ONCE: usize = 1_000;

/// By their `_id`, of whatever type.
pub async fn events(
    call: &mut Call<'_>,
    foreign: &ForeignIds,
    ids: &[StoreId],
) -> Result<u64, StoreError> {
    let (theirs, ours) = foreign.part(ids);
    let mut removed = 0;
    for ids in ours.chunks(AT_ONCE) {
        removed += call.delete(EVENTS, any_of(ids)).await?;
    }
    for ids in theirs.chunks(AT_ONCE) {
        removed += call.delete(EVENTS, doc! { "_id": { "$in": bson(ids)? } }).await?;
    }
    foreign.forget(ids);
    Ok(removed)
}

/// By the index of subjects, in steps.
pub async fn rename_subject(
    call: &mut Call<'_>,
    subject: &str,
    becomes: &str,
) -> Result<u64, StoreError> {
    let mut renamed = 0;
    loop {
        let found = ids(call, AUDIT, doc! { "subject": subject }, AT_ONCE as u64).await?;
        if found.is_empty() {
            return Ok(renamed);
        }
        let them = doc! { "_id": { "$in": found }, "subject": subject };
        let change = doc! { "$set": { "subject": becomes } };
        let trail = call.collection(AUDIT);
        let updated = trail.update_many(them, change).session(call.session()).await;
        renamed += updated.map_err(|error| store_error(&error))?.modified_count;
    }
}

/// The `_id` of so many documents.
async fn ids(
    call: &mut Call<'_>,
    collection: &str,
    filter: Document,
    limit: u64,
) -> Result<Vec<Bson>, StoreError> {
    let documents = call.collection(collection);
    let find = documents
        .find(filter)
        .projection(doc! { "_id": 1 })
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .batch_size(batch_of(usize::try_from(limit).unwrap_or(usize::MAX)));
    let mut found = Vec::new();
    let read = call.each(find, |document| {
        found.extend(document.get("_id").ok().flatten().map(RawBson::from));
        true
    });
    read.await.map_err(|error| store_error(&error))?;
    bson(&found)
}

fn bson(values: &[RawBson]) -> Result<Vec<Bson>, StoreError> {
    let values = values.iter().cloned().map(Bson::try_from).collect::<Result<_, _>>();
    values.map_err(|fault| StoreError::Unreadable(format!("an _id: {fault}")))
}
