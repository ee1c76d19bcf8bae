//! What was written last into a database that is made ready.

use std::path::Path;

use rusqlite::{Connection, params};
use tracing::warn;

use crate::embedded::reader::stored_event;
use crate::embedded::{fault, schema};
use crate::{MAX_READ_BYTES, StoreError, StoredEvent};

/// Events of a page, at the most.
const PAGE: usize = 200;

const LAST: &str = "SELECT coalesce(max(seq), 0) FROM events";

/// With the columns of a stored event in front, in their order.
const BEHIND: &str = "
    SELECT id, user_id, event_id, type, session_id, account_id, payload, occurred_at, received_at,
           arrival, anonymous_id, seq
    FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2";

/// The events that were written last, in the order of writing.
pub struct Newest {
    copy: Connection,
    /// The place of the one that was read last.
    after: i64,
}

impl Newest {
    /// At most so many, in the file as it is now.
    pub(super) fn of(database: &Path, most: usize) -> rusqlite::Result<Self> {
        let copy = schema::open_reader(database)?;
        let last: i64 = copy.query_row(LAST, [], |row| row.get(0))?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        Ok(Self { copy, after: last.saturating_sub(most) })
    }

    /// Some more, at most 200 and 4 MiB of them and one event more; `None` at the end. Rows that
    /// cannot be read are passed over.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn more(&mut self) -> Result<Option<Vec<StoredEvent>>, StoreError> {
        self.page().map_err(|error| fault::store_error(&error))
    }

    fn page(&mut self) -> rusqlite::Result<Option<Vec<StoredEvent>>> {
        let mut behind = self.copy.prepare_cached(BEHIND)?;
        let mut rows =
            behind.query(params![self.after, i64::try_from(PAGE).unwrap_or(i64::MAX)])?;
        let (mut events, mut bytes, mut is_end) = (Vec::new(), 0, true);
        while let Some(row) = rows.next()?.filter(|_| bytes < MAX_READ_BYTES) {
            (self.after, is_end) = (row.get("seq")?, false);
            match stored_event(row) {
                Ok(event) => {
                    bytes += event.payload.len();
                    events.push(event);
                }
                Err(error) if fault::is_unreadable_value(&error) => {
                    warn!(%error, seq = self.after, "passed over an event that cannot be read");
                }
                Err(error) => return Err(error),
            }
        }
        Ok((!is_end).then_some(events))
    }
}
