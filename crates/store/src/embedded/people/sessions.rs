//! The table `user_sessions`: whose the sessions of trackers are.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use trailkeep_event::Arrival;

use crate::people::SessionUser;

/// In the place of one that comes later, or of none.
const NOTE: &str = "
    INSERT INTO user_sessions (session_id, user_id, arrival, received_at)
    VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (session_id) DO UPDATE SET
        user_id = excluded.user_id,
        arrival = excluded.arrival,
        received_at = excluded.received_at
    WHERE (arrival, user_id) > (excluded.arrival, excluded.user_id)";

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT session_id, user_id, arrival FROM user_sessions ", $rest)
    };
}

pub const EVERY: &str = select!("");

const FIND: &str = select!("WHERE session_id = ?1");

pub fn note(transaction: &Transaction<'_>, sessions: &[SessionUser]) -> rusqlite::Result<()> {
    let mut note = transaction.prepare_cached(NOTE)?;
    for session in sessions {
        note.execute(params![
            session.session_id,
            session.user_id,
            session.since.as_i64(),
            session.since.moment().as_millis(),
        ])?;
    }
    Ok(())
}

pub fn find(connection: &Connection, session_id: &str) -> rusqlite::Result<Option<SessionUser>> {
    let mut find = connection.prepare_cached(FIND)?;
    find.query_row([session_id], session).optional()
}

pub fn session(row: &Row<'_>) -> rusqlite::Result<SessionUser> {
    Ok(SessionUser {
        session_id: row.get(0)?,
        user_id: row.get(1)?,
        since: Arrival::from_i64(row.get(2)?),
    })
}

const REMOVE: &str = "DELETE FROM user_sessions WHERE session_id = ?1 AND user_id = ?2";

/// Removes sessions where they are this user's; how many there were.
pub fn remove(
    transaction: &Transaction<'_>,
    sessions: &[Box<str>],
    user_id: &str,
) -> rusqlite::Result<u64> {
    let mut delete = transaction.prepare_cached(REMOVE)?;
    let mut removed = 0;
    for session in sessions {
        removed += delete.execute([session, user_id])? as u64;
    }
    Ok(removed)
}
