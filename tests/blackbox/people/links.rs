//! POST /users/{userId}/links, and DELETE /users/{userId}/links/{id}.

use reqwest::Method;
use serde_json::{Value, json};

use super::{NEVER_WRITTEN, assert_audited, identify, join, linked_ids, separate, staff, store};
use crate::home::Home;
use crate::sample::event_at;
use crate::service::Service;

on_both_stores!(
    an_administrator_joins_and_separates_users,
    what_events_said_is_overruled,
    a_user_who_is_anothers_or_has_others_is_not_joined,
    staff_may_not_join,
    waiting_events_count_for_joins,
);

async fn linked(service: &Service, user: &str) -> Vec<String> {
    let body = service.get(&format!("/users/{user}")).await.expect(200).json();
    linked_ids(&body).into_iter().map(str::to_owned).collect()
}

async fn an_administrator_joins_and_separates_users(home: Home) {
    let service = Service::start(&home).await;
    let mut of_device = event_at("ben", "2", "2025-12-15T10:00:02.000Z");
    of_device["anonymousId"] = "dev-b".into();
    let events = json!([
        event_at("ann", "1", "2025-12-15T10:00:01.000Z"),
        of_device,
        event_at("dev-b", "3", "2025-12-15T10:00:03.000Z"),
        identify("ben", &json!({ "name": "Ben" })),
    ]);
    store(&service, &events).await;
    assert_eq!(service.journey_ids("ann", "?order=asc").await, ["1"]);

    let joined = join(&service, "ann", "ben").await.expect(200).json();
    assert_eq!(joined["userId"], "ann");
    let mut ids = linked_ids(&joined);
    ids.sort_unstable();
    assert_eq!(ids, ["ben", "dev-b"], "whoever is joined brings theirs along");
    let journey = service.journey_ids("ann", "?order=asc").await;
    assert_eq!(journey[..3], ["1", "2", "3"]);
    assert_eq!(journey.len(), 4);
    assert_eq!(service.journey("ben", "").await["linkedTo"], "ann");
    let again = join(&service, "ann", "ben").await.expect(200).json();
    assert_eq!(linked_ids(&again).len(), 2, "said twice is said once");
    for id in ["ann", "ben"] {
        assert_audited(&service, "link.join", id).await;
    }

    let left = separate(&service, "ann", "ben").await.expect(200).json();
    assert_eq!(left, json!({ "userId": "ann", "linkedIds": [] }));
    assert_eq!(service.journey_ids("ann", "").await, ["1"]);
    assert_eq!(linked(&service, "ben").await, ["dev-b"], "what was ben's stays ben's");
    separate(&service, "ann", "ben").await.problem(404);
    separate(&service, "ann", "nobody").await.problem(404);
    separate(&service, "ann", "ann").await.problem(404);
    for id in ["ann", "ben"] {
        assert_audited(&service, "link.separate", id).await;
    }
    assert_eq!(linked_ids(&join(&service, "ann", "ben").await.expect(200).json()).len(), 2);
}

async fn what_events_said_is_overruled(home: Home) {
    let service = Service::start(&home).await;
    let said = |user: &str| json!({ "userId": user, "anonymousId": "dev", "type": "page_view" });
    store(&service, &said("ann")).await;
    assert_eq!(linked(&service, "ann").await, ["dev"]);
    separate(&service, "ann", "dev").await.expect(200);
    store(&service, &said("ann")).await;
    assert_eq!(linked(&service, "ann").await, [""; 0]);
    join(&service, "ben", "dev").await.expect(200);
    store(&service, &said("ann")).await;
    assert_eq!(linked(&service, "ben").await, ["dev"]);
    assert_eq!(linked(&service, "ann").await, [""; 0]);
    separate(&service, "ann", "dev").await.problem(404);
}

async fn a_user_who_is_anothers_or_has_others_is_not_joined(home: Home) {
    let service = Service::start(&home).await;
    let itself = join(&service, "ann", "ann").await;
    assert_eq!(itself.only_fault().field, "id");
    for id in [String::new(), "a".repeat(257), "a\u{7}".to_owned()] {
        assert_eq!(join(&service, "ann", &id).await.only_fault().field, "id");
    }
    let request = service.request(Method::POST, "/users/ann/links").json(&json!({ "user": "b" }));
    service.send(request).await.problem(400);
    let long = "a".repeat(257);
    assert_eq!(join(&service, &long, "b").await.only_fault().field, "userId");

    join(&service, "ann", "ben").await.expect(200);
    let to_joined = join(&service, "ben", "cem").await.problem(409);
    assert!(detail(&to_joined).contains("\"ann\""), "{to_joined}");
    let has_others = join(&service, "dan", "ann").await.problem(409);
    assert!(detail(&has_others).contains("\"ben\""), "{has_others}");
    join(&service, "ben", "ann").await.problem(409);
    // Whose it was before makes no difference.
    join(&service, "dan", "ben").await.expect(200);
    assert_eq!(linked(&service, "dan").await, ["ben"]);
    join(&service, "dan", "ann").await.expect(200);
}

fn detail(problem: &Value) -> &str {
    problem["detail"].as_str().expect("a detail")
}

async fn staff_may_not_join(home: Home) {
    let service = Service::start(&home).await;
    let session = staff(&service).await;
    let body = json!({ "id": "ben" });
    let posted = service.request(Method::POST, "/users/ann/links").json(&body);
    service.send(posted.bearer_auth(&session)).await.problem(403);
    let deleted = service.request(Method::DELETE, "/users/ann/links/ben");
    service.send(deleted.bearer_auth(&session)).await.problem(403);
    service.get("/users/ann").await.problem(404);
}

async fn waiting_events_count_for_joins(home: Home) {
    let service = Service::start_with(&home, &[NEVER_WRITTEN]).await;
    let said = json!({ "userId": "ann", "anonymousId": "dev", "type": "page_view" });
    service.post(&said).await.expect(202);
    let problem = join(&service, "dev", "ben").await.problem(409);
    assert!(detail(&problem).contains("\"ann\""), "{problem}");
    separate(&service, "ann", "dev").await.expect(200);
    assert_eq!(linked(&service, "ann").await, [""; 0]);
    assert_eq!(service.buffered().await, 1);
}
