//! What the processor was sent, and what is kept of it, against what was accepted.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::AddAssign;

use serde_json::json;

use super::disruptions::{Cause, Disruption};
use super::log::{Answered, Request};
use super::order::successions;
use super::outcomes::Outcome;
use super::{Id, POISON};
use crate::oracle::{Batch, Sent};
use crate::stored::Stored;

/// How much sooner than its limit a request may have been given up, by the clock of the
/// processor, which sees it later; in milliseconds.
const EARLIER: i64 = 100;
/// Defects that are told one by one.
const TOLD: usize = 5;

/// The counts of one check, in events; all but the first three are defects.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Processing {
    pub processed: u64,
    pub failed: u64,
    /// That the processor was sent.
    pub requests: u64,
    /// Stored, and without an outcome; those that were hit on purpose left aside.
    pub unprocessed: u64,
    /// Outcomes and requests of no event that is stored.
    pub invented: u64,
    /// Sent before the one that was accepted before it, of the same user, was answered
    /// for good.
    pub overtaken: u64,
    /// Sent while another request of its user was in flight, and nothing explains that.
    pub overlapping: u64,
    /// Sent again after a 2xx, and nothing explains that.
    pub repeated: u64,
    /// The outcome is not what the event is, or not what the processor answered.
    pub mismatched: u64,
    /// Documents of the feed and records of users that stay when all is done.
    pub left: u64,
}

/// All that is known.
pub struct Evidence<'a> {
    pub stored: &'a [Stored],
    pub outcomes: &'a [Outcome],
    /// In the order in which they came.
    pub requests: &'a [Request],
    pub disruptions: &'a [Disruption],
    /// How long a request may take, in milliseconds.
    pub timeout: i64,
    pub left: u64,
}

impl Processing {
    /// Compares, and tells some of the defects.
    pub fn on(
        batches: &[Batch],
        hit: &HashSet<usize>,
        evidence: &Evidence<'_>,
    ) -> (Self, Vec<String>) {
        let mut check = Check::of(evidence);
        let of_hit = hit.iter().filter_map(|place| batches.get(*place));
        let of_hit = of_hit.flat_map(|batch| &batch.events);
        check.outcomes(&of_hit.map(|event| (&*event.user, &*event.event_id)).collect());
        check.order(batches);
        check.overlaps();
        check.repeats();
        (check.counts, check.told)
    }

    /// Whether no defect was found.
    pub fn is_clean(&self) -> bool {
        let of_outcomes = self.unprocessed + self.invented + self.mismatched + self.left;
        of_outcomes + self.overtaken + self.overlapping + self.repeated == 0
    }
}

struct Check<'a> {
    evidence: &'a Evidence<'a>,
    stored: HashMap<Id, &'a Stored>,
    outcomes: HashMap<Id, &'a Outcome>,
    /// Of each event.
    requests: HashMap<Id, Vec<&'a Request>>,
    counts: Processing,
    told: Vec<String>,
}

impl<'a> Check<'a> {
    fn of(evidence: &'a Evidence<'a>) -> Self {
        let mut requests: HashMap<Id, Vec<&Request>> = HashMap::new();
        for request in evidence.requests {
            requests.entry(request.id).or_default().push(request);
        }
        let counts = Processing {
            requests: evidence.requests.len() as u64,
            left: evidence.left,
            ..Processing::default()
        };
        Self {
            evidence,
            stored: evidence.stored.iter().map(|event| (event.id, event)).collect(),
            outcomes: evidence.outcomes.iter().map(|outcome| (outcome.id, outcome)).collect(),
            requests,
            counts,
            told: Vec::new(),
        }
    }

    fn tell(&mut self, count: impl Fn(&mut Processing) -> &mut u64, what: impl FnOnce() -> String) {
        let count = count(&mut self.counts);
        *count += 1;
        if *count <= TOLD as u64 {
            self.told.push(what());
        }
    }

    fn requests_of(&self, id: &Id) -> &[&'a Request] {
        self.requests.get(id).map_or(&[], Vec::as_slice)
    }

