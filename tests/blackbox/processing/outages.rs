//! A processor that is away, or at another address: nothing of it is an event's fault.

use std::time::Duration;

use serde_json::json;

use super::double::{Double, Switch, status, taken};
use super::log::{answers, assert_in_order};
use super::stored::{Stored, ids_in};
use super::{name, post_in_turns, start, wait_until};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::port::free_port;
use crate::processor::ExampleProcessor;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    an_outage_of_the_processor_makes_no_dead_letter,
    an_outage_in_the_middle_makes_no_dead_letter,
);

/// A single attempt that counts would make a dead letter.
const ONE_ATTEMPT: [(&str, &str); 1] = [("PROCESSORS_DEFAULT_MAX_ATTEMPTS", "1")];
const USERS: usize = 5;

/// `/health` says the same as `/processors`, and the service is well.
async fn assert_told(service: &Service, state: &str, problem: &str) {
    let seen = wait_until(service, state).await;
    let told = seen["problem"].as_str().unwrap_or_default();
    assert!(told.contains(problem), "{seen}");
    let health = service.get("/health").await.expect(200).json();
    let expected = json!([{ "name": "default", "state": state, "problem": told }]);
    assert_eq!(health["processors"], expected, "{health}");
    assert_eq!(health["status"], "ok");
    service.get("/readyz").await.expect(200);
}

async fn assert_all_processed(home: &Home, events: usize) {
    let stored = Stored::of(home).await;
    let outcomes = stored.wait_for("default", USERS * events).await;
    for user in 0..USERS {
        let done = ids_in(&outcomes, &name(user), "processed");
        assert_eq!(done, sample::ids("e", 0..events), "{outcomes:?}");
    }
    stored.wait_until_done().await;
}

async fn an_outage_of_the_processor_makes_no_dead_letter(home: Home) {
    let port = free_port().expect("a port");
    let service = start(&home, &format!("http://127.0.0.1:{port}"), &ONE_ATTEMPT).await;

    post_in_turns(&service, USERS, 6, 3).await;
    assert_told(&service, "away", "the connection was refused").await;

    let processor = ExampleProcessor::start_at(port, &[]).await;
    assert_all_processed(&home, 6).await;
    assert_in_order(&processor.log());
    let seen = wait_until(&service, "running").await;
    assert_eq!((&seen["failed"], &seen["deadLetters"]), (&json!(0), &json!(0)), "{seen}");
    let health = service.get("/health").await.expect(200).json();
    assert_eq!(health["processors"], json!([{ "name": "default", "state": "running" }]));
}

/// It has worked, and then everything fails: of the first attempts those count that follow
/// a success, and none after them.
async fn an_outage_in_the_middle_makes_no_dead_letter(home: Home) {
    let is_well = Switch::on();
    let well = is_well.clone();
    let double = Double::start(move |_| {
        let answer = if well.is_on() { taken() } else { status(500) };
        async { answer }
    })
    .await;
    let few = [("PROCESSORS_DEFAULT_MAX_ATTEMPTS", "3")];
    let service = start(&home, &double.url, &few).await;
    post_in_turns(&service, USERS, 2, 2).await;
    assert_all_processed(&home, 2).await;
    is_well.turn(false);
    for user in 0..USERS {
        service.post(&sample::events(&name(user), "e", 2..6)).await.expect(202);
    }
    assert_told(&service, "away", "answered 500 Internal Server Error").await;

    is_well.turn(true);

    assert_all_processed(&home, 6).await;
    assert_in_order(&double.log());
    assert_eq!(wait_until(&service, "running").await["deadLetters"], 0);
}

/// It takes connections and answers none, as one does that hangs.
#[tokio::test]
async fn a_processor_that_hangs_makes_no_dead_letter() {
    let home = Home::embedded();
    let processor = ExampleProcessor::start(&[]).await;
    let settings =
        [("PROCESSORS_DEFAULT_MAX_ATTEMPTS", "3"), ("PROCESSORS_DEFAULT_TIMEOUT_MS", "500")];
    let service = start(&home, processor.url(), &settings).await;
    post_in_turns(&service, USERS, 2, 2).await;
    assert_all_processed(&home, 2).await;
    processor.signal("STOP");
    for user in 0..USERS {
        service.post(&sample::events(&name(user), "e", 2..6)).await.expect(202);
    }
    assert_told(&service, "away", "no answer within 0.5 s").await;

    processor.signal("CONT");

    assert_all_processed(&home, 6).await;
    assert_eq!(wait_until(&service, "running").await["deadLetters"], 0);
}

