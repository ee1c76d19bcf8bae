//! The tables of people, as the eighth version of the file made them, and how rows leave
//! them.

use rusqlite::{Connection, Error, OptionalExtension as _, Row, Transaction, params};

/// A row of `people` may have tens of KiB, so the table has rows of its own, and small
/// indexes beside them. It keeps its terms, so that most changes need not touch those of
/// `person_terms`, and nothing has to find them by their row.
pub const VERSION_9: &str = "
    -- Who is who: one row for each id, a user's or an anonymous one.
    CREATE TABLE people (
        id              TEXT    NOT NULL PRIMARY KEY,
        -- Grows with every change.
        rev             INTEGER NOT NULL,
        -- This and all times: milliseconds since the epoch, UTC.
        first_seen      INTEGER,
        last_seen       INTEGER,
        -- This and since: arrival numbers.
        user_since      INTEGER,
        -- Whose it is, if anybody's.
        owner           TEXT,
        since           INTEGER,
        -- From when on its time to go is counted: one of the two.
        expires_from    INTEGER,
        stays_with_user INTEGER,
        -- A JSON array: what is in person_terms.
        terms           TEXT    NOT NULL,
        -- JSON: claims, decided, traits, emails.
        parts           TEXT    NOT NULL
    ) STRICT;

    CREATE INDEX people_owner ON people (owner, since) WHERE owner IS NOT NULL;
    CREATE INDEX people_age ON people (expires_from) WHERE expires_from IS NOT NULL;
    CREATE INDEX people_waiting ON people (stays_with_user) WHERE stays_with_user IS NOT NULL;

    -- What people are found by.
    CREATE TABLE person_terms (
        term TEXT NOT NULL,
        id   TEXT NOT NULL,
        PRIMARY KEY (term, id)
    ) STRICT, WITHOUT ROWID;

    -- Whose the sessions of trackers are; the table sessions has those of the staff.
    CREATE TABLE user_sessions (
        session_id  TEXT    NOT NULL PRIMARY KEY,
        user_id     TEXT    NOT NULL,
        arrival     INTEGER NOT NULL,
        received_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE INDEX user_sessions_age ON user_sessions (received_at);
";

pub const INSERT_TERM: &str =
    "INSERT INTO person_terms (term, id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";

pub const DELETE_TERM: &str = "DELETE FROM person_terms WHERE term = ?1 AND id = ?2";

pub const EXPIRED: &str = "SELECT id, terms FROM people WHERE expires_from < ?1 LIMIT ?2";

/// Those whose user has no row.
pub const ALONE: &str = "
    SELECT id, terms FROM people AS person
    WHERE stays_with_user < ?1
      AND NOT EXISTS (SELECT 1 FROM people AS user WHERE user.id = person.owner)
    LIMIT ?2";

const DELETE: &str = "DELETE FROM people WHERE id = ?1";

const TERMS_OF: &str = "SELECT terms FROM people WHERE id = ?1";

pub const DELETE_EXPIRED_SESSIONS: &str = "
    DELETE FROM user_sessions WHERE session_id IN (
        SELECT session_id FROM user_sessions WHERE received_at < ?1 LIMIT ?2
    )";

/// Deletes at most so many rows of each kind whose time counts from before `horizon`, in
/// milliseconds since the epoch; how many it were. A row goes with its terms or stays with
/// them.
pub fn delete_expired(
    connection: &Connection,
    horizon: i64,
    rows: usize,
) -> rusqlite::Result<usize> {
    let transaction = connection.unchecked_transaction()?;
    let mut deleted = 0;
    for expired in [EXPIRED, ALONE] {
        let mut found = transaction.prepare_cached(expired)?;
        let found = found.query_map(params![horizon, rows as i64], id_and_terms)?;
        let found: Vec<_> = found.collect::<rusqlite::Result<_>>()?;
        deleted += found.len();
        for (id, terms) in found {
            delete(&transaction, &id, &terms)?;
        }
    }
    let mut sessions = transaction.prepare_cached(DELETE_EXPIRED_SESSIONS)?;
    deleted += sessions.execute(params![horizon, rows as i64])?;
    drop(sessions);
    transaction.commit()?;
    Ok(deleted)
}

/// A row, and all that it is found by.
fn delete(transaction: &Transaction<'_>, id: &str, terms: &[String]) -> rusqlite::Result<()> {
    let mut delete = transaction.prepare_cached(DELETE_TERM)?;
    for term in terms {
        delete.execute([term, id])?;
    }
    transaction.prepare_cached(DELETE)?.execute([id]).map(|_| ())
}

/// Removes the rows of these ids, with all that they are found by; how many there were.
pub fn remove(transaction: &Transaction<'_>, ids: &[Box<str>]) -> rusqlite::Result<u64> {
    let mut terms = transaction.prepare_cached(TERMS_OF)?;
    let mut removed = 0;
    for id in ids {
        let found = terms.query_row([id], |row| from_json::<Vec<String>>(row, 0)).optional()?;
        if let Some(terms) = found {
            delete(transaction, id, &terms)?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn id_and_terms(row: &Row<'_>) -> rusqlite::Result<(String, Vec<String>)> {
    Ok((row.get(0)?, from_json(row, 1)?))
}

/// What a column with JSON is.
pub fn from_json<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<T> {
    let json = row.get_ref(column)?.as_str()?;
    serde_json::from_str(json).map_err(|fault| {
        let text = rusqlite::types::Type::Text;
        Error::FromSqlConversionFailure(column, text, Box::new(fault))
    })
}
