//! Ids that are noted at sessions and at other ids: each table is read once.

use rusqlite::Connection;

use crate::Id;
use crate::embedded::people::{rows, sessions};
use crate::erasures::{Mention, Mentions};

pub fn find(connection: &Connection, ids: &[Id], limit: usize) -> rusqlite::Result<Vec<Mention>> {
    let mut mentions = Mentions::of(ids, limit);
    let mut every = connection.prepare(sessions::EVERY)?;
    let mut every = every.query([])?;
    while mentions.are_wanted()
        && let Some(row) = every.next()?
    {
        mentions.look_at_session(sessions::session(row)?);
    }
    let mut every = connection.prepare(rows::EVERY)?;
    let mut every = every.query([])?;
    while mentions.are_wanted()
        && let Some(row) = every.next()?
    {
        mentions.look_at_person(&rows::person(row)?);
    }
    Ok(mentions.found())
}
