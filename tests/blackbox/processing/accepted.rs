//! Whatever way an event comes into the database, its processors hear of it.

use reqwest::Method;

use super::double::{Double, Switch, taken};
use super::log::{assert_in_order, repeated, sent_of};
use super::start;
use super::stored::{Stored, ids_in};
use crate::dead_letters::rules::{Of, accept, events, refuse};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::processor::ExampleProcessor;
use crate::sample;

on_both_stores!(
    dead_letters_of_the_store_are_processed_once_they_are_retried,
    dead_letters_that_are_retried_from_the_shell_are_processed_too,
    an_event_that_is_sent_again_is_processed_once,
    an_event_that_is_sent_again_while_it_is_at_the_processor_is_processed_once,
);

/// Without those that the database refuses.
fn all_but(refused: &[&str]) -> Vec<String> {
    let mut ids = sample::ids("e", 0..10);
    ids.retain(|id| !refused.contains(&id.as_str()));
    ids
}

async fn dead_letters_of_the_store_are_processed_once_they_are_retried(home: Home) {
    let processor = ExampleProcessor::start(&[]).await;
    let service = start(&home, processor.url(), &[]).await;
    refuse(&home, Of::Events).await;
    service.post(&events("u", 0..10, &[2, 6])).await.expect(202);
    let stored = Stored::of(&home).await;
    let outcomes = stored.wait_for("default", 8).await;
    assert_eq!(ids_in(&outcomes, "u", "processed"), all_but(&["e-2", "e-6"]));

    accept(&home, Of::Events).await;
    let retry = service.request(Method::POST, "/dead-letters/retry");
    service.send(retry).await.expect(200);

    let outcomes = stored.wait_for("default", 10).await;
    assert_eq!(ids_in(&outcomes, "u", "processed"), sample::ids("e", 0..10));
    // They come after what was sent meanwhile, in their own order.
    let sent = sent_of(&processor.log(), "u");
    assert_eq!(sent, [all_but(&["e-2", "e-6"]), vec!["e-2".into(), "e-6".into()]].concat());
    assert_in_order(&processor.log());
    assert_eq!(repeated(&processor.log()), [].into());
    stored.wait_until_done().await;
}

async fn dead_letters_that_are_retried_from_the_shell_are_processed_too(home: Home) {
    let processor = ExampleProcessor::start(&[]).await;
    let service = start(&home, processor.url(), &[]).await;
    refuse(&home, Of::Events).await;
    service.post(&events("u", 0..10, &[4])).await.expect(202);
    let stored = Stored::of(&home).await;
    stored.wait_for("default", 9).await;
    assert_eq!(service.terminate().await.code, Some(0));
    accept(&home, Of::Events).await;
    let retried =
        home.shell("dead-letters").args(["retry", "--all", "--yes"]).output().expect("the binary");
    assert!(retried.status.success(), "{}", String::from_utf8_lossy(&retried.stderr));

    let _service = start(&home, processor.url(), &[]).await;

    let outcomes = stored.wait_for("default", 10).await;
    assert_eq!(ids_in(&outcomes, "u", "processed"), sample::ids("e", 0..10));
    let sent = sent_of(&processor.log(), "u");
    assert_eq!(sent, [all_but(&["e-4"]), vec!["e-4".to_owned()]].concat());
    stored.wait_until_done().await;
}

async fn an_event_that_is_sent_again_is_processed_once(home: Home) {
    let processor = ExampleProcessor::start(&[]).await;
    let service = start(&home, processor.url(), &[]).await;
    for _ in 0..3 {
        service.post(&sample::events("u", "e", 0..5)).await.expect(202);
        service.wait_until_flushed().await;
    }
    service.post(&sample::event("u", "last")).await.expect(202);

    let stored = Stored::of(&home).await;
    let outcomes = stored.wait_for("default", 6).await;

    let expected = [sample::ids("e", 0..5), vec!["last".to_owned()]].concat();
    assert_eq!(ids_in(&outcomes, "u", "processed"), expected);
    stored.wait_until_done().await;
    assert_eq!(sent_of(&processor.log(), "u"), expected);
    assert_eq!(repeated(&processor.log()), [].into());
}

async fn an_event_that_is_sent_again_while_it_is_at_the_processor_is_processed_once(home: Home) {
    let is_at_work = Switch::on();
    let at_work = is_at_work.clone();
    let double = Double::start(move |asked| {
        let at_work = at_work.clone();
        async move {
            if asked.user() == "u" {
                at_work.off().await;
            }
            taken()
        }
    })
    .await;
    let service = start(&home, &double.url, &[]).await;
    service.post(&sample::events("u", "e", 0..2)).await.expect(202);
    eventually("it is at the processor", SOON, || async {
        (!double.asked().is_empty()).then_some(())
    })
    .await;
    service.post(&sample::events("u", "e", 0..3)).await.expect(202);
    service.wait_until_flushed().await;
    // What is fed after it is there.
    service.post(&sample::event("v", "e")).await.expect(202);
    let stored = Stored::of(&home).await;
    stored.wait_for("default", 1).await;

    is_at_work.turn(false);

    let outcomes = stored.wait_for("default", 4).await;
    assert_eq!(ids_in(&outcomes, "u", "processed"), sample::ids("e", 0..3));
    stored.wait_until_done().await;
    assert_eq!(sent_of(&double.log(), "u"), sample::ids("e", 0..3));
    assert_eq!(repeated(&double.log()), [].into());
}
