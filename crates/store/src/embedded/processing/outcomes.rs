//! The table `processed_events`.

use std::collections::HashMap;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, Type, ValueRef};
use rusqlite::{Connection, Error, OptionalExtension as _, Row, Transaction, params};
use trailkeep_event::{Arrival, Payload, StoreId, Timestamp};

use super::columns::count;
use crate::Outcome;
use crate::embedded::fault;
use crate::processing::{Processed, ProcessedEvent, ProcessedState, as_signed};

pub const STATE: &str = "SELECT run, state FROM processed_events WHERE processor = ?1 AND id = ?2";

/// All that have outcomes, one seek each.
const PROCESSORS: &str = "
    WITH RECURSIVE names (name) AS (
        SELECT min(processor) FROM processed_events
        UNION ALL
        SELECT (SELECT min(processor) FROM processed_events WHERE processor > name) FROM names
        WHERE name IS NOT NULL
    )
    SELECT name FROM names WHERE name IS NOT NULL";

/// In the place of one of a lower run, of a pending one of the same run, or of none.
const RECORD: &str = "
    INSERT INTO processed_events (processor, id, run, event_id, user_id, type, occurred_at,
                                  received_at, arrival, state, processed_at,
                                  processing_duration_ms, waited_ms, attempts, http_status,
                                  result, error)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
    ON CONFLICT (processor, id) DO UPDATE SET
        run = excluded.run,
        event_id = excluded.event_id,
        user_id = excluded.user_id,
        type = excluded.type,
        occurred_at = excluded.occurred_at,
        received_at = excluded.received_at,
        arrival = excluded.arrival,
        state = excluded.state,
        processed_at = excluded.processed_at,
        processing_duration_ms = excluded.processing_duration_ms,
        waited_ms = excluded.waited_ms,
        attempts = excluded.attempts,
        http_status = excluded.http_status,
        result = excluded.result,
        error = excluded.error
    WHERE run < excluded.run OR (run = excluded.run AND state = 'pending')";

macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT run, event_id, user_id, type, occurred_at, received_at, arrival, state,
                    processed_at, processing_duration_ms, waited_ms, attempts, http_status, result,
                    error, id, processor
             FROM processed_events ",
            $condition
        )
    };
}

pub const EVERY: &str = select!("");

const WHOLE: &str = select!("WHERE processor = ?1 AND id = ?2");

/// In the order of the index, and sorted by id where some share their time.
pub const FAILED_PAGE: &str = select!(
    "INDEXED BY processed_events_failed
     WHERE processor = ?1 AND state = 'failed' AND (processed_at, id) < (?2, ?3)
     ORDER BY processed_at DESC, id DESC LIMIT ?4"
);

/// `INDEXED BY` turns a plan without the index into an error.
pub const FAILED: &str = "
    SELECT count(*) FROM processed_events INDEXED BY processed_events_failed
    WHERE processor = ?1 AND state = 'failed'";

pub fn processors(connection: &Connection) -> rusqlite::Result<Vec<Box<str>>> {
    connection.prepare_cached(PROCESSORS)?.query_map([], |row| row.get(0))?.collect()
}

pub fn states(
    connection: &Connection,
    name: &str,
    ids: &[StoreId],
) -> rusqlite::Result<HashMap<StoreId, (u32, ProcessedState)>> {
    of_each(connection, STATE, name, ids, |_, row| Ok((row.get(0)?, row.get(1)?)))
}

pub fn whole(
    connection: &Connection,
    name: &str,
    ids: &[StoreId],
) -> rusqlite::Result<HashMap<StoreId, Processed>> {
    of_each(connection, WHOLE, name, ids, |_, row| processed(row))
}

