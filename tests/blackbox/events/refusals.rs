//! What is wrong is named, all of it, and nothing of it is kept.

use serde_json::{Value, json};

use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(nothing_of_a_faulty_request_is_kept);

async fn nothing_of_a_faulty_request_is_kept(home: Home) {
    let service = Service::start(&home).await;
    let mut events = sample::events("u", "e", 0..100);
    events[99]["tpye"] = "page_view".into();

    let fault = service.post(&events).await.only_fault();

    assert_eq!(fault.index, Some(99));
    assert_eq!(service.buffered().await, 0);
    assert!(service.journey_ids("u", "").await.is_empty());
    assert_eq!(home.stored().await, 0);
}

#[tokio::test]
async fn all_faults_of_a_batch_are_named_with_index_field_and_message() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let events = json!([
        sample::event("u", "fine"),
        { "type": "search" },
        sample::event("u", "fine too"),
        { "userId": "u", "type": "", "occurredAt": "yesterday" },
    ]);

    let mut faults = service.post(&events).await.faults();

    faults.sort_by(|a, b| (a.index, &a.field).cmp(&(b.index, &b.field)));
    let places: Vec<_> = faults.iter().map(|f| (f.index, f.field.as_str())).collect();
    let expected = [(Some(1), "userId"), (Some(3), "occurredAt"), (Some(3), "type")];
    assert_eq!(places, expected);
    assert!(faults.iter().all(|fault| !fault.message.is_empty()));
}

#[tokio::test]
async fn a_fault_is_named_as_its_sender_spelled_the_field() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let event = json!({ "distinct_id": 7, "event": "search" });
    assert_eq!(service.post(&event).await.only_fault().field, "distinct_id");
}

#[tokio::test]
async fn the_first_hundred_faults_are_listed() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let events: Value = (0..150).map(|_| json!({ "type": "search" })).collect();
    let faults = service.post(&events).await.faults();
    assert_eq!(faults.len(), 100);
    assert_eq!(faults[99].index, Some(99));
}

#[tokio::test]
async fn an_unknown_field_is_refused_by_name() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let mut event = sample::event("u", "e");
    event["usrId"] = "v".into();
    let fault = service.post(&event).await.only_fault();
    assert_eq!((fault.index, fault.field.as_str()), (Some(0), "usrId"));

    let envelope = json!({ "events": [sample::event("u", "e")], "sendAt": "x" });
    let fault = service.post(&envelope).await.only_fault();
    assert_eq!((fault.index, fault.field.as_str()), (None, "sendAt"));
}

#[tokio::test]
async fn placeholders_of_broken_trackers_are_no_users() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for user in [
        "undefined",
        "NULL",
        "null",
        "NaN",
        "None",
        "[object Object]",
        "[OBJECT OBJECT]",
        "",
        " ",
        "\u{a0}\u{2003}",
    ] {
        let fault = service.post(&sample::event(user, "e")).await.only_fault();
        assert_eq!(fault.field, "userId", "{user:?}");
    }
}

#[tokio::test]
async fn an_event_too_far_in_the_future_is_refused() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let hours_ahead = |hours| (chrono::Utc::now() + chrono::Duration::hours(hours)).to_rfc3339();
    let near = sample::event_at("u", "a", &hours_ahead(23));
    service.post(&near).await.expect(202);
    let far = sample::event_at("u", "b", &hours_ahead(25));
    assert_eq!(service.post(&far).await.only_fault().field, "occurredAt");
}

#[tokio::test]
async fn broken_json_is_refused_with_line_and_column() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let body = "{\n  \"userId\": \"u\",\n  \"type\" \"search\"\n}";
    let answer = service.post_as("application/json", body).await;
    let told = answer.problem(400).to_string();
    assert!(told.contains("line 3") && told.contains("column 10"), "{told}");

    let lines = format!("{}\n\n{{\"userId\": oops}}\n", sample::event("u", "a"));
    let answer = service.post_as("application/x-ndjson", lines).await;
    let told = answer.problem(400).to_string();
    assert!(told.contains("line 3"), "{told}");
    assert_eq!(service.buffered().await, 0);
}

#[tokio::test]
async fn what_holds_no_event_is_invalid() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for body in [
        "[]",
        r#"{"events": []}"#,
        "",
        "   ",
        "null",
        "5",
        r#""text""#,
        "[5]",
        "[[]]",
        "[null]",
        "{}",
        r#"{"events": {}}"#,
        r#"{"events": null}"#,
        r#"{"sentAt": "2025-12-15T10:30:00Z"}"#,
    ] {
        service.post_as("application/json", body).await.problem(400);
    }
    service.post_as("application/x-ndjson", "\n \n").await.problem(400);
    assert_eq!(service.buffered().await, 0);
}
