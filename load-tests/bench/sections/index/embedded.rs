//! The same for the embedded store: a table and indexes as it makes them, written
//! and read by the bare driver.

use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, OpenFlags, Statement, ToSql, params};
use serde_json::{Value, json};
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::data::{BEGIN, People};
use super::layouts::{Course, Layout};
use super::rows::{Row, Rows};
use crate::batch::{PAYLOAD, user_name};
use crate::numbers::milliseconds;
use crate::processes::{Cpu, own_written};
use crate::reading::{PAGE, Reads};
use crate::tally::latency_histogram;

/// Events in a transaction.
const TRANSACTION: u64 = 500;
/// Transactions after which whoever waits for this program to end is heard.
const BREATH: u64 = 100;
/// Of each kind of user; as many before, that do not count.
const REQUESTS: u32 = 300;

const TABLE: &str = "
    CREATE TABLE events (
        seq         INTEGER PRIMARY KEY,
        id          BLOB    NOT NULL CHECK (length(id) = 16),
        user_id     TEXT    NOT NULL,
        event_id    TEXT    NOT NULL,
        type        TEXT    NOT NULL,
        session_id  TEXT,
        account_id  TEXT,
        payload     TEXT    NOT NULL,
        occurred_at INTEGER NOT NULL,
        received_at INTEGER NOT NULL,
        arrival     INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX events_id ON events (id);";
const BY_USER: &str = "CREATE INDEX events_journey ON events (user_id, occurred_at, arrival);";
const BY_PERIOD: &str = "
    ALTER TABLE events ADD COLUMN period INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX events_journey ON events (period, user_id, occurred_at, arrival);";

/// As the store writes an event: known ones are left alone.
const INSERT: &str = "
    INSERT INTO events (id, user_id, event_id, type, session_id, payload,
                        occurred_at, received_at, arrival)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8) ON CONFLICT (id) DO NOTHING";
const INSERT_INTO_PERIOD: &str = "
    INSERT INTO events (id, user_id, event_id, type, session_id, payload,
                        occurred_at, received_at, arrival, period)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9) ON CONFLICT (id) DO NOTHING";

const PAGE_OF_USER: &str = "
    SELECT * FROM events INDEXED BY events_journey
    WHERE user_id = ?1 ORDER BY occurred_at DESC, arrival DESC LIMIT ?2";
const PAGE_OF_PERIOD: &str = "
    SELECT * FROM events INDEXED BY events_journey
    WHERE period = ?3 AND user_id = ?1 ORDER BY occurred_at DESC, arrival DESC LIMIT ?2";

/// What was measured of a layout.
pub struct Measured {
    /// Microseconds of this program's CPU for an event.
    pub cpu_us: f64,
    pub per_second: f64,
    /// Bytes that were written to the disk for an event.
    pub written: f64,
    /// MiB.
    pub file: f64,
    /// Pages of the busy user, of regular ones and of rare ones; none without an
    /// index for them.
    pub reads: Vec<(&'static str, Reads)>,
}

impl Measured {
    /// For the table.
    pub fn figures(&self) -> Vec<f64> {
        let mut figures = vec![self.cpu_us, self.per_second, self.written, self.file];
        figures.extend((0..USERS.len()).flat_map(|index| match self.reads.get(index) {
            Some((_, Reads { latency, .. })) => [0.5, 0.99].map(|q| milliseconds(latency, q)),
            None => [f64::NAN; 2],
        }));
        figures
    }

    /// As it goes into the results.
    pub fn to_json(&self) -> Value {
        let reads = self.reads.iter().map(|(name, reads)| ((*name).to_owned(), reads.to_json()));
        json!({
            "cpuUs": self.cpu_us, "perSecond": self.per_second, "writtenBytes": self.written,
            "fileMib": self.file, "reads": reads.collect::<serde_json::Map<_, _>>(),
        })
    }
}

/// Whose pages are read.
const USERS: [&str; 3] = ["busy user", "regular user", "rare user"];

/// Fills a new file with so many events, inserts `measured` more, and reads.
pub async fn measure(
    folder: &Path,
    layout: Layout,
    course: Course,
    (measured, scale): (u64, u64),
    seed: u64,
) -> Result<Measured, Trouble> {
    let folder = tempfile::Builder::new().prefix("trailkeep-bench-").tempdir_in(folder);
    let folder = folder.during("a temporary folder")?;
    let file = folder.path().join("events.db");
    let mut rows = Rows::of(course, layout.periods(course, scale), seed);
    fill(&file, layout, &mut rows).await?;
    tokio::task::block_in_place(|| {
        let mut writer = open_writer(&file)?;
        let (cpu_us, per_second, written) = write(&mut writer, &mut rows, measured)?;
        Ok(Measured {
            cpu_us,
            per_second,
            written,
            file: mebibytes(&file)?,
            reads: if layout.has_journeys() { read(&file, &mut rows)? } else { Vec::new() },
        })
    })
}

/// Quickly: without syncs, and with a cache that holds all indexes.
async fn fill(file: &Path, layout: Layout, rows: &mut Rows) -> Result<(), Trouble> {
    let mut connection = Connection::open(file).during("a new file")?;
    let set = |name: &str, value: &str| connection.pragma_update(None, name, value);
    set("journal_mode", "WAL").during("SQLite's WAL")?;
    set("synchronous", "OFF").during("SQLite's syncs")?;
    set("cache_size", "-1000000").during("SQLite's cache")?;
    let index = match (layout, rows.periods) {
        (Layout::None, _) => "",
        (_, None) => BY_USER,
        (_, Some(_)) => BY_PERIOD,
    };
    connection.execute_batch(&format!("{TABLE}{index}")).during("making the table")?;
    while rows.next < rows.course.events {
        tokio::task::block_in_place(|| {
            for _ in 0..BREATH {
                let left = rows.course.events - rows.next;
                let some = rows.take(left.min(TRANSACTION));
                insert(&mut connection, &some)?;
            }
            Ok::<_, Trouble>(())
        })?;
        tokio::task::yield_now().await;
    }
    let emptied = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    emptied.during("a checkpoint of SQLite")
}

/// With the settings of the store's writer.
fn open_writer(file: &Path) -> Result<Connection, Trouble> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).during("opening the file")?;
    for (name, value) in [
        ("synchronous", "FULL"),
        ("secure_delete", "ON"),
        ("cache_size", "-16384"),
        ("wal_autocheckpoint", "1000"),
        ("journal_size_limit", "8388608"),
    ] {
        // Some of them answer with a row.
        let set = connection.pragma_update_and_check(None, name, value, |_| Ok(()));
        match set {
            Ok(()) | Err(rusqlite::Error::QueryReturnedNoRows) => {}
            Err(error) => return Err(Trouble(format!("setting {name}: {error}"))),
        }
    }
    Ok(connection)
}

