//! What is in the file: its tables, how they came to be, and the statements
//! that the rest of the store runs on them.
//!
//! # Why a rowid table
//!
//! Two layouts were measured with 300,000 events of 50,000 users in
//! transactions of 500, synced each, with time-ordered ids (a script on SQLite
//! 3.40, 2 shared cores; compare the ratios):
//!
//! | | events/s | CPU per event | page of 100 | file |
//! |---|---|---|---|---|
//! | rowid table, index (user, time, arrival) | 36,000 to 41,000 | 22 us | 0.14 to 0.23 ms | 94 MB |
//! | `WITHOUT ROWID`, clustered by the same | 23,000 to 27,000 | 29 to 35 us | 0.10 to 0.11 ms | 100 MB |
//!
//! Clustered, every event dirties a leaf of its user's, payload and all, where
//! the rowid table appends the row and puts only an index entry there. Writing
//! is what the store does all day, and a page is fast either way. The rowid is
//! also the order in which rows were written, so that retention finds the
//! oldest without an index of its own.
//!
//! # Why the user comes first
//!
//! In MongoDB the index of journeys begins with a period, or an event would cost
//! more the more is stored. Here it does not: from a million events on, an event
//! changes a leaf of 4 KiB of its own, and at ten million it is still one leaf. In
//! transactions of 500, synced each (the same script; own CPU, and CPU of a page of
//! 100 of a user with 24 events over all the time):
//!
//! | in front | us an event at 1.6, 4.6, 10 million | bytes written for each | us a page |
//! |---|---|---|---|
//! | the user | 17, 17, 20 | 10,000 to 10,600 | 39 at 4, 93 at 10 million |
//! | a period of a million events | 16, 16 in its middle | 9,800 | 63 at 4.6 million |
//! | a period of 100,000 events | 8.5, 9.4 | 4,200 | 259 at 4.6 million |
//!
//! Only periods so short that their leaves are shared by one transaction gain
//! anything, and those make a long journey several times as dear.
//!
//! # Why no `auto_vacuum`
//!
//! With a retention, the pages that deletions free are taken by the next
//! inserts, so the file settles at the size of what it holds. Vacuuming would
//! move pages to give back space that is needed again a moment later, and its
//! pointer maps would burden every insert. Who shortens the retention and wants
//! the space back runs `VACUUM` once with the service stopped.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::OpenError;
use super::access::tables::{VERSION_10, VERSION_11, VERSION_12, VERSION_13};
use super::erasures::tables::VERSION_14;
use super::people::tables::VERSION_9;
use super::processing::tables::{VERSION_6, VERSION_7};

/// "TRKP": tells our file from any other SQLite database.
const APPLICATION_ID: i32 = 0x5452_4b50;

/// What leads from each version of the file to the next. The number of a
/// version is its place here, from 1, and `PRAGMA user_version` in the file.
/// Entries that were ever released are never changed: a change is a new entry.
pub(super) const MIGRATIONS: &[&str] = &[
    VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5, VERSION_6, VERSION_7, VERSION_8,
    VERSION_9, VERSION_10, VERSION_11, VERSION_12, VERSION_13, VERSION_14,
];

const VERSION_1: &str = "
    CREATE TABLE events (
        -- Grows with every row, so it is also the order of writing.
        seq         INTEGER PRIMARY KEY,
        -- Derived from user_id and event_id; time-ordered for UUIDv7 event ids.
        id          BLOB    NOT NULL CHECK (length(id) = 16),
        user_id     TEXT    NOT NULL,
        event_id    TEXT    NOT NULL,
        type        TEXT    NOT NULL,
        session_id  TEXT,
        account_id  TEXT,
        -- A JSON object.
        payload     TEXT    NOT NULL,
        -- Milliseconds since the epoch, UTC.
        occurred_at INTEGER NOT NULL,
        received_at INTEGER NOT NULL,
        -- Order of arrival; breaks ties of occurred_at within a user.
        arrival     INTEGER NOT NULL
    ) STRICT;

    CREATE UNIQUE INDEX events_id ON events (id);
    CREATE INDEX events_journey ON events (user_id, occurred_at, arrival);

    -- For people: SELECT * FROM journeys WHERE user_id = '...' ORDER BY occurred_at, arrival;
    CREATE VIEW journeys AS
    SELECT user_id,
           strftime('%Y-%m-%dT%H:%M:%fZ', occurred_at / 1000.0, 'unixepoch') AS occurred_at,
           type,
           event_id,
           session_id,
           account_id,
           payload,
           strftime('%Y-%m-%dT%H:%M:%fZ', received_at / 1000.0, 'unixepoch') AS received_at,
           arrival
    FROM events;
";

