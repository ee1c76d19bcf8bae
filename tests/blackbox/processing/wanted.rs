//! Which events a processor is sent, and who may ask how it is doing.

use serde_json::{Value, json};

use super::double::{Double, Switch, taken};
use super::log::sent_of;
use super::start;
use super::stored::{Stored, ids_in};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::processor::ExampleProcessor;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    only_wanted_types_are_sent,
    a_type_that_is_added_is_sent_from_then_on,
    what_was_fed_is_sent_though_its_type_is_taken_away,
    events_from_before_the_processor_are_not_sent,
    each_processor_is_sent_every_event_at_its_own_pace,
);

fn events_of(types: &[&str], prefix: &str) -> Value {
    let events = (0_usize..).zip(types).map(|(number, kind)| {
        json!({ "userId": "u", "type": kind, "eventId": format!("{prefix}-{number}") })
    });
    events.collect()
}

async fn only_wanted_types_are_sent(home: Home) {
    let processor = ExampleProcessor::start(&[]).await;
    let types = [("PROCESSORS_DEFAULT_TYPES", "purchase,add_to_cart")];
    let service = start(&home, processor.url(), &types).await;

    let types = ["search", "purchase", "search", "add_to_cart", "page_view", "purchase"];
    service.post(&events_of(&types, "e")).await.expect(202);

    let stored = Stored::of(&home).await;
    let outcomes = stored.wait_for("default", 3).await;
    assert_eq!(ids_in(&outcomes, "u", "processed"), ["e-1", "e-3", "e-5"]);
    stored.wait_until_done().await;
    assert_eq!(stored.outcomes("default").await.len(), 3, "nothing is kept of the others");
    assert_eq!(sent_of(&processor.log(), "u"), ["e-1", "e-3", "e-5"]);
    assert_eq!(service.export_ids("u").await.len(), 6);
}

async fn a_type_that_is_added_is_sent_from_then_on(home: Home) {
    let processor = ExampleProcessor::start(&[]).await;
    let both = ["search", "purchase"];
    let service = start(&home, processor.url(), &[("PROCESSORS_DEFAULT_TYPES", "purchase")]).await;
    service.post(&events_of(&both, "before")).await.expect(202);
    assert_eq!(service.terminate().await.code, Some(0));

    let types = [("PROCESSORS_DEFAULT_TYPES", "purchase,search")];
    let service = start(&home, processor.url(), &types).await;
    service.post(&events_of(&both, "after")).await.expect(202);

    let stored = Stored::of(&home).await;
    let outcomes = stored.wait_for("default", 3).await;
    let expected = ["before-1", "after-0", "after-1"];
    assert_eq!(ids_in(&outcomes, "u", "processed"), expected);
    stored.wait_until_done().await;
    assert_eq!(sent_of(&processor.log(), "u"), expected);
}

/// What is in the feed is pending: another instance may have said that it is wanted.
async fn what_was_fed_is_sent_though_its_type_is_taken_away(home: Home) {
    let is_at_work = Switch::on();
    let at_work = is_at_work.clone();
    let double = Double::start(move |_| {
        let at_work = at_work.clone();
        async move {
            at_work.off().await;
            taken()
        }
    })
    .await;
    let service = start(&home, &double.url, &[]).await;
    service.post(&events_of(&["purchase", "search", "purchase"], "e")).await.expect(202);
    eventually("the first is in flight", SOON, || async {
        (!double.asked().is_empty()).then_some(())
    })
    .await;
    service.crash().await;
    is_at_work.turn(false);

    let types = [("PROCESSORS_DEFAULT_TYPES", "purchase")];
    let _service = start(&home, &double.url, &types).await;

    let outcomes = Stored::of(&home).await.wait_for("default", 3).await;
    assert_eq!(ids_in(&outcomes, "u", "processed"), ["e-0", "e-1", "e-2"]);
    assert_eq!(sent_of(&double.log(), "u"), ["e-0", "e-1", "e-2"]);
}

