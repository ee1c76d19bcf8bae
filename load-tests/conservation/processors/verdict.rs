//! What the processor was sent, and what is kept of it, against what was accepted.

mod kept;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::AddAssign;

use trailkeep_event::StoreId;

use super::Id;
use super::disruptions::{Cause, Disruption};
use super::log::{Answered, Request};
use super::order::successions;
use super::outcomes::Outcome;
use super::person::{Choice, Decision};
use crate::oracle::{Answer, Batch, Sent};
use crate::stored::Stored;

/// How much sooner than its limit a request may have been given up, by the clock of the
/// processor, which sees it later; in milliseconds.
const EARLIER: i64 = 100;
/// Defects that are told one by one.
const TOLD: usize = 5;

/// The counts of one check, in events; all but the first four are defects.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Processing {
    pub processed: u64,
    pub failed: u64,
    pub skipped: u64,
    /// That the processor was sent.
    pub requests: u64,
    /// Stored, or expired before they were delivered, and without an outcome; those that were
    /// hit on purpose left aside.
    pub unprocessed: u64,
    /// Outcomes and requests of no event that is stored, or has been.
    pub invented: u64,
    /// Sent before the one that was accepted before it, of the same user, was answered
    /// for good, or before a person let a user go on who was held there.
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
    /// What a person has decided, where users are held.
    pub decisions: Option<&'a [Decision]>,
    /// Whether what was hit on purpose has expired: it may be gone, and has an outcome all
    /// the same.
    pub has_retention: bool,
}

impl Processing {
    /// Compares, and tells some of the defects.
    pub fn on<'a>(
        batches: &'a [Batch],
        hit: &HashSet<usize>,
        evidence: &'a Evidence<'a>,
    ) -> (Self, Vec<String>) {
        let mut check = Check::of(evidence);
        if evidence.has_retention {
            check.expire(hit.iter().filter_map(|place| batches.get(*place)));
        }
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
    /// What is past the retention and not stored any more, if it ever was, and whether it
    /// was accepted.
    gone: HashMap<Id, (&'a Sent, bool)>,
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
            gone: HashMap::new(),
            outcomes: evidence.outcomes.iter().map(|outcome| (outcome.id, outcome)).collect(),
            requests,
            counts,
            told: Vec::new(),
        }
    }

    /// Notes what of these batches is gone.
    fn expire(&mut self, batches: impl Iterator<Item = &'a Batch>) {
        let there = self.evidence.stored.iter();
        let there: HashSet<(&str, &str)> =
            there.map(|event| (&*event.user, &*event.event_id)).collect();
        for batch in batches.filter(|batch| batch.answer != Answer::Refused) {
            let is_accepted = batch.answer == Answer::Accepted;
            let is_there = |event: &&Sent| there.contains(&(&*event.user, &*event.event_id));
            for event in batch.events.iter().filter(|event| !is_there(event)) {
                let id = *StoreId::derive(&event.user, &event.event_id).as_bytes();
                self.gone.insert(id, (event, is_accepted));
            }
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

    /// Each event is first sent behind the answer by which the one was done that has to be
    /// done before it.
    fn order(&mut self, batches: &[Batch]) {
        let stored = self.evidence.stored.iter();
        let stored = stored.map(|event| ((&*event.user, &*event.event_id), event.id));
        let gone = self.gone.iter();
        let gone = gone.map(|(id, (event, _))| ((&*event.user, &*event.event_id), *id));
        let ids: HashMap<(&str, &str), Id> = stored.chain(gone).collect();
        let id_of =
            |event: &Sent| ids.get(&(event.user.as_str(), event.event_id.as_str())).copied();
        for (before, after) in successions(batches) {
            let (Some(first), Some(second)) = (id_of(before), id_of(after)) else { continue };
            let Some(begin) = self.requests_of(&second).first().copied() else { continue };
            if self.freed_at(before).is_some_and(|at| begin.at < at) {
                self.tell(
                    |counts| &mut counts.overtaken,
                    || format!("{begin:?}, and nobody had freed {before:?}"),
                );
            }
            let begin = begin.line;
            if let Some(end) = self.end_of(&first)
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

    /// When a person first let a user go on who was held at this event.
    fn freed_at(&self, event: &Sent) -> Option<i64> {
        let decisions = self.evidence.decisions?.iter();
        let decisions = decisions.filter(|one| one.is_of(&event.user, &event.event_id));
        decisions.filter(|one| one.choice != Choice::Retry).map(|one| one.at).min()
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

impl AddAssign for Processing {
    fn add_assign(&mut self, other: Self) {
        self.processed += other.processed;
        self.failed += other.failed;
        self.skipped += other.skipped;
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
            "{} processed, {} failed, {} skipped, {} requests; {} unprocessed, {} invented, {} overtaken, \
             {} overlapping, {} repeated, {} mismatched, {} left",
            self.processed,
            self.failed,
            self.skipped,
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
