//! The table `processor_states`.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use trailkeep_event::Timestamp;

const PUBLISH: &str = "
    INSERT INTO processor_states (processor, at, state) VALUES (?1, ?2, ?3)
    ON CONFLICT (processor) DO UPDATE SET at = excluded.at, state = excluded.state";

pub const EVERY: &str = "SELECT at, state, processor FROM processor_states";

pub const PUBLISHED: &str = "SELECT at, state FROM processor_states WHERE processor = ?1";

const REMOVE: &str = "DELETE FROM processor_states WHERE processor = ?1";

pub fn publish(
    transaction: &Transaction<'_>,
    name: &str,
    at: Timestamp,
    state: &str,
) -> rusqlite::Result<()> {
    let published = params![name, at.as_millis(), state];
    transaction.prepare_cached(PUBLISH)?.execute(published).map(|_| ())
}

pub fn published(
    connection: &Connection,
    name: &str,
) -> rusqlite::Result<Option<(Timestamp, Box<str>)>> {
    let mut published = connection.prepare_cached(PUBLISHED)?;
    published.query_row([name], state).optional()
}

pub fn state(row: &Row<'_>) -> rusqlite::Result<(Timestamp, Box<str>)> {
    Ok((Timestamp::from_millis_clamped(row.get(0)?), row.get(1)?))
}

pub fn remove(transaction: &Transaction<'_>, name: &str) -> rusqlite::Result<()> {
    transaction.prepare_cached(REMOVE)?.execute([name]).map(|_| ())
}
