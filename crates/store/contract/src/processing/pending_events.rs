//! Promises about events as processing reads them.

use std::collections::HashSet;
use std::sync::Arc;

use trailkeep_event::{Accepted, Arrival, StoreId};
use trailkeep_store::processing::ProcessingStore;
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
