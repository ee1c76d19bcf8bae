//! `GET /users/{userId}/export`: all that is known of a user.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::IntoResponse as _;
use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};

use crate::dead_letters::rules::{Of, refuse};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::processing::double::Double;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    all_that_is_known_of_a_user_is_in_one_file_and_nothing_of_others,
    of_a_device_that_somebody_else_has_since_nothing_of_theirs_is_in_it,
    what_a_processor_made_of_events_that_was_removed_is_in_it,
    of_nobody_there_is_a_file_that_says_so,
    a_large_export_streams_with_memory_flat_and_one_whose_reader_stops_holds_nothing_up,
);

/// The lines of a file, by their kinds, in the order in which they stand.
type Lines = BTreeMap<String, Vec<Value>>;

async fn exported(service: &Service, user: &str) -> Lines {
    let answer = service.get(&format!("/users/{user}/export")).await.expect(200);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    assert!(answer.header("content-disposition").starts_with("attachment"));
    read(&answer.text())
}

pub fn read(text: &str) -> Lines {
    assert!(text.ends_with('\n'), "{text}");
    let mut lines = Lines::new();
    let mut kinds = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("a line of JSON");
        let kind = line["kind"].as_str().expect("a kind").to_owned();
        kinds.push(kind.clone());
        lines.entry(kind).or_default().push(line);
    }
    assert_eq!(kinds.first().map(String::as_str), Some("export"), "{text}");
    assert_eq!(kinds.last().map(String::as_str), Some("end"), "{text}");
    let end = &lines["end"][0];
    for (name, kind) in [
        ("people", "person"),
        ("events", "event"),
        ("outcomes", "outcome"),
        ("deadLetters", "dead-letter"),
        ("looks", "look"),
    ] {
        assert_eq!(end[name], lines.get(kind).map_or(0, Vec::len), "{name}: {text}");
    }
    lines
}

fn texts<'a>(lines: &'a Lines, kind: &str, field: &str) -> Vec<&'a str> {
    let lines = lines.get(kind).map_or(&[][..], Vec::as_slice).iter();
    lines.map(|line| line[field].as_str().unwrap_or("none")).collect()
}

async fn all_that_is_known_of_a_user_is_in_one_file_and_nothing_of_others(home: Home) {
    let double =
        Double::start(async |_| Json(json!({ "status": "success", "points": 3 })).into_response());
    let double = double.await;
    let service = Service::start_with(&home, &[("PROCESSOR_URL", &double.url)]).await;
    refuse(&home, Of::Events).await;
    let traits = json!({ "name": "Ann Lee", "email": "ann@example.com" });
    let events = json!([
        { "anonymousId": "browser-7", "eventId": "e-0", "type": "page_view" },
        { "userId": "ann", "anonymousId": "browser-7", "eventId": "e-1", "type": "identify",
          "payload": { "traits": traits } },
        { "userId": "ann", "eventId": "e-2", "type": "purchase", "payload": { "total": 12.5 } },
        { "userId": "ben", "eventId": "b-1", "type": "page_view" },
        { "userId": "ben", "eventId": "b-2", "type": "purchase" },
    ]);
    service.post(&events).await.expect(202);
    service.wait_until_flushed().await;
    let look = service.request(Method::GET, "/users/ann/journey").header("X-Reason", "T-17");
    service.send(look).await.expect(200);
    service.get("/users/ben/journey").await.expect(200);

    let lines = eventually("both outcomes are known", 3 * SOON, || async {
        let lines = exported(&service, "ann").await;
        (texts(&lines, "outcome", "state") == ["processed"; 2]).then_some(lines)
    })
    .await;

    let ids = lines["export"][0]["ids"].as_array().expect("ids").iter();
    let ids: Vec<_> = ids.map(|id| id["id"].as_str().expect("an id")).collect();
    assert_eq!(ids, ["ann", "browser-7"]);
    assert_eq!(texts(&lines, "person", "id"), ["ann", "browser-7"]);
    assert_eq!(lines["person"][0]["traits"], traits);
    assert_eq!(lines["person"][0]["emails"], json!(["ann@example.com"]));
    assert_eq!(lines["person"][1]["link"]["userId"], "ann");
    assert_eq!(texts(&lines, "event", "eventId"), ["e-0", "e-1"]);
    assert_eq!(lines["event"][1]["payload"]["traits"], traits);
    assert_eq!(texts(&lines, "outcome", "eventId"), ["e-0", "e-1"]);
    assert_eq!(lines["outcome"][0]["result"]["points"], 3);
    assert_eq!(texts(&lines, "dead-letter", "eventId"), ["e-2"]);
    assert_eq!(lines["dead-letter"][0]["payload"], json!({ "total": 12.5 }));
    assert_eq!(lines["dead-letter"][0]["reason"], "validation");
    let looks = texts(&lines, "look", "action");
    assert!(looks.contains(&"journey.read") && looks.contains(&"user.export"), "{looks:?}");
    assert!(texts(&lines, "look", "reason").contains(&"T-17"));
    let told = serde_json::to_string(&lines).expect("JSON");
    assert!(!told.contains("ben") && !told.contains("127.0.0.1"), "{told}");

    // What waits is a part of it too.
    service.post(&json!({ "userId": "ann", "eventId": "e-3", "type": "search" })).await.expect(202);
    assert_eq!(texts(&exported(&service, "ann").await, "event", "eventId"), ["e-0", "e-1", "e-3"]);
}

