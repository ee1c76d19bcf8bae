//! The collection `instances`: data folders whose journals may hold accepted events.

use bson::{Document, RawDocumentBuf, doc};
use trailkeep_event::Timestamp;
use uuid::Uuid;

use super::documents::{bson_uuid, date};
use super::indexes::INSTANCES;
use crate::StoreError;
use crate::erasures::Instance;
use crate::mongo::causal::Call;
use crate::mongo::errors::store_error;
use crate::mongo::processing::fields::{Fields, to_bytes, to_moment};

/// Two that make the document at once do not collide: of an upsert that asks for one
/// `_id` alone, the server tries again by itself.
pub async fn see(
    call: &mut Call<'_>,
    id: Uuid,
    since: Timestamp,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let change = doc! { "$setOnInsert": { "since": date(since) }, "$max": { "seen": date(now) } };
    let instances = call.collection(INSTANCES).clone_with_type::<RawDocumentBuf>();
    let by_id = doc! { "_id": bson_uuid(id) };
    let seen = instances.find_one_and_update(by_id, change).upsert(true).session(call.session());
    let before = seen.await.map_err(|error| store_error(&error))?;
    let before = before.map(|document| instance(Fields::of(&document, INSTANCES))).transpose()?;
    Ok(before.map(|before| before.seen))
}

pub async fn all(call: &mut Call<'_>) -> Result<Vec<Instance>, StoreError> {
    let mut found = Vec::new();
    let instances = call.collection(INSTANCES);
    let read = call.each(instances.find(doc! {}).sort(doc! { "_id": 1 }), |document| {
        found.push(instance(Fields::of(document, INSTANCES)));
        true
    });
    read.await.map_err(|error| store_error(&error))?;
    found.into_iter().collect()
}

pub fn document(instance: &Instance) -> Document {
    let (since, seen) = (date(instance.since), date(instance.seen));
    doc! { "_id": bson_uuid(instance.id), "since": since, "seen": seen }
}

fn instance(fields: Fields<'_>) -> Result<Instance, StoreError> {
    Ok(Instance {
        id: Uuid::from_bytes(fields.get("_id", to_bytes)?),
        since: fields.get("since", to_moment)?,
        seen: fields.get("seen", to_moment)?,
    })
}

pub async fn lose(call: &mut Call<'_>, id: Uuid) -> Result<bool, StoreError> {
    let change = doc! { "$set": { "seen": date(Timestamp::from_millis_clamped(0)) } };
    let instances = call.collection(INSTANCES);
    let by_id = doc! { "_id": bson_uuid(id) };
    let lost = instances.update_one(by_id, change).session(call.session()).await;
    lost.map(|lost| lost.matched_count > 0).map_err(|error| store_error(&error))
}
