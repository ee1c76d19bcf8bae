//! Promises about events as processing reads them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use trailkeep_event::{Accepted, Arrival, StoreId};
use trailkeep_store::processing::{EventHead, ProcessingStore};
use trailkeep_store::{MAX_READ_BYTES, Store};

use super::samples::arrival;
use crate::samples::{event, payload, store_all, stored};

fn place(accepted: &Accepted) -> (Arrival, StoreId) {
    (accepted.arrival, accepted.event.id)
}

pub async fn events_are_found_by_their_ids(
    store: Arc<dyn Store>,
    processing: Arc<dyn ProcessingStore>,
) {
    let mut full = event("ann ä", "e1", 0, i64::MAX);
    full.event.anonymous_id = Some("v1".into());
    full.event.session_id = Some("s1".into());
    full.event.account_id = Some("a1".into());
    full.event.payload = payload(r#"{"$oid":"x","a.b":{"":[1,1.0,null,true]},"t":"ä\n\"\u0001"}"#);
    let events = [full, event("bob", "e1", 5, 2), event("bob", "e2", -5, 3)];
    store_all(&*store, &events).await;
    let ids = [&events[2], &events[0]].map(|accepted| accepted.event.id);
    let asked = [ids[0], StoreId::derive("bob", "unknown"), ids[1]];
    let mut found = processing.events(&asked).await.unwrap();
    assert_eq!(found.left, []);
    found.events.sort_by_key(|event| event.arrival);
    assert_eq!(found.events, [stored(&events[2]), stored(&events[0])]);

    let nothing = processing.events(&[asked[1]]).await.unwrap();
    assert_eq!((nothing.events, nothing.left), (vec![], vec![]));
    let nothing = processing.events(&[]).await.unwrap();
    assert_eq!((nothing.events, nothing.left), (vec![], vec![]));
}

pub async fn large_events_are_found_a_part_at_a_time(
    store: Arc<dyn Store>,
    processing: Arc<dyn ProcessingStore>,
) {
    let json = format!("{{\"k\":\"{}\"}}", "x".repeat(1_500_000));
    let events: Vec<_> = (0..7)
        .map(|number| {
            let mut large = event("ann", &format!("e{number}"), number, number + 1);
            large.event.payload = payload(&json);
            large
        })
        .collect();
    store_all(&*store, &events).await;
    let mut left: Vec<_> = events.iter().map(|accepted| accepted.event.id).collect();
    // They do not keep those that are there from being found.
    left.extend((0..50).map(|number| StoreId::derive("ann", &format!("unknown {number}"))));
    let mut found = Vec::new();
    while !left.is_empty() {
        let asked: HashSet<_> = left.iter().copied().collect();
        let part = processing.events(&left).await.unwrap();
        let bytes: usize = part.events.iter().map(|event| event.bytes()).sum();
        assert!(bytes <= MAX_READ_BYTES + 1_600_000, "{bytes}");
        assert!(part.left.len() < left.len() && part.left.iter().all(|id| asked.contains(id)));
        assert!(part.left.is_empty() || !part.events.is_empty());
        found.extend(part.events);
        left = part.left;
    }
    found.sort_by_key(|event| event.arrival);
    let expected: Vec<_> = events.iter().map(stored).collect();
    assert!(found == expected, "changed");
}

pub async fn events_from_a_number_on_are_in_order_of_arrival_whatever_their_times(
    store: Arc<dyn Store>,
    processing: Arc<dyn ProcessingStore>,
) {
    const EVENTS: i64 = 60;
    // Times run against the numbers, in steps, and one of ten is far away: with short
    // periods each part of a batch is in another one.
    let time = |number: i64| match number % 10 {
        0 => number * 100_000_000,
        _ => (number * 7_919) % 1_000 - number,
    };
    let mut events: Vec<_> = (1..=EVENTS)
        .map(|number| event("ann", &format!("e{number}"), time(number), number))
        .collect();
    // Some share a number, as those of two instances may.
    events.extend((1..=9).map(|n| event("ann", &format!("same {n}"), -n * 500, 30)));
    for some in events.chunks(7) {
        store_all(&*store, some).await;
        let other = event("bob", &some[0].event.event_id, 0, some[0].arrival.as_i64());
        store_all(&*store, &[other]).await;
    }
    events.sort_by_key(place);
    for from in [i64::MIN, 0, 1, 2, 29, 30, 31, 60, 61, i64::MAX] {
        let expected: Vec<_> =
            events.iter().map(place).filter(|place| place.0 >= arrival(from)).collect();
        for limit in [0, 1, 5, 30, expected.len().max(1) - 1, expected.len(), 100_000] {
            let found = processing.events_from("ann", arrival(from), limit).await.unwrap();
            let some = expected[..limit.min(expected.len())].to_vec();
            assert_eq!(found, (some, limit < expected.len()), "{limit} from {from}");
        }
    }
    let nobody = processing.events_from("nobody", arrival(0), 10).await.unwrap();
    assert_eq!(nobody, (vec![], false));
}

pub async fn events_are_walked_in_the_order_of_their_identities(
    store: Arc<dyn Store>,
    processing: Arc<dyn ProcessingStore>,
) {
    let walk = async |after, limit| processing.walk(after, limit).await.unwrap();
    assert_eq!(walk(None, 10).await, []);
    let mut events: Vec<_> = (0..60)
        .map(|number| {
            let mut event = event(["ann", "bob ä"][number as usize % 2], "", number, 100 - number);
            event.event.event_id = format!("e{number}").into();
            event.event.kind = format!("type {}", number % 7).into();
            event.event.payload = payload(r#"{"a":[1,2,{"b":null}]}"#);
            let text = format!("e{number}");
            event.event.id = StoreId::derive(&event.event.user_id, &text);
            event
        })
        .collect();
    // The ends of what there can be.
    events[0].event.id = StoreId::from_bytes([0; 16]);
    events[1].event.id = StoreId::from_bytes([u8::MAX; 16]);
    for some in events.chunks(7) {
        store_all(&*store, some).await;
    }
    events.sort_by_key(|accepted| accepted.event.id);
    let expected: Vec<EventHead> = events.iter().map(|accepted| stored(accepted).into()).collect();
    let [user, kind] = [&events[9].event.user_id, &events[9].event.kind];
    assert_eq!([&expected[9].user_id, &expected[9].kind], [user, kind]);

    for limit in [1, 7, 59, 60, 1_000] {
        let mut found: Vec<EventHead> = Vec::new();
        loop {
            let part = walk(found.last().map(|head| head.id), limit).await;
            let is_last = part.len() < limit;
            found.extend(part);
            assert!(found.len() <= expected.len(), "{limit} at a time");
            if is_last {
                break;
            }
        }
        assert_eq!(found, expected, "{limit} at a time");
    }
    assert_eq!(walk(None, 0).await, []);
    // Above an identity that no event has.
    let between = StoreId::derive("nobody", "e1");
    let above = expected.partition_point(|head| head.id < between);
    assert_eq!(walk(Some(between), 3).await, expected[above..above + 3]);
}

pub async fn users_are_walked_in_the_order_of_their_bytes_each_once(
    store: Arc<dyn Store>,
    processing: Arc<dyn ProcessingStore>,
) {
    let users =
        async |after: Option<&str>, limit| processing.users_after(after, limit).await.unwrap();
    assert_eq!(users(None, 10).await, []);
    let ids =
        ["10", "9", "Z", "a", "a b", "aa", "ab", "b", "{}", "ä", "äa", "\u{ffff}", "\u{1f600}"];
    // Of events over a long time, so that many periods have some, and not all of them all.
    let mut events: BTreeMap<i64, Vec<Accepted>> = BTreeMap::new();
    for (place, user) in ids.into_iter().enumerate() {
        for number in 0..(1 + place as i64 * 3) {
            let time = number * 100_000_000 + place as i64;
            let event = event(user, &format!("e{number}"), time, number + 1);
            events.entry(number).or_default().push(event);
        }
    }
    for some in events.values() {
        store_all(&*store, some).await;
    }
    // More than are read at once, of one user within one period.
    let many: Vec<_> = (0..2_500).map(|n| event("b", &format!("many {n}"), n % 9, n + 1)).collect();
    store_all(&*store, &many).await;
    // And of many users.
    let crowd: Vec<_> = (0..2_500).map(|n| event(&format!("c{n:05}"), "e1", n % 9, 1)).collect();
    store_all(&*store, &crowd).await;

    let all = ids.map(str::to_owned).into_iter().chain((0..2_500).map(|n| format!("c{n:05}")));
    let expected: Vec<Box<str>> = all.map(Box::from).collect::<BTreeSet<_>>().into_iter().collect();
    for limit in [7, 1_000, expected.len(), 10_000] {
        let mut found: Vec<Box<str>> = Vec::new();
        loop {
            let part = users(found.last().map(|user| &**user), limit).await;
            let is_last = part.len() < limit;
            found.extend(part);
            assert!(found.len() <= expected.len(), "{limit} at a time");
            if is_last {
                break;
            }
        }
        assert!(found == expected, "{limit} at a time");
    }
    assert_eq!(users(None, 0).await, []);
    for (after, first) in
        [("", "10"), ("1", "10"), ("10", "9"), ("Z", "a"), ("a", "a b"), ("y", "{}")]
    {
        let found = users(Some(after), 1).await;
        assert_eq!(found, [first.into()], "after {after:?}");
    }
    assert_eq!(users(Some("\u{1f600}"), 10).await, []);
    assert_eq!(users(Some("\u{1f601}"), 10).await, []);
}
