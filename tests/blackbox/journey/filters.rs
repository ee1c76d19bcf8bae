//! Which part of a journey is asked for.

use serde_json::{Value, json};

use crate::home::Home;
use crate::service::Service;

on_both_stores!(
    every_filter_narrows_the_journey_buffered_or_stored,
    a_user_without_events_has_an_empty_journey,
    user_ids_may_hold_anything_that_a_path_can_encode,
);

/// Ten events, one a minute from noon, of two types and two sessions.
fn visit() -> Value {
    (0..10)
        .map(|minute| {
            json!({
                "userId": "u",
                "eventId": format!("{minute}"),
                "type": if minute % 2 == 0 { "page_view" } else { "search" },
                "sessionId": if minute < 5 { "morning" } else { "evening" },
                "occurredAt": format!("2025-12-15T12:{minute:02}:00.000Z"),
            })
        })
        .collect()
}

async fn every_filter_narrows_the_journey_buffered_or_stored(home: Home) {
    let service = Service::start_with(&home, &[("WRITE_MAX_WAIT_MS", "3000")]).await;
    service.post(&visit()).await.expect(202);

    for _ in ["buffered", "stored"] {
        for (query, expected) in [
            ("", "0123456789"),
            ("&from=2025-12-15T12:03:00.000Z", "3456789"),
            ("&to=2025-12-15T12:03:00.000Z", "0123"),
            ("&from=2025-12-15T12:03:00Z&to=2025-12-15T12:05:00Z", "345"),
            ("&from=2025-12-15T13:03:00%2B01:00", "3456789"),
            ("&from=2025-12-15T12:03:00.001Z", "456789"),
            ("&type=search", "13579"),
            ("&type=search&type=page_view", "0123456789"),
            ("&type=purchase", ""),
            ("&sessionId=evening", "56789"),
            ("&sessionId=evening&type=search", "579"),
            ("&limit=3", "012"),
            ("&sessionId=morning&type=page_view&to=2025-12-15T12:03:00Z&limit=1", "0"),
        ] {
            let ids = service.journey_ids("u", &format!("?order=asc{query}")).await;
            assert_eq!(ids.concat(), expected, "{query}");
        }
        service.wait_until_flushed().await;
    }
}

async fn a_user_without_events_has_an_empty_journey(home: Home) {
    let service = Service::start(&home).await;
    let page = service.journey("nobody", "").await;
    let expected = json!({ "userId": "nobody", "count": 0, "events": [], "nextCursor": null, "prevCursor": null });
    assert_eq!(page, expected);
}

async fn user_ids_may_hold_anything_that_a_path_can_encode(home: Home) {
    let service = Service::start_with(&home, &[("WRITE_MAX_WAIT_MS", "3000")]).await;
    let users = [
        ("a/b", "a%2Fb"),
        ("ユーザー", "%E3%83%A6%E3%83%BC%E3%82%B6%E3%83%BC"),
        ("a b+c", "a%20b+c"),
        ("100%", "100%25"),
        ("?q=1&r#f", "%3Fq=1&r%23f"),
        ("..", "%2E%2E%2F..%2F"),
        ("mail@example.org", "mail@example.org"),
        ("/", "%2F"),
    ];
    for (user, path) in users {
        // A path segment of dots would be resolved by the client.
        let user = if user == ".." { "../../" } else { user };
        let event = json!({ "userId": user, "type": "search", "eventId": user });
        service.post(&event).await.expect(202);
        assert_eq!(service.journey_ids(path, "").await, [user]);
    }
    service.wait_until_flushed().await;
    for (_, path) in users {
        assert_eq!(service.journey(path, "").await["count"], 1, "{path}");
    }
}

#[tokio::test]
async fn every_parameter_out_of_its_rule_is_refused() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for query in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=ten",
        "limit=",
        "limit=1.5",
        "order=up",
        "order=",
        "from=yesterday",
        "from=2025-12-15",
        "from=10000-01-01T00:00:00Z",
        "to=0000-00-00T00:00:00Z",
        "to=",
        "cursor=nonsense",
        "cursor=%00",
    ] {
        let answer = service.get(&format!("/users/u/journey?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        let told = answer.problem(400).to_string();
        let name = query.split('=').next().unwrap();
        assert!(told.contains(name), "{query}: {told}");
    }
    for query in ["limit=1", "limit=1000", "order=asc", "order=desc"] {
        service.journey("u", &format!("?{query}")).await;
    }
}
