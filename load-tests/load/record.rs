//! What the scenario sent and what it was answered: the file that
//! `artillery/record.js` writes.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use trailkeep_testkit::trouble::{Trouble, While as _};

/// Each batch, in the order in which they were sent.
#[derive(Debug, Default)]
pub struct Record(Vec<Batch>);

/// The events of one request.
#[derive(Debug)]
pub struct Batch {
    pub events: Vec<Sent>,
    /// `None` where none came.
    pub answer: Option<Answer>,
}

/// An event that was sent.
#[derive(Debug, Deserialize)]
pub struct Sent {
    pub user: String,
    /// `None` leaves it to the service.
    pub id: Option<String>,
}

/// What a batch was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Of a 202.
    pub event_ids: Vec<String>,
    /// Milliseconds since the epoch.
    pub at: u64,
}

/// When posts were refused, against the moment from which the database was
/// there again.
#[derive(Debug, Clone, Copy)]
pub struct Refusals {
    /// Batches answered 503.
    pub count: u64,
    /// From the release until the last of them; zero where none came later.
    pub lasted: Duration,
    /// Batches answered 202 after the last refusal.
    pub accepted_after: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    batch: String,
    events: Option<Vec<(String, Option<String>)>>,
    status: Option<u16>,
    event_ids: Option<Vec<String>>,
    at: Option<u64>,
}

impl Record {
    /// Reads a file.
    pub fn read(file: &Path) -> Result<Self, Trouble> {
        let text = std::fs::read_to_string(file).during("reading what was sent")?;
        Self::parse(&text)
    }

    /// Reads lines.
    pub fn parse(text: &str) -> Result<Self, Trouble> {
        let mut batches: Vec<Batch> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for line in text.lines() {
            let line: Line = serde_json::from_str(line).during("reading what was sent")?;
            match (line.events, line.status, places.get(&line.batch)) {
                (Some(events), None, None) => {
                    places.insert(line.batch, batches.len());
                    batches.push(Batch {
                        events: events.into_iter().map(|(user, id)| Sent { user, id }).collect(),
                        answer: None,
                    });
                }
                (None, Some(status), Some(&place)) => {
                    batches[place].answer = Some(Answer {
                        status,
                        event_ids: line.event_ids.unwrap_or_default(),
                        at: line.at.unwrap_or_default(),
                    });
                }
                _ => return Err(Trouble(format!("batch {} makes no sense", line.batch))),
            }
        }
        Ok(Self(batches))
    }

    /// All batches.
    pub fn batches(&self) -> &[Batch] {
        &self.0
    }

    /// Everybody who was posted for.
    pub fn users(&self) -> BTreeSet<&str> {
        let events = self.0.iter().flat_map(|batch| &batch.events);
        events.map(|event| event.user.as_str()).collect()
    }

    /// How long posts were refused, against a moment.
    pub fn refusals(&self, released: SystemTime) -> Refusals {
        let released = released.duration_since(UNIX_EPOCH).unwrap_or_default();
        let answers = || self.0.iter().filter_map(|batch| batch.answer.as_ref());
        let refused = || answers().filter(|answer| answer.status == 503);
        let last = refused().map(|answer| answer.at).max().unwrap_or_default();
        let is_after = |answer: &&Answer| answer.status == 202 && answer.at > last;
        Refusals {
            count: refused().count() as u64,
            lasted: Duration::from_millis(last).saturating_sub(released),
            accepted_after: answers().filter(is_after).count() as u64,
        }
    }
}
