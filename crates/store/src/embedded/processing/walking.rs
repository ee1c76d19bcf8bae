//! Events in the order of their identities, and users in that of their ids.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use tracing::warn;
use trailkeep_event::{Arrival, StoreId, Timestamp};

use crate::embedded::fault;
use crate::processing::EventHead;

pub const WALK: &str = "
    SELECT id, arrival, user_id, type, occurred_at, received_at, event_id
    FROM events INDEXED BY events_id WHERE id > ?1 ORDER BY id";

/// One seek each: what else the index has of a user is not read.
pub const NEXT_USER: &str = "
    SELECT user_id FROM events INDEXED BY events_journey WHERE user_id > ?1
    ORDER BY user_id LIMIT 1";

const FIRST_USER: &str = "
    SELECT user_id FROM events INDEXED BY events_journey ORDER BY user_id LIMIT 1";

pub fn walk(
    connection: &Connection,
    after: Option<StoreId>,
    limit: usize,
) -> rusqlite::Result<Vec<EventHead>> {
    let mut statement = connection.prepare_cached(WALK)?;
    // Nothing comes before no bytes.
    let after = after.as_ref().map_or(&[][..], |id| id.as_bytes());
    let mut rows = statement.query([after])?;
    let mut heads = Vec::new();
    while heads.len() < limit
        && let Some(row) = rows.next()?
    {
        match head(row) {
            Ok(head) => heads.push(head),
            Err(error) if fault::is_unreadable_value(&error) => {
                warn!(%error, "passed over an event that cannot be read");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(heads)
}

fn head(row: &Row<'_>) -> rusqlite::Result<EventHead> {
    Ok(EventHead {
        id: StoreId::from_bytes(row.get(0)?),
        arrival: Arrival::from_i64(row.get(1)?),
        user_id: row.get(2)?,
        kind: row.get(3)?,
        occurred_at: Timestamp::from_millis_clamped(row.get(4)?),
        received_at: Timestamp::from_millis_clamped(row.get(5)?),
        event_id: row.get(6)?,
    })
}

pub fn users_after(
    connection: &Connection,
    after: Option<&str>,
    limit: usize,
) -> rusqlite::Result<Vec<Box<str>>> {
    let transaction = connection.unchecked_transaction()?;
    let mut next = transaction.prepare_cached(NEXT_USER)?;
    let mut users: Vec<Box<str>> = Vec::new();
    while users.len() < limit {
        let found = match users.last().map(|user| &**user).or(after) {
            Some(last) => next.query_row(params![last], |row| row.get(0)),
            None => transaction.prepare_cached(FIRST_USER)?.query_row([], |row| row.get(0)),
        };
        match found.optional()? {
            Some(user) => users.push(user),
            None => break,
        }
    }
    Ok(users)
}
