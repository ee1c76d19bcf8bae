//! An erasure as a document of `erasures`.

use std::collections::BTreeMap;

use bson::raw::{RawDocument, RawDocumentBuf};
use bson::spec::BinarySubtype;
use bson::{Binary, DateTime, deserialize_from_slice, serialize_to_raw_document_buf};
use serde::{Deserialize, Serialize};
use trailkeep_event::{Arrival, Timestamp};
use uuid::Uuid;

use super::indexes::{ERASURES, RUNNING};
use crate::StoreError;
use crate::erasures::{ErasedId, Erasure, IdHash, Place};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErasureDocument {
    #[serde(rename = "_id")]
    id: bson::Uuid,
    /// By which those that are under way are found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    ids: Vec<IdInDocument>,
    requested_at: DateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verified_at: Option<DateTime>,
    #[serde(default)]
    parts: BTreeMap<String, DateTime>,
    #[serde(default)]
    missing: Vec<bson::Uuid>,
    #[serde(default)]
    deleted: BTreeMap<String, i64>,
}

#[derive(Serialize, Deserialize)]
struct IdInDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Box<str>>,
    hash: Binary,
    until: i64,
}

/// The document of an erasure.
pub fn encode(erasure: &Erasure) -> Result<RawDocumentBuf, StoreError> {
    let id_in_document = |id: &ErasedId| IdInDocument {
        id: id.id.clone(),
        hash: hash(&id.hash),
        until: id.until.as_i64(),
    };
    let deleted = |(place, number): (&Place, &u64)| {
        (place.word().to_owned(), i64::try_from(*number).unwrap_or(i64::MAX))
    };
    let document = ErasureDocument {
        id: bson_uuid(erasure.id),
        state: erasure.verified_at.is_none().then(|| RUNNING.to_owned()),
        ids: erasure.ids.iter().map(id_in_document).collect(),
        requested_at: date(erasure.requested_at),
        verified_at: erasure.verified_at.map(date),
        parts: erasure.parts.iter().map(|(id, at)| (id.to_string(), date(*at))).collect(),
        missing: erasure.missing.iter().copied().map(bson_uuid).collect(),
        deleted: erasure.deleted.iter().map(deleted).collect(),
    };
    serialize_to_raw_document_buf(&document).map_err(|fault| unreadable(&fault.to_string()))
}

/// The erasure that a document is.
pub fn decode(document: &RawDocument) -> Result<Erasure, StoreError> {
    let document: ErasureDocument = deserialize_from_slice(document.as_bytes())
        .map_err(|fault| unreadable(&fault.to_string()))?;
    let part = |(id, at): (String, DateTime)| {
        let id = Uuid::parse_str(&id).map_err(|fault| unreadable(&fault.to_string()))?;
        Ok((id, moment(at)))
    };
    let deleted = |(word, number): (String, i64)| {
        Some((Place::from_word(&word)?, u64::try_from(number).ok()?))
    };
    Ok(Erasure {
        id: Uuid::from_bytes(document.id.bytes()),
        ids: document.ids.into_iter().map(id).collect::<Result<_, _>>()?,
        requested_at: moment(document.requested_at),
        verified_at: document.verified_at.map(moment),
        parts: document.parts.into_iter().map(part).collect::<Result<_, StoreError>>()?,
        missing: document.missing.iter().map(|id| Uuid::from_bytes(id.bytes())).collect(),
        deleted: document.deleted.into_iter().filter_map(deleted).collect(),
    })
}

fn id(document: IdInDocument) -> Result<ErasedId, StoreError> {
    let hash = <[u8; 32]>::try_from(document.hash.bytes);
    let hash = hash.map_err(|_| unreadable("a hash has not 32 bytes"))?;
    Ok(ErasedId { id: document.id, hash: IdHash(hash), until: Arrival::from_i64(document.until) })
}

/// A hash, as all documents have it.
pub fn hash(hash: &IdHash) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: hash.0.to_vec() }
}

pub fn bson_uuid(id: Uuid) -> bson::Uuid {
    bson::Uuid::from_bytes(id.into_bytes())
}

pub fn date(moment: Timestamp) -> DateTime {
    DateTime::from_millis(moment.as_millis())
}

fn moment(date: DateTime) -> Timestamp {
    Timestamp::from_millis_clamped(date.timestamp_millis())
}

fn unreadable(fault: &str) -> StoreError {
    StoreError::Unreadable(format!("a document in {ERASURES}: {fault}"))
}
