//! Promises of inserting.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use trailkeep_event::{Arrival, StoreId, Timestamp};
use trailkeep_store::{Outcome, Store};

use crate::samples::{all_of, event, insert, names, payload, store_all, stored};

pub async fn what_is_stored_is_read_back_unchanged(store: Arc<dyn Store>) {
    let mut full = event("ann", "e1", 0, i64::MAX);
    full.event.kind = "purchase".into();
    full.event.anonymous_id = Some("v1".into());
    full.event.session_id = Some("s1".into());
    full.event.account_id = Some("a1".into());
    full.event.payload = payload(r#"{"total":12.5}"#);
    let bare = event("ann", "e2", 1, 2);
    store_all(&*store, &[full.clone(), bare.clone()]).await;

    let journey = store.journey(&all_of("ann"), 10).await.unwrap().events;
    assert_eq!(journey, [stored(&full), stored(&bare)]);
}

pub async fn payloads_are_read_back_unchanged(store: Arc<dyn Store>) {
    let payloads = [
        r#"{}"#,
        r#"{"$oid":"not an id","$date":"x","$numberLong":"1","$ref":1,"$where":"1"}"#,
        r#"{"$oid":{"$date":{"$numberDecimal":"1"}}}"#,
        r#"{"a.b":{"c.d":1},".":2,"":{"":3},"$":4,"__proto__":{"polluted":true}}"#,
        r#"{"_id":1,"userId":"bob","constructor":null}"#,
        r#"{"zażółć":"🦀 ﷽ \u2028","control":"\u0001\t\n\\\"/"}"#,
        r#"{"nested":[[],[[1,[2,[{"k":[null,true,false]}]]]],{}]}"#,
        r#"{"i":[9223372036854775807,-9223372036854775808,2147483648,-2147483649,0,-1]}"#,
        r#"{"d":[0.1,1.0,-0.0,1e300,-1e-300,5e-324,1.7976931348623157e308,9007199254740993]}"#,
        r#"{"digits":{"0":"a","1":"b","00":"c"},"z":1,"a":2}"#,
    ];
    let events: Vec<_> = (0..)
        .zip(payloads)
        .map(|(number, json)| {
            let mut event = event("ann", &format!("e{number}"), number, number + 1);
            event.event.payload = payload(json);
            event
        })
        .collect();
    store_all(&*store, &events).await;

    let journey = store.journey(&all_of("ann"), 100).await.unwrap().events;
    assert_eq!(journey.len(), payloads.len());
    for (event, sent) in journey.iter().zip(payloads) {
        assert_eq!(*event.payload, *payload(sent).to_json());
        let read: serde_json::Value = serde_json::from_str(&event.payload).unwrap();
        let sent: serde_json::Value = serde_json::from_str(sent).unwrap();
        assert_eq!(read, sent);
    }
}

pub async fn times_at_the_ends_of_the_calendar_are_read_back_unchanged(store: Arc<dyn Store>) {
    let mut first = event("ann", "first", 0, 1);
    first.event.occurred_at = Timestamp::parse_rfc3339("0000-01-01T00:00:00.000Z").unwrap();
    let mut before_epoch = event("ann", "before epoch", 0, 2);
    before_epoch.event.occurred_at = Timestamp::from_millis(-1).unwrap();
    let mut last = event("ann", "last", 0, 3);
    last.event.occurred_at = Timestamp::parse_rfc3339("9999-12-31T23:59:59.999Z").unwrap();
    store_all(&*store, &[last.clone(), first.clone(), before_epoch.clone()]).await;

    let journey = store.journey(&all_of("ann"), 10).await.unwrap().events;
    assert_eq!(journey, [stored(&first), stored(&before_epoch), stored(&last)]);
}

pub async fn an_empty_insert_is_fine(store: Arc<dyn Store>) {
    assert_eq!(insert(&*store, &[]).await, []);
}

pub async fn of_duplicates_in_one_insert_the_first_stays(store: Arc<dyn Store>) {
    let first = event("ann", "same", 0, 1);
    let mut second = event("ann", "same", 7, 3);
    second.event.payload = payload(r#"{"second":true}"#);
    let batch = [first.clone(), event("ann", "other", 1, 2), second, event("ann", "third", 2, 4)];
    assert_eq!(
        insert(&*store, &batch).await,
        [Outcome::Stored, Outcome::Stored, Outcome::Duplicate, Outcome::Stored]
    );
    let journey = store.journey(&all_of("ann"), 10).await.unwrap().events;
    assert_eq!(journey[0], stored(&first));
    assert_eq!(names(&*store, &all_of("ann")).await, ["same", "other", "third"]);
}

pub async fn of_duplicates_in_two_inserts_the_first_stays(store: Arc<dyn Store>) {
    let first = event("ann", "same", 0, 1);
    store_all(&*store, &[event("ann", "other", 1, 2), first.clone()]).await;

    let batch = [
        event("ann", "new", 5, 3),
        event("ann", "same", 6, 4),
        event("ann", "other", 7, 5),
        event("ann", "newer", 8, 6),
    ];
    assert_eq!(
        insert(&*store, &batch).await,
        [Outcome::Stored, Outcome::Duplicate, Outcome::Duplicate, Outcome::Stored]
    );
    let journey = store.journey(&all_of("ann"), 10).await.unwrap().events;
    assert_eq!(journey[0], stored(&first));
    assert_eq!(journey.len(), 4);
}

pub async fn two_users_may_use_the_same_event_id(store: Arc<dyn Store>) {
    let of_ann = event("ann", "evt_001", 0, 1);
    let of_bob = event("bob", "evt_001", 1, 2);
    store_all(&*store, &[of_ann.clone(), of_bob.clone()]).await;

    let journey = store.journey(&all_of("ann"), 10).await.unwrap().events;
    assert_eq!(journey, [stored(&of_ann)]);
    let journey = store.journey(&all_of("bob"), 10).await.unwrap().events;
    assert_eq!(journey, [stored(&of_bob)]);
}

pub async fn concurrent_inserts_store_each_event_once(store: Arc<dyn Store>) {
    const WRITERS: usize = 6;
    const EVENTS: i64 = 40;
    let events: Vec<_> = (0..EVENTS)
        .map(|number| Arc::new(event("ann", &format!("e{number}"), number, number + 1)))
        .collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (store, events) = (store.clone(), events.clone());
            tokio::spawn(async move { store.insert(&events).await.unwrap() })
        })
        .collect();
    let mut times_stored = vec![0; events.len()];
    for writer in writers {
        for (times, outcome) in times_stored.iter_mut().zip(writer.await.unwrap()) {
            match outcome {
                Outcome::Stored => *times += 1,
                Outcome::Duplicate => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(times_stored, vec![1; events.len()]);
    let journey = store.journey(&all_of("ann"), 1_000).await.unwrap().events;
    assert_eq!(journey.len(), events.len());
}

pub async fn a_call_that_is_dropped_leaves_the_store_usable(store: Arc<dyn Store>) {
    let events: Vec<_> = (0..200)
        .map(|number| Arc::new(event("ann", &format!("e{number}"), number, number + 1)))
        .collect();
    for micros in [1, 100, 1_000, 3_000] {
        let limit = Duration::from_micros(micros);
        let _ = tokio::time::timeout(limit, store.insert(&events)).await;
    }
    for outcome in store.insert(&events).await.unwrap() {
        assert!(matches!(outcome, Outcome::Stored | Outcome::Duplicate), "{outcome:?}");
    }
    let journey = store.journey(&all_of("ann"), 1_000).await.unwrap().events;
    let expected: Vec<_> = events.iter().map(|event| stored(event)).collect();
    assert_eq!(journey, expected);
}

pub async fn arrivals_are_those_of_what_is_stored(store: Arc<dyn Store>) {
    store_all(&*store, &[event("ann", "e1", 0, 11), event("bob", "e1", 0, 12)]).await;
    insert(&*store, &[event("ann", "e1", 0, 99)]).await;

    let (ann, bob) = (StoreId::derive("ann", "e1"), StoreId::derive("bob", "e1"));
    let absent = StoreId::derive("ann", "e2");
    let arrivals = store.arrivals(&[ann, absent, bob]).await.unwrap();
    let expected = [(ann, Arrival::from_i64(11)), (bob, Arrival::from_i64(12))];
    assert_eq!(arrivals, HashMap::from(expected));
    assert_eq!(store.arrivals(&[]).await.unwrap(), HashMap::new());
}

pub async fn positions_are_those_of_what_is_stored(store: Arc<dyn Store>) {
    let events = [event("ann", "e1", 3, 11), event("bob", "e1", -7, 12)];
    store_all(&*store, &events).await;
    insert(&*store, &[event("ann", "e1", 5, 99)]).await;

    let absent = StoreId::derive("ann", "e2");
    let ids = [events[0].event.id, absent, events[1].event.id];
    let expected = events.each_ref().map(|event| (event.event.id, stored(event).position()));
    assert_eq!(store.positions(&ids).await.unwrap(), HashMap::from(expected));
    assert_eq!(store.positions(&[]).await.unwrap(), HashMap::new());
}

pub async fn a_ping_is_answered(store: Arc<dyn Store>) {
    store.ping().await.unwrap();
    assert!(store.writes_in_flight(4) >= 1);
}
