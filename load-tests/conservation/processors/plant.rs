//! Defects that are made on purpose in the log of a processor, to see that they are
//! found.

use std::collections::HashMap;

use serde_json::Value;
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::log;
use super::order::successions;
use crate::oracle::{Batch, Sent};

/// After all that was broken on purpose, in milliseconds.
const LATER: i64 = 60_000;

/// A log with defects.
pub struct Planted {
    pub text: String,
}

impl Planted {
    /// Swaps the answer to an event and the first request of its successor, so that this
    /// one overtakes; and adds a request and its answer once more at the end.
    pub fn into(text: &str, batches: &[Batch]) -> Result<Self, Trouble> {
        let (answer, request) = successors(text, batches)
            .ok_or_else(|| Trouble("no event of the log has a successor".to_owned()))?;
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let again = log::parse(text)?.into_iter().find_map(|request| {
            let answer = request.answer.filter(log::Answered::is_success)?;
            Some([request.line, answer.line])
        });
        let again = again.ok_or_else(|| Trouble("nothing was answered 2xx".to_owned()))?;
        let again = again.map(|line| lines[line].clone());
        let last = lines.last().cloned().unwrap_or_default();
        let last: Value = serde_json::from_str(&last).during("the log")?;
        let at = last["at"].as_i64().unwrap_or_default() + LATER;
        lines.swap(answer, request);
        for line in again {
            let mut line: Value = serde_json::from_str(&line).during("the log")?;
            line["at"] = at.into();
            lines.push(line.to_string());
        }
        Ok(Self { text: lines.join("\n") + "\n" })
    }
}

/// The lines of the only answer to an event, and of the only request of the one behind it.
fn successors(text: &str, batches: &[Batch]) -> Option<(usize, usize)> {
    let mut lines: HashMap<(String, String), Vec<(usize, bool)>> = HashMap::new();
    for (number, line) in text.lines().enumerate() {
        let line: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| line[name].as_str().map(str::to_owned);
        let event = (text("user")?, text("eventId")?);
        lines.entry(event).or_default().push((number, line["what"] == "answer"));
    }
    let lines_of = |event: &Sent| lines.get(&(event.user.clone(), event.event_id.clone()));
    successions(batches).into_iter().find_map(|(before, after)| {
        match (lines_of(before)?.as_slice(), lines_of(after)?.as_slice()) {
            ([(_, false), (answer, true)], [(request, false), (_, true)]) => {
                Some((*answer, *request))
            }
            _ => None,
        }
    })
}
