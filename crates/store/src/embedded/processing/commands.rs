//! The table `processor_commands`.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use trailkeep_event::Timestamp;
use uuid::Uuid;

use super::columns::count;
use crate::processing::{Command, MAX_COMMANDS};

macro_rules! select {
    ($condition:literal) => {
        concat!(
            "SELECT id, processor, made_at, \"order\", progress, answered_at, answer
             FROM processor_commands ",
            $condition
        )
    };
}

pub const EVERY: &str = select!("");

/// `INDEXED BY` turns a plan without the index into an error.
pub const OF_PROCESSOR: &str =
    select!("INDEXED BY processor_commands_of WHERE processor = ?1 ORDER BY made_at, id");

pub const BY_ID: &str = select!("WHERE id = ?1");

const IS_THERE: &str = "SELECT EXISTS (SELECT 1 FROM processor_commands WHERE id = ?1)";

const OPEN: &str = "
    SELECT count(*) FROM processor_commands WHERE processor = ?1 AND answered_at IS NULL";

const ADD: &str = "
    INSERT INTO processor_commands (id, processor, made_at, \"order\", progress, answered_at,
                                    answer)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

const CHANGE: &str = "
    UPDATE processor_commands SET
        progress = coalesce(?2, progress),
        answered_at = ?3,
        answer = ?4
    WHERE id = ?1 AND answered_at IS NULL";

const REMOVE_ANSWERED: &str = "
    DELETE FROM processor_commands WHERE processor = ?1 AND answered_at < ?2";

const REMOVE: &str = "DELETE FROM processor_commands WHERE id = ?1";

const REMOVE_ALL: &str = "DELETE FROM processor_commands WHERE processor = ?1";

pub fn add(transaction: &Transaction<'_>, command: &Command) -> rusqlite::Result<bool> {
    let horizon = params![command.processor, command.horizon().as_millis()];
    transaction.prepare_cached(REMOVE_ANSWERED)?.execute(horizon)?;
    let id = command.id.as_bytes();
    if transaction.prepare_cached(IS_THERE)?.query_row([id], |row| row.get(0))? {
        return Ok(true);
    }
    let open: u64 =
        transaction.prepare_cached(OPEN)?.query_row([&command.processor], |row| count(row, 0))?;
    if open >= MAX_COMMANDS as u64 {
        return Ok(false);
    }
    transaction.prepare_cached(ADD)?.execute(params![
        id,
        command.processor,
        command.made_at.as_millis(),
        command.order,
        command.progress,
        command.answered_at.map(Timestamp::as_millis),
        command.answer,
    ])?;
    Ok(true)
}

pub fn all(connection: &Connection, name: &str) -> rusqlite::Result<Vec<Command>> {
    connection.prepare_cached(OF_PROCESSOR)?.query_map([name], command)?.collect()
}

pub fn one(connection: &Connection, id: Uuid) -> rusqlite::Result<Option<Command>> {
    connection.prepare_cached(BY_ID)?.query_row([id.as_bytes()], command).optional()
}

pub fn change(
    transaction: &Transaction<'_>,
    id: Uuid,
    progress: Option<&str>,
    answer: Option<(Timestamp, &str)>,
) -> rusqlite::Result<bool> {
    let (answered_at, answer) = answer.unzip();
    let answered_at = answered_at.map(Timestamp::as_millis);
    let change = params![id.as_bytes(), progress, answered_at, answer];
    Ok(transaction.prepare_cached(CHANGE)?.execute(change)? > 0)
}

pub fn remove(transaction: &Transaction<'_>, id: Uuid) -> rusqlite::Result<()> {
    transaction.prepare_cached(REMOVE)?.execute([id.as_bytes()]).map(|_| ())
}

pub fn remove_all(transaction: &Transaction<'_>, name: &str) -> rusqlite::Result<()> {
    transaction.prepare_cached(REMOVE_ALL)?.execute([name]).map(|_| ())
}

pub fn command(row: &Row<'_>) -> rusqlite::Result<Command> {
    Ok(Command {
        id: row.get(0).map(Uuid::from_bytes)?,
        processor: row.get(1)?,
        made_at: Timestamp::from_millis_clamped(row.get(2)?),
        order: row.get(3)?,
        progress: row.get(4)?,
        answered_at: row.get::<_, Option<i64>>(5)?.map(Timestamp::from_millis_clamped),
        answer: row.get(6)?,
    })
}
