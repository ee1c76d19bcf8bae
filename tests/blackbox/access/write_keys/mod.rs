//! The keys that trackers send, made and revoked while the service runs.

mod instances;
mod kept;
mod managed;
mod many;
mod origins;
mod shell;

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::eventually::{SOON, eventually};
use crate::sample;
use crate::service::Service;

/// A key that was made.
struct Made {
    key: String,
    id: String,
}

impl Made {
    fn of(answer: &Value) -> Self {
        let text = |field: &str| answer[field].as_str().expect(field).to_owned();
        Self { key: text("key"), id: text("id") }
    }
}

async fn try_to_make(service: &Service, body: &Value) -> Answer {
    service.send(service.request(Method::POST, "/api/write-keys").json(body)).await
}

async fn make(service: &Service, name: &str) -> Made {
    make_with(service, &json!({ "name": name })).await
}

async fn make_with(service: &Service, body: &Value) -> Made {
    Made::of(&try_to_make(service, body).await.expect(201).json())
}

async fn revoke(service: &Service, id: &str) -> Answer {
    service.send(service.request(Method::DELETE, &format!("/api/write-keys/{id}"))).await
}

async fn listed(service: &Service) -> Vec<Value> {
    let listed = service.get("/api/write-keys").await.expect(200).json();
    listed["writeKeys"].as_array().expect("a list").clone()
}

/// Posts an event with a key.
async fn post(service: &Service, key: &str) -> Answer {
    let request = service.request(Method::POST, "/events").json(&sample::event("u", "e"));
    service.send_as_it_is(request.header("x-write-key", key)).await
}

/// Posts an event without one.
async fn post_without(service: &Service) -> Answer {
    service.post(&sample::event("u", "e")).await
}

#[track_caller]
fn assert_problem(answer: &Answer, status: u16, kind: &str) {
    assert_eq!(answer.problem(status)["type"], format!("urn:trailkeep:problem:{kind}"));
}

/// Waits until a key is taken.
async fn wait_for(service: &Service, key: &str) {
    eventually("the key is taken", SOON, || async {
        (post(service, key).await.status == 202).then_some(())
    })
    .await;
}
