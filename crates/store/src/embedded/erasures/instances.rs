//! The table `instances`.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use trailkeep_event::Timestamp;
use uuid::Uuid;

use crate::erasures::Instance;

const SEE: &str = "
    INSERT INTO instances (id, since, seen) VALUES (?1, ?2, ?3)
    ON CONFLICT (id) DO UPDATE SET seen = excluded.seen WHERE seen < excluded.seen";

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, since, seen FROM instances ", $rest)
    };
}

pub const EVERY: &str = select!("");

const ALL: &str = select!("ORDER BY id");

const ONE: &str = select!("WHERE id = ?1");

const LOSE: &str = "UPDATE instances SET seen = 0 WHERE id = ?1";

pub fn see(
    transaction: &Transaction<'_>,
    id: Uuid,
    since: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<Option<Timestamp>> {
    let mut by_id = transaction.prepare_cached(ONE)?;
    let before = by_id.query_row([id.as_bytes()], instance).optional()?;
    let seen = params![id.as_bytes(), since.as_millis(), now.as_millis()];
    transaction.prepare_cached(SEE)?.execute(seen)?;
    Ok(before.map(|before| before.seen))
}

pub fn all(connection: &Connection) -> rusqlite::Result<Vec<Instance>> {
    let mut all = connection.prepare_cached(ALL)?;
    all.query_map([], instance)?.collect()
}

pub fn instance(row: &Row<'_>) -> rusqlite::Result<Instance> {
    Ok(Instance {
        id: Uuid::from_bytes(row.get(0)?),
        since: Timestamp::from_millis_clamped(row.get(1)?),
        seen: Timestamp::from_millis_clamped(row.get(2)?),
    })
}

pub fn lose(transaction: &Transaction<'_>, id: Uuid) -> rusqlite::Result<bool> {
    Ok(transaction.prepare_cached(LOSE)?.execute([id.as_bytes()])? > 0)
}
