//! What holds for every route.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::Value;

use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::sample;
use crate::service::Service;

const READABLE: [&str; 8] = [
    "/users/u/journey",
    "/health",
    "/stats",
    "/livez",
    "/readyz",
    "/metrics",
    "/api-docs",
    "/api-docs.json",
];

#[tokio::test]
async fn every_route_answers_the_same_with_a_trailing_slash() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let request = service.request(Method::POST, "/events/").json(&sample::event("u", "e"));
    service.send(request).await.expect(202);
    for path in READABLE {
        service.get(path).await.expect(200);
        service.get(&format!("{path}/")).await.expect(200);
    }
    let page = service.get("/users/u/journey/?limit=1").await.expect(200);
    assert_eq!(page.json()["count"], 1);
}

#[tokio::test]
async fn an_unknown_route_is_a_problem_404() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for path in ["/nothing", "/events/1", "/users/u/else", "/users/u/v/journey"] {
        service.get(path).await.problem(404);
    }
}

#[tokio::test]
async fn another_method_is_a_problem_405_that_names_the_allowed_ones() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let answer = service.get("/events").await;
    answer.problem(405);
    assert!(answer.header("allow").contains("POST"));
    for path in ["/users/u/journey", "/health", "/stats", "/livez", "/readyz"] {
        let answer = service.send(service.request(Method::DELETE, path)).await;
        answer.problem(405);
        assert!(answer.header("allow").contains("GET"), "{path}");
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let mut answers = vec![
        service.post(&sample::event("u", "e")).await.expect(202),
        service.post(&Value::Null).await.expect(400),
        service.get("/nothing").await.expect(404),
        service.get("/events").await.expect(405),
    ];
    for path in READABLE {
        answers.push(service.get(path).await);
    }
    let ids: HashSet<_> =
        answers.iter().map(|answer| answer.header("x-request-id").to_owned()).collect();
    assert!(!ids.contains(""), "an answer without an x-request-id");
    assert_eq!(ids.len(), answers.len(), "{ids:?}");
}

#[tokio::test]
async fn the_log_line_of_a_request_carries_its_id() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[("LOG_LEVEL", "debug")]).await;
    let answer = service.post(&sample::event("u", "e")).await.expect(202);
    let id = answer.header("x-request-id");
    assert!(!id.is_empty());
    eventually("the log names the request", SOON, || async {
        service.log().contains(id).then_some(())
    })
    .await;
}
