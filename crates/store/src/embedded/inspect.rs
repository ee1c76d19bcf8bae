//! A look at the file that changes nothing, with its service running or not.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Instant;

use rusqlite::{Connection, OpenFlags};

use super::folder::DATABASE;
use super::moved::refuse_moved;
use super::retention::by_type;
use super::schema::{self, MIGRATIONS, Version};
use super::wal::Wal;
use super::{OpenError, payloads};
use crate::inspection::{Indexes, Inspection};
use crate::payloads::PayloadKey;

/// The indexes that have a statement of their own.
const INDEXES: &str =
    "SELECT tbl_name || '.' || name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL";

/// Looks at the database in a data folder, and at the indexes of these payload keys; `None` where there is none, or an empty
/// one that nobody has begun to fill.
///
/// # Errors
///
/// A start would end with the same.
pub fn inspect(
    data_dir: &Path,
    is_held: bool,
    keys: &[PayloadKey],
) -> Result<Option<Inspection>, OpenError> {
    refuse_moved(data_dir)?;
    let path = data_dir.join(DATABASE);
    if !path.exists() {
        return Ok(None);
    }
    look(&path, is_held, keys).map_err(|error| OpenError::from_sqlite(&path, error))?
}

fn look(
    path: &Path,
    is_held: bool,
    keys: &[PayloadKey],
) -> rusqlite::Result<Result<Option<Inspection>, OpenError>> {
    let (connection, format) = match open_known(path, is_held)? {
        Ok(Some(opened)) => opened,
        Ok(None) => return Ok(Ok(None)),
        Err(error) => return Ok(Err(error)),
    };
    let asked = Instant::now();
    connection.query_row(schema::PING, [], |_| Ok(()))?;
    let latency = asked.elapsed();
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    // Earlier formats have no dead letters.
    let letters = "SELECT count(*) FROM sqlite_schema WHERE name = 'dead_letters'";
    let has_letters = connection.query_row(letters, [], |row| row.get::<_, i64>(0))? > 0;
    let count = "SELECT count(*) FROM dead_letters";
    let dead_letters =
        if has_letters { connection.query_row(count, [], |row| row.get(0))? } else { 0 };
    let mut indexes = compare(&wanted(format)?, &indexes(&connection)?);
    indexes.others.retain(|name| !by_type::is_ours(name));
    look_at_payloads(&mut indexes, &payloads::keys(&connection)?, keys);
    let kibibytes = fs::metadata(path).map_or(0, |file| file.len()) >> 10;
    Ok(Ok(Some(Inspection {
        server: format!("SQLite {}", rusqlite::version()),
        topology: format!("one file of {kibibytes} KiB, format {format}"),
        durability: format!("journal_mode: {mode}, each commit synced"),
        latency,
        clocks: None,
        indexes,
        dead_letters: u64::try_from(dead_letters).unwrap_or(0),
    })))
}

/// A file that this program can read, and its format; `None` where nobody has begun to fill
/// it.
pub(super) fn open_known(
    path: &Path,
    is_held: bool,
) -> rusqlite::Result<Result<Option<(Connection, usize)>, OpenError>> {
    let connection = open(path, is_held)?;
    Ok(match schema::version(&connection)? {
        Version::Numbered(0) => Ok(None),
        Version::Numbered(found) if found > MIGRATIONS.len() => {
            Err(OpenError::Newer { path: path.into(), found, known: MIGRATIONS.len() })
        }
        Version::Numbered(found) => Ok(Some((connection, found))),
        Version::Foreign => Err(OpenError::Foreign { path: path.into() }),
    })
}

/// A file that nobody has and that was closed is read as it is: opened as usual,
/// SQLite would put two files beside it, and leave them there. After a crash these
/// are there already, and hold a part of what is stored.
fn open(path: &Path, is_held: bool) -> rusqlite::Result<Connection> {
    let wal = Wal::beside(path).file;
    if is_held || fs::metadata(&wal).is_ok_and(|wal| wal.len() > 0) {
        return schema::open_reader(path);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let name = path.display().to_string();
    let name = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    Connection::open_with_flags(format!("file:{name}?immutable=1"), flags)
}

fn indexes(connection: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    connection.prepare(INDEXES)?.query_map([], |row| row.get(0))?.collect()
}

/// Those of a file of this format, as the migrations make them.
fn wanted(format: usize) -> rusqlite::Result<BTreeSet<String>> {
    let empty = Connection::open_in_memory()?;
    for step in &MIGRATIONS[..format] {
        empty.execute_batch(step)?;
    }
    indexes(&empty)
}

fn compare(wanted: &BTreeSet<String>, there: &BTreeSet<String>) -> Indexes {
    Indexes {
        present: wanted.intersection(there).count(),
        missing: wanted.difference(there).cloned().collect(),
        others: there.difference(wanted).cloned().collect(),
        ..Indexes::default()
    }
}

/// What the settings of a start add, which is no part of the format.
fn look_at_payloads(indexes: &mut Indexes, there: &[String], wanted: &[PayloadKey]) {
    let is_wanted = |key: &&String| wanted.iter().any(|wanted| wanted.as_str() == **key);
    indexes.others.retain(|name| !payloads::is_ours(name));
    indexes.present += there.iter().filter(is_wanted).count();
    indexes.unwanted = there.iter().filter(|key| !is_wanted(key)).cloned().collect();
    let wanted = wanted.iter().map(PayloadKey::as_str);
    let unsearched = wanted.filter(|key| there.iter().all(|there| there != key));
    indexes.unsearched = unsearched.map(str::to_owned).collect();
}
