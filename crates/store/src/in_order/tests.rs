#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use trailkeep_event::StoreId;

use super::*;
use crate::{Id, Order};

fn event(moment: i64, arrival: i64, number: u8, bytes: usize) -> StoredEvent {
    let at = Timestamp::from_millis_clamped(moment);
    StoredEvent {
        id: StoreId::from_bytes([number; 16]),
        user_id: "ann".into(),
        event_id: number.to_string().into(),
        kind: "search".into(),
        anonymous_id: None,
        session_id: None,
        account_id: None,
        payload: "x".repeat(bytes),
        occurred_at: at,
        received_at: at,
        arrival: Arrival::from_i64(arrival),
    }
}

fn range(order: Order, after: Option<Position>) -> JourneyRange {
    JourneyRange {
        ids: vec![Id::whole("ann")],
        from: None,
        to: None,
        after,
        order,
        types: Vec::new(),
        session_id: None,
    }
}

fn positions(events: &[StoredEvent]) -> Vec<Position> {
    events.iter().map(StoredEvent::position).collect()
}

/// What an index would hand over: in order, but for the ids.
fn as_indexed(events: &[StoredEvent], order: Order) -> Vec<StoredEvent> {
    let mut indexed = events.to_vec();
    indexed.sort_by_key(|event| event.position().place());
    if order == Order::Descending {
        indexed.reverse();
    }
    indexed
}

proptest! {
    #[test]
    fn what_comes_first_is_found_whatever_the_order_of_equals(
        places in proptest::collection::vec((0_i64..3, 0_i64..2), 0..40),
        is_descending in any::<bool>(),
        after in proptest::option::of(0_usize..40),
        limit in 1_usize..12,
    ) {
        let order = if is_descending { Order::Descending } else { Order::Ascending };
        // In any order of their ids: the ids of a list go up, its places jump.
        let events: Vec<StoredEvent> = (0..)
            .zip(&places)
            .map(|(number, &(moment, arrival))| event(moment, arrival, number, 0))
            .collect();
        let after = after.and_then(|after| events.get(after)).map(StoredEvent::position);
        let range = range(order, after);
        let mut journey = InOrder::new(&range, limit);
        for event in as_indexed(&events, order) {
            let is_before = |after: Position| {
                order.compare(event.position(), after).is_lt()
                    && event.position().place() != after.place()
            };
            if !after.is_some_and(is_before) && !journey.take(event) {
                break;
            }
        }
        let mut expected = positions(&events);
        expected.sort_by(|left, right| order.compare(*left, *right));
        expected.retain(|position| after.is_none_or(|after| order.compare(after, *position).is_lt()));
        let has_more = expected.len() > limit;
        expected.truncate(limit);
        let part = journey.finish();
        prop_assert_eq!(positions(&part.events), expected);
        prop_assert_eq!(part.has_more, has_more);
    }
}

proptest! {
    /// The index of an account has the time alone, so what it hands over is in no order
    /// of arrival.
    #[test]
    fn what_comes_first_of_an_account_is_found_by_time_alone(
        places in proptest::collection::vec((0_i64..3, 0_i64..4), 0..40),
        after in proptest::option::of(0_usize..40),
        limit in 1_usize..12,
    ) {
        let mut events: Vec<StoredEvent> = (0..)
            .zip(&places)
            .map(|(number, &(moment, arrival))| event(moment, arrival, number, 0))
            .collect();
        let after = after.and_then(|after| events.get(after)).map(StoredEvent::position);
        let mut expected = positions(&events);
        expected.sort_by(|left, right| right.cmp(left));
        expected.retain(|position| after.is_none_or(|after| *position < after));
        events.sort_by_key(|event| std::cmp::Reverse(event.occurred_at));
        let mut newest = InOrder::of_account(after.as_ref(), limit);
        for event in events {
            let is_before = |after: Position| event.occurred_at > after.occurred_at;
            if !after.is_some_and(is_before) && !newest.take(event) {
                break;
            }
        }
        let has_more = expected.len() > limit;
        expected.truncate(limit);
        let part = newest.finish();
        prop_assert_eq!(positions(&part.events), expected);
        prop_assert_eq!(part.has_more, has_more);
    }
}

#[test]
fn of_a_large_group_only_what_is_wanted_is_in_memory() {
    for order in [Order::Ascending, Order::Descending] {
        let range = range(order, None);
        let mut journey = InOrder::new(&range, 10);
        for number in 0..=255_u8 {
            // Neither up nor down.
            assert!(journey.take(event(0, 0, number.wrapping_mul(101), 0)));
            assert!(journey.events.len() <= 21, "{}", journey.events.len());
        }
        let first: Vec<u8> = match order {
            Order::Ascending => (0..10).collect(),
            Order::Descending => (246..=255).rev().collect(),
        };
        let expected: Vec<Position> =
            first.into_iter().map(|number| event(0, 0, number, 0).position()).collect();
        assert_eq!(positions(&journey.finish().events), expected);
    }
}

#[test]
fn it_ends_with_the_event_by_which_it_is_more_than_4_mib() {
    const MIB: usize = 1 << 20;
    let range = range(Order::Ascending, None);
    // Of one group, and of one group each.
    for moments in [1, 10] {
        let mut journey = InOrder::new(&range, 100);
        for number in 0..10_u8 {
            let is_wanted =
                journey.take(event(i64::from(number) % moments, 0, 9 - number % 10, MIB));
            assert!(journey.group_bytes + journey.settled_bytes < 11 * MIB);
            assert_eq!(is_wanted, moments == 1 || number < 4, "{number} of {moments}");
            if !is_wanted {
                break;
            }
        }
        // With their names, four have more than 4 MiB.
        let part = journey.finish();
        assert_eq!(part.events.len(), 4);
        assert!(part.has_more);
    }
}

#[test]
fn a_group_that_is_given_back_may_be_read_again() {
    let range = range(Order::Ascending, None);
    let mut journey = InOrder::new(&range, 2);
    assert_eq!(journey.give_group_back(), None);
    assert!(journey.take(event(0, 0, 9, 0)));
    assert!(journey.take(event(1, 5, 8, 0)));
    let place = event(1, 5, 0, 0).position().place();
    assert_eq!(journey.give_group_back(), Some(place));
    for number in [7, 8, 6] {
        assert!(journey.take(event(1, 5, number, 0)));
    }
    let expected = [event(0, 0, 9, 0), event(1, 5, 6, 0)];
    let part = journey.finish();
    assert_eq!(part.events, expected);
    assert!(part.has_more);
}
