//! An account's newest events: one scan of the index that answers for accounts.

use rusqlite::{Connection, params};
use tracing::warn;

use super::fault;
use super::reader::stored_event;
use crate::in_order::InOrder;
use crate::{JourneyPart, Position};

/// What happened then and before, newest first. `INDEXED BY` turns a plan without the
/// index into an error.
pub(super) const NEWEST: &str = "
    SELECT id, user_id, event_id, type, session_id, account_id, payload,
           occurred_at, received_at, arrival, anonymous_id
    FROM events INDEXED BY events_account
    WHERE account_id = ?1 AND occurred_at <= ?2
    ORDER BY occurred_at DESC";

/// Those behind a position, at least one if there is any. Rows that cannot be read are
/// passed over, as in a journey.
pub(super) fn newest(
    connection: &Connection,
    account_id: &str,
    after: Option<&Position>,
    limit: usize,
) -> rusqlite::Result<JourneyPart> {
    let latest = after.map_or(i64::MAX, |after| after.occurred_at.as_millis());
    let mut statement = connection.prepare_cached(NEWEST)?;
    let mut rows = statement.query(params![account_id, latest])?;
    let mut newest = InOrder::of_account(after, limit);
    while let Some(row) = rows.next()? {
        match stored_event(row) {
            Ok(event) => {
                if !newest.take(event) {
                    break;
                }
            }
            Err(error) if fault::is_unreadable_value(&error) => {
                warn!(%error, account_id, "passed over an event that cannot be read");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(newest.finish())
}