    /// What is stored and not fed yet is known from the journal alone. So an event whose
    /// record there was damaged on purpose may have no outcome.
    fn outcomes(&mut self, hit: &HashSet<(&str, &str)>) {
        for event in self.evidence.stored {
            let is_hit = hit.contains(&(&*event.user, &*event.event_id));
            if is_hit || self.outcomes.contains_key(&event.id) {
                continue;
            }
            let sent = self.requests_of(&event.id).len();
            self.tell(
                |counts| &mut counts.unprocessed,
                || format!("unprocessed: {} of {}, sent {sent} times", event.event_id, event.user),
            );
        }
        for outcome in self.evidence.outcomes {
            self.counts.processed += u64::from(outcome.state == "processed");
            self.counts.failed += u64::from(outcome.state == "failed");
            let Some(event) = self.stored.get(&outcome.id) else {
                self.tell(|counts| &mut counts.invented, || format!("invented: {outcome:?}"));
                continue;
            };
            if !is_of(outcome, event) || !is_answered(outcome, self.requests_of(&outcome.id)) {
                let requests = self.requests_of(&outcome.id).to_vec();
                self.tell(
                    |counts| &mut counts.mismatched,
                    || format!("mismatched: {outcome:?} after {requests:?}"),
                );
            }
        }
        let unknown: HashSet<&Id> =
            self.requests.keys().filter(|id| !self.stored.contains_key(*id)).collect();
        self.counts.invented += unknown.len() as u64;
    }

    /// Each event is first sent behind the answer by which the one was done that has to be
    /// done before it.
    fn order(&mut self, batches: &[Batch]) {
        let ids: HashMap<(&str, &str), Id> = self
            .evidence
            .stored
            .iter()
            .map(|event| ((event.user.as_str(), event.event_id.as_str()), event.id))
            .collect();
        let id_of =
            |event: &Sent| ids.get(&(event.user.as_str(), event.event_id.as_str())).copied();
        for (before, after) in successions(batches) {
            let (Some(first), Some(second)) = (id_of(before), id_of(after)) else { continue };
            let begin = self.requests_of(&second).first().map(|request| request.line);
            if let (Some(end), Some(begin)) = (self.end_of(&first), begin)
                && begin < end
            {
                self.tell(
                    |counts| &mut counts.overtaken,
                    || {
                        format!(
                            "overtaken: event {} of {}, done at line {}, by {} at line {}",
                            before.number,
                            before.user,
                            end + 1,
                            after.number,
                            begin + 1
                        )
                    },
                );
            }
        }
    }

    /// The line of the answer by which an event was done: its first 2xx, else its last
    /// answer.
    fn end_of(&self, id: &Id) -> Option<usize> {
        let answers = || self.requests_of(id).iter().filter_map(|request| request.answer);
        let success = answers().find(|answer| answer.is_success());
        success.or_else(|| answers().next_back()).map(|answer| answer.line)
    }

    /// Two requests of a user in flight, unless the first was given up, or something was
    /// broken between the two.
    fn overlaps(&mut self) {
        let mut open: HashMap<&str, Vec<&Request>> = HashMap::new();
        for request in self.evidence.requests {
            let others = open.entry(request.user.as_str()).or_default();
            others.retain(|other| other.answer.is_none_or(|answer| answer.line > request.line));
            let first = others.iter().find(|other| {
                let end = other.answer.map_or(request.at, |answer| answer.at);
                let is_given_up = end - other.at >= self.evidence.timeout - EARLIER;
                !is_given_up && !self.is_disrupted(other.at, request.at)
            });
            let told = first.map(|first| format!("overlapping: {first:?} and {request:?}"));
            others.push(request);
            if let Some(told) = told {
                self.tell(|counts| &mut counts.overlapping, || told);
            }
        }
    }

    fn is_disrupted(&self, from: i64, to: i64) -> bool {
        self.evidence.disruptions.iter().any(|disruption| disruption.meets(from, to))
    }

    /// Requests for an event that was answered 2xx before. A disruption explains one of
    /// each user, of the event that was in flight: nothing else of the user came in
    /// between, or what another instance fed late did, and it was sent last when it began.
    /// One of the processor explains as many as the service has sent meanwhile. The end of
    /// a pause explains one more: what the instance was about to send when it stood still
    /// comes late, whatever the other one has sent meanwhile.
    fn repeats(&mut self) {
        let mut explained = HashSet::new();
        let mut late = HashSet::new();
        let mut newest: HashMap<&str, Id> = HashMap::new();
        for request in self.evidence.requests {
            let user = request.user.as_str();
            let is_newest = newest.insert(user, request.id) == Some(request.id);
            let Some((sent_at, answer)) = self.success_before(request) else { continue };
            let is_given_up = answer.at - sent_at >= self.evidence.timeout - EARLIER;
            let all = || self.evidence.disruptions.iter().enumerate();
            let mut meeting = all().filter(|(_, one)| one.meets(answer.at, request.at));
            let is_explained = is_newest && is_given_up
                || meeting.any(|(number, one)| match one.cause {
                    Cause::Processor => is_newest,
                    _ => {
                        let was_in_flight = is_newest || self.was_in_flight(request, one);
                        was_in_flight && explained.insert((number, user))
                    }
                })
                || all().any(|(number, one)| {
                    self.comes_late(request, one) && late.insert((number, user))
                });
            if !is_explained {
                self.tell(
                    |counts| &mut counts.repeated,
                    || format!("repeated: {request:?}, answered at {answer:?}"),
                );
            }
        }
    }

