//! What the example processor wrote down.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::Id;

/// A request, in the order in which they came.
#[derive(Debug, Clone)]
pub struct Request {
    pub id: Id,
    pub user: String,
    /// In milliseconds since the epoch.
    pub at: i64,
    /// Its line, which tells the order of what has the same millisecond.
    pub line: usize,
    /// `None` where the processor ended before.
    pub answer: Option<Answered>,
}

/// An answer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    pub at: i64,
    pub line: usize,
    pub status: u16,
}

impl Answered {
    /// Whether the event is done by it.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    at: i64,
    what: String,
    webhook_id: Option<String>,
    attempt: Option<u32>,
    user: Option<String>,
    status: Option<u16>,
}

/// Reads a log.
pub fn read(file: &Path) -> Result<Vec<Request>, Trouble> {
    parse(&std::fs::read_to_string(file).during("reading the processor's log")?)
}

/// Reads the text of a log. An answer is that of the first request of its event, run and
/// attempt that has none.
pub fn parse(text: &str) -> Result<Vec<Request>, Trouble> {
    let mut requests: Vec<Request> = Vec::new();
    let mut open: HashMap<(String, u32), Vec<usize>> = HashMap::new();
    for (number, text) in text.lines().enumerate() {
        let fault = |fault: &str| Trouble(format!("line {} of the log: {fault}", number + 1));
        let line: Line = serde_json::from_str(text).map_err(|error| fault(&error.to_string()))?;
        let sent_as = line.webhook_id.unwrap_or_default();
        // From the second run on that stands behind it.
        let id = sent_as.split('.').next().and_then(|id| uuid::Uuid::try_parse(id).ok());
        let id = *id.ok_or_else(|| fault("no UUID as webhook-id"))?.as_bytes();
        let attempt = line.attempt.ok_or_else(|| fault("no attempt"))?;
        let waiting = open.entry((sent_as, attempt)).or_default();
        match (line.what.as_str(), line.status) {
            ("request", _) => {
                waiting.push(requests.len());
                let user = line.user.ok_or_else(|| fault("no user"))?;
                requests.push(Request { id, user, at: line.at, line: number, answer: None });
            }
            ("answer", Some(status)) if !waiting.is_empty() => {
                let answer = Answered { at: line.at, line: number, status };
                requests[waiting.remove(0)].answer = Some(answer);
            }
            _ => return Err(fault("neither a request nor the answer to one")),
        }
    }
    Ok(requests)
}
