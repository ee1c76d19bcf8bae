//! What is sent next, and what is not there to be sent.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tracing::warn;
use trailkeep_delivery::{Ending, UserKey};
use trailkeep_event::{Arrival, StoreId, Timestamp};
use trailkeep_store::StoredEvent;
use trailkeep_store::processing::{FoundEvents, Processed, ProcessedState};

use super::{Attempt, Task, Term, TermRules, millis};
use crate::processing::breaker::Breaker;

/// Events whose bodies are fetched with one call.
const FETCHED: usize = 256;
/// Outcomes that wait to be kept, at which nothing more is sent: each may have 16 KiB. So
/// a database that is slow, or away, does not fill the memory with them.
const UNKEPT: usize = 500;
/// How long a head that failed lets others go first where too many have.
const LET_OTHERS: Duration = Duration::from_millis(500);
/// After so long an event is looked for again that was not found, and is not expired.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Events whose bodies are in memory at the most: those in flight, and those that were
/// fetched because they may be next.
pub fn most_events(concurrency: usize) -> usize {
    3 * concurrency + FETCHED
}

impl TermRules {
    /// Whether an event is older than what the store keeps. What another tool wrote has no
    /// number that says when it came.
    fn is_expired(&self, arrival: Arrival, now: Timestamp) -> bool {
        let age = now.as_millis().saturating_sub(arrival.moment().as_millis());
        let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
        arrival.as_i64() > 0 && self.retention.is_some_and(|kept| age > kept)
    }
}

impl Term {
    /// Sends what may be sent, and asks for the bodies of what may be next.
    pub(super) fn send(&mut self, breaker: &Breaker, now: u64, tasks: &mut Vec<Task>) {
        let paced = self.pace.as_mut().map_or(usize::MAX, |pace| pace.room(now));
        let unkept = self.to_record.len() + self.verdicts.len();
        let room = breaker.room(self.in_flight, now).min(paced);
        let room = room.min(UNKEPT.saturating_sub(unkept));
        if room == 0 {
            return;
        }
        self.shared_until = None;
        // Some of them may have no body at hand yet.
        let next: Vec<UserKey> =
            self.window.ready().take(room.saturating_mul(2) + FETCHED).collect();
        let (mut sent, mut fetch) = (0, Vec::new());
        let retries = (breaker.most() / 4).max(1);
        for user in next {
            let Some((arrival, id)) = self.window.next_of(user) else { continue };
            if let Some(wait) = self.sharing.wait(arrival, now, self.clock.now()) {
                // Others may have accepted something earlier.
                let until = now + wait;
                self.shared_until = Some(self.shared_until.map_or(until, |other| other.min(until)));
                continue;
            }
            let is_retry = self.heads.get(&id).is_some_and(|head| head.attempts.sent > 0);
            if sent == room {
                break;
            }
            if is_retry && self.retrying.len() >= retries {
                // Others are next.
                self.window.send(user);
                self.window.failed(user);
                self.rests.add(user, now + millis(LET_OTHERS));
                continue;
            }
            let Some(body) = self.body(id, arrival) else {
                fetch.push(id);
                continue;
            };
            if self.window.send(user).is_none() {
                continue;
            }
            sent += 1;
            self.in_flight += 1;
            if is_retry {
                self.retrying.insert(user);
            }
            let received = body.received_at.as_millis();
            let head = self.heads.entry(id).or_default();
            if head.attempts.sent == 0 {
                let waited = self.clock.now().as_millis().saturating_sub(received);
                head.first_sent_after = u64::try_from(waited).unwrap_or(0);
                // One that is sent again has waited for a person.
                if !self.runs.contains_key(&id) {
                    self.view.waited(head.first_sent_after);
                    if self.lateness.sent(user, arrival) {
                        self.view.came_late();
                    }
                }
            }
            head.attempts.begin(now);
            head.body = Some(Arc::clone(&body));
            let number = head.attempts.sent;
            let attempt = Attempt { run: self.run_of(id), number };
            tasks.push(Task::Send(user, body, attempt));
        }
        if let Some(pace) = &mut self.pace {
            pace.began(sent);
        }
        // What is missed while a call is under way goes with the next one: a call of its own
        // for each would cost the database several times as much.
        if self.fetching == 0 {
            for ids in fetch.chunks(FETCHED) {
                self.calls += 1;
                self.fetching += 1;
                tasks.push(Task::Fetch(ids.to_vec()));
            }
        }
    }

    fn body(&mut self, id: StoreId, arrival: Arrival) -> Option<Arc<StoredEvent>> {
        let fetched = self.heads.get(&id).and_then(|head| head.body.clone());
        fetched.or_else(|| self.bodies.get(id, arrival))
    }

    pub(super) fn fetched(&mut self, asked: Vec<StoreId>, found: FoundEvents, now: u64) {
        self.calls -= 1;
        self.fetching -= 1;
        let mut there: BTreeSet<StoreId> = found.left.into_iter().collect();
        for event in found.events {
            let id = event.id;
            there.insert(id);
            self.heads.entry(id).or_default().body = Some(Arc::new(event));
        }
        let missing: HashSet<StoreId> =
            asked.into_iter().filter(|id| !there.contains(id)).collect();
        if missing.is_empty() {
            return;
        }
        let ready: Vec<UserKey> = self.window.ready().collect();
        for user in ready {
            let Some((arrival, id)) =
                self.window.next_of(user).filter(|(_, id)| missing.contains(id))
            else {
                continue;
            };
            if self.window.send(user).is_none() {
                continue;
            }
            // Nothing else is to be expected of it, and a user may have many of these.
            if self.rules.is_expired(arrival, self.clock.now()) {
                self.skip(user, id, arrival, "expired");
                continue;
            }
            let head = self.heads.entry(id).or_default();
            head.missing += 1;
            if head.missing == 1 {
                self.window.failed(user);
                self.rests.add(user, now + millis(LOOK_AGAIN));
            } else {
                warn!(event = %id, "an event is not there any more, and is skipped");
                self.skip(user, id, arrival, "gone");
            }
        }
    }

    /// Ends a head that was taken out and will not be sent.
    pub(super) fn skip(&mut self, user: UserKey, id: StoreId, arrival: Arrival, why: &str) {
        let outcome = self.outcome(id, None, arrival, ProcessedState::Skipped);
        self.verdicts.insert(id, Processed { error: Some(why.into()), ..outcome });
        self.window.answered(user, Ending::GivenUp);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processing::attempts::AttemptRules;

    const NOW: i64 = 1_800_000_000_000;
    const DAY: Duration = Duration::from_secs(86_400);

    fn is_expired(retention: Option<Duration>, received_ms_ago: i64) -> bool {
        let attempts = AttemptRules {
            max_attempts: 1,
            backoff_min: Duration::ZERO,
            backoff_max: Duration::ZERO,
        };
        let erased = Arc::default();
        let rules = TermRules { attempts, retention, holds: false, rate_per_second: None, erased };
        let at = |ms| Timestamp::from_millis_clamped(ms);
        rules.is_expired(Arrival::first_at(at(NOW - received_ms_ago)), at(NOW))
    }

    #[test]
    fn what_is_older_than_the_retention_has_expired_and_nothing_else() {
        let day = 86_400_000;
        assert!(is_expired(Some(DAY), day + 1));
        assert!(!is_expired(Some(DAY), day), "a sweep may be under way");
        assert!(!is_expired(Some(DAY), -1), "another instance's clock");
        assert!(!is_expired(None, i64::from(i32::MAX)));
        assert!(!is_expired(Some(DAY), NOW), "another tool's");
    }
}
