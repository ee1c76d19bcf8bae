#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashSet;

use super::*;
use crate::Timestamp;

const V7: &str = "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88";

/// What is stored in the world has these identities: should this test fail,
/// every retry and replay of a stored event would be stored a second time.
#[test]
fn an_identity_never_changes() {
    for (user_id, event_id, id) in [
        ("test123", "evt_001", "29b34424-b32f-832e-a963-00aaa74ea5fe"),
        ("test123", V7, "0193c9a0-7b1c-850c-9fd5-948cda56166c"),
        ("é😀", "", "5f128e54-aaf9-88bf-b443-9421be78d483"),
    ] {
        assert_eq!(StoreId::derive(user_id, event_id).to_string(), id);
    }
}

#[test]
fn an_identity_is_a_uuid_of_version_8() {
    for event_id in ["evt_001", V7, "x"] {
        let id = Uuid::from_bytes(*StoreId::derive("ann", event_id).as_bytes());
        assert_eq!(id.get_version_num(), 8);
        assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
    }
}

#[test]
fn the_time_of_a_uuid_of_version_7_comes_first() {
    let time = &Uuid::try_parse(V7).unwrap().into_bytes()[..6];
    for event_id in [V7.to_owned(), V7.to_uppercase(), V7.replace('-', "")] {
        assert_eq!(&StoreId::derive("ann", &event_id).as_bytes()[..6], time, "{event_id}");
    }
    for other in [
        // Version 4.
        "0193c9a0-7b1c-4d9e-8f4a-2b6c1d0e9f88",
        // Forms that no tracker sends.
        "{0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88}",
        "urn:uuid:0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88",
        "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f8x",
    ] {
        assert_ne!(&StoreId::derive("ann", other).as_bytes()[..6], time, "{other}");
    }
}

#[test]
fn identities_of_later_events_are_greater() {
    let ids: Vec<StoreId> = (0..100_u64)
        .map(|number| {
            let event_id = uuid::Builder::from_unix_timestamp_millis(number, &[7; 10]).into_uuid();
            StoreId::derive("ann", &event_id.to_string())
        })
        .collect();
    assert!(ids.is_sorted());
}

#[test]
fn user_and_event_are_told_apart() {
    let ids =
        [("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc"), ("c", "ab"), ("ann", V7), ("bob", V7)];
    let different: HashSet<StoreId> =
        ids.iter().map(|(user_id, event_id)| StoreId::derive(user_id, event_id)).collect();
    assert_eq!(different.len(), ids.len());
}

