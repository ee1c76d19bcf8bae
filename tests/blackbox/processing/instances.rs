//! Several instances on one database.

use super::log::{answers, assert_in_order, assert_repeats, repeated, sent_of};
use super::stored::{A_WHILE, Stored, ids_in};
use super::{seen, start, wait_until};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::processor::ExampleProcessor;
use crate::sample;
use crate::service::Service;

const EVENTS: usize = 30;

fn users(instance: &str) -> Vec<String> {
    (0..4).map(|number| format!("{instance}-{number}")).collect()
}

async fn post_all(service: &Service, instance: &str) {
    for user in users(instance) {
        service.post(&sample::events(&user, "e", 0..EVENTS)).await.expect(202);
    }
}

#[tokio::test]
async fn two_instances_on_one_mongodb_deliver_once() {
    let home = Home::mongodb();
    let elsewhere = home.on_another_machine();
    let processor = ExampleProcessor::start(&["--delay-ms", "20..40"]).await;
    let first = start(&home, processor.url(), &[]).await;
    wait_until(&first, "running").await;
    let second = start(&elsewhere, processor.url(), &[]).await;
    post_all(&first, "a").await;
    post_all(&second, "b").await;
    eventually("some of both instances' events are processed", A_WHILE, || async {
        let log = processor.log();
        let has = |user: &str| !sent_of(&log, user).is_empty();
        (has("a-0") && has("b-0") && answers(&log, 200) > 20).then_some(())
    })
    .await;
    assert_eq!(seen(&second).await["state"], "standing-by");
    assert_eq!(seen(&second).await["processed"], 0);
    first.wait_until_flushed().await;

    first.crash().await;

    let stored = Stored::of(&home).await;
    wait_until(&second, "running").await;
    stored.wait_for("default", 4 * EVENTS).await;
    // What was stored and not fed yet is in the journal of the one that was killed.
    let first = start(&home, processor.url(), &[]).await;
    let outcomes = stored.wait_for("default", 8 * EVENTS).await;

    let log = processor.log();
    assert_in_order(&log);
    assert_repeats(&log, 1);
    for user in users("a").into_iter().chain(users("b")) {
        assert_eq!(ids_in(&outcomes, &user, "processed"), sample::ids("e", 0..EVENTS));
        assert_eq!(sent_of(&log, &user), sample::ids("e", 0..EVENTS));
    }
    stored.wait_until_done().await;
    assert_eq!(seen(&first).await["state"], "standing-by");
    // A stop hands the lease over.
    assert_eq!(second.terminate().await.code, Some(0));
    wait_until(&first, "running").await;
}

/// Its machine has slept, say: it wakes up in the belief that it is in charge.
#[tokio::test]
async fn an_instance_that_was_stopped_for_a_while_overtakes_nobody() {
    let home = Home::mongodb();
    let elsewhere = home.on_another_machine();
    let processor = ExampleProcessor::start(&["--delay-ms", "20..40"]).await;
    let first = start(&home, processor.url(), &[]).await;
    wait_until(&first, "running").await;
    let second = start(&elsewhere, processor.url(), &[]).await;
    post_all(&second, "b").await;
    eventually("some are processed", A_WHILE, || async {
        (answers(&processor.log(), 200) > 20).then_some(())
    })
    .await;

    first.signal("STOP");
    wait_until(&second, "running").await;
    eventually("some more are processed", A_WHILE, || async {
        (seen(&second).await["processed"].as_u64() > Some(20)).then_some(())
    })
    .await;
    first.signal("CONT");

    let stored = Stored::of(&home).await;
    let outcomes = stored.wait_for("default", 4 * EVENTS).await;
    wait_until(&first, "standing-by").await;
    let log = processor.log();
    assert_in_order(&log);
    for user in users("b") {
        assert_eq!(ids_in(&outcomes, &user, "processed"), sample::ids("e", 0..EVENTS));
        assert_eq!(sent_of(&log, &user), sample::ids("e", 0..EVENTS));
    }
    assert_repeats(&log, 1);
    stored.wait_until_done().await;
}

#[tokio::test]
async fn an_instance_without_processors_feeds_for_those_of_others() {
    let home = Home::mongodb();
    let processor = ExampleProcessor::start(&[]).await;
    let first = start(&home, processor.url(), &[]).await;
    wait_until(&first, "running").await;
    let elsewhere = home.on_another_machine();
    let second = Service::start(&elsewhere).await;
    second.post(&sample::events("u", "e", 0..20)).await.expect(202);
    let stored = Stored::of(&home).await;
    let outcomes = stored.wait_for("default", 20).await;
    assert_eq!(ids_in(&outcomes, "u", "processed"), sample::ids("e", 0..20));
    assert_eq!(second.get("/processors").await.expect(200).json(), serde_json::json!([]));

    // Nobody delivers, and whoever fed is gone with its folder before somebody does.
    assert_eq!(first.terminate().await.code, Some(0));
    second.post(&sample::events("u", "e", 20..40)).await.expect(202);
    assert_eq!(second.terminate().await.code, Some(0));
    drop(elsewhere);
    let _first = start(&home, processor.url(), &[]).await;

    let outcomes = stored.wait_for("default", 40).await;
    assert_eq!(ids_in(&outcomes, "u", "processed"), sample::ids("e", 0..40));
    assert_eq!(sent_of(&processor.log(), "u"), sample::ids("e", 0..40));
    assert_eq!(repeated(&processor.log()), [].into());
    stored.wait_until_done().await;
}

/// It has been there for longer than the processor: so its events are sent from the
/// moment on at which it knows of that.
#[tokio::test]
async fn an_instance_that_is_older_than_a_processor_feeds_for_it_soon() {
    let home = Home::mongodb();
    let elsewhere = home.on_another_machine();
    let older = Service::start(&elsewhere).await;
    older.post(&sample::events("u", "before", 0..5)).await.expect(202);
    older.wait_until_flushed().await;
    let processor = ExampleProcessor::start(&[]).await;
    let _newer = start(&home, processor.url(), &[]).await;
    let mut count = 0;
    eventually("an event of the older instance is sent", SOON, || {
        let event = sample::event("u", &format!("e-{count}"));
        count += 1;
        let (older, processor) = (&older, &processor);
        async move {
            older.post(&event).await.expect(202);
            (!sent_of(&processor.log(), "u").is_empty()).then_some(())
        }
    })
    .await;
    let sent = sent_of(&processor.log(), "u");
    let first = sent[0].strip_prefix("e-").expect("none of those before it");
    let first: usize = first.parse().expect("a number");
    let stored = Stored::of(&home).await;
    let outcomes = stored.wait_for("default", count - first).await;
    assert_eq!(ids_in(&outcomes, "u", "processed"), sample::ids("e", first..count));
}
