//! Our values as SQLite has them.

use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use uuid::Uuid;

use crate::access::{Role, Scope, SecretHash};

/// A text that is none of the words that a column may hold.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not known here")]
struct UnknownWord(String);

fn unknown(word: &str) -> FromSqlError {
    FromSqlError::Other(Box::new(UnknownWord(word.to_owned())))
}

impl ToSql for Role {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Admin => "admin".into(),
            Self::Staff => "staff".into(),
            Self::Support => "support".into(),
        })
    }
}

impl FromSql for Role {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "admin" => Ok(Self::Admin),
            "staff" => Ok(Self::Staff),
            "support" => Ok(Self::Support),
            other => Err(unknown(other)),
        }
    }
}

impl ToSql for Scope {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Monitor => "monitor".into(),
            Self::Read => "read".into(),
            Self::Privacy => "privacy".into(),
        })
    }
}

impl FromSql for Scope {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_str()? {
            "monitor" => Ok(Self::Monitor),
            "read" => Ok(Self::Read),
            "privacy" => Ok(Self::Privacy),
            other => Err(unknown(other)),
        }
    }
}

/// A UUID, kept as its 16 bytes.
pub(super) fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    row.get(column).map(Uuid::from_bytes)
}

/// A UUID that may be missing.
pub(super) fn optional_uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Uuid>> {
    let bytes: Option<[u8; 16]> = row.get(column)?;
    Ok(bytes.map(Uuid::from_bytes))
}

/// Hashes, one behind the other.
pub(super) fn hashes(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<SecretHash>> {
    let bytes = row.get_ref(column)?.as_blob()?;
    let (hashes, _) = bytes.as_chunks();
    Ok(hashes.to_vec())
}
