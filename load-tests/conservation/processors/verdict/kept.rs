//! Outcomes: that there is one of each event, and that it says what the event was and what
//! became of it.

use std::collections::HashSet;

use serde_json::json;

use super::{Check, Request};
use crate::oracle::Sent;
use crate::processors::outcomes::Outcome;
use crate::processors::person::Choice;
use crate::processors::{Id, POISON};
use crate::stored::Stored;

/// How long an answer may take to be kept, in milliseconds: what ends in between may send
/// the event again, or find it gone.
const KEEPING: i64 = 1_000;

impl Check<'_> {
    /// What is stored and not fed yet is known from the journal alone. So an event whose
    /// record there was damaged on purpose may have no outcome. One that has expired was
    /// fed, and has.
    pub(super) fn outcomes(&mut self, hit: &HashSet<(&str, &str)>) {
        let is_damage = !self.evidence.has_retention;
        for event in self.evidence.stored {
            let is_hit = is_damage && hit.contains(&(&*event.user, &*event.event_id));
            if !is_hit {
                self.has_outcome(&event.id, &event.user, &event.event_id);
            }
        }
        let gone = self.gone.iter().filter(|(_, (_, is_accepted))| *is_accepted);
        for (id, event) in gone.map(|(id, (event, _))| (*id, *event)).collect::<Vec<_>>() {
            self.has_outcome(&id, &event.user, &event.event_id);
        }
        for outcome in self.evidence.outcomes {
            self.outcome(outcome);
        }
        let is_unknown = |id: &&Id| !self.stored.contains_key(*id) && !self.gone.contains_key(*id);
        self.counts.invented += self.requests.keys().filter(is_unknown).count() as u64;
    }

    fn has_outcome(&mut self, id: &Id, user: &str, event_id: &str) {
        if self.outcomes.contains_key(id) {
            return;
        }
        let sent = self.requests_of(id).len();
        self.tell(
            |counts| &mut counts.unprocessed,
            || format!("unprocessed: {event_id} of {user}, sent {sent} times"),
        );
    }

    fn outcome(&mut self, outcome: &Outcome) {
        self.counts.processed += u64::from(outcome.state == "processed");
        self.counts.failed += u64::from(outcome.state == "failed");
        self.counts.skipped += u64::from(outcome.state == "skipped");
        let is_right = match (self.stored.get(&outcome.id), self.gone.get(&outcome.id)) {
            (Some(event), _) => is_of(outcome, event) && self.is_answered(outcome),
            (None, Some((event, _))) => {
                self.is_expired(outcome) || was_of(outcome, event) && self.is_answered(outcome)
            }
            (None, None) => {
                self.tell(|counts| &mut counts.invented, || format!("invented: {outcome:?}"));
                return;
            }
        };
        if !is_right {
            let requests = self.requests_of(&outcome.id).to_vec();
            self.tell(
                |counts| &mut counts.mismatched,
                || format!("mismatched: {outcome:?} after {requests:?}"),
            );
        }
    }

    /// Whether the processor has said what an outcome says, or a person.
    fn is_answered(&self, outcome: &Outcome) -> bool {
        let requests = self.requests_of(&outcome.id);
        match outcome.state.as_str() {
            "processed" => {
                let said = json!({"status": "success", "message": "Event processed successfully"});
                statuses(requests).any(|status| status == 200)
                    && outcome.http_status == Some(200)
                    && outcome.result.as_ref() == Some(&said)
                    && outcome.error.is_none()
            }
            // A failure by chance is tried again, so nothing else is given up.
            "failed" => {
                is_refused(outcome, requests)
                    && outcome.http_status == Some(422)
                    && outcome.error.is_some()
                    && self.is_decided(outcome, Choice::Release)
            }
            "skipped" => {
                is_refused(outcome, requests)
                    && outcome.http_status.is_none()
                    && outcome.error.as_deref() == Some("a person skipped it")
                    && self.evidence.decisions.is_some()
                    && self.is_decided(outcome, Choice::Skip)
            }
            _ => false,
        }
    }

    /// Whether a person has decided so, where users are held.
    fn is_decided(&self, outcome: &Outcome, choice: Choice) -> bool {
        let (Some(user), Some(event_id)) = (&outcome.user, &outcome.event_id) else { return false };
        self.evidence.decisions.is_none_or(|decisions| {
            decisions.iter().any(|one| one.is_of(user, event_id) && one.choice == choice)
        })
    }

    /// Whether an outcome says that the event had expired. Its processor has not taken it,
    /// unless something ended before that was kept.
    fn is_expired(&self, outcome: &Outcome) -> bool {
        let is_taken = self.requests_of(&outcome.id).iter().any(|request| {
            request.answer.is_some_and(|answer| {
                answer.is_success() && !self.is_disrupted(answer.at, answer.at + KEEPING)
            })
        });
        let says = (outcome.state.as_str(), outcome.error.as_deref());
        let nothing = (&outcome.user, &outcome.event_id, &outcome.kind, outcome.http_status);
        says == ("skipped", Some("expired"))
            && nothing == (&None, &None, &None, None)
            && outcome.result.is_none()
            && !is_taken
    }
}

/// Whether an outcome is of this event.
fn is_of(outcome: &Outcome, event: &Stored) -> bool {
    outcome.user.as_deref() == Some(&*event.user)
        && outcome.event_id.as_deref() == Some(&*event.event_id)
        && outcome.kind.as_deref() == event.kind()
        && (outcome.occurred_at, outcome.arrival) == (Some(event.place().0), event.place().1)
}

/// The same, of one that is gone.
fn was_of(outcome: &Outcome, event: &Sent) -> bool {
    outcome.user.as_deref() == Some(&*event.user)
        && outcome.event_id.as_deref() == Some(&*event.event_id)
        && outcome.occurred_at == Some(event.occurred_at)
}

/// Whether the processor will never take an event.
fn is_refused(outcome: &Outcome, requests: &[&Request]) -> bool {
    outcome.kind.as_deref() == Some(POISON)
        && !requests.is_empty()
        && statuses(requests).all(|status| status == 422)
        && outcome.result.is_none()
}

fn statuses(requests: &[&Request]) -> impl Iterator<Item = u16> {
    requests.iter().filter_map(|request| Some(request.answer?.status))
}
