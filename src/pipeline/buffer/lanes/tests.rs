#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;

use super::*;
use crate::event::Arrival;
use crate::pipeline::tests::event;

const LANES: usize = 3;
const MAX_EVENTS: usize = 5;

fn entry(user: u16, number: i64) -> Entry {
    let event = event(&user.to_string(), &number.to_string());
    let arrival = Arrival::from_i64(number << 8);
    Entry {
        size: event.size(),
        accepted: Arc::new(Accepted { event, arrival }),
        since: Instant::now(),
        key: None,
    }
}

fn of(users: impl IntoIterator<Item = u16>) -> Lanes {
    let mut lanes = Lanes::new(LANES, MAX_EVENTS);
    for (number, user) in (1..).zip(users) {
        lanes.push(entry(user, number));
    }
    lanes
}

fn waiting(lanes: &Lanes) -> Vec<usize> {
    lanes.lanes.iter().map(Lane::waiting).collect()
}

#[test]
fn many_users_fill_one_lane_after_the_other() {
    let mut lanes = of(0..13);
    assert_eq!(waiting(&lanes), [5, 5, 3]);
    assert_eq!(lanes.call_if_full().numbers().collect::<Vec<_>>(), [0, 1]);
    assert_eq!(lanes.take(0).0.len(), 5);
}

#[test]
fn who_is_new_does_not_wait_behind_a_write_while_another_lane_is_free() {
    let mut lanes = of(0..2);
    // By the clock: nobody called it.
    lanes.take(0);
    lanes.push(entry(7, 100));
    assert_eq!(waiting(&lanes), [0, 1, 0]);
    // All write now: one lane is filled on and on.
    lanes.take(1);
    lanes.push(entry(8, 101));
    lanes.take(2);
    lanes.push(entry(9, 102));
    lanes.push(entry(10, 103));
    assert_eq!(waiting(&lanes), [0, 0, 2]);
}

#[test]
fn users_who_never_stop_sending_are_spread_when_their_lane_falls_behind() {
    let mut lanes = of((0..40).map(|n| n % 4));
    assert_eq!(waiting(&lanes), [40, 0, 0]);
    let (batch, relieved_by) = lanes.take(0);
    assert_eq!((batch.len(), relieved_by), (5, Some(1)));
    assert_eq!(waiting(&lanes), [15, 20, 0]);
    assert!(lanes.is_called(1));
    // A single one cannot be divided.
    let mut lanes = of([1; 40]);
    assert_eq!(lanes.take(0).1, Some(1));
    assert_eq!(waiting(&lanes), [35, 0, 0]);
}

#[derive(Debug, Clone)]
enum Step {
    Push(u16),
    Take(usize),
    /// Of which users the events on their way have to be tried again. (The
    /// database takes the events of one write in no order.)
    Settle(usize, BTreeSet<u16>),
    EndHold(usize),
    Call,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..12_u16).prop_map(Step::Push),
        2 => (0..LANES).prop_map(Step::Take),
        2 => (0..LANES, prop::collection::btree_set(0..12_u16, 0..4))
            .prop_map(|(lane, retried)| Step::Settle(lane, retried)),
        1 => (0..LANES).prop_map(Step::EndHold),
        1 => Just(Step::Call),
    ]
}

/// Every user's events are in one lane, in order, and counted right.
fn check(lanes: &Lanes) {
    let mut lane_of: HashMap<&str, usize> = HashMap::new();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for (number, lane) in lanes.lanes.iter().enumerate() {
        let mut last: HashMap<&str, Arrival> = HashMap::new();
        for accepted in lane.events() {
            let user = &*accepted.event.user_id;
            assert_eq!(*lane_of.entry(user).or_insert(number), number, "{user}");
            let before = last.insert(user, accepted.arrival);
            assert!(before < Some(accepted.arrival), "{user} is out of order");
            *counts.entry(user).or_default() += 1;
        }
    }
    assert_eq!(lanes.users.len(), counts.len());
    for (user, count) in counts {
        let known = &lanes.users[&UserKey::of(user)];
        assert_eq!((known.events, known.lane), (count, lane_of[user]), "{user}");
    }
    let in_flight: usize = lanes.lanes.iter().map(Lane::in_flight).sum();
    assert_eq!(lanes.in_flight(), in_flight);
}

proptest! {
    #[test]
    fn a_users_events_are_in_one_lane_and_leave_in_order(
        steps in prop::collection::vec(step(), 1..300)
    ) {
        let mut lanes = Lanes::new(LANES, MAX_EVENTS);
        let mut left: HashMap<String, Arrival> = HashMap::new();
        let mut writing: HashMap<usize, Vec<Arc<Accepted>>> = HashMap::new();
        for (number, step) in (1..).zip(steps) {
            match step {
                Step::Push(user) => drop(lanes.push(entry(user, number))),
                Step::Take(lane) => {
                    if let hash_map::Entry::Vacant(flush) = writing.entry(lane) {
                        flush.insert(lanes.take(lane).0);
                    }
                }
                Step::Settle(lane, retried) => {
                    if let Some(flush) = writing.remove(&lane) {
                        let outcome = |accepted: &Arc<Accepted>| {
                            let user = accepted.event.user_id.parse().unwrap();
                            if retried.contains(&user) { Outcome::Retry } else { Outcome::Stored }
                        };
                        let outcomes: Vec<_> = flush.iter().map(outcome).collect();
                        for (entry, _) in lanes.settle(lane, &outcomes) {
                            let Accepted { event, arrival } = &*entry.accepted;
                            let before = left.insert(event.user_id.to_string(), *arrival);
                            prop_assert!(before < Some(*arrival), "{}", event.user_id);
                        }
                    }
                }
                Step::EndHold(lane) => {
                    if !writing.contains_key(&lane) {
                        lanes.end_hold(lane);
                    }
                }
                Step::Call => {
                    lanes.call_if_full();
                }
            }
            check(&lanes);
        }
    }
}