async fn of_a_device_that_somebody_else_has_since_nothing_of_theirs_is_in_it(home: Home) {
    let service = Service::start(&home).await;
    let look = async |reason: &str| {
        let look = service.request(Method::GET, "/users/browser-7/journey");
        service.send(look.header("X-Reason", reason)).await.expect(200);
    };
    let signed_in = |user: &str, event: &str| json!({ "userId": user, "anonymousId": "browser-7", "eventId": event, "type": "login" });
    service.post(&signed_in("ann", "a-1")).await.expect(202);
    service.wait_until_flushed().await;
    look("T-ann").await;
    service.post(&signed_in("ben", "b-1")).await.expect(202);
    let traits = json!({ "name": "Ben Roe", "email": "ben@example.com" });
    service
        .post(&json!({ "anonymousId": "browser-7", "eventId": "b-2", "type": "identify",
                       "payload": { "traits": traits } }))
        .await
        .expect(202);
    service.wait_until_flushed().await;
    look("T-ben").await;
    service.wait_until_flushed().await;

    let lines = exported(&service, "ann").await;

    assert_eq!(texts(&lines, "person", "id"), ["ann", "browser-7"]);
    let device = &lines["person"][1];
    assert_eq!(device["link"]["userId"], "ann");
    assert!(device["link"]["until"].is_string(), "{device}");
    assert_eq!((&device["traits"], &device["emails"]), (&Value::Null, &json!([])));
    assert!(device.get("lastSeen").is_none(), "{device}");
    assert_eq!(texts(&lines, "event", "eventId"), ["a-1"]);
    let reasons = texts(&lines, "look", "reason");
    assert!(reasons.contains(&"T-ann") && !reasons.contains(&"T-ben"), "{reasons:?}");
    let told = serde_json::to_string(&lines).expect("JSON").to_lowercase();
    assert!(!told.contains("ben"), "{told}");
}

async fn what_a_processor_made_of_events_that_was_removed_is_in_it(home: Home) {
    let double = Double::start(async |_| Json(json!({ "points": 3 })).into_response()).await;
    let service = Service::start_with(&home, &[("PROCESSOR_URL", &double.url)]).await;
    service.post(&sample::event("ann", "e-1")).await.expect(202);
    let has_outcome = async |service: &Service| {
        let lines = exported(service, "ann").await;
        (texts(&lines, "outcome", "state") == ["processed"]).then_some(lines)
    };
    eventually("it is processed", 3 * SOON, || has_outcome(&service)).await;
    service.terminate().await;
    let service = Service::start(&home).await;
    let removed = service.request(Method::DELETE, "/processors/default");
    service.send(removed).await.expect(204);

    let lines = has_outcome(&service).await.expect("its outcome");

    assert_eq!(lines["outcome"][0]["processor"], "default");
    assert_eq!(lines["outcome"][0]["result"]["points"], 3);
}

async fn of_nobody_there_is_a_file_that_says_so(home: Home) {
    let service = Service::start(&home).await;
    let lines = exported(&service, "nobody").await;
    assert_eq!(lines["end"][0]["events"], 0);
    assert_eq!(lines["end"][0]["people"], 0);
    let long = "x".repeat(257);
    service.get(&format!("/users/{long}/export")).await.problem(400);
    service.get("/users/u/export?limit=3").await.problem(400);
}

async fn a_large_export_streams_with_memory_flat_and_one_whose_reader_stops_holds_nothing_up(
    home: Home,
) {
    const EVENTS: usize = 20_000;
    let service = Service::start(&home).await;
    let filler = "x".repeat(1000);
    for start in (0..EVENTS).step_by(1000) {
        let mut batch = sample::events("u", "e", start..start + 1000);
        for event in batch.as_array_mut().expect("events") {
            event["payload"] = json!({ "filler": filler });
        }
        service.post_when_there_is_room(&batch).await;
    }
    service.wait_until_flushed().await;
    let before = service.peak_memory();
    let begin = async || {
        let request = service.request(Method::GET, "/users/u/export");
        let request = request.bearer_auth(service.admin().await);
        request.send().await.expect("an answer").error_for_status().expect("200")
    };
    let stopped = begin().await;

    let mut body = begin().await.bytes_stream();
    let (mut lines, mut bytes) = (0, 0);
    while let Some(chunk) = body.next().await {
        let chunk = chunk.expect("the file goes to its end");
        bytes += chunk.len();
        lines += chunk.iter().filter(|byte| **byte == b'\n').count();
    }

    assert!(lines > EVENTS && bytes > 20_000_000, "{lines} lines, {bytes} bytes");
    let grown = service.grown_since(before);
    assert!(grown < 15_000_000, "memory grew by {grown} bytes for {bytes}");
    service.post(&sample::event("u", "after")).await.expect(202);
    drop(stopped);
}
