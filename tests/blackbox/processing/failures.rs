//! Events that a processor does not take: dead letters, and users who wait for one.

use serde_json::{Value, json};

use super::double::{Double, Switch, status, taken};
use super::log::{answers, assert_in_order, requests, sent_of};
use super::stored::{A_WHILE, Stored, ids_in};
use super::{name, pending_in_memory, post_in_turns, seen, start};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::processor::ExampleProcessor;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    a_poisoned_event_becomes_a_dead_letter_and_its_user_goes_on,
    an_event_that_fails_while_others_are_taken_becomes_a_dead_letter_in_the_end,
    a_failing_head_with_many_events_behind_it_is_parked_and_delivered_in_order_after_the_mend,
);

fn of_type(mut event: Value, kind: &str) -> Value {
    event["type"] = kind.into();
    event
}

async fn a_poisoned_event_becomes_a_dead_letter_and_its_user_goes_on(home: Home) {
    let processor = ExampleProcessor::start(&["--poison-type", "search"]).await;
    let service = start(&home, processor.url(), &[]).await;
    let mut events = sample::events("ann", "e", 0..5);
    events[2] = of_type(events[2].take(), "search");

    service.post(&events).await.expect(202);
    service.post(&sample::events("bob", "e", 0..5)).await.expect(202);

    let outcomes = Stored::of(&home).await.wait_for("default", 10).await;
    assert_eq!(ids_in(&outcomes, "ann", "processed"), ["e-0", "e-1", "e-3", "e-4"]);
    assert_eq!(ids_in(&outcomes, "bob", "processed"), sample::ids("e", 0..5));
    let letter = outcomes.iter().find(|outcome| outcome.state == "failed").expect("a letter");
    assert_eq!((&*letter.event_id, &*letter.user), ("e-2", "ann"));
    assert_eq!((letter.http_status, letter.result.as_ref()), (Some(422), None));
    let error = letter.error.as_deref().expect("an error");
    assert!(error.starts_with("answered 422 Unprocessable"), "{error}");
    assert!(error.contains("events of type search are poison here"), "{error}");
    assert_eq!(sent_of(&processor.log(), "ann"), sample::ids("e", 0..5), "in order, past it");
    // Who has kept an outcome counts it a moment later.
    let seen = eventually("all are counted", SOON, || async {
        let seen = seen(&service).await;
        (seen["processed"] == 9).then_some(seen)
    })
    .await;
    assert_eq!((&seen["failed"], &seen["deadLetters"]), (&json!(1), &json!(1)), "{seen}");
    assert_eq!(seen["state"], "running", "{seen}");
}

async fn an_event_that_fails_while_others_are_taken_becomes_a_dead_letter_in_the_end(home: Home) {
    const ATTEMPTS: usize = 4;
    let double = Double::start(|asked| async move {
        if asked.event_id() == "fails" { status(500) } else { taken() }
    })
    .await;
    let attempts = ATTEMPTS.to_string();
    let settings = [("PROCESSORS_DEFAULT_MAX_ATTEMPTS", &*attempts)];
    let service = start(&home, &double.url, &settings).await;
    service.post(&json!([sample::event("ann", "fails"), sample::event("ann", "next")])).await;

    // The others are the witness.
    let stored = Stored::of(&home).await;
    let mut others = 0;
    let outcomes = eventually("there is a dead letter", A_WHILE, || {
        others += 1;
        let event = sample::event("bob", &format!("e-{others}"));
        let (service, stored) = (&service, &stored);
        async move {
            service.post(&event).await.expect(202);
            let outcomes = stored.outcomes("default").await;
            outcomes.iter().any(|outcome| outcome.event_id == "next").then_some(outcomes)
        }
    })
    .await;

    assert_eq!(ids_in(&outcomes, "ann", "failed"), ["fails"]);
    assert_eq!(ids_in(&outcomes, "ann", "processed"), ["next"]);
    let sent = requests(&double.log())[&("ann".to_owned(), "fails".to_owned())];
    assert!(sent >= ATTEMPTS, "{sent}");
    let letter = outcomes.iter().find(|outcome| outcome.event_id == "fails").expect("a letter");
    assert_eq!((letter.attempts, letter.http_status), (sent as i64, Some(500)));
    assert_eq!(letter.error.as_deref(), Some("answered 500 Internal Server Error"));
    // Each attempt has its number, and all are the same request to whoever remembers.
    let asked = double.asked();
    let asked: Vec<_> = asked.iter().filter(|asked| asked.event_id() == "fails").collect();
    for (number, one) in (1_usize..).zip(&asked) {
        assert_eq!(one.header("trailkeep-attempt"), number.to_string());
        assert_eq!(one.header("webhook-id"), asked[0].header("webhook-id"));
        assert_eq!(one.header("idempotency-key"), asked[0].header("webhook-id"));
    }
}

