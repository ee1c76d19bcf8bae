//! GET /users/{userId}.

use serde_json::{Value, json};

use super::{NEVER_WRITTEN, assert_audited, identify, linked_ids, store};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(
    a_user_is_told_at_a_glance,
    a_user_is_known_from_the_first_accepted_event_on,
    nobody_knows_an_unknown_user,
);

async fn user(service: &Service, id: &str) -> Value {
    service.get(&format!("/users/{id}")).await.expect(200).json()
}

fn at(mut event: Value, time: &str) -> Value {
    event["occurredAt"] = time.into();
    event
}

async fn a_user_is_told_at_a_glance(home: Home) {
    let service = Service::start(&home).await;
    let visitor = json!({
        "anonymousId": "dev-1", "type": "identify",
        "payload": { "traits": { "plan": "free", "colour": "red" } },
    });
    store(&service, &visitor).await;
    let old =
        json!({ "email": "old@example.com", "name": "Ann", "plan": "pro", "n": [1, 2.5, null] });
    store(&service, &identify("ann", &old)).await;
    store(&service, &identify("ann", &json!({ "email": "ann@example.com" }))).await;
    let view = json!({
        "userId": "ann", "anonymousId": "dev-1", "type": "page_view", "accountId": "acme",
        "payload": { "url": "https://example.com/a", "path": "/a", "$os": "Linux", "timezone": "Europe/Berlin" },
    });
    let error = json!({ "userId": "ann", "type": "error", "payload": { "message": "it broke" } });
    let last = json!({
        "anonymousId": "dev-1", "type": "search", "eventId": "last", "accountId": "beta",
    });
    let events =
        json!([at(view, "2025-12-15T10:30:00.000Z"), at(error, "2025-12-15T10:31:00.000Z"), last,]);
    store(&service, &events).await;

    let ann = user(&service, "ann").await;
    assert_eq!(ann["userId"], "ann");
    assert_eq!(ann["lastPage"], "https://example.com/a");
    assert_eq!(ann["lastError"], "it broke");
    assert_eq!(ann["device"], json!({ "os": "Linux" }));
    assert_eq!(ann["timeZone"], "Europe/Berlin");
    assert_eq!(ann["accountIds"], json!(["beta", "acme"]));
    // An anonymous id's traits lie beneath the user's.
    let traits = json!({
        "email": "ann@example.com", "name": "Ann", "plan": "pro", "n": [1, 2.5, null], "colour": "red",
    });
    assert_eq!(ann["traits"], traits);
    assert_eq!(ann["emails"], json!(["ann@example.com", "old@example.com"]));
    assert_eq!(linked_ids(&ann), ["dev-1"]);
    assert_eq!(ann.get("linkedTo"), None);
    let journey = service.journey("ann", "?limit=1").await;
    assert_eq!(ann["lastEvent"], journey["events"][0]);
    assert_eq!(ann["firstSeen"], "2025-12-15T10:30:00.000Z");
    assert!(ann["lastSeen"].as_str() >= ann["lastEvent"]["receivedAt"].as_str());

    // Thirty days, of which the last has what came just now.
    let days = ann["activity"].as_array().expect("days");
    let counted: u64 = days.iter().map(|day| day["events"].as_u64().expect("a number")).sum();
    assert_eq!((days.len(), counted), (30, 4));
    let day = ann["lastSeen"].as_str().expect("a time")[..10].to_owned();
    assert!(days.iter().any(|counted| counted["day"] == *day && counted["events"] != 0));

    let device = user(&service, "dev-1").await;
    assert_eq!(device["linkedTo"], "ann");
    assert_eq!(device["traits"], json!({ "plan": "free", "colour": "red" }));
    assert_eq!(device["lastEvent"]["eventId"], "last");
    assert_audited(&service, "user.read", "ann").await;
}

async fn a_user_is_known_from_the_first_accepted_event_on(home: Home) {
    let service = Service::start_with(&home, &[NEVER_WRITTEN]).await;
    let plain = json!({ "userId": "ben", "type": "page_view", "eventId": "1", "payload": { "path": "/x" } });
    service.post(&plain).await.expect(202);
    let ben = user(&service, "ben").await;
    assert_eq!((&ben["lastEvent"]["eventId"], &ben["lastPage"]), (&json!("1"), &json!("/x")));
    assert!(ben["firstSeen"].is_string() && ben["firstSeen"] == ben["lastSeen"]);
    let events = json!([
        identify("ben", &json!({ "name": "Ben" })),
        { "userId": "ben", "anonymousId": "dev-2", "type": "page_view" },
    ]);
    service.post(&events).await.expect(202);
    let ben = user(&service, "ben").await;
    assert_eq!(ben["traits"], json!({ "name": "Ben" }));
    assert_eq!(linked_ids(&ben), ["dev-2"]);
    assert_eq!(user(&service, "dev-2").await["linkedTo"], "ben");
    assert_eq!(service.buffered().await, 3);
}

async fn nobody_knows_an_unknown_user(home: Home) {
    let service = Service::start(&home).await;
    let problem = service.get("/users/nobody").await.problem(404);
    assert_eq!(problem["type"], "urn:trailkeep:problem:unknown-user");
    let long = "a".repeat(257);
    assert_eq!(service.get(&format!("/users/{long}")).await.only_fault().field, "userId");
    assert_eq!(service.get("/users/nobody?days=7").await.only_fault().field, "days");
}
