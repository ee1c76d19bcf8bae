//! Ids of which only hashes are known, found in all that is kept.

use std::collections::{BTreeSet, HashSet};

use rusqlite::Connection;

use crate::erasures::{ErasureKey, IdHash};

/// Wherever ids are by which something else is found. By an index where there is one, so that
/// the same ids come one after the other.
const SOURCES: [&str; 8] = [
    "SELECT user_id FROM events INDEXED BY events_journey ORDER BY user_id",
    "SELECT user_id FROM dead_letters",
    "SELECT id FROM people ORDER BY id",
    "SELECT owner FROM people WHERE owner IS NOT NULL ORDER BY owner",
    "SELECT claim.value ->> 'user' FROM people, json_each(people.parts, '$.claims') AS claim",
    "SELECT user_id FROM user_sessions",
    "SELECT user_id FROM processed_events WHERE user_id IS NOT NULL",
    "SELECT subject FROM audit_trail WHERE subject IS NOT NULL ORDER BY subject",
];

pub fn find(
    connection: &Connection,
    key: ErasureKey,
    hashes: &HashSet<IdHash>,
) -> rusqlite::Result<Vec<Box<str>>> {
    let mut found: BTreeSet<Box<str>> = BTreeSet::new();
    for source in SOURCES {
        let mut last = String::new();
        let mut ids = connection.prepare(source)?;
        let mut rows = ids.query([])?;
        while let Some(row) = rows.next()? {
            // A text that a person made unreadable is no id.
            let Ok(id) = row.get_ref(0)?.as_str() else { continue };
            if id == last {
                continue;
            }
            if hashes.contains(&key.hash(id)) {
                found.insert(id.into());
            }
            id.clone_into(&mut last);
        }
    }
    Ok(found.into_iter().collect())
}