async fn events_from_before_the_processor_are_not_sent(home: Home) {
    let processor = ExampleProcessor::start(&[]).await;
    let service = Service::start(&home).await;
    service.post(&sample::events("u", "before", 0..5)).await.expect(202);
    assert_eq!(service.get("/processors").await.expect(200).json(), json!([]));
    assert_eq!(service.terminate().await.code, Some(0));

    let service = start(&home, processor.url(), &[]).await;
    // What was sent before is a duplicate now, and no new event.
    service.post(&sample::events("u", "before", 3..5)).await.expect(202);
    service.post(&sample::events("u", "after", 0..2)).await.expect(202);

    let stored = Stored::of(&home).await;
    let outcomes = stored.wait_for("default", 2).await;
    assert_eq!(ids_in(&outcomes, "u", "processed"), sample::ids("after", 0..2));
    stored.wait_until_done().await;
    assert_eq!(sent_of(&processor.log(), "u"), sample::ids("after", 0..2));
}

async fn each_processor_is_sent_every_event_at_its_own_pace(home: Home) {
    let is_slow = Switch::on();
    let slow = is_slow.clone();
    let double = Double::start(move |_| {
        let slow = slow.clone();
        async move {
            slow.off().await;
            taken()
        }
    })
    .await;
    let quick = ExampleProcessor::start(&[]).await;
    let url = format!("processors.billing.url={}", double.url);
    let settings = [("PROCESSOR_URL", quick.url())];
    let service = Service::start_with_flags(&home, &["--set", &url], &settings).await;

    service.post(&sample::events("u", "e", 0..10)).await.expect(202);

    let stored = Stored::of(&home).await;
    let outcomes = stored.wait_for("default", 10).await;
    assert_eq!(ids_in(&outcomes, "u", "processed"), sample::ids("e", 0..10));
    assert!(stored.outcomes("billing").await.is_empty());
    is_slow.turn(false);
    let outcomes = stored.wait_for("billing", 10).await;
    assert_eq!(ids_in(&outcomes, "u", "processed"), sample::ids("e", 0..10));
    // Who has kept an outcome counts it a moment later.
    eventually("all are counted, of each", SOON, || async {
        let listed = service.get("/processors").await.expect(200).json();
        let listed = listed.as_array().expect("a list");
        let names: Vec<_> = listed.iter().map(|one| one["name"].clone()).collect();
        assert_eq!(names, ["billing", "default"]);
        listed.iter().all(|one| one["processed"] == 10).then_some(())
    })
    .await;
}

#[tokio::test]
async fn processors_are_listed_for_monitors_alone() {
    let home = Home::embedded();
    let service = start(&home, "http://127.0.0.1:9", &[]).await;
    for path in ["/processors", "/processors/default", "/processors/other"] {
        let request = service.request(reqwest::Method::GET, path);
        service.send_as_it_is(request).await.problem(401);
    }
    service.get("/processors/other").await.problem(404);
    let one = service.get("/processors/default").await.expect(200).json();
    assert_eq!((&one["name"], &one["concurrency"]), (&json!("default"), &json!(128)));
    assert_eq!(service.get("/processors").await.expect(200).json(), json!([one]));
}

#[tokio::test]
async fn a_url_that_cannot_be_used_ends_the_start_with_a_clear_message() {
    for (url, words) in [
        ("localhost:3001", "http"),
        ("ftp://localhost/", "http"),
        ("http://ann:secret@localhost:3001", "headers"),
        ("http://", "PROCESSOR_URL"),
    ] {
        let home = Home::embedded();
        let ended = Service::refuses_to_start(&home, &[("PROCESSOR_URL", url)]).await;
        assert!(!matches!(ended.code, Some(0) | None), "{ended:?}");
        for word in ["PROCESSOR_URL", words] {
            assert!(ended.log.contains(word), "no {word:?} in: {}", ended.log);
        }
        assert!(!ended.log.contains("secret"), "{}", ended.log);
        assert!(!ended.log.contains("panicked"), "{}", ended.log);
    }
}
