//! What follows an answer, and what is kept of it.

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;
use trailkeep_delivery::{Ending, UserKey};
use trailkeep_event::{Arrival, StoreId};
use trailkeep_store::processing::{Processed, ProcessedEvent, ProcessedState};
use trailkeep_store::{Outcome, StoredEvent};

use super::{Term, millis};
use crate::processing::answer::{Answer, Verdict, classify};
use crate::processing::attempts::{Next, came};
use crate::processing::breaker::{Breaker, Condition};

/// A user whose head fails keeps no more than so many entries in memory.
const MOST_BEHIND_A_FAILURE: usize = 100;
/// Two users whom a processor asks to wait within so many milliseconds mean that it has
/// too much to do.
const TOGETHER: u64 = 1_000;
/// After so long an outcome that the database refused is tried again.
const RECORD_AGAIN: Duration = Duration::from_secs(1);

impl Term {
    pub(super) fn outcome(
        &self,
        id: StoreId,
        event: Option<&StoredEvent>,
        arrival: Arrival,
        state: ProcessedState,
    ) -> Processed {
        let head = self.heads.get(&id);
        Processed {
            id,
            run: self.run_of(id),
            event: event.map(|event| ProcessedEvent {
                event_id: event.event_id.clone(),
                user_id: event.user_id.clone(),
                kind: event.kind.clone(),
                occurred_at: event.occurred_at,
                received_at: event.received_at,
            }),
            arrival,
            state,
            processed_at: self.clock.now(),
            duration_ms: 0,
            waited_ms: head.map_or(0, |head| head.first_sent_after),
            attempts: head.map_or(0, |head| head.attempts.sent),
            http_status: None,
            result: None,
            error: None,
        }
    }

    /// A processor answered, or did not.
    pub fn answered(
        &mut self,
        user: UserKey,
        event: &StoredEvent,
        answer: &Answer,
        breaker: &mut Breaker,
        now: u64,
    ) {
        self.in_flight -= 1;
        self.retrying.remove(&user);
        let wall = self.clock.now();
        let verdict = classify(answer, wall);
        let wait = self.wait(user, &verdict, breaker, now);
        let head = self.heads.entry(event.id).or_default();
        let took = now.saturating_sub(head.attempts.began());
        let rules = &self.rules.attempts;
        breaker.came(user, came(&verdict), now);
        let next = head.attempts.answered(user, &verdict, wait, breaker, rules, now);
        let is_stuck = head.attempts.is_stuck();
        self.view.answered(&verdict, took);
        let state = match next {
            Next::Rest(pause) => {
                // It is fetched again, so that what rests takes no memory.
                head.body = None;
                head.rests_until = now + millis(pause);
                self.window.failed(user);
                self.rests.add(user, now + millis(pause));
                if let Some(error) = verdict.error() {
                    self.fails(event, error);
                }
                let is_stuck = is_stuck && breaker.condition() == Condition::Running;
                if is_stuck && self.window.queued(user) > MOST_BEHIND_A_FAILURE {
                    self.users.insert(user, event.user_id.clone());
                    self.window.park(user);
                }
                return;
            }
            Next::Done => ProcessedState::Processed,
            Next::GivenUp => ProcessedState::Failed,
        };
        let mut outcome = self.outcome(event.id, Some(event), event.arrival, state);
        outcome.duration_ms = u32::try_from(took).unwrap_or(u32::MAX);
        outcome.http_status = answer.status();
        match verdict {
            Verdict::Done { result } => outcome.result = Some(result),
            Verdict::GiveUp { error } | Verdict::Failed { error, .. } => {
                outcome.error = Some(error)
            }
            Verdict::UserWaits { .. } | Verdict::ProcessorWaits { .. } => {}
        }
        if state == ProcessedState::Failed {
            // Not what the processor said, which may be about the user.
            warn!(event = %event.id, attempts = outcome.attempts, status = outcome.http_status,
                  "a processor does not take an event; it is a dead letter of processing now, \
                   with what was said");
        }
        self.verdicts.insert(event.id, outcome);
        self.window.answered(
            user,
            match state {
                ProcessedState::Failed if self.rules.holds => Ending::Held,
                ProcessedState::Failed => Ending::GivenUp,
                _ => Ending::Done,
            },
        );
    }

    pub(super) fn run_of(&self, id: StoreId) -> u32 {
        self.runs.get(&id).copied().unwrap_or(0)
    }

    /// How long a processor asked to be left alone, with this user or altogether.
    /// With two users at once it is the processor.
    fn wait(
        &mut self,
        user: UserKey,
        verdict: &Verdict,
        breaker: &mut Breaker,
        now: u64,
    ) -> Duration {
        let until = match verdict {
            Verdict::UserWaits { until, .. } | Verdict::ProcessorWaits { until, .. } => until,
            _ => return Duration::ZERO,
        };
        let wait = until.as_millis().saturating_sub(self.clock.now().as_millis());
        let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(0));
        let last = self.last_wait.replace((user, now));
        let is_together =
            last.is_some_and(|(other, at)| other != user && now.saturating_sub(at) < TOGETHER);
        if matches!(verdict, Verdict::ProcessorWaits { .. }) || is_together {
            breaker.wait_until(now + millis(wait));
        }
        wait
    }

    pub(super) fn recorded(&mut self, user: UserKey, outcome: Processed, kept: &Outcome, now: u64) {
        match kept {
            Outcome::Stored | Outcome::Duplicate => {
                self.view.settled(&outcome);
                self.heads.remove(&outcome.id);
                self.runs.remove(&outcome.id);
                self.failing.remove(&outcome.id);
                self.window.recorded(user, outcome.id, *kept == Outcome::Stored);
                if outcome.state == ProcessedState::Skipped {
                    self.skipped(outcome.id);
                }
            }
            Outcome::Refused(_) | Outcome::Retry | Outcome::Erased => {
                if let Outcome::Refused(refusal) = kept {
                    let reason = format!("the database refuses outcomes: {refusal}");
                    self.view.trouble(Some(Arc::from(reason)));
                }
                self.not_recorded.outcomes.push((user, outcome));
                self.not_recorded.again_at.get_or_insert(now + millis(RECORD_AGAIN));
            }
        }
    }

    /// Tries outcomes again that the database did not take. Their users wait meanwhile, and
    /// nobody else does.
    pub(super) fn record_again(&mut self, now: u64) {
        let again = &mut self.not_recorded;
        if again.again_at.is_some_and(|at| at <= now) {
            again.again_at = None;
            again.rounds += 1;
            if again.rounds.is_power_of_two() {
                let (outcomes, rounds) = (again.outcomes.len(), again.rounds);
                warn!(outcomes, rounds, "the database did not take outcomes; trying again");
            }
            self.to_record.append(&mut again.outcomes);
        } else if self.recording == 0
            && self.to_record.is_empty()
            && again.outcomes.is_empty()
            && std::mem::take(&mut again.rounds) > 0
        {
            self.view.trouble(None);
        }
    }
}
