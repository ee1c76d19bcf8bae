//! GET /accounts/{accountId}/events.

use reqwest::Method;
use serde_json::{Value, json};

use super::{event, store};
use crate::client::ids_of;
use crate::home::Home;
use crate::service::Service;

on_both_stores!(
    an_accounts_events_are_told_newest_first_as_in_a_journey,
    pages_of_an_account_meet_stored_and_waiting_events_once,
    an_event_sent_again_for_another_account_stays_where_it_is,
    an_event_without_a_time_is_in_order_of_arrival,
);

/// What waits stays there, unless somebody waits for the store.
const NEVER_WRITTEN: (&str, &str) = ("WRITE_MAX_WAIT_MS", "600000");

const NOON: &str = "2025-12-15T12:00:00.000Z";

async fn page(service: &Service, account: &str, query: &str) -> Value {
    let path = format!("/accounts/{account}/events{query}");
    service.get(&path).await.expect(200).json()
}

async fn all_pages(service: &Service, account: &str, limit: usize) -> Vec<String> {
    let mut query = format!("?limit={limit}");
    let mut ids = Vec::new();
    loop {
        let page = page(service, account, &query).await;
        ids.extend(ids_of(&page));
        assert_eq!(page["count"], page["events"].as_array().expect("events").len());
        let Some(cursor) = page["nextCursor"].as_str() else { return ids };
        query = format!("?limit={limit}&cursor={cursor}");
    }
}

async fn an_accounts_events_are_told_newest_first_as_in_a_journey(home: Home) {
    let service = Service::start(&home).await;
    let mut events = vec![
        event("acme", "ann", "1", "2025-12-15T12:00:00.000Z"),
        event("acme", "ben", "2", "2025-12-15T12:00:02.000Z"),
        event("acme", "ann", "3", "2025-12-15T12:00:01.000Z"),
        event("other", "ann", "4", "2025-12-15T12:00:03.000Z"),
        json!({ "userId": "ann", "eventId": "5", "type": "search", "occurredAt": NOON }),
    ];
    events[0]["payload"] = json!({ "$path": "/pricing", "n": [1, 2.5, null] });
    events[0]["sessionId"] = "s".into();
    service.post(&events.into()).await.expect(202);

    for _ in ["buffered", "stored"] {
        let acme = page(&service, "acme", "").await;
        assert_eq!(acme["accountId"], "acme");
        assert_eq!(acme["count"], 3);
        assert_eq!(acme["nextCursor"], Value::Null);
        assert_eq!(ids_of(&acme), ["2", "3", "1"]);
        for event in acme["events"].as_array().expect("events") {
            let journey = service.journey(event["userId"].as_str().expect("a user"), "").await;
            let in_journey = journey["events"].as_array().expect("events");
            assert!(in_journey.contains(event), "{event} and {journey}");
        }
        let nobody = page(&service, "nobody", "").await;
        assert_eq!((&nobody["count"], &nobody["events"]), (&json!(0), &json!([])));
        service.wait_until_flushed().await;
    }
}

async fn pages_of_an_account_meet_stored_and_waiting_events_once(home: Home) {
    let service = Service::start_with(&home, &[NEVER_WRITTEN]).await;
    // Three users; five of each ten in the same millisecond.
    let made = |number: usize| {
        let second = number / 10;
        let time = format!("2025-12-15T12:00:{second:02}.{:03}Z", (number % 10).max(5));
        event("acme", &format!("u{}", number % 3), &format!("{number:03}"), &time)
    };
    let some = |which: fn(&usize) -> bool| (0..100).filter(which).map(made).collect::<Value>();
    store(&service, &some(|number| number % 2 == 0)).await;
    service.post(&some(|number| number % 2 == 1)).await.expect(202);
    assert_eq!(service.buffered().await, 50);

    let journeys = async || {
        let mut all = Vec::new();
        for user in ["u0", "u1", "u2"] {
            all.extend(service.journey_ids(user, "?limit=1000").await);
        }
        all.sort();
        all
    };
    let mut expected = None;
    for limit in [1, 7, 30, 100, 1000] {
        let ids = all_pages(&service, "acme", limit).await;
        let mut sorted = ids.clone();
        sorted.sort();
        assert_eq!(sorted, journeys().await, "by {limit}");
        assert_eq!(*expected.get_or_insert(ids.clone()), ids, "by {limit}");
    }
}

async fn an_event_sent_again_for_another_account_stays_where_it_is(home: Home) {
    let service = Service::start_with(&home, &[NEVER_WRITTEN]).await;
    let check = async || {
        assert_eq!(ids_of(&page(&service, "first", "").await), ["1"]);
        assert_eq!(ids_of(&page(&service, "second", "").await), [""; 0]);
    };
    service.post(&event("first", "ann", "1", NOON)).await.expect(202);
    service.post(&event("second", "ann", "1", NOON)).await.expect(202);
    check().await;
    store(&service, &event("third", "ben", "2", NOON)).await;
    check().await;
    service.post(&event("second", "ann", "1", NOON)).await.expect(202);
    check().await;
}

async fn an_event_without_a_time_is_in_order_of_arrival(home: Home) {
    let service = Service::start(&home).await;
    let events: Value = ["search", "add_to_cart", "purchase", "logout"]
        .iter()
        .zip(["d", "b", "c", "a"])
        .map(|(kind, user)| json!({ "userId": user, "accountId": "a", "eventId": kind, "type": kind }))
        .collect();
    service.post(&events).await.expect(202);
    for _ in ["buffered", "stored"] {
        let ids = all_pages(&service, "a", 2).await;
        assert_eq!(ids, ["logout", "purchase", "add_to_cart", "search"]);
        service.wait_until_flushed().await;
    }
}

#[tokio::test]
async fn every_parameter_of_an_accounts_events_out_of_its_rule_is_refused() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    store(&service, &json!([event("a", "u", "1", NOON), event("a", "u", "2", NOON)])).await;
    let oldest_first = service.journey("u", "?order=asc&limit=1").await;
    let of_other_order = oldest_first["nextCursor"].as_str().expect("a cursor");
    for (query, field) in [
        ("limit=0".to_owned(), "limit"),
        ("limit=1001".to_owned(), "limit"),
        ("limit=ten".to_owned(), "limit"),
        ("cursor=".to_owned(), "cursor"),
        ("cursor=x".to_owned(), "cursor"),
        (format!("cursor={of_other_order}"), "cursor"),
        ("order=asc".to_owned(), "order"),
        ("limit=1&limit=1".to_owned(), "limit"),
    ] {
        let answer = service.get(&format!("/accounts/a/events?{query}")).await;
        assert_eq!(answer.only_fault().field, field, "{query}");
    }
    let long = "a".repeat(257);
    let answer = service.get(&format!("/accounts/{long}/events")).await;
    assert_eq!(answer.only_fault().field, "accountId");
    let request = service.request(Method::GET, "/accounts/a/events?limit=1000");
    service.send(request).await.expect(200);
}
