//! Our values as SQLite has them.

use rusqlite::{Error, Row};

/// A number that only counts, kept with a sign that it never has.
pub fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| Error::IntegralValueOutOfRange(column, number))
}
