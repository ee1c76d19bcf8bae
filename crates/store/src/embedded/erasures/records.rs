//! The table `erasures`.
//!
//! What is counted and noted is changed within the JSON, so that words of a later version
//! stay.

use std::collections::BTreeMap;

use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension as _, Row, Transaction, params};
use serde::Serialize;
use trailkeep_event::Timestamp;
use uuid::Uuid;

use crate::StoreError;
use crate::embedded::people::tables::from_json;
use crate::erasures::id_json::IdInJson;
use crate::erasures::{ErasedId, Erasure, Place};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, ids, requested_at, verified_at, parts, missing, deleted FROM erasures ",
            $rest
        )
    };
}

pub const EVERY: &str = select!("");

pub const BY_ID: &str = select!("WHERE id = ?1");

const ALL: &str = select!("ORDER BY requested_at, id");

/// Identities are in the order of time.
const NEWEST: &str = select!("ORDER BY id DESC LIMIT ?1");

/// `INDEXED BY` turns a plan without the index into an error.
pub const RUNNING: &str =
    select!("INDEXED BY erasures_running WHERE verified_at IS NULL ORDER BY requested_at, id");

const DONE: &str =
    select!("WHERE verified_at IS NOT NULL AND requested_at >= ?1 ORDER BY requested_at, id");

const ADD: &str = "
    INSERT INTO erasures (id, ids, requested_at, verified_at, parts, missing, deleted)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (id) DO NOTHING";

const COUNT: &str = "
    UPDATE erasures SET deleted = json_set(deleted, ?2, coalesce(json_extract(deleted, ?2), 0) + ?3)
    WHERE id = ?1";

/// The first moment stays.
const END_PART: &str = "UPDATE erasures SET parts = json_insert(parts, ?2, ?3) WHERE id = ?1";

const FORGET_NAMES: &str = "
    UPDATE erasures SET
        ids = (SELECT json_group_array(json_remove(value, '$.id')) FROM json_each(ids))
    WHERE id = ?1";

const END: &str = "
    UPDATE erasures SET
        missing = ?2,
        verified_at = ?3
    WHERE id = ?1 AND verified_at IS NULL";

/// An erasure as its columns are.
pub struct Encoded {
    id: Uuid,
    ids: String,
    requested_at: i64,
    verified_at: Option<i64>,
    parts: String,
    missing: String,
    deleted: String,
}

impl Encoded {
    pub fn of(erasure: &Erasure) -> Result<Self, StoreError> {
        let ids: Vec<IdInJson> = erasure.ids.iter().map(IdInJson::of).collect();
        let parts = erasure.parts.iter().map(|(instance, at)| (*instance, at.as_millis()));
        let deleted = erasure.deleted.iter().map(|(place, number)| (place.word(), *number));
        Ok(Self {
            id: erasure.id,
            ids: to_json(&ids)?,
            requested_at: erasure.requested_at.as_millis(),
            verified_at: erasure.verified_at.map(Timestamp::as_millis),
            parts: to_json(&parts.collect::<BTreeMap<Uuid, i64>>())?,
            missing: to_json(&erasure.missing)?,
            deleted: to_json(&deleted.collect::<BTreeMap<&str, u64>>())?,
        })
    }
}

/// What a column with JSON is to be.
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|fault| StoreError::Unreadable(fault.to_string()))
}

pub fn add(transaction: &Transaction<'_>, erasure: &Encoded) -> rusqlite::Result<()> {
    let row = params![
        erasure.id.as_bytes(),
        erasure.ids,
        erasure.requested_at,
        erasure.verified_at,
        erasure.parts,
        erasure.missing,
        erasure.deleted,
    ];
    transaction.prepare_cached(ADD)?.execute(row).map(|_| ())
}

/// Oldest first.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<Erasure>> {
    connection.prepare(ALL)?.query_map([], erasure)?.collect()
}

pub fn one(connection: &Connection, id: Uuid) -> rusqlite::Result<Option<Erasure>> {
    connection.prepare_cached(BY_ID)?.query_row([id.as_bytes()], erasure).optional()
}

pub fn newest(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<Erasure>> {
    connection.prepare_cached(NEWEST)?.query_map([limit as i64], erasure)?.collect()
}

pub fn running(connection: &Connection) -> rusqlite::Result<Vec<Erasure>> {
    connection.prepare_cached(RUNNING)?.query_map([], erasure)?.collect()
}

pub fn without(
    connection: &Connection,
    instance: Uuid,
    since: Timestamp,
) -> rusqlite::Result<Vec<Erasure>> {
    let mut done = connection.prepare_cached(DONE)?;
    let took_no_part = |found: &rusqlite::Result<Erasure>| {
        found.as_ref().map_or(true, |erasure| !erasure.parts.contains_key(&instance))
    };
    done.query_map([since.as_millis()], erasure)?.filter(took_no_part).collect()
}

pub fn count(
    transaction: &Transaction<'_>,
    id: Uuid,
    place: Place,
    more: u64,
) -> rusqlite::Result<()> {
    let more = i64::try_from(more).unwrap_or(i64::MAX);
    let counted = params![id.as_bytes(), format!("$.{}", place.word()), more];
    transaction.prepare_cached(COUNT)?.execute(counted).map(|_| ())
}

pub fn end_part(
    transaction: &Transaction<'_>,
    id: Uuid,
    instance: Uuid,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let part = params![id.as_bytes(), format!("$.\"{instance}\""), now.as_millis()];
    transaction.prepare_cached(END_PART)?.execute(part).map(|_| ())
}

pub fn forget_names(transaction: &Transaction<'_>, id: Uuid) -> rusqlite::Result<()> {
    transaction.prepare_cached(FORGET_NAMES)?.execute([id.as_bytes()]).map(|_| ())
}

/// `missing` is JSON.
pub fn end(
    transaction: &Transaction<'_>,
    id: Uuid,
    missing: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    forget_names(transaction, id)?;
    let end = params![id.as_bytes(), missing, now.as_millis()];
    transaction.prepare_cached(END)?.execute(end).map(|_| ())
}

pub fn erasure(row: &Row<'_>) -> rusqlite::Result<Erasure> {
    let ids: Vec<IdInJson> = from_json(row, 1)?;
    let verified_at: Option<i64> = row.get(3)?;
    let parts: BTreeMap<Uuid, i64> = from_json(row, 4)?;
    let deleted: BTreeMap<String, u64> = from_json(row, 6)?;
    let place = |(word, number): (String, u64)| Some((Place::from_word(&word)?, number));
    Ok(Erasure {
        id: Uuid::from_bytes(row.get(0)?),
        ids: ids.into_iter().map(id).collect::<rusqlite::Result<_>>()?,
        requested_at: Timestamp::from_millis_clamped(row.get(2)?),
        verified_at: verified_at.map(Timestamp::from_millis_clamped),
        parts: parts
            .into_iter()
            .map(|(instance, at)| (instance, Timestamp::from_millis_clamped(at)))
            .collect(),
        missing: from_json(row, 5)?,
        deleted: deleted.into_iter().filter_map(place).collect(),
    })
}

fn id(json: IdInJson) -> rusqlite::Result<ErasedId> {
    json.into_id().map_err(|fault| Error::FromSqlConversionFailure(1, Type::Text, fault.into()))
}
