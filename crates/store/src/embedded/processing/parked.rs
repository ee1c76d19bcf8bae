//! The table `parked`.

use rusqlite::{Connection, Row, Transaction, params};
use trailkeep_delivery::{ParkRecord, UserKey};
use trailkeep_event::{Arrival, StoreId};

use super::columns::count;
use crate::processing::{Parked, as_signed};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT user_key, user_id, from_arrival, epoch, change, held, processor FROM parked ",
            $rest
        )
    };
}

pub const EVERY: &str = select!("");

const ALL: &str = select!("WHERE processor = ?1 ORDER BY user_key");

const STAMP: &str = "
    UPDATE parked SET epoch = ?2, change = 0 WHERE processor = ?1 AND epoch < ?2";

const PARK: &str = "
    INSERT INTO parked (processor, user_key, user_id, from_arrival, epoch, change, held)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
    ON CONFLICT (processor, user_key) DO UPDATE SET
        user_id = excluded.user_id,
        from_arrival = min(from_arrival, excluded.from_arrival),
        epoch = excluded.epoch,
        change = excluded.change,
        held = excluded.held
    WHERE epoch <= excluded.epoch";

/// `IS`, for what is missing is to be compared as well.
pub const CHANGE: &str = "
    UPDATE parked SET from_arrival = ?7, epoch = ?8, change = ?9, held = ?10
    WHERE processor = ?1 AND user_key = ?2 AND from_arrival = ?3 AND epoch = ?4 AND change = ?5
      AND held IS ?6";

const REMOVE: &str = "
    DELETE FROM parked
    WHERE processor = ?1 AND user_key = ?2 AND from_arrival = ?3 AND epoch = ?4 AND change = ?5
      AND held IS ?6";

const REMOVE_ALL: &str = "DELETE FROM parked WHERE processor = ?1";

pub fn all(connection: &Connection, name: &str) -> rusqlite::Result<Vec<Parked>> {
    let mut all = connection.prepare_cached(ALL)?;
    all.query_map([name], parked)?.collect()
}

pub fn parked(row: &Row<'_>) -> rusqlite::Result<Parked> {
    Ok(Parked {
        record: ParkRecord {
            user: UserKey(row.get(0)?),
            from: Arrival::from_i64(row.get(2)?),
            epoch: count(row, 3)?,
            change: count(row, 4)?,
            held: row.get::<_, Option<[u8; 16]>>(5)?.map(StoreId::from_bytes),
        },
        user_id: row.get(1)?,
    })
}

pub fn stamp(transaction: &Transaction<'_>, name: &str, epoch: u64) -> rusqlite::Result<()> {
    transaction.prepare_cached(STAMP)?.execute(params![name, as_signed(epoch)]).map(|_| ())
}

pub fn park(transaction: &Transaction<'_>, name: &str, parked: &Parked) -> rusqlite::Result<bool> {
    let record = &parked.record;
    let row = params![
        name,
        record.user.0,
        parked.user_id,
        record.from.as_i64(),
        as_signed(record.epoch),
        as_signed(record.change),
        record.held.as_ref().map(StoreId::as_bytes),
    ];
    Ok(transaction.prepare_cached(PARK)?.execute(row)? > 0)
}

pub fn change(
    transaction: &Transaction<'_>,
    name: &str,
    expected: &ParkRecord,
    next: &ParkRecord,
) -> rusqlite::Result<bool> {
    let change = params![
        name,
        expected.user.0,
        expected.from.as_i64(),
        as_signed(expected.epoch),
        as_signed(expected.change),
        expected.held.as_ref().map(StoreId::as_bytes),
        next.from.as_i64(),
        as_signed(next.epoch),
        as_signed(next.change),
        next.held.as_ref().map(StoreId::as_bytes),
    ];
    Ok(transaction.prepare_cached(CHANGE)?.execute(change)? > 0)
}

pub fn remove(
    transaction: &Transaction<'_>,
    name: &str,
    record: &ParkRecord,
) -> rusqlite::Result<bool> {
    let exactly = params![
        name,
        record.user.0,
        record.from.as_i64(),
        as_signed(record.epoch),
        as_signed(record.change),
        record.held.as_ref().map(StoreId::as_bytes),
    ];
    Ok(transaction.prepare_cached(REMOVE)?.execute(exactly)? > 0)
}

pub fn remove_all(transaction: &Transaction<'_>, name: &str) -> rusqlite::Result<()> {
    transaction.prepare_cached(REMOVE_ALL)?.execute([name]).map(|_| ())
}
