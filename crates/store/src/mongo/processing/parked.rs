//! The collections `parked.NAME`: users whose pending events are in `events` alone.
//!
//! Each change is one operation that names what it expects, so that one which arrives
//! late changes nothing.

use bson::raw::RawDocument;
use bson::{Bson, Document, doc};
use trailkeep_delivery::{ParkRecord, UserKey};
use trailkeep_event::{Arrival, StoreId};

use super::fields::{self, Fields, to_bytes, to_i64, to_id, to_text, to_unsigned};
use crate::StoreError;
use crate::mongo::causal::Call;
use crate::mongo::errors::{is_duplicate, store_error};
use crate::processing::{Parked, as_signed};

/// What the collections begin with.
pub const PARKED: &str = "parked.";

/// The collection of a processor.
pub fn parked_of(name: &str) -> String {
    format!("{PARKED}{name}")
}

pub async fn all(call: &mut Call<'_>, name: &str) -> Result<Vec<Parked>, StoreError> {
    let collection = parked_of(name);
    let parked = call.collection(&collection);
    let mut found = Vec::new();
    let read = call.each(parked.find(doc! {}).sort(doc! { "_id": 1 }), |document| {
        found.push(read(document, &collection));
        true
    });
    read.await.map_err(|error| store_error(&error))?;
    found.into_iter().collect()
}

pub async fn stamp(call: &mut Call<'_>, name: &str, epoch: u64) -> Result<(), StoreError> {
    let epoch = as_signed(epoch);
    let parked = call.collection(&parked_of(name));
    let updated = parked
        .update_many(
            doc! { "epoch": { "$lt": epoch } },
            doc! { "$set": { "epoch": epoch, "change": 0_i64 } },
        )
        .session(call.session())
        .await;
    updated.map(|_| ()).map_err(|error| store_error(&error))
}

/// A record of a higher epoch does not match, so that the server would make another
/// one, and the `_id` keeps it from that. The same comes about where two make the first
/// record at once: the one that comes second finds it the second time.
pub async fn park(call: &mut Call<'_>, name: &str, user: &Parked) -> Result<bool, StoreError> {
    let record = &user.record;
    let filter = doc! {
        "_id": fields::bytes(&record.user.0),
        "epoch": { "$lte": as_signed(record.epoch) },
    };
    let mut change = holding(
        record.held,
        doc! {
            "userId": &*user.user_id,
            "epoch": as_signed(record.epoch),
            "change": as_signed(record.change),
        },
    );
    change.insert("$min", doc! { "from": record.from.as_i64() });
    let parked = call.collection(&parked_of(name));
    for _ in 0..2 {
        let made = parked
            .update_one(filter.clone(), change.clone())
            .upsert(true)
            .session(call.session())
            .await;
        match made {
            Ok(_) => return Ok(true),
            Err(error) if is_duplicate(&error) => {}
            Err(error) => return Err(store_error(&error)),
        }
    }
    Ok(false)
}

pub async fn change(
    call: &mut Call<'_>,
    name: &str,
    expected: &ParkRecord,
    next: &ParkRecord,
) -> Result<bool, StoreError> {
    let change = holding(
        next.held,
        doc! {
            "from": next.from.as_i64(),
            "epoch": as_signed(next.epoch),
            "change": as_signed(next.change),
        },
    );
    let parked = call.collection(&parked_of(name));
    let updated = parked.update_one(exactly(expected), change).session(call.session()).await;
    updated.map(|updated| updated.matched_count > 0).map_err(|error| store_error(&error))
}

pub async fn remove(
    call: &mut Call<'_>,
    name: &str,
    record: &ParkRecord,
) -> Result<bool, StoreError> {
    let parked = call.collection(&parked_of(name));
    let deleted = parked.delete_one(exactly(record)).session(call.session()).await;
    deleted.map(|deleted| deleted.deleted_count > 0).map_err(|error| store_error(&error))
}

pub async fn drop_all(call: &mut Call<'_>, name: &str) -> Result<(), StoreError> {
    let parked = call.collection(&parked_of(name));
    parked.drop().session(call.session()).await.map_err(|error| store_error(&error))
}

pub fn document(user: &Parked) -> Document {
    let ParkRecord { user: key, from, epoch, change, held } = &user.record;
    let mut document = doc! {
        "_id": fields::bytes(&key.0),
        "userId": &*user.user_id,
        "from": from.as_i64(),
        "epoch": as_signed(*epoch),
        "change": as_signed(*change),
    };
    if let Some(held) = held {
        document.insert("held", fields::id(held));
    }
    document
}

/// Sets these fields, and `held` where there is one; else that goes.
fn holding(held: Option<StoreId>, mut set: Document) -> Document {
    match held {
        Some(held) => {
            set.insert("held", fields::id(&held));
            doc! { "$set": set }
        }
        None => doc! { "$set": set, "$unset": { "held": "" } },
    }
}

/// Where nothing is held, the field is missing, which null matches.
fn exactly(record: &ParkRecord) -> Document {
    doc! {
        "_id": fields::bytes(&record.user.0),
        "from": record.from.as_i64(),
        "epoch": as_signed(record.epoch),
        "change": as_signed(record.change),
        "held": record.held.map_or(Bson::Null, |held| fields::id(&held).into()),
    }
}

fn read(document: &RawDocument, collection: &str) -> Result<Parked, StoreError> {
    let fields = Fields::of(document, collection);
    Ok(Parked {
        record: ParkRecord {
            user: UserKey(fields.get("_id", to_bytes)?),
            from: Arrival::from_i64(fields.get("from", to_i64)?),
            epoch: fields.get("epoch", to_unsigned)?,
            change: fields.get("change", to_unsigned)?,
            held: fields.optional("held", to_id)?,
        },
        user_id: fields.get("userId", to_text)?,
    })
}