const VERSION_2: &str = "
    CREATE TABLE accounts (
        id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        -- Normalized by the service; here it is compared byte for byte.
        email         TEXT    NOT NULL UNIQUE,
        name          TEXT    NOT NULL,
        -- admin, staff
        role          TEXT    NOT NULL,
        -- Argon2, in its PHC form.
        password_hash TEXT    NOT NULL,
        is_disabled   INTEGER NOT NULL CHECK (is_disabled IN (0, 1)),
        -- This and all times: milliseconds since the epoch, UTC.
        created_at    INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE sessions (
        -- SHA-256 of the session's id.
        id_hash    BLOB    NOT NULL PRIMARY KEY CHECK (length(id_hash) = 32),
        account_id BLOB    CHECK (length(account_id) = 16),
        data       BLOB    NOT NULL,
        expires_at INTEGER NOT NULL
    ) STRICT;

    CREATE INDEX sessions_account ON sessions (account_id) WHERE account_id IS NOT NULL;
    CREATE INDEX sessions_expiry ON sessions (expires_at);

    CREATE TABLE tokens (
        id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        name         TEXT    NOT NULL,
        -- SHA-256 of the token.
        hash         BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
        -- monitor, read
        scope        TEXT    NOT NULL,
        created_by   BLOB    NOT NULL CHECK (length(created_by) = 16),
        created_at   INTEGER NOT NULL,
        expires_at   INTEGER,
        last_used_at INTEGER
    ) STRICT, WITHOUT ROWID;

    CREATE INDEX tokens_expiry ON tokens (expires_at) WHERE expires_at IS NOT NULL;

    -- Clustered by its ids, which are UUIDs of version 7: in order of time.
    CREATE TABLE audit_trail (
        id       BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        at       INTEGER NOT NULL,
        actor    TEXT    NOT NULL,
        actor_id BLOB    CHECK (length(actor_id) = 16),
        action   TEXT    NOT NULL,
        subject  TEXT,
        client   TEXT
    ) STRICT, WITHOUT ROWID;

    CREATE INDEX audit_trail_actor ON audit_trail (actor, id);
    CREATE INDEX audit_trail_subject ON audit_trail (subject, id) WHERE subject IS NOT NULL;
    CREATE INDEX audit_trail_age ON audit_trail (at);
";

/// Answers for business accounts without a look at the table. Only events with
/// an account enter it.
const VERSION_3: &str = "
    CREATE INDEX events_account ON events (account_id, occurred_at, type, user_id)
    WHERE account_id IS NOT NULL;
";

const VERSION_4: &str = "
    -- Events that were refused for good: the columns of events, and why.
    CREATE TABLE dead_letters (
        id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
        user_id      TEXT    NOT NULL,
        event_id     TEXT    NOT NULL,
        type         TEXT    NOT NULL,
        session_id   TEXT,
        account_id   TEXT,
        payload      TEXT    NOT NULL,
        occurred_at  INTEGER NOT NULL,
        received_at  INTEGER NOT NULL,
        arrival      INTEGER NOT NULL,
        -- too_large, validation, unique_index, unknown
        reason       TEXT    NOT NULL,
        error        TEXT    NOT NULL,
        set_aside_at INTEGER NOT NULL,
        tried_at     INTEGER NOT NULL,
        tries        INTEGER NOT NULL
    ) STRICT;

    CREATE INDEX dead_letters_listing ON dead_letters (set_aside_at, id);
    CREATE INDEX dead_letters_age ON dead_letters (received_at);
";

const VERSION_5: &str = "
    -- Sessions count that were opened at this number; ending all of them raises it.
    ALTER TABLE accounts ADD COLUMN session_epoch INTEGER NOT NULL DEFAULT 0;
";

const VERSION_8: &str = "
    -- Under which the user was known before; with nothing else beside it, the user_id too.
    ALTER TABLE events ADD COLUMN anonymous_id TEXT;
    ALTER TABLE dead_letters ADD COLUMN anonymous_id TEXT;

    DROP VIEW journeys;
    CREATE VIEW journeys AS
    SELECT user_id,
           strftime('%Y-%m-%dT%H:%M:%fZ', occurred_at / 1000.0, 'unixepoch') AS occurred_at,
           type,
           event_id,
           anonymous_id,
           session_id,
           account_id,
           payload,
           strftime('%Y-%m-%dT%H:%M:%fZ', received_at / 1000.0, 'unixepoch') AS received_at,
           arrival
    FROM events;
";

/// Adds one event, unless one with its id is there.
pub(super) const INSERT: &str = "
    INSERT INTO events (id, user_id, event_id, type, session_id, account_id, payload,
                        occurred_at, received_at, arrival, anonymous_id)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
    ON CONFLICT (id) DO NOTHING";

/// The arrival number of one event.
pub(super) const ARRIVAL: &str = "SELECT arrival FROM events WHERE id = ?1";

/// The place of one event in a journey.
pub(super) const POSITION: &str = "SELECT occurred_at, arrival FROM events WHERE id = ?1";

/// Reads from the file, whatever is in it.
pub(super) const PING: &str = "SELECT EXISTS (SELECT 1 FROM events)";

/// The indexes that have a statement of their own, by name.
pub(super) fn index_names(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let names = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL";
    connection.prepare(names)?.query_map([], |row| row.get(0))?.collect()
}

macro_rules! journey {
    ($direction:literal) => {
        concat!(
            "SELECT id, user_id, event_id, type, session_id, account_id, payload,
                    occurred_at, received_at, arrival, anonymous_id
             FROM events INDEXED BY events_journey
             WHERE user_id = ?1
               AND (occurred_at, arrival) >= (?2, ?3)
               AND (occurred_at, arrival) <= (?4, ?5)
               AND (?6 IS NULL OR session_id = ?6)
               AND (?7 IS NULL OR type IN (SELECT value FROM json_each(?7)))
               AND arrival <= ?8
             ORDER BY occurred_at ",
            $direction,
            ", arrival ",
            $direction
        )
    };
}

/// A range of what one id has in a journey, oldest first. Each end is one pair: next to a
/// separate condition on `occurred_at`, SQLite would enter the index by that
/// one and walk over all earlier pages. `INDEXED BY` turns a plan without the
/// index into an error.
pub(super) const JOURNEY_ASCENDING: &str = journey!("ASC");

/// The same, newest first.
pub(super) const JOURNEY_DESCENDING: &str = journey!("DESC");

/// Of the ?2 rows written first, deletes those received before ?1.
pub(super) const DELETE_EXPIRED: &str = "
    DELETE FROM events WHERE seq IN (
        SELECT seq FROM (SELECT seq, received_at FROM events ORDER BY seq LIMIT ?2)
        WHERE received_at < ?1
    )";

/// Deletes at most ?2 dead letters whose events were received before ?1.
pub(super) const DELETE_EXPIRED_LETTERS: &str = "
    DELETE FROM dead_letters WHERE id IN (
        SELECT id FROM dead_letters WHERE received_at < ?1 LIMIT ?2
    )";

/// How long the writer waits for another program that writes to the file.
pub(super) const WRITER_PATIENCE: Duration = Duration::from_secs(5);

/// Readers wait only while a crashed writer's WAL is recovered.
const READER_PATIENCE: Duration = Duration::from_secs(1);

/// What the WAL file is cut back to, once all of it is in the main file.
const WAL_KEPT_BYTES: i64 = 8 << 20;

/// Opens the file for writing, making it or bringing it up to date.
pub(super) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        connection.busy_timeout(WRITER_PATIENCE)?;
        Ok(connection)
    };
    let mut connection = open().map_err(|error| OpenError::from_sqlite(path, error))?;
    migrate(&mut connection, path)?;
    configure_writer(&connection, path)?;
    Ok(connection)
}