    /// Whether this event is the last that was sent of its user before a disruption began,
    /// or was sent while that took hold.
    fn was_in_flight(&self, request: &Request, disruption: &Disruption) -> bool {
        let earlier = |other: &&Request| other.user == request.user && other.line < request.line;
        let earlier = || self.evidence.requests.iter().filter(earlier);
        let last = earlier().rfind(|other| other.at <= disruption.from);
        let meanwhile = earlier().filter(|other| disruption.takes_hold(other.at));
        last.into_iter().chain(meanwhile).any(|other| other.id == request.id)
    }

    /// Whether an instance may have been about to send this when it began to stand still:
    /// its pause has just ended, and then this was the last event that was sent of the
    /// user, or the next one.
    fn comes_late(&self, request: &Request, pause: &Disruption) -> bool {
        if pause.cause != Cause::Pause || !pause.has_just_ended(request.at) {
            return false;
        }
        let own = || self.evidence.requests.iter().filter(|other| other.user == request.user);
        let before = own().rfind(|other| other.at <= pause.from);
        let next = own().find(|other| other.at > pause.from);
        [before, next].into_iter().flatten().any(|other| other.id == request.id)
    }

    /// The last 2xx that an event had when it was sent: when that was asked for, and the
    /// answer.
    fn success_before(&self, request: &Request) -> Option<(i64, Answered)> {
        let before = self.requests_of(&request.id).iter().rev();
        let mut answered = before.filter_map(|before| Some((before.at, before.answer?)));
        answered.find(|(_, answer)| answer.is_success() && answer.line < request.line)
    }
}

/// Whether an outcome is of this event.
fn is_of(outcome: &Outcome, event: &Stored) -> bool {
    outcome.user.as_deref() == Some(&*event.user)
        && outcome.event_id.as_deref() == Some(&*event.event_id)
        && outcome.kind.as_deref() == event.kind()
        && (outcome.occurred_at, outcome.arrival) == (Some(event.place().0), event.place().1)
}

/// Whether the processor has said what an outcome says.
fn is_answered(outcome: &Outcome, requests: &[&Request]) -> bool {
    let answers = || requests.iter().filter_map(|request| request.answer);
    match outcome.state.as_str() {
        "processed" => {
            let said = json!({"status": "success", "message": "Event processed successfully"});
            answers().any(|answer| i64::from(answer.status) == 200)
                && outcome.http_status == Some(200)
                && outcome.result.as_ref() == Some(&said)
                && outcome.error.is_none()
        }
        // A failure by chance is tried again, so nothing else is given up.
        "failed" => {
            outcome.kind.as_deref() == Some(POISON)
                && !requests.is_empty()
                && answers().all(|answer| answer.status == 422)
                && outcome.http_status == Some(422)
                && outcome.result.is_none()
                && outcome.error.is_some()
        }
        _ => false,
    }
}

impl AddAssign for Processing {
    fn add_assign(&mut self, other: Self) {
        self.processed += other.processed;
        self.failed += other.failed;
        self.requests += other.requests;
        self.unprocessed += other.unprocessed;
        self.invented += other.invented;
        self.overtaken += other.overtaken;
        self.overlapping += other.overlapping;
        self.repeated += other.repeated;
        self.mismatched += other.mismatched;
        self.left += other.left;
    }
}

impl fmt::Display for Processing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} processed, {} failed, {} requests; {} unprocessed, {} invented, {} overtaken, \
             {} overlapping, {} repeated, {} mismatched, {} left",
            self.processed,
            self.failed,
            self.requests,
            self.unprocessed,
            self.invented,
            self.overtaken,
            self.overlapping,
            self.repeated,
            self.mismatched,
            self.left
        )
    }
}

#[cfg(test)]
mod tests;
