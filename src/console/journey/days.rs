//! Rows by day and by session.

use trailkeep_store::StoredEvent;

use super::row::{Row, Rows};
use crate::console::sight::{Sight, When, length};

/// A silence that is told, and that ends a session without an id.
const SILENCE_MS: i64 = 30 * 60 * 1000;

/// A day of a journey.
pub struct Day {
    /// `2025-11-28`.
    pub id: String,
    /// `Today`, `Friday`.
    pub name: String,
    /// `Friday 28 November`.
    pub date: String,
    pub sessions: Vec<Session>,
}

/// Events that belong together.
pub struct Session {
    /// By which the script finds it again.
    pub key: String,
    /// The silence above it, between it and what came later that day.
    pub silence: Option<String>,
    pub began: When,
    pub ended: When,
    /// `None` of a moment.
    pub length: Option<String>,
    pub events: usize,
    /// The page on which it began.
    pub entry: Option<String>,
    pub device: Option<String>,
    pub errors: usize,
    /// Whether it goes on.
    pub is_now: bool,
    pub rows: Vec<Row>,
}

impl Day {
    /// Events of the day that are shown.
    pub fn events(&self) -> usize {
        self.sessions.iter().map(|session| session.events).sum()
    }
}

/// The events, the newest first, by day and session. `user_id` is whose journey it is;
/// events of other ids are of when the user was not known yet. The newest goes on where
/// somebody is here.
pub fn days<'e>(
    events: impl IntoIterator<Item = &'e StoredEvent>,
    user_id: &str,
    rows: &Rows<'_>,
    is_here: bool,
) -> Vec<Day> {
    let sight = rows.sight;
    let mut days: Vec<Day> = Vec::new();
    let mut run: Vec<Row> = Vec::new();
    for event in events {
        let mut row = rows.row(event);
        if let Some(newer) = run.last_mut() {
            // Where the id changes from the user's own to another, somebody became known.
            newer.known_since = *newer.user_id == *user_id && *event.user_id != *user_id;
            if is_cut(newer, &row, sight) {
                close(&mut days, std::mem::take(&mut run), sight);
            }
        }
        row.known_since = false;
        run.push(row);
    }
    close(&mut days, run, sight);
    if let Some(newest) = days.first_mut().and_then(|day| day.sessions.first_mut()) {
        newest.is_now = is_here;
    }
    days
}

/// Whether an event that is older belongs to another session, or another day.
fn is_cut(newer: &Row, older: &Row, sight: &Sight) -> bool {
    let (newer, older) = (&newer.facts, &older.facts);
    let (later, earlier) = (newer.position.occurred_at, older.position.occurred_at);
    let is_silent = later.as_millis() - earlier.as_millis() >= SILENCE_MS;
    newer.session_id != older.session_id
        || (newer.session_id.is_none() && is_silent)
        || sight.day(later) != sight.day(earlier)
}

/// Adds a run of rows as a session of its day.
fn close(days: &mut Vec<Day>, run: Vec<Row>, sight: &Sight) {
    let (Some(newest), Some(oldest)) = (run.first(), run.last()) else { return };
    let ended = newest.facts.position.occurred_at;
    let began = oldest.facts.position.occurred_at;
    let day = sight.day(ended);
    let id = day.to_string();
    if days.last().is_none_or(|last| last.id != id) {
        let (name, date) = sight.day_names(day);
        days.push(Day { id, name, date, sessions: Vec::new() });
    }
    let Some(day) = days.last_mut() else { return };
    let later = day.sessions.last().and_then(|session| session.rows.last());
    let later = later.map(|row| row.same.last().unwrap_or(row).facts.position.occurred_at);
    let session_id = oldest.facts.session_id.as_deref();
    day.sessions.push(Session {
        key: session_id.map_or_else(|| oldest.anchor.clone(), str::to_owned),
        silence: later
            .map(|later| later.as_millis() - ended.as_millis())
            .filter(|silence| *silence >= SILENCE_MS)
            .map(|silence| length(silence).to_string()),
        began: sight.minute(began),
        ended: sight.minute(ended),
        length: lasted(ended.as_millis() - began.as_millis()),
        events: run.len(),
        entry: run.iter().rev().find_map(|row| row.facts.page.clone()),
        device: run.iter().find_map(|row| row.facts.device.clone()),
        errors: run.iter().filter(|row| row.is_error()).count(),
        is_now: false,
        rows: fold(run),
    });
}

fn lasted(millis: i64) -> Option<String> {
    (millis >= 1000).then(|| length(millis).to_string())
}

/// Equal neighbours as one row.
fn fold(rows: Vec<Row>) -> Vec<Row> {
    let mut folded: Vec<Row> = Vec::new();
    for row in rows {
        match folded.last_mut() {
            Some(last) if !last.ends_known() && last.is_same(&row) => last.same.push(row),
            _ => folded.push(row),
        }
    }
    folded
}

impl Row {
    /// Whether its last event is the first under the user's own id.
    pub fn ends_known(&self) -> bool {
        self.same.last().unwrap_or(self).known_since
    }
}

#[cfg(test)]
mod tests;