#[test]
fn an_identity_survives_a_store() {
    let id = StoreId::derive("ann", "e");
    assert_eq!(StoreId::from_bytes(*id.as_bytes()), id);
    assert_eq!(format!("{id:?}"), id.to_string());
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

const NOW: i64 = 1_765_794_600_000;
const PER_MILLISECOND: i64 = 8_192;

fn micros(millis: i64) -> i64 {
    millis * 1_000
}

fn millis_of(arrival: Arrival) -> i64 {
    arrival.as_i64() >> (INSTANCE_BITS + COUNTER_BITS)
}

#[test]
fn an_arrival_is_made_of_time_counter_and_instance() {
    let mut clock = ArrivalClock::new(0xa5);
    let first = clock.take(1, micros(NOW)).as_i64();
    assert_eq!(first, NOW << 21 | 0xa5);
    assert_eq!(clock.take(1, micros(NOW)).as_i64(), first + 256);
    assert_eq!(clock.take(1, micros(NOW + 1)).as_i64(), first + (1 << 21));
}

#[test]
fn of_two_processes_the_later_number_is_the_higher_within_a_millisecond_too() {
    let (mut first, mut second) = (ArrivalClock::new(200), ArrivalClock::new(100));
    for past in [0, 1, 2, 500, 998] {
        let earlier = first.take(3, micros(NOW) + past);
        let later = second.take(3, micros(NOW) + past + 1);
        assert!(earlier < later, "after {past} microseconds");
        assert_eq!((millis_of(earlier), millis_of(later)), (NOW, NOW));
    }
}

#[test]
fn arrivals_grow_when_the_clock_is_stepped_back() {
    let mut clock = ArrivalClock::new(1);
    let times = [NOW, NOW + 5, NOW - 60_000, NOW - 60_000, -5, 0, NOW + 5, NOW + 6];
    let arrivals = times.map(|millis| clock.take(1, micros(millis)));
    assert!(arrivals.is_sorted_by(|left, right| left < right), "{arrivals:?}");
    assert!(arrivals.iter().all(|arrival| arrival.as_i64() > 0));
}

#[test]
fn a_full_millisecond_borrows_from_the_next() {
    let mut clock = ArrivalClock::new(255);
    let arrivals: Vec<Arrival> =
        (0..3 * PER_MILLISECOND).map(|_| clock.take(1, micros(NOW))).collect();
    assert!(arrivals.is_sorted_by(|left, right| left < right));
    for (number, arrival) in (0..).zip(&arrivals) {
        assert_eq!(millis_of(*arrival), NOW + number / PER_MILLISECOND);
        assert_eq!(arrival.as_i64() & 0xff, 255);
    }
    // What comes in the borrowed time still grows.
    assert!(clock.take(1, micros(NOW + 1)) > arrivals[arrivals.len() - 1]);
}

#[test]
fn a_moment_has_its_numbers_and_a_number_its_moment() {
    let mut clock = ArrivalClock::new(0);
    let first = Arrival::first_at(at(NOW));
    assert_eq!(first, clock.take(1, micros(NOW)));
    assert_eq!(first.moment(), at(NOW));
    assert_eq!(ArrivalClock::new(255).take(1, micros(NOW)).moment(), at(NOW));
    assert!(ArrivalClock::new(255).take(1, micros(NOW - 1)) < first);
    assert_eq!(Arrival::from_i64(-1).moment().as_millis(), 0, "of another tool's event");
}

#[test]
fn instances_differ_within_one_millisecond() {
    let mut arrivals = HashSet::new();
    for instance in 0..=255 {
        let mut clock = ArrivalClock::new(instance);
        arrivals.extend((0..10).map(|_| clock.take(1, micros(NOW))));
    }
    assert_eq!(arrivals.len(), 2560);
}

#[test]
fn a_clock_goes_on_behind_an_earlier_process() {
    for instance in [0, 7, 255] {
        let floor = Arrival::from_i64(NOW << 21 | 8_191 << 8 | 200);
        let mut clock = ArrivalClock::new(instance);
        clock.advance_past(floor);
        let first = clock.take(1, micros(NOW - 60_000));
        assert!(first > floor);
        assert_eq!(millis_of(first), NOW + 1);
    }
}

#[test]
fn a_floor_that_is_long_past_changes_nothing() {
    let mut clock = ArrivalClock::new(1);
    let before = clock.take(1, micros(NOW));
    for floor in [0, -1, i64::MIN, 5 << 21] {
        clock.advance_past(Arrival::from_i64(floor));
    }
    assert_eq!(clock.take(1, micros(NOW)).as_i64(), before.as_i64() + 256);
}

#[test]
fn the_highest_floor_does_not_overflow() {
    let mut clock = ArrivalClock::new(255);
    clock.advance_past(Arrival::from_i64(i64::MAX));
    assert_eq!(clock.take(1, micros(NOW)).as_i64(), i64::MAX);
    let mut numbers = Arrivals::from(Arrival::from_i64(i64::MAX));
    assert_eq!(numbers.nth(5), Some(Arrival::from_i64(i64::MAX)));
}

#[test]
fn a_batch_has_the_numbers_that_its_events_would_have_had_one_by_one() {
    let mut one_by_one = ArrivalClock::new(9);
    let mut at_once = ArrivalClock::new(9);
    let count = usize::try_from(2 * PER_MILLISECOND + 3).unwrap();
    let numbers = Arrivals::from(at_once.take(count, micros(NOW)));
    let expected = (0..count).map(|_| one_by_one.take(1, micros(NOW)));
    assert!(numbers.take(count).eq(expected));
    assert_eq!(at_once.take(1, micros(NOW)), one_by_one.take(1, micros(NOW)));
}
