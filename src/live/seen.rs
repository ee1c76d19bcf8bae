//! Which events a stream has shown already.

use std::collections::{HashSet, VecDeque};

use trailkeep_event::StoreId;
use trailkeep_store::{JourneyPart, Position, StoredEvent};

/// Identities that are kept of what was shown.
const KEPT: usize = 1000;

/// The identities of events that are not to be shown (again).
#[derive(Debug, Default)]
pub struct Seen {
    /// The last that were shown, the oldest first.
    shown: VecDeque<StoreId>,
    is_shown: HashSet<StoreId>,
    /// Those of the newest events of the store when it was last asked.
    newest: HashSet<StoreId>,
    /// The place of the oldest of these, where the store has others before it.
    oldest: Option<Position>,
}

impl Seen {
    /// Notes that an event is shown; false where it was shown before.
    pub fn show(&mut self, id: StoreId) -> bool {
        if !self.is_shown.insert(id) {
            return false;
        }
        self.shown.push_back(id);
        if self.shown.len() > KEPT
            && let Some(oldest) = self.shown.pop_front()
        {
            self.is_shown.remove(&oldest);
        }
        true
    }

    /// Whether a stored event was shown, or was there when the store was last asked. What
    /// lies before all that was answered then may have been there.
    pub fn is_known(&self, event: &StoredEvent) -> bool {
        self.is_shown.contains(&event.id)
            || self.newest.contains(&event.id)
            || self.oldest.is_some_and(|oldest| event.position() < oldest)
    }

    /// Whether these reach down to what the store had when it was last asked: else others may
    /// have come between.
    pub fn are_reached_by(&self, newest: &JourneyPart) -> bool {
        let is_from_before = |event: &StoredEvent| {
            self.newest.contains(&event.id)
                || self.oldest.is_some_and(|oldest| event.position() < oldest)
        };
        !newest.has_more || newest.events.iter().any(is_from_before)
    }

    /// The store was asked for the newest, and has these.
    pub fn newest_are(&mut self, newest: &JourneyPart) {
        self.newest.clear();
        self.newest.extend(newest.events.iter().map(|event| event.id));
        let oldest = newest.events.last().map(StoredEvent::position);
        self.oldest = oldest.filter(|_| newest.has_more);
    }
}

#[cfg(test)]
mod tests {
    use trailkeep_event::{Arrival, Timestamp};

    use super::*;

    fn stored(number: u16) -> StoredEvent {
        let at = Timestamp::from_millis_clamped(i64::from(number));
        StoredEvent {
            id: StoreId::derive("u", &number.to_string()),
            user_id: "u".into(),
            event_id: number.to_string().into(),
            kind: "visit".into(),
            anonymous_id: None,
            session_id: None,
            account_id: None,
            payload: "{}".into(),
            occurred_at: at,
            received_at: at,
            arrival: Arrival::from_i64(i64::from(number)),
        }
    }

    fn part(numbers: &[u16], has_more: bool) -> JourneyPart {
        JourneyPart { events: numbers.iter().map(|number| stored(*number)).collect(), has_more }
    }

    #[test]
    fn an_event_is_shown_once() {
        let mut seen = Seen::default();
        assert!(seen.show(stored(1).id));
        assert!(!seen.show(stored(1).id));
        assert!(seen.is_known(&stored(1)) && !seen.is_known(&stored(2)));
    }

    #[test]
    fn what_was_stored_before_is_known_and_may_be_shown() {
        let mut seen = Seen::default();
        seen.newest_are(&part(&[1], false));
        assert!(seen.is_known(&stored(1)));
        assert!(seen.show(stored(1).id), "it came in again");
        seen.newest_are(&part(&[2], false));
        assert!(seen.is_known(&stored(1)) && seen.is_known(&stored(2)));
    }

    #[test]
    fn what_lies_before_the_newest_was_there_before_where_others_were() {
        let mut seen = Seen::default();
        seen.newest_are(&part(&[9, 7], true));
        assert!(seen.is_known(&stored(6)) && !seen.is_known(&stored(8)));
        seen.newest_are(&part(&[9, 7], false));
        assert!(!seen.is_known(&stored(6)));
    }

    #[test]
    fn what_was_shown_hides_nothing_that_may_lie_before_it() {
        let mut seen = Seen::default();
        seen.newest_are(&part(&[2, 1], true));
        assert!(seen.show(stored(5).id) && seen.show(stored(4).id));
        // The third may have come in elsewhere.
        assert!(!seen.are_reached_by(&part(&[5, 4], true)));
        assert!(seen.are_reached_by(&part(&[5, 4], false)));
        assert!(seen.are_reached_by(&part(&[5, 4, 3, 2], true)));
        assert!(seen.are_reached_by(&part(&[5, 4, 3, 0], true)), "the others went since");
    }

    #[test]
    fn a_bounded_number_is_kept() {
        let mut seen = Seen::default();
        for number in 0..3000 {
            assert!(seen.show(stored(number).id));
        }
        assert_eq!((seen.shown.len(), seen.is_shown.len()), (KEPT, KEPT));
        assert!(seen.is_known(&stored(2000)) && !seen.is_known(&stored(1999)));
    }
}
