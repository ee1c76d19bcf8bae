//! The table `person_terms`, searched.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension as _};

use super::rows::{OF_ID, person};
use crate::people::{Matching, Person, Range};

/// In the order of the table, which is the only one that it has.
pub const PREFIX: &str = "SELECT id FROM person_terms WHERE term >= ?1 AND term < ?2 ORDER BY term";

pub const WHOLE: &str = "SELECT id FROM person_terms WHERE term = ?1";

/// Read until there are enough: a row with several of the terms is found several times,
/// and given once.
pub fn by_term(
    connection: &Connection,
    range: &Range,
    matching: Matching,
    most: usize,
) -> rusqlite::Result<Vec<Person>> {
    let transaction = connection.unchecked_transaction()?;
    let mut terms = transaction.prepare_cached(match matching {
        Matching::Whole => WHOLE,
        Matching::Prefix => PREFIX,
    })?;
    let mut ids = match matching {
        Matching::Whole => terms.query([&range.from])?,
        Matching::Prefix => terms.query([&range.from, &range.to])?,
    };
    let mut rows = transaction.prepare_cached(OF_ID)?;
    let mut given = HashSet::new();
    let mut found = Vec::new();
    while found.len() < most {
        let Some(id) = ids.next()? else { break };
        let id: Box<str> = id.get(0)?;
        if !given.contains(&id) {
            found.extend(rows.query_row([&id], person).optional()?);
            given.insert(id);
        }
    }
    Ok(found)
}