/// `mmap_size` stays 0: with a mapped file, a fault of the disk kills the
/// process, where a read would have returned an error.
fn configure_writer(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let configure = || -> rusqlite::Result<String> {
        let mode = connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))?;
        // Each commit is synced: what was acknowledged survives a power cut.
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Personal data that retention deletes is overwritten as well.
        connection.pragma_update(None, "secure_delete", "ON")?;
        // 16 MiB, and 4 MiB of WAL before it goes to the main file.
        connection.pragma_update(None, "cache_size", -16_384)?;
        connection.pragma_update(None, "wal_autocheckpoint", 1_000)?;
        connection.pragma_update(None, "journal_size_limit", WAL_KEPT_BYTES)?;
        // The first look at the table makes the WAL's files, and finds damage now.
        connection.query_row(PING, [], |_| Ok(()))?;
        Ok(mode)
    };
    match configure() {
        Ok(mode) if mode.eq_ignore_ascii_case("wal") => Ok(()),
        Ok(_) => Err(OpenError::NoWal { path: path.into() }),
        Err(error) => Err(OpenError::from_sqlite(path, error)),
    }
}

/// Opens the file for reading only.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(READER_PATIENCE)?;
    connection.pragma_update(None, "cache_size", -4_096)?;
    Ok(connection)
}

/// Brings the file to the newest version, all in one transaction.
fn migrate(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let found = version(connection).map_err(|error| OpenError::from_sqlite(path, error))?;
    let known = MIGRATIONS.len();
    let steps = match found {
        Version::Numbered(number) if number > known => {
            return Err(OpenError::Newer { path: path.into(), found: number, known });
        }
        Version::Numbered(number) => &MIGRATIONS[number..],
        Version::Foreign => return Err(OpenError::Foreign { path: path.into() }),
    };
    if steps.is_empty() {
        return Ok(());
    }
    apply(connection, steps, known).map_err(|error| OpenError::from_sqlite(path, error))
}

pub(super) enum Version {
    /// Ours; 0 for a file that is still empty.
    Numbered(usize),
    /// A database of some other program.
    Foreign,
}

/// Which version the file has.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<Version> {
    let number: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let empty = number == 0 && application == 0 && objects == 0;
    Ok(match usize::try_from(number) {
        Ok(number) if empty || (application == APPLICATION_ID && number > 0) => {
            Version::Numbered(number)
        }
        _ => Version::Foreign,
    })
}

fn apply(connection: &mut Connection, steps: &[&str], reached: usize) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    for step in steps {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", reached as i64)?;
    transaction.commit()
}
