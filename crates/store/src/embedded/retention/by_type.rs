//! Types that are kept for different times: an index of each table by type and time of
//! receipt, which is there while the settings ask for it, and a step that goes from one type
//! to the next. What is kept for good is passed over unread.

use rusqlite::{Connection, OptionalExtension as _, params};
use trailkeep_event::Timestamp;

use super::step::{STEP_ROWS, Step, horizon};
use crate::Retention;

/// Types that one step looks at: a look is one search in an index.
const STEP_TYPES: usize = 500;

/// What is deleted by its type, with the statements for it.
struct Table {
    index: &'static str,
    make: &'static str,
    /// The next type.
    next: &'static str,
    delete: &'static str,
}

macro_rules! table {
    ($name:literal) => {
        Table {
            index: concat!($name, "_expiry"),
            make: concat!(
                "CREATE INDEX IF NOT EXISTS ",
                $name,
                "_expiry ON ",
                $name,
                " (type, received_at)"
            ),
            next: concat!(
                "SELECT type FROM ",
                $name,
                " INDEXED BY ",
                $name,
                "_expiry WHERE type > ?1 ORDER BY type LIMIT 1"
            ),
            delete: concat!(
                "DELETE FROM ",
                $name,
                " WHERE rowid IN (SELECT rowid FROM ",
                $name,
                " INDEXED BY ",
                $name,
                "_expiry WHERE type IS ?1 AND received_at < ?2 LIMIT ?3)"
            ),
        }
    };
}

const OUTCOMES: Table = table!("processed_events");

const TABLES: [Table; 3] = [table!("events"), table!("dead_letters"), OUTCOMES];

/// What brings a file's indexes in line with the settings, given those that are there.
pub fn changes(is_by_type: bool, there: &[String]) -> Vec<String> {
    let is_there = |table: &&Table| there.iter().any(|name| name == table.index);
    if is_by_type {
        let missing = TABLES.iter().filter(|table| !is_there(table));
        return missing.map(|table| table.make.to_owned()).collect();
    }
    let drop = |table: &Table| format!("DROP INDEX IF EXISTS {}", table.index);
    TABLES.iter().filter(is_there).map(drop).collect()
}

/// Whether an index, by its table and name, is one of these.
pub fn is_ours(index: &str) -> bool {
    index.split_once('.').is_some_and(|(_, name)| TABLES.iter().any(|table| table.index == name))
}

/// Where a sweep stands.
#[derive(Default)]
pub struct ByType {
    table: usize,
    /// The type; none for what has none, which comes first.
    kind: Option<String>,
}

impl ByType {
    /// Deletes so many rows at the most, each table's by its retention.
    pub fn step(
        &mut self,
        connection: &Connection,
        kept: [&Retention; 3],
        now: Timestamp,
    ) -> rusqlite::Result<Step> {
        // One commit, and not one for each type.
        let transaction = connection.unchecked_transaction()?;
        let step = self.delete(&transaction, kept, now)?;
        transaction.commit()?;
        Ok(step)
    }

    fn delete(
        &mut self,
        connection: &Connection,
        kept: [&Retention; 3],
        now: Timestamp,
    ) -> rusqlite::Result<Step> {
        let mut deleted = 0;
        for _ in 0..STEP_TYPES {
            let Some((table, kept)) = TABLES.get(self.table).zip(kept.get(self.table)) else {
                return Ok(if deleted == 0 { Step::Last } else { Step::Deleted(deleted) });
            };
            let room = STEP_ROWS - deleted;
            let kept = self.kind.as_deref().map_or(kept.of_untyped(), |kind| kept.of(kind));
            let gone = match horizon(kept, now) {
                Some(before) => connection.prepare_cached(table.delete)?.execute(params![
                    self.kind,
                    before,
                    room as i64
                ])?,
                None => 0,
            };
            deleted += gone;
            if gone == room {
                break;
            }
            self.go_on(connection, table)?;
        }
        Ok(Step::Deleted(deleted))
    }

    fn go_on(&mut self, connection: &Connection, table: &Table) -> rusqlite::Result<()> {
        self.kind = next_type(connection, table, self.kind.take())?;
        if self.kind.is_none() {
            self.table += 1;
        }
        Ok(())
    }
}

/// The type of outcomes that comes after this one, or the first; what has none comes before all.
pub fn next_type_of_outcomes(
    connection: &Connection,
    after: Option<String>,
) -> rusqlite::Result<Option<String>> {
    next_type(connection, &OUTCOMES, after)
}

fn next_type(
    connection: &Connection,
    table: &Table,
    after: Option<String>,
) -> rusqlite::Result<Option<String>> {
    let mut next = connection.prepare_cached(table.next)?;
    next.query_row([after.unwrap_or_default()], |row| row.get(0)).optional()
}
