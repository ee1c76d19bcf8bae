//! `kill -9`, of the service, of the processor and of the database, in the middle of it.

use super::log::{answers, assert_in_order, assert_repeats, first_requests, repeated};
use super::stored::{A_WHILE, Stored, ids_in};
use super::{post_in_turns, start};
use crate::eventually::eventually;
use crate::home::Home;
use crate::mongod::Mongod;
use crate::processor::ExampleProcessor;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    what_was_accepted_before_kill_9_is_processed_after_the_next_start,
    what_was_never_stored_before_kill_9_is_processed_after_the_next_start,
    a_processor_that_is_killed_is_sent_again_what_it_had_not_answered,
);

const USERS: usize = 10;
const EVENTS: usize = 20;

async fn wait_for_answers(processor: &ExampleProcessor, count: usize) {
    eventually("some are answered", A_WHILE, || async {
        (answers(&processor.log(), 200) >= count).then_some(())
    })
    .await;
}

fn assert_all_in_order(processor: &ExampleProcessor, outcomes: &[super::stored::Outcome]) {
    let log = processor.log();
    assert_in_order(&log);
    for (user, sent) in first_requests(&log) {
        assert_eq!(sent, sample::ids("e", 0..EVENTS), "{user}");
        assert_eq!(ids_in(outcomes, &user, "processed"), sent, "{user}");
    }
    assert_eq!(outcomes.len(), USERS * EVENTS);
}

async fn what_was_accepted_before_kill_9_is_processed_after_the_next_start(home: Home) {
    let processor = ExampleProcessor::start(&["--delay-ms", "10..30"]).await;
    let service = start(&home, processor.url(), &[]).await;
    post_in_turns(&service, USERS, EVENTS, 10).await;
    wait_for_answers(&processor, USERS * EVENTS / 4).await;

    service.crash().await;

    let service = start(&home, processor.url(), &[]).await;
    let stored = Stored::of(&home).await;
    let outcomes = stored.wait_for("default", USERS * EVENTS).await;
    assert_all_in_order(&processor, &outcomes);
    assert_repeats(&processor.log(), 1);
    stored.wait_until_done().await;
    assert_eq!(service.terminate().await.code, Some(0));
}

async fn what_was_never_stored_before_kill_9_is_processed_after_the_next_start(home: Home) {
    let processor = ExampleProcessor::start(&[]).await;
    let never = [("WRITE_MAX_WAIT_MS", "600000"), ("WRITE_MAX_WAIT_WITH_PROCESSORS_MS", "60000")];
    let service = start(&home, processor.url(), &never).await;
    post_in_turns(&service, USERS, EVENTS, 10).await;
    assert!(processor.log().is_empty(), "only what is stored is sent");

    service.crash().await;

    let _service = start(&home, processor.url(), &[]).await;
    let outcomes = Stored::of(&home).await.wait_for("default", USERS * EVENTS).await;
    assert_all_in_order(&processor, &outcomes);
    assert_eq!(repeated(&processor.log()), [].into());
}

async fn a_processor_that_is_killed_is_sent_again_what_it_had_not_answered(home: Home) {
    const KILLS: usize = 2;
    let mut processor = ExampleProcessor::start(&["--delay-ms", "10..30"]).await;
    // A request that breaks counts where another is taken meanwhile, and none is here.
    let service = start(&home, processor.url(), &[]).await;
    post_in_turns(&service, USERS, EVENTS, 10).await;
    for round in 1..=KILLS {
        wait_for_answers(&processor, round * USERS * EVENTS / 4).await;
        processor.crash().await;
        processor.restart().await;
    }

    let outcomes = Stored::of(&home).await.wait_for("default", USERS * EVENTS).await;

    assert_all_in_order(&processor, &outcomes);
    assert_repeats(&processor.log(), KILLS);
    assert_eq!(service.terminate().await.code, Some(0));
}

/// Outcomes are tried until the database has them, and their users wait for that.
#[tokio::test]
async fn a_database_that_is_killed_costs_no_event_and_no_order() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let processor = ExampleProcessor::start(&["--delay-ms", "10..30"]).await;
    let settings = [("WRITE_TIMEOUT_MS", "1000"), ("WRITE_BACKOFF_MAX_MS", "200")];
    let service = start(&home, processor.url(), &settings).await;
    post_in_turns(&service, USERS, EVENTS, 10).await;
    wait_for_answers(&processor, USERS * EVENTS / 4).await;

    server.kill();

    // Accepted while it is away.
    service.post(&sample::events("late", "e", 0..EVENTS)).await.expect(202);
    server.restart();
    let stored = Stored::of(&home).await;
    let outcomes = stored.wait_for("default", (USERS + 1) * EVENTS).await;
    let log = processor.log();
    assert_in_order(&log);
    for (user, sent) in first_requests(&log) {
        assert_eq!(sent, sample::ids("e", 0..EVENTS), "{user}");
        assert_eq!(ids_in(&outcomes, &user, "processed"), sent, "{user}");
    }
    stored.wait_until_done().await;
    assert_eq!(service.terminate().await.code, Some(0));
    let service = Service::start(&home).await;
    assert_eq!(service.export_ids("late").await, sample::ids("e", 0..EVENTS));
}
