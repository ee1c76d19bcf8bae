//! How often an event was sent, and what follows the next answer.
//!
//! Pure: times are milliseconds of a clock that only grows.

use std::time::Duration;

use trailkeep_delivery::UserKey;

use super::answer::{Class, Verdict};
use super::breaker::{Breaker, Came, Condition};
use crate::backoff;

/// When an event is given up, and how long it rests between attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptRules {
    /// Attempts that count, after which an event is a dead letter.
    pub max_attempts: u32,
    /// The longest that the first pause may be; it doubles with each attempt.
    pub backoff_min: Duration,
    /// The longest that any pause may be.
    pub backoff_max: Duration,
}

/// The attempts at one event so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Attempts {
    /// How often it was sent.
    pub sent: u32,
    /// How many of these count.
    counted: u32,
    /// When the attempt before the last was begun.
    before: Option<u64>,
    /// When the last one was begun.
    began: u64,
    failing_since: Option<u64>,
}

/// What follows an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// The processor took it.
    Done,
    /// It is a dead letter.
    GivenUp,
    /// It is sent again after that.
    Rest(Duration),
}

impl Attempts {
    /// The event is sent.
    pub fn begin(&mut self, now: u64) {
        self.before = (self.sent > 0).then_some(self.began);
        self.began = now;
        self.sent += 1;
    }

    /// When the last attempt was begun.
    pub fn began(&self) -> u64 {
        self.began
    }

    /// Notes an answer, and says what follows. `wait` is how long the processor asked to
    /// be left alone with this user.
    pub fn answered(
        &mut self,
        user: UserKey,
        verdict: &Verdict,
        wait: Duration,
        breaker: &Breaker,
        rules: &AttemptRules,
        now: u64,
    ) -> Next {
        let came = came(verdict);
        let pause = backoff::pause(rules.backoff_min, rules.backoff_max, self.sent - 1);
        match verdict {
            Verdict::Done { .. } => return Next::Done,
            Verdict::UserWaits { .. } | Verdict::ProcessorWaits { .. } => {
                return Next::Rest(wait.max(pause));
            }
            // The breaker says when something is sent again, and to whom.
            _ if breaker.condition() != Condition::Running => return Next::Rest(Duration::ZERO),
            Verdict::GiveUp { .. } | Verdict::Failed { .. } => {}
        }
        let since = *self.failing_since.get_or_insert(now);
        if breaker.is_witnessed(user, came, self.before, since, now) {
            // An event that is refused for good has had all its attempts.
            let is_final = matches!(verdict, Verdict::GiveUp { .. });
            self.counted = if is_final { rules.max_attempts } else { self.counted + 1 };
        }
        if self.counted >= rules.max_attempts { Next::GivenUp } else { Next::Rest(pause) }
    }

    /// Whether it failed so often that its user should not be kept in memory for it.
    pub fn is_stuck(&self) -> bool {
        /// Attempts, the first included.
        const STUCK: u32 = 3;
        self.sent >= STUCK
    }
}

/// What a verdict says about the processor.
pub fn came(verdict: &Verdict) -> Came {
    match verdict {
        Verdict::Done { .. } => Came::Success,
        Verdict::GiveUp { .. } => Came::GaveUp,
        Verdict::UserWaits { .. } | Verdict::ProcessorWaits { .. } => Came::Failure,
        Verdict::Failed { class, .. } => match class {
            Class::Refused => Came::Refused,
            Class::Unreachable => Came::Unreachable,
            Class::Reset => Came::Reset,
            Class::Other => Came::Failure,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: AttemptRules = AttemptRules {
        max_attempts: 3,
        backoff_min: Duration::from_millis(10),
        backoff_max: Duration::from_secs(1),
    };

    fn user(number: u8) -> UserKey {
        UserKey([number; 16])
    }

    fn failed() -> Verdict {
        Verdict::Failed { error: "no".into(), class: Class::Other }
    }

    fn attempt(
        attempts: &mut Attempts,
        verdict: &Verdict,
        breaker: &mut Breaker,
        now: u64,
    ) -> Next {
        attempts.begin(now);
        let wait = Duration::ZERO;
        let next = attempts.answered(user(1), verdict, wait, breaker, &RULES, now + 1);
        breaker.came(user(1), came(verdict), now + 1);
        next
    }

    #[test]
    fn attempts_that_are_witnessed_make_a_dead_letter() {
        let (mut attempts, mut breaker) = (Attempts::default(), Breaker::new(8, 0));
        breaker.came(user(2), Came::Success, 1);
        for now in [10, 20] {
            assert!(matches!(attempt(&mut attempts, &failed(), &mut breaker, now), Next::Rest(_)));
            breaker.came(user(2), Came::Success, now + 5);
        }
        assert_eq!(attempt(&mut attempts, &failed(), &mut breaker, 30), Next::GivenUp);
    }

    #[test]
    fn attempts_that_nobody_witnesses_make_none() {
        let (mut attempts, mut breaker) = (Attempts::default(), Breaker::new(8, 0));
        for now in 0..1_000 {
            assert!(matches!(attempt(&mut attempts, &failed(), &mut breaker, now), Next::Rest(_)));
        }
    }

    #[test]
    fn an_event_that_is_refused_for_good_is_given_up_at_once_where_others_are_taken() {
        let refused = Verdict::GiveUp { error: "no".into() };
        let (mut attempts, mut breaker) = (Attempts::default(), Breaker::new(8, 0));
        assert!(matches!(attempt(&mut attempts, &refused, &mut breaker, 1), Next::Rest(_)));
        breaker.came(user(2), Came::Success, 2);
        assert_eq!(attempt(&mut attempts, &refused, &mut breaker, 3), Next::GivenUp);
    }

    #[test]
    fn a_user_rests_as_long_as_the_processor_asks_and_no_attempt_is_counted() {
        let (mut attempts, breaker) = (Attempts::default(), Breaker::new(8, 0));
        let until = trailkeep_event::Timestamp::from_millis(0);
        let Some(until) = until else { return };
        let verdict = Verdict::UserWaits { until, error: "later".into() };
        attempts.begin(0);
        let wait = Duration::from_secs(60);
        let next = attempts.answered(user(1), &verdict, wait, &breaker, &RULES, 1);
        assert_eq!(next, Next::Rest(wait));
        assert_eq!(attempts.counted, 0);
    }
}
