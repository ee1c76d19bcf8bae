//! Whether a processor is well, from its answers alone: how much it is sent, and whether
//! a failure says something about its event.
//!
//! Pure: times are milliseconds of a clock that only grows.
//!
//! - **An outage makes no dead letters.** A failure counts as an attempt only where it is
//!   *witnessed*: the processor has taken another user's event meanwhile, so that it is
//!   the event that fails and not the processor.
//! - An *open* breaker sends nothing but a probe from time to time, each of another user
//!   in turn. A success closes it, and what may be in flight doubles from one with each
//!   success, so that a processor which has just come back is not run over.

use std::collections::VecDeque;

use trailkeep_delivery::UserKey;

/// Answers that are remembered.
const REMEMBERED: usize = 20;
/// Users that have to fail before it is the processor.
const USERS: usize = 3;
/// The first pause between two probes, which doubles, and the longest.
const PROBE_PAUSE: (u64, u64) = (500, 15_000);
/// Connections of two users that break within so long may have broken by one event.
const TOGETHER: u64 = 1_000;
/// A failure counts after so long in any case, while others are taken.
const AT_LAST: u64 = 24 * 60 * 60 * 1_000;

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// A 2xx.
    Success,
    /// An answer about this event: it is refused for good.
    GaveUp,
    /// A wrong address or a wrong key.
    Refused,
    /// No connection.
    Unreachable,
    /// The connection broke.
    Reset,
    /// All else.
    Failure,
}

/// Whether a processor takes events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// It does.
    Running,
    /// It does not answer, or with errors alone.
    Away,
    /// All that it answers is that it will not: a wrong address or a wrong key.
    Refused,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    pause: u64,
    next_probe: u64,
}

/// One processor's answers, and what follows from them.
#[derive(Debug)]
pub struct Breaker {
    /// Requests in flight that the settings allow.
    most: usize,
    /// That are allowed now.
    allowed: usize,
    last: VecDeque<(UserKey, Came)>,
    open: Option<Open>,
    closed_since: u64,
    /// The newest success, and the newest of another user.
    successes: [Option<(UserKey, u64)>; 2],
    /// The newest broken connections of two users.
    resets: [Option<(UserKey, u64)>; 2],
    waits_until: u64,
}

impl Breaker {
    /// Nothing was sent yet.
    pub fn new(most: usize, now: u64) -> Self {
        Self {
            most,
            allowed: most,
            last: VecDeque::with_capacity(REMEMBERED),
            open: None,
            closed_since: now,
            successes: [None; 2],
            resets: [None; 2],
            waits_until: 0,
        }
    }

    /// How many more may be sent now.
    pub fn room(&self, in_flight: usize, now: u64) -> usize {
        if now < self.waits_until {
            return 0;
        }
        match self.open {
            Some(open) if now < open.next_probe => 0,
            Some(_) => 1_usize.saturating_sub(in_flight),
            None => self.allowed.saturating_sub(in_flight),
        }
    }

    /// What may be in flight at the most.
    pub fn most(&self) -> usize {
        self.most
    }

    /// When there may be room again though nothing is in flight; `None` where there is.
    pub fn opens_at(&self, now: u64) -> Option<u64> {
        let probe = self.open.map_or(0, |open| open.next_probe);
        let moment = probe.max(self.waits_until);
        (moment > now).then_some(moment)
    }

    /// The processor asked for a pause.
    pub fn wait_until(&mut self, moment: u64) {
        self.waits_until = self.waits_until.max(moment);
    }

    /// An answer came, or none did.
    pub fn came(&mut self, user: UserKey, came: Came, now: u64) {
        if self.last.len() == REMEMBERED {
            self.last.pop_front();
        }
        self.last.push_back((user, came));
        match came {
            Came::Success => {
                note(&mut self.successes, user, now);
                self.succeeded(now);
                return;
            }
            Came::Reset => note(&mut self.resets, user, now),
            Came::GaveUp | Came::Refused | Came::Unreachable | Came::Failure => {}
        }
        if let Some(open) = &mut self.open {
            // What comes sooner was sent before it opened, and says nothing new.
            if now >= open.next_probe {
                open.pause = (open.pause * 2).min(PROBE_PAUSE.1);
                open.next_probe = now + open.pause;
            }
        } else if came == Came::Unreachable || self.is_failing() {
            self.open = Some(Open { pause: PROBE_PAUSE.0, next_probe: now + PROBE_PAUSE.0 });
        }
    }

    fn succeeded(&mut self, now: u64) {
        if self.open.take().is_some() {
            self.allowed = 1;
            self.closed_since = now;
        } else {
            self.allowed = (self.allowed * 2).clamp(1, self.most);
        }
    }

    /// Whether the last answers, of several users, hold no success.
    fn is_failing(&self) -> bool {
        let has_success = self.last.iter().any(|(_, came)| *came == Came::Success);
        let mut users: Vec<UserKey> = self.last.iter().map(|(user, _)| *user).collect();
        users.sort_unstable();
        users.dedup();
        self.last.len() == REMEMBERED && !has_success && users.len() >= USERS
    }

    /// Whether a failure of this user's event counts. `before` is when the attempt before
    /// it was begun, `failing_since` when the first one failed.
    pub fn is_witnessed(
        &self,
        user: UserKey,
        came: Came,
        before: Option<u64>,
        failing_since: u64,
        now: u64,
    ) -> bool {
        if self.open.is_some() || (came == Came::Reset && self.broke_together(user, now)) {
            return false;
        }
        let is_taken = match before {
            None => self.last.iter().any(|(_, came)| *came == Came::Success),
            Some(before) => {
                let others = self.successes.iter().flatten();
                others.into_iter().any(|(other, at)| *other != user && *at >= before)
            }
        };
        let since = failing_since.max(self.closed_since);
        is_taken || (came != Came::Refused && now.saturating_sub(since) >= AT_LAST)
    }

    fn broke_together(&self, user: UserKey, now: u64) -> bool {
        let others = self.resets.iter().flatten();
        others.into_iter().any(|(other, at)| *other != user && now.saturating_sub(*at) < TOGETHER)
    }

    /// Whether it takes events.
    pub fn condition(&self) -> Condition {
        if self.open.is_none() {
            return Condition::Running;
        }
        let is_refusal = |(_, came): &(UserKey, Came)| *came == Came::Refused;
        if self.last.iter().rev().take(USERS).all(is_refusal) {
            Condition::Refused
        } else {
            Condition::Away
        }
    }
}

/// Keeps the newest of two different users.
fn note(newest: &mut [Option<(UserKey, u64)>; 2], user: UserKey, now: u64) {
    if newest[0].is_some_and(|(first, _)| first != user) {
        newest[1] = newest[0];
    }
    newest[0] = Some((user, now));
}

#[cfg(test)]
mod tests;
