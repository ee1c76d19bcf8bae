//! Machines' tokens.

use reqwest::Method;
use serde_json::{Value, json};

use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(
    a_token_is_shown_once_and_its_last_use_is_told,
    a_token_that_never_ends_has_to_be_asked_for,
);

async fn tokens(service: &Service) -> Vec<Value> {
    let listed = service.get("/api/tokens").await.expect(200).json();
    listed["tokens"].as_array().expect("tokens").clone()
}

async fn a_token_is_shown_once_and_its_last_use_is_told(home: Home) {
    let service = Service::start(&home).await;
    let body = json!({ "name": "prometheus", "scope": "monitor" });
    let request = service.request(Method::POST, "/api/tokens").json(&body);
    let made = service.send(request).await.expect(201).json();
    let secret = made["token"].as_str().expect("a token");
    assert!(secret.starts_with("tkp_"), "{secret}");
    let end: chrono::DateTime<chrono::Utc> =
        made["expiresAt"].as_str().expect("an end").parse().expect("a time");
    let days = (end - chrono::Utc::now()).num_hours();
    assert!((90 * 24 - 1..=90 * 24).contains(&days), "{made}");

    let listed = tokens(&service).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["id"], made["id"]);
    assert_eq!(listed[0]["lastUsedAt"], Value::Null);
    assert!(!listed[0].to_string().contains(secret));

    let request = service.request(Method::GET, "/metrics").bearer_auth(secret);
    service.send_as_it_is(request).await.expect(200);
    eventually("the last use is told", SOON, || async {
        tokens(&service).await[0]["lastUsedAt"].is_string().then_some(())
    })
    .await;

    let path = format!("/api/tokens/{}", made["id"].as_str().expect("an id"));
    service.send(service.request(Method::DELETE, &path)).await.expect(204);
    assert!(tokens(&service).await.is_empty());
    service.send(service.request(Method::DELETE, &path)).await.problem(404);
}

async fn a_token_that_never_ends_has_to_be_asked_for(home: Home) {
    let service = Service::start(&home).await;
    for (asked, has_end) in [
        (json!({ "name": "a", "scope": "privacy", "expiresAt": "never" }), false),
        (json!({ "name": "b", "scope": "privacy", "expiresAt": null }), true),
        (json!({ "name": "c", "scope": "privacy" }), true),
    ] {
        let request = service.request(Method::POST, "/api/tokens").json(&asked);
        let made = service.send(request).await.expect(201).json();
        assert_eq!(made["expiresAt"].is_string(), has_end, "{made}");
        assert_eq!(made["scope"], "privacy");
        let secret = made["token"].as_str().expect("a token");
        // It opens nothing that there is by now.
        for path in ["/stats", "/health", "/metrics", "/users/u/journey", "/api/tokens"] {
            let request = service.request(Method::GET, path).bearer_auth(secret);
            service.send_as_it_is(request).await.problem(403);
        }
    }
}

#[tokio::test]
async fn what_is_wrong_about_a_token_is_named() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for (body, field) in [
        (json!({ "name": " ", "scope": "read" }), "name"),
        (json!({ "name": "x".repeat(101), "scope": "read" }), "name"),
        (json!({ "name": "x", "scope": "read", "expiresAt": "2020-01-01T00:00:00Z" }), "expiresAt"),
        (json!({ "name": "x", "scope": "read", "expiresAt": "tomorrow" }), "expiresAt"),
    ] {
        let request = service.request(Method::POST, "/api/tokens").json(&body);
        assert_eq!(service.send(request).await.faults()[0].field, field, "{body}");
    }
    for body in [json!({ "name": "x" }), json!({ "name": "x", "scope": "all" }), json!([])] {
        let request = service.request(Method::POST, "/api/tokens").json(&body);
        service.send(request).await.problem(400);
    }
    let request = service.request(Method::POST, "/api/tokens").body("name=x");
    service.send(request).await.problem(415);
}
