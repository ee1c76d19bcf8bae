//! What is asked of the collection `erasures`.

use bson::{Document, doc};
use trailkeep_event::Timestamp;
use uuid::Uuid;

use super::documents::{bson_uuid, date, decode, encode};
use super::indexes::{ERASURES, RUNNING};
use crate::StoreError;
use crate::erasures::{Erasure, Place};
use crate::mongo::causal::Call;
use crate::mongo::errors::store_error;
use crate::mongo::insert::written;

pub async fn add(call: &mut Call<'_>, erasure: &Erasure) -> Result<(), StoreError> {
    let verdicts = call.insert(ERASURES, vec![encode(erasure)?]).await?;
    written(verdicts, ERASURES).map(drop)
}

pub async fn one(call: &mut Call<'_>, id: Uuid) -> Result<Option<Erasure>, StoreError> {
    Ok(found(call, doc! { "_id": bson_uuid(id) }).await?.pop())
}

/// By the index that has nothing else.
pub async fn running(call: &mut Call<'_>) -> Result<Vec<Erasure>, StoreError> {
    found(call, doc! { "state": RUNNING }).await
}

pub async fn without(
    call: &mut Call<'_>,
    instance: Uuid,
    since: Timestamp,
) -> Result<Vec<Erasure>, StoreError> {
    let wanted = doc! {
        "verifiedAt": { "$exists": true },
        "requestedAt": { "$gte": date(since) },
        part_of(instance): { "$exists": false },
    };
    found(call, wanted).await
}

/// Identities are in the order of time.
pub async fn newest(call: &mut Call<'_>, limit: usize) -> Result<Vec<Erasure>, StoreError> {
    let mut found = Vec::new();
    let erasures = call.collection(ERASURES);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let find = erasures.find(doc! {}).sort(doc! { "_id": -1 }).limit(limit);
    let read = call.each(find, |document| {
        found.push(decode(document));
        true
    });
    read.await.map_err(|error| store_error(&error))?;
    found.into_iter().collect()
}

/// Oldest first.
async fn found(call: &mut Call<'_>, filter: Document) -> Result<Vec<Erasure>, StoreError> {
    let mut found = Vec::new();
    let erasures = call.collection(ERASURES);
    let read = call.each(erasures.find(filter), |document| {
        found.push(decode(document));
        true
    });
    read.await.map_err(|error| store_error(&error))?;
    let mut found = found.into_iter().collect::<Result<Vec<_>, _>>()?;
    found.sort_by_key(|erasure| (erasure.requested_at, erasure.id));
    Ok(found)
}

pub async fn count(
    call: &mut Call<'_>,
    id: Uuid,
    place: Place,
    more: u64,
) -> Result<(), StoreError> {
    let more = i64::try_from(more).unwrap_or(i64::MAX);
    let change = doc! { "$inc": { format!("deleted.{}", place.word()): more } };
    update(call, doc! { "_id": bson_uuid(id) }, change).await
}

/// The first moment stays.
pub async fn end_part(
    call: &mut Call<'_>,
    id: Uuid,
    instance: Uuid,
    now: Timestamp,
) -> Result<(), StoreError> {
    let part = part_of(instance);
    let not_yet = doc! { "_id": bson_uuid(id), &part: { "$exists": false } };
    update(call, not_yet, doc! { "$set": { part: date(now) } }).await
}

pub async fn forget_names(call: &mut Call<'_>, id: Uuid) -> Result<(), StoreError> {
    let change = doc! { "$unset": { "ids.$[].id": "" } };
    update(call, doc! { "_id": bson_uuid(id) }, change).await
}

pub async fn end(
    call: &mut Call<'_>,
    id: Uuid,
    missing: &[Uuid],
    now: Timestamp,
) -> Result<(), StoreError> {
    let missing: Vec<_> = missing.iter().copied().map(bson_uuid).collect();
    let change = doc! {
        "$set": { "verifiedAt": date(now), "missing": missing },
        "$unset": { "state": "", "ids.$[].id": "" },
    };
    update(call, doc! { "_id": bson_uuid(id), "state": RUNNING }, change).await
}

async fn update(call: &mut Call<'_>, filter: Document, change: Document) -> Result<(), StoreError> {
    let erasures = call.collection(ERASURES);
    let updated = erasures.update_one(filter, change).session(call.session()).await;
    updated.map(|_| ()).map_err(|error| store_error(&error))
}

fn part_of(instance: Uuid) -> String {
    format!("parts.{instance}")
}
