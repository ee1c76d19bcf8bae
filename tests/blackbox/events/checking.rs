//! `?check=true`.

use serde_json::{Value, json};

use crate::home::Home;
use crate::sample;
use crate::service::Service;

async fn check(service: &Service, events: &Value) -> Value {
    service.post_to("/events?check=true", events).await.expect(200).json()
}

on_both_stores!(nothing_of_what_is_checked_is_kept);

async fn nothing_of_what_is_checked_is_kept(home: Home) {
    let service = Service::start(&home).await;
    let events = sample::events("u", "e", 0..3);
    let fine = json!({ "valid": true, "count": 3, "errors": [] });
    assert_eq!(check(&service, &events).await, fine);
    let both = service.post_to("/events?wait=stored&check=true", &events).await;
    assert_eq!(both.expect(200).json(), fine);

    assert_eq!(service.buffered().await, 0);
    assert!(service.journey_ids("u", "").await.is_empty());
    assert_eq!(home.stored().await, 0);
    // Nothing is known of them: all are new.
    let stored = service.post_to("/events?wait=stored&check=false", &events).await.expect(200);
    assert_eq!(stored.json()["duplicates"], 0);
}

#[tokio::test]
async fn a_check_names_the_faults_that_a_post_has() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let events = json!([
        sample::event("u", "fine"),
        { "userId": "undefined", "type": "", "sesionId": "s" },
    ]);
    let refused = service.post(&events).await.problem(400);
    let expected = json!({ "valid": false, "count": 2, "errors": refused["errors"] });
    assert_eq!(expected["errors"].as_array().expect("faults").len(), 3);
    assert_eq!(check(&service, &events).await, expected);

    let empty = check(&service, &json!([])).await;
    assert_eq!((&empty["valid"], &empty["count"]), (&json!(false), &json!(0)));
}

#[tokio::test]
async fn what_is_no_json_is_said_with_its_place() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let request = service
        .request(reqwest::Method::POST, "/events?check=true")
        .header("content-type", "application/x-ndjson")
        .body("{\"userId\": \"u\", \"type\": \"search\"}\n{\"userId\"; 7}\n");
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.expect("JSON");
    assert_eq!((&answer["valid"], &answer["count"]), (&json!(false), &json!(0)));
    let errors = answer["errors"].as_array().expect("faults");
    assert_eq!(errors.len(), 1);
    let message = errors[0]["message"].as_str().expect("a text");
    assert!(message.ends_with("at line 2, column 10"), "{message}");
}

#[tokio::test]
async fn what_no_events_could_mend_is_refused_as_it_is_without_a_check() {
    let settings = [
        ("EVENTS_MAX_PER_REQUEST", "3"),
        ("BACKLOG_MAX_EVENTS", "4"),
        ("WRITE_MAX_EVENTS", "1"),
        ("BACKLOG_MAX_SHARE_PER_ACCOUNT", "50"),
    ];
    let home = Home::embedded();
    let service = Service::start_with(&home, &settings).await;
    let too_many = sample::events("u", "e", 0..4);
    let to = "/events?check=true";
    let problem = service.post_to(to, &too_many).await.problem(413);
    assert_eq!(problem["type"], "urn:trailkeep:problem:too-many-events");

    let mut of_an_account = sample::events("u", "e", 0..3);
    for event in of_an_account.as_array_mut().expect("a list") {
        event["accountId"] = "acme".into();
    }
    let problem = service.post_to(to, &of_an_account).await.problem(413);
    assert_eq!(problem, service.post(&of_an_account).await.problem(413));

    service.post_to("/events?check=maybe", &too_many).await.problem(400);
}
