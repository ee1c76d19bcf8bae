//! Which events are sent behind a later one of their user: they came from another
//! instance, after that was sent.

use std::collections::HashMap;
use std::mem;

use trailkeep_delivery::UserKey;
use trailkeep_event::Arrival;

/// Users that are remembered, twice so many at the most: 24 bytes each.
const REMEMBERED: usize = 10_000;

/// The newest event that was sent of each of the last users.
#[derive(Debug, Default)]
pub struct Lateness {
    newer: HashMap<UserKey, Arrival>,
    older: HashMap<UserKey, Arrival>,
}

impl Lateness {
    /// An event is sent for the first time: answers whether it comes late.
    pub fn sent(&mut self, user: UserKey, arrival: Arrival) -> bool {
        let before = self.newer.get(&user).or_else(|| self.older.get(&user)).copied();
        let is_late = before.is_some_and(|before| arrival < before);
        if self.newer.len() == REMEMBERED && !self.newer.contains_key(&user) {
            self.older = mem::take(&mut self.newer);
        }
        self.newer.insert(user, before.map_or(arrival, |before| before.max(arrival)));
        is_late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: usize) -> UserKey {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&(number as u64).to_le_bytes());
        UserKey(key)
    }

    #[test]
    fn an_event_is_late_behind_a_later_one_of_its_user() {
        let mut lateness = Lateness::default();
        let mut sent = |who, arrival| lateness.sent(user(who), Arrival::from_i64(arrival));
        assert_eq!([sent(1, 5), sent(1, 6), sent(2, 3), sent(1, 4)], [false, false, false, true]);
        assert!(sent(1, 5), "the highest counts");
        assert!(!sent(1, 7));
    }

    #[test]
    fn the_last_users_are_remembered_and_no_more_than_have_room() {
        let mut lateness = Lateness::default();
        for number in 0..5 * REMEMBERED {
            assert!(!lateness.sent(user(number), Arrival::from_i64(9)));
        }
        assert!(lateness.sent(user(5 * REMEMBERED - 1), Arrival::from_i64(8)));
        assert!(lateness.sent(user(4 * REMEMBERED + 1), Arrival::from_i64(8)));
        assert!(!lateness.sent(user(0), Arrival::from_i64(8)), "forgotten");
        assert!(lateness.newer.len() + lateness.older.len() <= 2 * REMEMBERED);
    }
}
