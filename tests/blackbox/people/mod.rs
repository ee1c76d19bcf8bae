//! Who is who: GET /search, GET /users/{userId}, and links by administrators.

mod links;
mod payloads;
mod profiles;
mod search;

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::eventually::{SOON, eventually};
use crate::service::Service;
use crate::staff::{PASSWORD, token_of};

/// What waits stays there, unless somebody waits for the store.
const NEVER_WRITTEN: (&str, &str) = ("WRITE_MAX_WAIT_MS", "600000");

fn identify(user: &str, traits: &Value) -> Value {
    json!({ "userId": user, "type": "identify", "payload": { "traits": traits } })
}

/// Stores events, and what they say of people.
async fn store(service: &Service, events: &Value) {
    service.post_to("/events?wait=stored", events).await.expect(200);
    service.wait_until_flushed().await;
}

async fn join(service: &Service, user: &str, id: &str) -> Answer {
    let request = service.request(Method::POST, &format!("/users/{user}/links"));
    service.send(request.json(&json!({ "id": id }))).await
}

async fn separate(service: &Service, user: &str, id: &str) -> Answer {
    service.send(service.request(Method::DELETE, &format!("/users/{user}/links/{id}"))).await
}

/// The ids that a user or the answer to a link has.
fn linked_ids(body: &Value) -> Vec<&str> {
    let linked = body["linkedIds"].as_array().expect("linkedIds");
    linked.iter().map(|linked| linked["id"].as_str().expect("an id")).collect()
}

/// The session of somebody who is no administrator.
async fn staff(service: &Service) -> String {
    let body = json!({ "email": "kim@example.com", "password": PASSWORD, "name": "Kim" });
    service.send(service.request(Method::POST, "/api/staff").json(&body)).await.expect(201);
    token_of(&service.sign_in("kim@example.com", PASSWORD).await.expect(200))
}

/// Waits until the audit trail has this.
async fn assert_audited(service: &Service, action: &str, subject: &str) {
    eventually("the entry is written", SOON, || async {
        let page = service.get("/api/audit?limit=500").await.expect(200).json();
        let entries = page["entries"].as_array().expect("entries");
        let is_it = |entry: &&Value| entry["action"] == action && entry["subject"] == subject;
        entries.iter().find(is_it).map(|_| ())
    })
    .await;
}
