//! The events themselves, as processing reads them.

use rusqlite::{Connection, OptionalExtension as _, params};
use tracing::warn;
use trailkeep_event::{Arrival, StoreId};

use crate::MAX_READ_BYTES;
use crate::embedded::{fault, reader};
use crate::lowest::Lowest;
use crate::processing::FoundEvents;

const EVENT: &str = "
    SELECT id, user_id, event_id, type, session_id, account_id, payload,
           occurred_at, received_at, arrival, anonymous_id
    FROM events WHERE id = ?1";

/// The index has the number, so that earlier rows are not come to.
pub const FROM: &str = "
    SELECT arrival, id FROM events INDEXED BY events_journey
    WHERE user_id = ?1 AND arrival >= ?2";

pub fn events(connection: &Connection, ids: &[StoreId]) -> rusqlite::Result<FoundEvents> {
    let transaction = connection.unchecked_transaction()?;
    let mut statement = transaction.prepare_cached(EVENT)?;
    let mut found = FoundEvents::default();
    let mut bytes = 0;
    for (place, id) in ids.iter().enumerate() {
        if bytes > MAX_READ_BYTES {
            found.left = ids[place..].to_vec();
            break;
        }
        match statement.query_row([id.as_bytes()], reader::stored_event).optional() {
            Ok(None) => {}
            Ok(Some(event)) => {
                bytes += event.bytes();
                found.events.push(event);
            }
            Err(error) if fault::is_unreadable_value(&error) => {
                warn!(%error, %id, "an event cannot be processed, for it cannot be read");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

pub fn events_from(
    connection: &Connection,
    user_id: &str,
    from: Arrival,
    limit: usize,
) -> rusqlite::Result<(Vec<(Arrival, StoreId)>, bool)> {
    let mut statement = connection.prepare_cached(FROM)?;
    let mut rows = statement.query(params![user_id, from.as_i64()])?;
    let mut lowest = Lowest::new(limit);
    while let Some(row) = rows.next()? {
        lowest.take((Arrival::from_i64(row.get(0)?), StoreId::from_bytes(row.get(1)?)));
    }
    Ok(lowest.finish())
}
