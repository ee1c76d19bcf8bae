//! What a term tells people.

use trailkeep_delivery::{Stuck, UserKey};
use trailkeep_event::{StoreId, Timestamp};
use trailkeep_store::StoredEvent;
use uuid::Uuid;

use super::{Failing, MOST_ENTRIES, Term};
use crate::processing::breaker::{Breaker, Condition};
use crate::processing::status::{Lag, MOST_STUCK, Status, StuckUser};
use crate::processing::view::State;

/// Events that fail, of which it is remembered whose they are and why: some 600 bytes
/// each.
const MOST_FAILING: usize = 1_000;

impl Term {
    /// Notes why an event failed.
    pub(super) fn fails(&mut self, event: &StoredEvent, error: &str) {
        if self.failing.len() < MOST_FAILING || self.failing.contains_key(&event.id) {
            let failing = Failing {
                user_id: event.user_id.clone(),
                event_id: event.event_id.clone(),
                error: error.into(),
            };
            self.failing.insert(event.id, failing);
        }
    }

    /// What state the processor is in.
    pub fn state(&self, breaker: &Breaker) -> State {
        if self.steering.is_paused() {
            return State::Paused;
        }
        match breaker.condition() {
            Condition::Away => State::Away,
            Condition::Refused => State::Refused,
            Condition::Running if self.steering.is_catching_up() => State::CatchingUp,
            Condition::Running => State::Running,
        }
    }

    /// How it is doing. `documents` is how many the feed has.
    pub fn status(&self, breaker: &Breaker, documents: u64, now: u64) -> Status {
        let moment = self.clock.now();
        let (mut stuck_users, mut stuck) = (0, Vec::new());
        let is_retried = |user: &UserKey| self.retrying.contains(user);
        for one in self.window.stuck(is_retried) {
            stuck_users += 1;
            let Some(id) = one.held.or(one.head) else { continue };
            stuck.push((self.next_try(&one, now, moment), self.stuck_user(&one, id)));
        }
        // Who waits for a person first, then who is at the processor, then who is next.
        stuck.sort_by_key(|(next_try_at, user)| (!user.is_held, *next_try_at));
        stuck.truncate(MOST_STUCK);
        let stuck = stuck.into_iter().map(|(next_try_at, user)| StuckUser { next_try_at, ..user });
        let (_, parked) = self.sizes();
        Status {
            state: self.state(breaker).word().to_owned(),
            problem: None,
            in_flight: self.in_flight as u64,
            lag: Lag::of(self.waiting(documents), self.window.oldest(is_retried), moment),
            stuck_users,
            stuck: stuck.collect(),
            parked_users: parked as u64,
            ..self.view.times()
        }
    }

    /// Events that wait. Where more of the feed is unread than there is memory for, about
    /// so many.
    fn waiting(&self, documents: u64) -> u64 {
        let in_memory = self.window.len() as u64;
        let is_cut = self.window.len() > MOST_ENTRIES || self.steering.is_catching_up();
        let unread = documents.saturating_sub(self.window.documents() as u64);
        let each = (in_memory / (self.window.documents() as u64).max(1)).max(1);
        in_memory + if is_cut { unread * each } else { 0 }
    }

    fn next_try(&self, stuck: &Stuck, now: u64, moment: Timestamp) -> Option<i64> {
        if stuck.held.is_some() || self.retrying.contains(&stuck.user) {
            return None;
        }
        let head = self.heads.get(&stuck.head?)?;
        let wait = i64::try_from(head.rests_until.saturating_sub(now)).unwrap_or(i64::MAX);
        Some(moment.plus_millis(wait).as_millis())
    }

    fn stuck_user(&self, stuck: &Stuck, id: StoreId) -> StuckUser {
        let failing = self.failing.get(&id);
        let user_id = failing.map(|failing| failing.user_id.clone());
        StuckUser {
            event: Uuid::from_bytes(*id.as_bytes()),
            user_id: user_id.or_else(|| self.users.get(&stuck.user).cloned()),
            event_id: failing.map(|failing| failing.event_id.clone()),
            is_held: stuck.held.is_some(),
            attempts: self.heads.get(&id).map_or(0, |head| head.attempts.sent),
            error: failing.map(|failing| failing.error.clone()),
            next_try_at: None,
            waiting: stuck.queued as u64,
        }
    }
}
