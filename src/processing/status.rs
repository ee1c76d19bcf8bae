//! How a processor is doing, as whoever delivers tells all instances.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use trailkeep_event::{Arrival, Timestamp};
use uuid::Uuid;

/// Stuck users that are told of by name.
pub const MOST_STUCK: usize = 50;

/// What is told every two seconds is old after so long.
const OLD_MS: i64 = 15_000;

/// Whether what was told then is still worth something.
pub fn is_new(told_at: Timestamp, now: Timestamp) -> bool {
    now.as_millis() - told_at.as_millis() < OLD_MS
}

/// Answers whose times are remembered.
const REMEMBERED: usize = 512;

/// What is told every two seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// `running`, `paused`, `away`, `refused`, `catching-up`.
    pub state: String,
    /// What is wrong, in words.
    pub problem: Option<String>,
    /// Requests in flight.
    pub in_flight: u64,
    /// How far delivery is behind.
    pub lag: Lag,
    /// Users whose event fails, or who wait for a person.
    pub stuck_users: u64,
    /// Some of them, those who have waited longest first.
    pub stuck: Vec<StuckUser>,
    /// Users whose pending events are read from the database as they are needed.
    pub parked_users: u64,
    /// Milliseconds that the processor took over one request.
    pub duration_ms: Quantiles,
    /// Milliseconds from an event's receipt until it was first sent.
    pub wait_ms: Quantiles,
}

/// What waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lag {
    /// Events of the feed, those of users who are stuck too; where it is longer than what is
    /// in memory, about so many.
    pub events: u64,
    /// Since when the first of them waits whose user is not stuck.
    pub seconds: u64,
}

impl Lag {
    /// Of so many events, the first of which has this number.
    pub fn of(events: u64, oldest: Option<Arrival>, now: Timestamp) -> Self {
        // What another tool wrote has no number that says when it came.
        let oldest = oldest.filter(|oldest| oldest.as_i64() > 0);
        let waited = oldest.map_or(0, |oldest| now.as_millis() - oldest.moment().as_millis());
        Self { events, seconds: u64::try_from(waited / 1_000).unwrap_or(0) }
    }
}

/// A user who is stuck at an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StuckUser {
    /// The event's identity.
    pub event: Uuid,
    /// Whose it is, where that is in memory.
    pub user_id: Option<Box<str>>,
    /// The tracker's name for it, where that is in memory.
    pub event_id: Option<Box<str>>,
    /// Whether the user waits for a person.
    pub is_held: bool,
    /// How often it was sent.
    pub attempts: u32,
    /// What the processor answered last.
    pub error: Option<Box<str>>,
    /// When it is sent again, in milliseconds since the epoch; `None` while it is at the
    /// processor too.
    pub next_try_at: Option<i64>,
    /// Events behind it in memory.
    pub waiting: u64,
}

/// The middle and the slow end of what was measured last; `None` before that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Half took no longer.
    pub p50: Option<u64>,
    /// 95 of 100 took no longer.
    pub p95: Option<u64>,
}

/// The newest of what is measured.
#[derive(Debug, Default)]
pub struct Newest(VecDeque<u64>);

impl Newest {
    /// Adds one.
    pub fn add(&mut self, measured: u64) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(measured);
    }

    /// Its middle and its slow end.
    pub fn quantiles(&self) -> Quantiles {
        let mut sorted: Vec<u64> = self.0.iter().copied().collect();
        sorted.sort_unstable();
        let at = |part: usize| sorted.get((sorted.len() * part).div_ceil(100).max(1) - 1).copied();
        Quantiles { p50: at(50), p95: at(95) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_newest() {
        let mut newest = Newest::default();
        assert_eq!(newest.quantiles(), Quantiles::default());
        newest.add(7);
        assert_eq!(newest.quantiles(), Quantiles { p50: Some(7), p95: Some(7) });
        (0..1_000).for_each(|_| newest.add(1_000_000));
        (1..=REMEMBERED as u64).for_each(|number| newest.add(number));
        assert_eq!(newest.quantiles(), Quantiles { p50: Some(256), p95: Some(487) });
    }

    #[test]
    fn a_lag_is_counted_from_the_first_that_waits() {
        let now = Timestamp::from_millis_clamped(1_700_000_012_345);
        let oldest = Arrival::first_at(now.plus_millis(-2_999));
        assert_eq!(Lag::of(3, Some(oldest), now), Lag { events: 3, seconds: 2 });
        let ahead = Arrival::first_at(now.plus_millis(5_000));
        assert_eq!(Lag::of(3, Some(ahead), now), Lag { events: 3, seconds: 0 });
        assert_eq!(Lag::of(0, None, now), Lag::default());
    }
}
