//! All of the file, handed out page by page to whoever moves it.
//!
//! Nobody else has the folder meanwhile, and retention has not begun, so what is read at one
//! moment goes on from what was read at another.

mod tables;

use rusqlite::types::{ToSqlOutput, Type, Value, ValueRef};
use rusqlite::{Connection, Error, OptionalExtension as _, Row, ToSql, params_from_iter};

use super::EmbeddedStore;
use crate::StoreError;
use crate::moving::{Kept, Key, KeyPart, Kind, Page};
use tables::Table;

/// Rows of a page, at the most.
const PAGE_ROWS: usize = 8_000;

/// Bytes of texts and blobs after which a page ends.
const PAGE_BYTES: usize = 8 << 20;

/// By the index of journeys, which has all users in order.
const LARGEST_USER: &str =
    "SELECT user_id FROM events GROUP BY user_id ORDER BY count(*) DESC LIMIT 1";

const LAST_EVENT: &str = "SELECT coalesce(max(seq), 0) FROM events";

const USER_FROM: &str = "SELECT user_id FROM events WHERE seq >= ?1 ORDER BY seq LIMIT 1";

/// `INDEXED BY` turns a plan without the index into an error.
const OWNER_FROM: &str = "
    SELECT owner FROM people INDEXED BY people_owner
    WHERE owner IS NOT NULL AND owner >= ?1 ORDER BY owner LIMIT 1";

impl EmbeddedStore {
    /// How many rows of a kind there are.
    ///
    /// # Errors
    ///
    /// As of any read.
    pub async fn rows(&self, kind: Kind) -> Result<u64, StoreError> {
        let count = format!("SELECT count(*) FROM {}", kind.table());
        let rows = self
            .readers
            .read(move |connection| connection.query_row(&count, [], |row| row.get::<_, i64>(0)));
        Ok(u64::try_from(rows.await?).unwrap_or(0))
    }

    /// The rows of a kind that come after this key, or the first ones: 8,000 and 8 MiB of them
    /// at the most, and one row more.
    ///
    /// # Errors
    ///
    /// As of any read; a row that cannot be read is named by its key.
    pub async fn page_of(&self, kind: Kind, after: Option<Key>) -> Result<Page, StoreError> {
        self.readers.read(move |connection| page(connection, kind, after)).await
    }

    /// Users to compare: the one with the most events, and for each of these shares of all
    /// events, from 0 to 1, whose the event is that lies there, and a user near by whom other
    /// ids are linked to. Each once.
    ///
    /// # Errors
    ///
    /// As of any read.
    pub async fn users_at(&self, shares: Vec<f64>) -> Result<Vec<String>, StoreError> {
        self.readers.read(move |connection| users_at(connection, &shares)).await
    }
}

/// The columns of a kind's key.
#[cfg(test)]
pub fn key_of_table(kind: Kind) -> &'static [&'static str] {
    tables::of(kind).key
}

fn page(connection: &Connection, kind: Kind, after: Option<Key>) -> rusqlite::Result<Page> {
    let table = tables::of(kind);
    let mut statement = connection.prepare_cached(&select(&table, after.is_some()))?;
    let mut found = statement.query(params_from_iter(after.into_iter().flatten()))?;
    let (mut rows, mut bytes): (Vec<Kept>, usize) = (Vec::new(), 0);
    while let Some(row) = found.next()? {
        rows.push((table.kept)(row).map_err(|error| named(kind, &table, row, &error))?);
        bytes += bytes_of(row);
        if rows.len() == PAGE_ROWS || bytes >= PAGE_BYTES {
            return Ok(Page { rows, last: Some(key_of(&table, row)?) });
        }
    }
    Ok(Page { rows, last: None })
}

/// In the order of the key, and behind one where there is one.
fn select(table: &Table, is_behind: bool) -> String {
    let key = table.key.join(", ");
    let behind = if is_behind {
        format!(" WHERE ({key}) > ({})", vec!["?"; table.key.len()].join(", "))
    } else {
        String::new()
    };
    format!("{}{behind} ORDER BY {key}", table.every)
}

fn key_of(table: &Table, row: &Row<'_>) -> rusqlite::Result<Key> {
    let part = |column: &&str| {
        Ok(match row.get(*column)? {
            Value::Integer(number) => KeyPart::Integer(number),
            Value::Text(text) => KeyPart::Text(text),
            Value::Blob(bytes) => KeyPart::Blob(bytes),
            other @ (Value::Null | Value::Real(_)) => {
                let fault = format!("its {column} is {other:?}");
                return Err(Error::FromSqlConversionFailure(0, Type::Null, fault.into()));
            }
        })
    };
    table.key.iter().map(part).collect()
}

impl ToSql for KeyPart {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// About the memory that a row takes.
fn bytes_of(row: &Row<'_>) -> usize {
    let columns = 0..row.as_ref().column_count();
    let bytes = columns.map(|column| match row.get_ref(column) {
        Ok(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => bytes.len(),
        _ => size_of::<i64>(),
    });
    bytes.sum()
}

/// Which row it is that cannot be read.
fn named(kind: Kind, table: &Table, row: &Row<'_>, error: &Error) -> Error {
    let key = key_of(table, row).map(|key| format!("{key:?}")).unwrap_or_default();
    let fault = format!("the row {key} of {}: {error}", kind.table());
    Error::FromSqlConversionFailure(0, Type::Blob, fault.into())
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // a place about there
fn users_at(connection: &Connection, shares: &[f64]) -> rusqlite::Result<Vec<String>> {
    let one = |sql: &str, parameter: &dyn ToSql| {
        let mut statement = connection.prepare_cached(sql)?;
        statement.query_row([parameter], |row| row.get::<_, String>(0)).optional()
    };
    let last: i64 = connection.query_row(LAST_EVENT, [], |row| row.get(0))?;
    let largest = connection.query_row(LARGEST_USER, [], |row| row.get(0)).optional()?;
    let mut users: Vec<String> = largest.into_iter().collect();
    for share in shares {
        let place = (last as f64 * share) as i64;
        if let Some(user) = one(USER_FROM, &place)? {
            users.extend(one(OWNER_FROM, &user)?);
            users.push(user);
        }
    }
    users.sort_unstable();
    users.dedup();
    Ok(users)
}