/// Waits until a user has a record and hardly anything of theirs is in memory or feed.
async fn wait_until_parked(service: &Service, stored: &Stored) {
    eventually("the user is parked", A_WHILE, || async {
        (seen(service).await["parkedUsers"] == 1 && stored.parked("default").await == 1)
            .then_some(())
    })
    .await;
    eventually("what is behind the head is in neither feed nor memory", A_WHILE, || async {
        let in_memory = pending_in_memory(service).await;
        (in_memory == 0 && stored.fed("default").await == 0).then_some(())
    })
    .await;
}

async fn a_failing_head_with_many_events_behind_it_is_parked_and_delivered_in_order_after_the_mend(
    home: Home,
) {
    const BEHIND: usize = 400;
    const OTHERS: usize = 4;
    let is_failing = Switch::on();
    let failing = is_failing.clone();
    let double = Double::start(move |asked| {
        let fails = failing.is_on() && asked.event_id() == "e-0" && asked.user() == "ann";
        async move { if fails { status(500) } else { taken() } }
    })
    .await;
    let many = [("PROCESSORS_DEFAULT_MAX_ATTEMPTS", "1000")];
    let service = start(&home, &double.url, &many).await;
    // The order is that of arrival, whatever times the events have.
    for first in (0..BEHIND).step_by(100) {
        let mut events = sample::events("ann", "e", first..first + 100);
        for (number, event) in (first..).zip(events.as_array_mut().expect("a list")) {
            let (minute, second) = (59 - number / 60, 59 - number % 60);
            event["occurredAt"] = format!("2025-12-15T10:{minute:02}:{second:02}Z").into();
        }
        service.post(&events).await.expect(202);
    }
    post_in_turns(&service, OTHERS, 20, 10).await;
    let stored = Stored::of(&home).await;

    wait_until_parked(&service, &stored).await;
    stored.wait_for("default", OTHERS * 20).await;
    assert_eq!(sent_of(&double.log(), "ann"), ["e-0"]);
    // What comes meanwhile is behind it too.
    service.post(&sample::events("ann", "e", BEHIND..BEHIND + 10)).await.expect(202);
    assert_eq!(service.terminate().await.code, Some(0));
    let service = start(&home, &double.url, &many).await;
    let failed = answers(&double.log(), 500);
    eventually("the head is tried again after a restart", SOON, || async {
        (answers(&double.log(), 500) > failed).then_some(())
    })
    .await;
    wait_until_parked(&service, &stored).await;
    assert_eq!(sent_of(&double.log(), "ann"), ["e-0"]);

    is_failing.turn(false);

    let outcomes = stored.wait_for("default", OTHERS * 20 + BEHIND + 10).await;
    let expected = sample::ids("e", 0..BEHIND + 10);
    assert_eq!(sent_of(&double.log(), "ann"), expected);
    assert_eq!(ids_in(&outcomes, "ann", "processed"), expected);
    for user in 0..OTHERS {
        assert_eq!(ids_in(&outcomes, &name(user), "processed"), sample::ids("e", 0..20));
    }
    assert_in_order(&double.log());
    assert_eq!(seen(&service).await["deadLetters"], 0);
    // The record is gone, and what comes is sent as it was before.
    stored.wait_until_done().await;
    service.post(&sample::event("ann", "last")).await.expect(202);
    let outcomes = stored.wait_for("default", OTHERS * 20 + BEHIND + 11).await;
    assert_eq!(ids_in(&outcomes, "ann", "processed").last().map(|id| &**id), Some("last"));
}