#[tokio::test]
async fn a_wrong_path_or_key_makes_no_dead_letter_and_is_told_as_such() {
    for code in [404, 401] {
        let home = Home::embedded();
        let is_wrong = Switch::on();
        let wrong = is_wrong.clone();
        let double = Double::start(move |_| {
            let answer = if wrong.is_on() { status(code) } else { taken() };
            async { answer }
        })
        .await;
        let service = start(&home, &double.url, &ONE_ATTEMPT).await;
        post_in_turns(&service, USERS, 6, 3).await;
        assert_told(&service, "refused", &format!("answered {code}")).await;

        is_wrong.turn(false);

        assert_all_processed(&home, 6).await;
        assert_in_order(&double.log());
    }
}

/// Its path is another one than the settings say, until they are corrected.
#[tokio::test]
async fn a_corrected_url_is_sent_what_the_wrong_one_refused() {
    let home = Home::embedded();
    let processor = ExampleProcessor::start(&[]).await;
    let wrong = format!("{}/evnets", processor.url());
    let service = start(&home, &wrong, &ONE_ATTEMPT).await;
    post_in_turns(&service, USERS, 6, 3).await;
    assert_told(&service, "refused", "answered 404 Not Found").await;
    assert_eq!(service.terminate().await.code, Some(0));

    let _service = start(&home, processor.url(), &ONE_ATTEMPT).await;

    assert_all_processed(&home, 6).await;
    assert_in_order(&processor.log());
}

const BUSY: &str = "busy";

/// A processor that asks for a second each time that it is sent that event, while it is
/// busy.
async fn start_busy(code: u16, is_busy: &Switch) -> Double {
    let busy = is_busy.clone();
    Double::start(move |asked| {
        let answer = if busy.is_on() && asked.event_id() == BUSY {
            let mut answer = status(code);
            answer.headers_mut().insert("retry-after", 1.into());
            answer
        } else {
            taken()
        };
        async { answer }
    })
    .await
}

/// Sends the event to which the answer is a pause, where an attempt would have a witness.
async fn ask_for_a_pause(service: &Service, stored: &Stored, double: &Double, code: u16) {
    service.post(&sample::event("other", "e-0")).await.expect(202);
    stored.wait_for("default", 1).await;
    service.post(&sample::event("u", BUSY)).await.expect(202);
    eventually("it asks for a pause", SOON, || async {
        (answers(&double.log(), code) > 0).then_some(())
    })
    .await;
}

/// A second, and what two clocks may differ by.
const PAUSE: Duration = Duration::from_millis(900);

#[tokio::test]
async fn a_user_who_is_to_wait_waits_alone_and_no_attempt_counts() {
    let (home, is_busy) = (Home::embedded(), Switch::on());
    let double = start_busy(429, &is_busy).await;
    let service = start(&home, &double.url, &ONE_ATTEMPT).await;
    let stored = Stored::of(&home).await;
    ask_for_a_pause(&service, &stored, &double, 429).await;

    service.post(&sample::event("other", "e-1")).await.expect(202);

    let outcomes = stored.wait_for("default", 2).await;
    assert_eq!(ids_in(&outcomes, "other", "processed"), ["e-0", "e-1"]);
    eventually("it has asked twice", SOON, || async {
        (answers(&double.log(), 429) > 1).then_some(())
    })
    .await;
    is_busy.turn(false);
    let outcomes = stored.wait_for("default", 3).await;
    assert_eq!(ids_in(&outcomes, "u", "processed"), [BUSY]);
    let asked: Vec<_> = double.asked().into_iter().filter(|asked| asked.user() == "u").collect();
    for two in asked.windows(2) {
        assert!(two[1].at - two[0].at >= PAUSE);
    }
}

#[tokio::test]
async fn a_processor_that_asks_for_a_pause_has_it_and_no_attempt_counts() {
    let (home, is_busy) = (Home::embedded(), Switch::on());
    let double = start_busy(503, &is_busy).await;
    let service = start(&home, &double.url, &ONE_ATTEMPT).await;
    let stored = Stored::of(&home).await;
    ask_for_a_pause(&service, &stored, &double, 503).await;
    is_busy.turn(false);

    service.post(&sample::event("other", "e-1")).await.expect(202);

    let outcomes = stored.wait_for("default", 3).await;
    assert_eq!(ids_in(&outcomes, "other", "processed"), ["e-0", "e-1"]);
    assert_eq!(ids_in(&outcomes, "u", "processed"), [BUSY]);
    let asked = double.asked();
    let paused = asked.iter().position(|asked| asked.event_id() == BUSY).expect("a request");
    assert!(asked[paused + 1].at - asked[paused].at >= PAUSE, "{asked:?}");
}