/// Microseconds of CPU for an event, events in a second, and bytes for an event.
#[allow(clippy::cast_precision_loss)] // millions
fn write(
    writer: &mut Connection,
    rows: &mut Rows,
    events: u64,
) -> Result<(f64, f64, f64), Trouble> {
    // Made beforehand, so that only storing them counts.
    let rows = rows.take(events);
    let before = (Cpu::own()?, own_written()?, Instant::now());
    for some in rows.chunks(usize::try_from(TRANSACTION).unwrap_or(1)) {
        insert(writer, some)?;
    }
    let seconds = before.2.elapsed().as_secs_f64();
    let cpu = Cpu::own()?.since(&before.0).as_secs_f64();
    let written = own_written()? - before.1;
    let each = rows.len() as f64;
    Ok((cpu * 1e6 / each, each / seconds, written as f64 / each))
}

fn insert(connection: &mut Connection, rows: &[Row]) -> Result<(), Trouble> {
    let mut store = || -> rusqlite::Result<usize> {
        let transaction = connection.transaction()?;
        let mut inserted = 0;
        for row in rows {
            let Row { id, user, event_id, kind, session, time, arrival, period } = row;
            inserted += match period {
                Some(period) => {
                    transaction.prepare_cached(INSERT_INTO_PERIOD)?.execute(params![
                        id, user, event_id, kind, session, PAYLOAD, time, arrival, period
                    ])?
                }
                None => transaction
                    .prepare_cached(INSERT)?
                    .execute(params![id, user, event_id, kind, session, PAYLOAD, time, arrival])?,
            };
        }
        transaction.commit()?;
        Ok(inserted)
    };
    match store().during("inserting into SQLite")? {
        inserted if inserted == rows.len() => Ok(()),
        inserted => Err(Trouble(format!("{inserted} of {} events are new", rows.len()))),
    }
}

fn read(file: &Path, rows: &mut Rows) -> Result<Vec<(&'static str, Reads)>, Trouble> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let reader = Connection::open_with_flags(file, flags).during("opening the file")?;
    reader.pragma_update(None, "cache_size", -4096).during("SQLite's cache")?;
    let newest = rows.course.time(rows.next.saturating_sub(1));
    let periods = rows.periods.map(|periods| periods.between(BEGIN, newest));
    let mut reads = Vec::new();
    for name in USERS {
        let mut user = || match name {
            "busy user" => People::busy(),
            "regular user" => People::regular(&mut rows.rng),
            _ => rows.people.rare(&mut rows.rng),
        };
        let mut often = || -> Result<Reads, Trouble> {
            let mut latency = latency_histogram()?;
            let before = Cpu::own()?;
            for _ in 0..REQUESTS {
                let user = user_name(user());
                let started = Instant::now();
                page(&reader, &user, periods.as_deref()).during("reading from SQLite")?;
                let took = started.elapsed().as_micros();
                latency.saturating_record(u64::try_from(took).unwrap_or(u64::MAX));
            }
            let cpu = Cpu::own()?.since(&before);
            Ok(Reads::new(latency, cpu, std::time::Duration::ZERO))
        };
        often()?;
        reads.push((name, often()?));
    }
    Ok(reads)
}

/// The newest events of a user, period by period until the page is full.
fn page(reader: &Connection, user: &str, periods: Option<&[i64]>) -> rusqlite::Result<u32> {
    let Some(periods) = periods else {
        return count(&mut *reader.prepare_cached(PAGE_OF_USER)?, params![user, PAGE]);
    };
    let mut query = reader.prepare_cached(PAGE_OF_PERIOD)?;
    let mut found = 0;
    for period in periods {
        found += count(&mut query, params![user, PAGE - found, period])?;
        if found == PAGE {
            break;
        }
    }
    Ok(found)
}

fn count(query: &mut Statement<'_>, parameters: &[&dyn ToSql]) -> rusqlite::Result<u32> {
    let mut rows = query.query(parameters)?;
    let mut found = 0;
    while let Some(row) = rows.next()? {
        // Has SQLite read all of it, for a payload may lie on a page of its own.
        std::hint::black_box(row.get_ref("payload")?);
        found += 1;
    }
    Ok(found)
}

#[allow(clippy::cast_precision_loss)] // gigabytes
fn mebibytes(file: &Path) -> Result<f64, Trouble> {
    let bytes = std::fs::metadata(file).during("the file's size")?.len();
    Ok(bytes as f64 / 1_048_576.0)
}
