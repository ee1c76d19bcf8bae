//! The table `processors`.

use std::collections::BTreeMap;

use rusqlite::types::Type;
use rusqlite::{Connection, Error, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use trailkeep_delivery::Process;
use trailkeep_event::{Arrival, Timestamp};

use super::columns::count;
use crate::processing::{Lease, Processor, Wanted, as_signed, hour_of};

macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT name, secret, wanted, version, seen_at, lease_owner, lease_epoch, lease_beat
             FROM processors ",
            $condition
        )
    };
}

pub const EVERY: &str = select!("");

const ALL: &str = select!("ORDER BY name");

const BY_NAME: &str = select!("WHERE name = ?1");

const ADD: &str = "
    INSERT INTO processors (name, secret, wanted, version, seen_at,
                            lease_owner, lease_epoch, lease_beat)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT (name) DO NOTHING";

const CHANGE_WANTED: &str = "
    UPDATE processors SET wanted = ?3, version = version + 1 WHERE name = ?1 AND version = ?2";

const SEE: &str = "UPDATE processors SET seen_at = ?2 WHERE name = ?1 AND seen_at < ?2";

const REMOVE: &str = "DELETE FROM processors WHERE name = ?1";

/// `IS`, for what is missing is to be compared as well.
const REPLACE_LEASE: &str = "
    UPDATE processors SET lease_owner = ?5, lease_epoch = ?6, lease_beat = ?7
    WHERE name = ?1 AND lease_owner IS ?2 AND lease_epoch IS ?3 AND lease_beat IS ?4";

pub fn all(connection: &Connection) -> rusqlite::Result<Vec<Processor>> {
    connection.prepare_cached(ALL)?.query_map([], processor)?.collect()
}

pub fn add(transaction: &Transaction<'_>, added: &Processor) -> rusqlite::Result<Processor> {
    let (owner, epoch, beat) = columns_of(added.lease);
    transaction.prepare_cached(ADD)?.execute(params![
        added.name,
        added.secret,
        json_of(&added.wanted)?,
        added.version,
        added.seen_at.as_millis(),
        owner,
        epoch,
        beat,
    ])?;
    transaction.prepare_cached(BY_NAME)?.query_row([&added.name], processor)
}

pub fn change_wanted(
    transaction: &Transaction<'_>,
    name: &str,
    version: i64,
    wanted: &Wanted,
) -> rusqlite::Result<bool> {
    let change = params![name, version, json_of(wanted)?];
    Ok(transaction.prepare_cached(CHANGE_WANTED)?.execute(change)? > 0)
}

pub fn see(transaction: &Transaction<'_>, name: &str, now: Timestamp) -> rusqlite::Result<()> {
    let seen = params![name, hour_of(now).as_millis()];
    transaction.prepare_cached(SEE)?.execute(seen).map(|_| ())
}

pub fn remove(transaction: &Transaction<'_>, name: &str) -> rusqlite::Result<()> {
    transaction.prepare_cached(REMOVE)?.execute([name]).map(|_| ())
}

pub fn replace_lease(
    transaction: &Transaction<'_>,
    name: &str,
    expected: Option<Lease>,
    next: Lease,
) -> rusqlite::Result<bool> {
    let (owner, epoch, beat) = columns_of(expected);
    let (next_owner, next_epoch, next_beat) = columns_of(Some(next));
    let change = params![name, owner, epoch, beat, next_owner, next_epoch, next_beat];
    Ok(transaction.prepare_cached(REPLACE_LEASE)?.execute(change)? > 0)
}

fn columns_of(lease: Option<Lease>) -> (Option<[u8; 8]>, Option<i64>, Option<i64>) {
    (
        lease.map(|lease| lease.owner.0),
        lease.map(|lease| as_signed(lease.epoch)),
        lease.map(|lease| as_signed(lease.beat)),
    )
}

/// What is wanted, as the column has it.
#[derive(Serialize, Deserialize)]
struct WantedColumn {
    any: Option<i64>,
    types: BTreeMap<Box<str>, i64>,
}

fn json_of(wanted: &Wanted) -> rusqlite::Result<String> {
    let types = wanted.types.iter();
    let column = WantedColumn {
        any: wanted.any.map(Arrival::as_i64),
        types: types.map(|(kind, since)| (kind.clone(), since.as_i64())).collect(),
    };
    serde_json::to_string(&column).map_err(|error| Error::ToSqlConversionFailure(error.into()))
}

pub fn processor(row: &Row<'_>) -> rusqlite::Result<Processor> {
    const WANTED: usize = 2;
    let wanted: Box<str> = row.get(WANTED)?;
    let wanted: WantedColumn = serde_json::from_str(&wanted)
        .map_err(|error| Error::FromSqlConversionFailure(WANTED, Type::Text, error.into()))?;
    let types = wanted.types.into_iter();
    Ok(Processor {
        name: row.get(0)?,
        secret: row.get(1)?,
        wanted: Wanted {
            any: wanted.any.map(Arrival::from_i64),
            types: types.map(|(kind, since)| (kind, Arrival::from_i64(since))).collect(),
        },
        version: row.get(3)?,
        seen_at: Timestamp::from_millis_clamped(row.get(4)?),
        lease: lease(row)?,
    })
}

fn lease(row: &Row<'_>) -> rusqlite::Result<Option<Lease>> {
    let Some(owner) = row.get::<_, Option<[u8; 8]>>(5)? else { return Ok(None) };
    Ok(Some(Lease { owner: Process(owner), epoch: count(row, 6)?, beat: count(row, 7)? }))
}
