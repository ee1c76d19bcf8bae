//! A copy of the database as it is at one moment, made while its service runs.
//!
//! All of it is read in one transaction, so writers go on and nothing is copied twice; the
//! write-ahead log grows by what they write meanwhile. The copy is one file without a log,
//! which anyone can open, and is read through once before it is called a copy.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags, Row};
use trailkeep_event::Timestamp;

use super::folder::DATABASE;
use super::moved::refuse_moved;
use super::schema::{self, MIGRATIONS, Version};
use super::{OpenError, erasures};
use crate::erasures::ErasureList;

/// Pages of a step, some milliseconds.
const STEP_PAGES: i32 = 1_024;

/// The pause where somebody else has the file for a moment.
const PAUSE: Duration = Duration::from_millis(20);

/// What is in a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// The version of the tables.
    pub format: usize,
    /// Stored events.
    pub events: u64,
    /// Ids of which something is known: users and visitors.
    pub ids: u64,
    /// Accounts of the staff.
    pub staff: u64,
    /// Events that were refused for good.
    pub dead_letters: u64,
    /// Erasures, those under way included.
    pub erasures: u64,
    /// The highest arrival number of an event.
    pub highest_arrival: Option<i64>,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is nothing to be copied.
    #[error("{} has no database: name the service's data folder (DATA_DIR)", .0.display())]
    NoDatabase(PathBuf),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no room for the copy.
    #[error("there is no room for {}: make some, or name a file on another disk", .0.display())]
    Full(PathBuf),
    /// What was copied is damaged, and so is what it was copied from.
    #[error(
        "the database is damaged: {0}. Keep the backups that you have; `sqlite3 FILE .recover` may \
         save what is readable"
    )]
    Damaged(String),
    /// SQLite cannot read the one or write the other.
    #[error("cannot copy to {}: {source}", .target.display())]
    Sqlite {
        /// The copy.
        target: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

/// Copies the database of a data folder into a file that is there and empty, and tells how many
/// bytes of how many are done. Whoever made the file syncs it, and removes it where this fails.
///
/// # Errors
///
/// The database cannot be read, the file cannot be written, or what was copied is damaged.
pub fn copy(
    data_dir: &Path,
    target: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Contents, CopyError> {
    let database = database_in(data_dir)?;
    let failed = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => CopyError::Full(target.to_owned()),
        _ => CopyError::Sqlite { target: target.to_owned(), source: error },
    };
    let unreadable = |error| CopyError::Open(OpenError::from_sqlite(&database, error));
    let source = schema::open_reader(&database).map_err(unreadable)?;
    source.execute_batch("BEGIN").map_err(unreadable)?;
    let format = match schema::version(&source).map_err(unreadable)? {
        Version::Numbered(0) => return Err(CopyError::NoDatabase(data_dir.to_owned())),
        Version::Numbered(found) if found > MIGRATIONS.len() => {
            let known = MIGRATIONS.len();
            return Err(OpenError::Newer { path: database, found, known }.into());
        }
        Version::Numbered(found) => found,
        Version::Foreign => return Err(OpenError::Foreign { path: database }.into()),
    };
    copy_pages(&source, target, progress).map_err(failed)?;
    drop(source);
    let copy = open(target).map_err(failed)?;
    if let Some(damage) = damage(&copy).map_err(failed)? {
        return Err(CopyError::Damaged(damage));
    }
    contents(&copy, format).map_err(failed)
}

/// The database of a data folder. One that was moved is not what the service has any more.
fn database_in(data_dir: &Path) -> Result<PathBuf, CopyError> {
    let database = data_dir.join(DATABASE);
    if !database.exists() {
        return Err(CopyError::NoDatabase(data_dir.to_owned()));
    }
    refuse_moved(data_dir)?;
    Ok(database)
}

/// The format that this program makes, and the newest that it reads.
pub fn newest_format() -> usize {
    MIGRATIONS.len()
}

/// Who was erased, as the database of a data folder has it now.
///
/// # Errors
///
/// There is no database, or it cannot be read.
pub fn erasure_list(data_dir: &Path, now: Timestamp) -> Result<ErasureList, CopyError> {
    let database = database_in(data_dir)?;
    let unreadable = |error| OpenError::from_sqlite(&database, error);
    let source = schema::open_reader(&database).map_err(unreadable)?;
    let list = erasures_of(&source, now).map_err(unreadable)?;
    list.ok_or_else(|| CopyError::NoDatabase(data_dir.to_owned()))
}

/// The list; `None` where no service has ever run on the database.
pub(super) fn erasures_of(
    connection: &Connection,
    now: Timestamp,
) -> rusqlite::Result<Option<ErasureList>> {
    if !has_table(connection, "installation")? {
        return Ok(None);
    }
    let Some(key) = erasures::installation::find(connection)? else { return Ok(None) };
    let blocked = erasures::blocked::all(connection)?;
    let erasures = erasures::records::all(connection)?;
    Ok(Some(ErasureList { taken_at: now, key, blocked, erasures }))
}

/// What SQLite finds wrong with a database, if anything.
pub(super) fn damage(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((said != "ok").then_some(said))
}

fn copy_pages(
    source: &Connection,
    target: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> rusqlite::Result<()> {
    let page: u32 = source.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut copy = Connection::open_with_flags(target, flags)?;
    // Half a copy is none.
    copy.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
    copy.pragma_update(None, "synchronous", "OFF")?;
    let backup = Backup::new(source, &mut copy)?;
    loop {
        match backup.step(STEP_PAGES)? {
            StepResult::Done => return Ok(()),
            StepResult::More => {
                let told = backup.progress();
                let bytes = |pages: i32| u64::try_from(pages).unwrap_or(0) * u64::from(page);
                progress(bytes(told.pagecount - told.remaining), bytes(told.pagecount));
            }
            _ => sleep(PAUSE),
        }
    }
}

/// Opens a copy, which from then on has no log beside it.
fn open(copy: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let copy = Connection::open_with_flags(copy, flags)?;
    copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    Ok(copy)
}

fn contents(copy: &Connection, format: usize) -> rusqlite::Result<Contents> {
    // Earlier formats have fewer tables.
    let count = |table: &str| -> rusqlite::Result<u64> {
        if !has_table(copy, table)? {
            return Ok(0);
        }
        copy.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| whole(row, 0))
    };
    let events = "SELECT count(*), max(arrival) FROM events";
    let (events, highest_arrival) =
        copy.query_row(events, [], |row| Ok((whole(row, 0)?, row.get(1)?)))?;
    Ok(Contents {
        format,
        events,
        ids: count("people")?,
        staff: count("accounts")?,
        dead_letters: count("dead_letters")?,
        erasures: count("erasures")?,
        highest_arrival,
    })
}

/// A count.
fn whole(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|count| u64::try_from(count).unwrap_or(0))
}

fn has_table(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    let find = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)";
    connection.query_row(find, [name], |row| row.get(0))
}
