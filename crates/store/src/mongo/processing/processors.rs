//! The collection `processors`: who is fed for, and who delivers.
//!
//! A processor is one document, its lease within it: so whoever changes the lease
//! finds it, or finds that the processor is gone.

use std::collections::BTreeMap;

use bson::raw::RawDocument;
use bson::{Bson, Document, RawBsonRef, doc};
use trailkeep_delivery::Process;
use trailkeep_event::{Arrival, Timestamp};

use super::fields::{self, Fields, to_bytes, to_i64, to_moment, to_text, to_unsigned};
use crate::mongo::causal::Call;
use crate::mongo::errors::store_error;
use crate::processing::{Lease, Processor, Wanted, as_signed, hour_of};
use crate::{Outcome, StoreError};

pub const PROCESSORS: &str = "processors";

pub async fn all(call: &mut Call<'_>) -> Result<Vec<Processor>, StoreError> {
    found(call, doc! {}).await
}

async fn found(call: &mut Call<'_>, filter: Document) -> Result<Vec<Processor>, StoreError> {
    let mut found = Vec::new();
    let collection = call.collection(PROCESSORS);
    let find = collection.find(filter).sort(doc! { "_id": 1 });
    let read = call.each(find, |document| {
        found.push(read(document));
        true
    });
    read.await.map_err(|error| store_error(&error))?;
    found.into_iter().collect()
}

pub async fn add(call: &mut Call<'_>, processor: &Processor) -> Result<Processor, StoreError> {
    let document = fields::raw(&document(processor))?;
    if let Some(Outcome::Refused(refusal)) = call.insert(PROCESSORS, vec![document]).await?.pop() {
        return Err(StoreError::Denied(refusal.to_string()));
    }
    let there = found(call, doc! { "_id": &*processor.name }).await?.pop();
    there.ok_or_else(|| {
        StoreError::Unavailable(format!("the processor {} was removed meanwhile", processor.name))
    })
}

pub async fn change_wanted(
    call: &mut Call<'_>,
    name: &str,
    version: i64,
    wanted: &Wanted,
) -> Result<bool, StoreError> {
    let change = doc! { "$set": { "wanted": document_of(wanted) }, "$inc": { "version": 1_i64 } };
    change_one(call, doc! { "_id": name, "version": version }, change).await
}

pub async fn see(call: &mut Call<'_>, name: &str, now: Timestamp) -> Result<(), StoreError> {
    let change = doc! { "$max": { "seenAt": fields::date(hour_of(now)) } };
    change_one(call, doc! { "_id": name }, change).await.map(|_| ())
}

pub async fn remove(call: &mut Call<'_>, name: &str) -> Result<(), StoreError> {
    let collection = call.collection(PROCESSORS);
    let deleted = collection.delete_one(doc! { "_id": name }).session(call.session()).await;
    deleted.map(|_| ()).map_err(|error| store_error(&error))
}

pub async fn replace_lease(
    call: &mut Call<'_>,
    name: &str,
    expected: Option<&Lease>,
    next: &Lease,
) -> Result<bool, StoreError> {
    let mut filter = doc! { "_id": name };
    match expected {
        None => {
            filter.insert("lease", Bson::Null);
        }
        Some(lease) => {
            for (field, value) in document_of_lease(lease) {
                filter.insert(format!("lease.{field}"), value);
            }
        }
    }
    let change = doc! { "$set": { "lease": document_of_lease(next) } };
    change_one(call, filter, change).await
}

/// Whether what the filter wants was there.
async fn change_one(
    call: &mut Call<'_>,
    filter: Document,
    change: Document,
) -> Result<bool, StoreError> {
    let collection = call.collection(PROCESSORS);
    let updated = collection.update_one(filter, change).session(call.session()).await;
    updated.map(|updated| updated.matched_count > 0).map_err(|error| store_error(&error))
}

pub fn document(processor: &Processor) -> Document {
    let mut document = doc! {
        "_id": &*processor.name,
        "secret": fields::bytes(&processor.secret),
        "wanted": document_of(&processor.wanted),
        "version": processor.version,
        "seenAt": fields::date(processor.seen_at),
    };
    if let Some(lease) = &processor.lease {
        document.insert("lease", document_of_lease(lease));
    }
    document
}

/// Types are values and not keys: a type may have a dot or a dollar in it.
fn document_of(wanted: &Wanted) -> Document {
    let types = wanted.types.iter();
    let types: Vec<_> =
        types.map(|(kind, since)| doc! { "type": &**kind, "since": since.as_i64() }).collect();
    doc! { "any": wanted.any.map(Arrival::as_i64), "types": types }
}

fn document_of_lease(lease: &Lease) -> Document {
    doc! {
        "owner": fields::bytes(&lease.owner.0),
        "epoch": as_signed(lease.epoch),
        "beat": as_signed(lease.beat),
    }
}

fn read(document: &RawDocument) -> Result<Processor, StoreError> {
    let fields = Fields::of(document, PROCESSORS);
    let wanted = match fields.within("wanted")? {
        Some(wanted) => read_wanted(wanted)?,
        None => Wanted::default(),
    };
    let lease = fields.within("lease")?.map(|lease| {
        Ok(Lease {
            owner: Process(lease.get("owner", to_bytes)?),
            epoch: lease.get("epoch", to_unsigned)?,
            beat: lease.get("beat", to_unsigned)?,
        })
    });
    Ok(Processor {
        name: fields.get("_id", to_text)?,
        secret: fields.get("secret", to_bytes)?,
        wanted,
        version: fields.get("version", to_i64)?,
        seen_at: fields.get("seenAt", to_moment)?,
        lease: lease.transpose()?,
    })
}

fn read_wanted(wanted: Fields<'_>) -> Result<Wanted, StoreError> {
    let since = |value| to_i64(value).map(Arrival::from_i64);
    let mut types = BTreeMap::new();
    if let Some(array) = wanted.optional("types", RawBsonRef::as_array)? {
        for entry in array {
            let entry = entry.ok().and_then(RawBsonRef::as_document);
            let entry = entry.ok_or_else(|| wanted.unreadable("types", "one is no document"))?;
            let entry = Fields::of(entry, PROCESSORS);
            types.insert(entry.get("type", to_text)?, entry.get("since", since)?);
        }
    }
    Ok(Wanted { any: wanted.optional("any", since)?, types })
}