/// One state of the database.
fn of_each<T>(
    connection: &Connection,
    sql: &str,
    name: &str,
    ids: &[StoreId],
    read: impl Fn(StoreId, &Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<HashMap<StoreId, T>> {
    let transaction = connection.unchecked_transaction()?;
    let mut statement = transaction.prepare_cached(sql)?;
    let mut found = HashMap::with_capacity(ids.len());
    for id in ids {
        let row = statement.query_row(params![name, id.as_bytes()], |row| read(*id, row));
        if let Some(value) = row.optional()? {
            found.insert(*id, value);
        }
    }
    Ok(found)
}

pub fn record(
    transaction: &Transaction<'_>,
    name: &str,
    outcome: &Processed,
) -> rusqlite::Result<Outcome> {
    let event = outcome.event.as_ref();
    let received_at = event.map_or(outcome.processed_at, |event| event.received_at);
    let written = transaction.prepare_cached(RECORD)?.execute(params![
        name,
        outcome.id.as_bytes(),
        outcome.run,
        event.map(|event| &event.event_id),
        event.map(|event| &event.user_id),
        event.map(|event| &event.kind),
        event.map(|event| event.occurred_at.as_millis()),
        received_at.as_millis(),
        outcome.arrival.as_i64(),
        outcome.state.word(),
        outcome.processed_at.as_millis(),
        outcome.duration_ms,
        as_signed(outcome.waited_ms),
        outcome.attempts,
        outcome.http_status,
        outcome.result.as_ref().map(Payload::to_json),
        outcome.error,
    ]);
    match written {
        Ok(0) => Ok(Outcome::Duplicate),
        Ok(_) => Ok(Outcome::Stored),
        Err(error) if fault::is_of_the_row(&error) && !transaction.is_autocommit() => {
            Ok(Outcome::Refused(fault::refusal(&error)))
        }
        Err(error) => Err(error),
    }
}

pub fn failed(connection: &Connection, name: &str) -> rusqlite::Result<u64> {
    connection.prepare_cached(FAILED)?.query_row([name], |row| count(row, 0))
}

pub fn failed_page(
    connection: &Connection,
    name: &str,
    after: Option<(Timestamp, StoreId)>,
    limit: usize,
) -> rusqlite::Result<Vec<Processed>> {
    // No id has 17 bytes: this comes before all.
    let (at, id) = after
        .map_or((i64::MAX, vec![u8::MAX; 17]), |(at, id)| (at.as_millis(), id.as_bytes().to_vec()));
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut page = connection.prepare_cached(FAILED_PAGE)?;
    page.query_map(params![name, at, id, limit], processed)?.collect()
}

pub fn processed(row: &Row<'_>) -> rusqlite::Result<Processed> {
    Ok(Processed {
        id: StoreId::from_bytes(row.get(15)?),
        run: row.get(0)?,
        event: event(row)?,
        arrival: Arrival::from_i64(row.get(6)?),
        state: row.get(7)?,
        processed_at: Timestamp::from_millis_clamped(row.get(8)?),
        duration_ms: row.get(9)?,
        waited_ms: count(row, 10)?,
        attempts: row.get(11)?,
        http_status: row.get(12)?,
        result: result(row)?,
        error: row.get(14)?,
    })
}

fn event(row: &Row<'_>) -> rusqlite::Result<Option<ProcessedEvent>> {
    let Some(event_id) = row.get(1)? else { return Ok(None) };
    Ok(Some(ProcessedEvent {
        event_id,
        user_id: row.get(2)?,
        kind: row.get(3)?,
        occurred_at: Timestamp::from_millis_clamped(row.get(4)?),
        received_at: Timestamp::from_millis_clamped(row.get(5)?),
    }))
}

fn result(row: &Row<'_>) -> rusqlite::Result<Option<Payload>> {
    const RESULT: usize = 13;
    let Some(json) = row.get::<_, Option<Box<str>>>(RESULT)? else { return Ok(None) };
    let unreadable =
        |fault: String| Error::FromSqlConversionFailure(RESULT, Type::Text, fault.into());
    Payload::from_kept_json(&json).map(Some).map_err(unreadable)
}

/// A word that none of our versions has written.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no state that is known here")]
struct UnknownState(String);

impl FromSql for ProcessedState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word = value.as_str()?;
        Self::from_word(word)
            .ok_or_else(|| FromSqlError::Other(Box::new(UnknownState(word.to_owned()))))
    }
}
