//! `?wait=stored`.

use std::time::{Duration, Instant};

use crate::home::Home;
use crate::mongod::Mongod;
use crate::sample;
use crate::service::Service;

on_both_stores!(whoever_waits_is_answered_when_the_events_are_in_the_database);

/// Nothing is flushed by itself.
const NEVER_FLUSHED: (&str, &str) = ("WRITE_MAX_WAIT_MS", "600000");

async fn whoever_waits_is_answered_when_the_events_are_in_the_database(home: Home) {
    let service = Service::start_with(&home, &[NEVER_FLUSHED]).await;
    service.post(&sample::events("u", "e", 0..3)).await.expect(202);
    let before = Instant::now();

    let answer = service.post_to("/events?wait=stored", &sample::events("u", "e", 2..7)).await;

    assert!(before.elapsed() < Duration::from_secs(20), "it waited for the clock");
    let answer = answer.expect(200).json();
    assert_eq!(answer["message"], "Events stored");
    assert_eq!(answer["count"], 5);
    assert_eq!(answer["eventIds"].as_array().unwrap().len(), 5);
    assert_eq!(answer["duplicates"], 1);
    assert_eq!(home.stored().await, 7);

    // What the store says now, however often they were sent before.
    for duplicates in [7, 9] {
        let again = service.post_to("/events?wait=stored", &sample::events("u", "e", 0..9)).await;
        assert_eq!(again.expect(200).json()["duplicates"], duplicates);
    }
}

#[tokio::test]
async fn whoever_waits_for_a_database_that_is_away_is_told_and_the_events_stay_accepted() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &[("HTTP_WAIT_TIMEOUT_MS", "300")]).await;
    server.pause();

    let answer = service.post_to("/events?wait=stored", &sample::events("u", "e", 0..3)).await;

    let problem = answer.problem(504);
    assert_eq!(problem["eventIds"], serde_json::json!(["e-0", "e-1", "e-2"]));
    server.resume();
    service.wait_until_flushed().await;
    assert_eq!(home.stored().await, 3);
}

#[tokio::test]
async fn waiting_for_anything_else_is_refused_and_other_parameters_are_let_pass() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let event = sample::event("u", "e");
    let problem = service.post_to("/events?wait=forever", &event).await.problem(400);
    assert_eq!(problem["errors"][0]["field"], "wait");
    service.post_to("/events?_=17", &event).await.expect(202);
}
