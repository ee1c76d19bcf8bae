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
    assert_eq!(seen(&second).await["deliversHere"], false);
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
    assert_eq!(seen(&first).await["deliversHere"], false);
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
    let listed = eventually("it is told how the other instance's is doing", SOON, || async {
        let listed = second.get("/processors").await.expect(200).json();
        (listed[0]["state"] == "running").then_some(listed)
    })
    .await;
    assert_eq!(
        (&listed[0]["name"], &listed[0]["deliversHere"]),
        (&"default".into(), &false.into())
    );

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

/// A rolling change of the settings: whoever was started last knows what is wanted.
#[tokio::test]
async fn an_instance_with_other_settings_lets_the_one_that_was_started_last_deliver() {
    let home = Home::mongodb();
    let elsewhere = home.on_another_machine();
    let processor = ExampleProcessor::start(&[]).await;
    let older = start(&home, processor.url(), &[]).await;
    wait_until(&older, "running").await;
    older.post(&sample::events("u", "e", 0..5)).await.expect(202);
    let types = [("PROCESSORS_DEFAULT_TYPES", "page_view,search")];

    let newer = start(&elsewhere, processor.url(), &types).await;

    wait_until(&newer, "running").await;
    wait_until(&older, "standing-by").await;
    assert!(older.log().contains("delivers only if nobody else does"), "it says so");
    assert!(newer.log().contains("other types are wanted from now on"), "so does the other");

    // Nobody else is there any more.
    assert_eq!(newer.terminate().await.code, Some(0));
    eventually("it delivers all the same", A_WHILE, || async {
        (seen(&older).await["deliversHere"] == true).then_some(())
    })
    .await;
}

/// What one accepted while the other one's later events were under way comes late, and
/// is counted; what comes within half a second is sent in order.
#[tokio::test]
async fn events_of_one_user_that_two_instances_accept_are_sent_by_their_arrival() {
    let home = Home::mongodb();
    let elsewhere = home.on_another_machine();
    let processor = ExampleProcessor::start(&[]).await;
    let first = start(&home, processor.url(), &[]).await;
    wait_until(&first, "running").await;
    let second = start(&elsewhere, processor.url(), &[]).await;
    let numbers = 0..100;
    for number in numbers.clone() {
        let service = [&first, &second][number % 2];
        service.post(&sample::event("u", &format!("e-{number}"))).await.expect(202);
    }
    let stored = Stored::of(&home).await;
    stored.wait_for("default", numbers.len()).await;
    let sent = sent_of(&processor.log(), "u");
    // The first ones may be sent before it is known that two instances feed.
    let is_behind = |pair: &[String]| number_of(&pair[0]) > number_of(&pair[1]);
    let behind = sent.windows(2).filter(|pair| is_behind(pair)).count();
    let metrics = first.get("/metrics").await.expect(200).text();
    let late = metrics
        .lines()
        .find_map(|line| {
            line.strip_prefix("trailkeep_processor_late_events_total{processor=\"default\"} ")
        })
        .expect("the counter");
    let late: usize = late.parse().expect("a number");
    assert!(behind <= late && late <= 20, "{behind} behind, {late} counted: {sent:?}");
}

fn number_of(event: &str) -> usize {
    event.strip_prefix("e-").expect("one of ours").parse().expect("a number")
}
