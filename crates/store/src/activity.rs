//! How much ids did, by day: counted from the index of journeys, newest first and
//! up to a bound, so that it costs no more for an id that never rests.

use std::collections::BTreeMap;

use async_trait::async_trait;
use trailkeep_event::{Arrival, MAX_FUTURE_MS, Timestamp};

use super::StoreError;

/// Days are those of UTC, which all have as many milliseconds.
pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Clocks may have been stepped back by so much between an event and a link.
const STEPPED_MS: i64 = 60 * 60 * 1000;

/// Counts the stored events of ids by day.
///
/// Like every read of [`Store`](super::Store), it ends within the store's timeout.
#[async_trait]
pub trait ActivityStore: Send + Sync + 'static {
    /// Counts what these ids did from a moment on (inclusive), all of them together:
    /// the newest `most` events at the most. With an id may go the arrival number
    /// before which its events count (exclusive); those without a number count. Each
    /// id is to be given once, and they should be some hundred at the most: each is a
    /// scan of its own.
    async fn activity(
        &self,
        ids: &[(String, Option<Arrival>)],
        from: Timestamp,
        most: u64,
    ) -> Result<Activity, StoreError>;
}

/// How many events there are on each day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// The days (of UTC) that have events, by their first millisecond, oldest first.
    pub days: Vec<(Timestamp, u64)>,
    /// Whether all events were counted. If not, there are more on the first of the
    /// days, or on days before it.
    pub is_whole: bool,
}

impl Activity {
    /// What the newest `most` of these events are, one more than which may have been
    /// counted to see whether there are more.
    pub(super) fn of_newest(mut days: BTreeMap<Timestamp, u64>, most: u64) -> Self {
        let counted = days.values().fold(0_u64, |sum, events| sum.saturating_add(*events));
        let mut excess = counted.saturating_sub(most);
        let is_whole = excess == 0;
        while excess > 0
            && let Some(mut oldest) = days.first_entry()
        {
            let dropped = excess.min(*oldest.get());
            *oldest.get_mut() -= dropped;
            excess -= dropped;
            if *oldest.get() == 0 {
                oldest.remove();
            }
        }
        Self { days: days.into_iter().collect(), is_whole }
    }
}

/// No event that arrived before this number happened after this: it is at most a day
/// ahead of its arrival. A scan begins here, or it would pass over all that an id did
/// since its link ended.
pub(super) fn latest_before(until: Arrival) -> Timestamp {
    until.moment().plus_millis(MAX_FUTURE_MS + STEPPED_MS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_dropped_is_the_oldest_and_no_more_than_has_to_be(
            events in prop::collection::vec(1_u64..6, 0..8),
            most in 0_u64..40,
        ) {
            let days: BTreeMap<Timestamp, u64> = (0..)
                .zip(&events)
                .map(|(day, events)| (Timestamp::from_millis_clamped(day * DAY_MS), *events))
                .collect();
            let counted: u64 = events.iter().sum();
            let activity = Activity::of_newest(days.clone(), most);
            let kept: u64 = activity.days.iter().map(|(_, events)| events).sum();
            prop_assert_eq!(kept, counted.min(most));
            prop_assert_eq!(activity.is_whole, counted <= most);
            for (place, (day, events)) in activity.days.iter().enumerate() {
                prop_assert!(*events > 0);
                prop_assert!(place == 0 || *events == days[day], "only the oldest is cut");
            }
            let newest = activity.days.iter().rev().map(|(day, _)| day);
            prop_assert!(newest.eq(days.keys().rev().take(activity.days.len())));
        }
    }
}
