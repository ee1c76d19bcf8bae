//! Defects that are made on purpose in the log of a processor, to see that they are
//! found.

use std::collections::HashMap;

use serde_json::Value;
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::disruptions::Disruption;
use super::log::{self, Request};
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
    /// one overtakes; and adds a request and its answer once more at the end, which no
    /// disruption explains.
    pub fn into(
        text: &str,
        batches: &[Batch],
        disruptions: &[Disruption],
    ) -> Result<Self, Trouble> {
        let (answer, request) = successors(text, batches)
            .ok_or_else(|| Trouble("no event of the log has a successor".to_owned()))?;
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let again = settled(&log::parse(text)?, disruptions).ok_or_else(|| {
            Trouble("nothing was answered 2xx and followed by another before a fault".to_owned())
        })?;
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

/// The lines of a request that was answered 2xx and of its answer, which no disruption can have
/// been the reason to repeat: it was over, or its user was at another event already.
fn settled(requests: &[Request], disruptions: &[Disruption]) -> Option<[usize; 2]> {
    requests.iter().find_map(|request| {
        let answer = request.answer.filter(log::Answered::is_success)?;
        let has_gone_on = |by: i64| {
            let mut later = requests.iter().filter(|other| other.line > request.line);
            later.any(|other| other.user == request.user && other.at <= by)
        };
        let is_settled = |one: &Disruption| {
            let is_over = !one.meets(answer.at, i64::MAX);
            is_over || (has_gone_on(one.from) && !one.takes_hold(request.at))
        };
        disruptions.iter().all(is_settled).then_some([request.line, answer.line])
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processors::disruptions::Cause;

    #[test]
    fn what_may_have_been_in_flight_when_something_broke_is_not_what_is_repeated() {
        let request = |line: usize, user: &str, at: i64| Request {
            id: [u8::try_from(line).unwrap(); 16],
            user: user.to_owned(),
            at,
            line,
            answer: Some(log::Answered { at: at + 1, line: line + 1, status: 200 }),
        };
        let broken = [Disruption { cause: Cause::Service, from: 5_000, to: Some(6_000) }];
        let last_before = [request(0, "ann", 4_000), request(2, "bob", 4_990)];
        assert_eq!(settled(&last_before, &broken), None);
        let meanwhile = [request(0, "ann", 5_010), request(2, "ann", 5_020)];
        assert_eq!(settled(&meanwhile, &broken), None);
        let gone_on =
            [request(0, "bob", 4_000), request(2, "ann", 4_000), request(4, "ann", 4_990)];
        assert_eq!(settled(&gone_on, &broken), Some([2, 3]));
        let afterwards = [request(0, "ann", 4_000), request(2, "ann", 9_000)];
        assert_eq!(settled(&afterwards, &broken), Some([2, 3]));
        assert_eq!(settled(&last_before, &[]), Some([0, 1]));
    }
}
