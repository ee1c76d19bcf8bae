//! `from`: what was stored before the processor was there.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::double::{Double, Switch, taken};
use super::log::{answers, assert_in_order, assert_repeats, first_requests, repeated, sent_of};
use super::stored::{A_WHILE, Stored, ids_in};
use super::{name, post_in_turns, seen, start, wait_until};
use crate::eventually::eventually;
use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    all_that_was_stored_before_is_sent_and_before_what_comes_meanwhile,
    a_backfill_that_is_killed_goes_on,
    only_what_was_received_since_a_time_is_sent,
);

const BEGINNING: [(&str, &str); 1] = [("PROCESSORS_DEFAULT_FROM", "beginning")];
/// More than are parked at once.
const USERS: usize = 1_800;

/// Stores events of many users, in a service without a processor.
async fn store_before(home: &Home, events: usize) {
    let service = Service::start(home).await;
    for number in 0..events {
        for some in (0..USERS).collect::<Vec<_>>().chunks(300) {
            service.post_when_there_is_room(&of_users(some, &format!("e-{number}"))).await;
        }
    }
    service.wait_until_flushed().await;
    assert_eq!(service.terminate().await.code, Some(0));
    assert_eq!(home.stored().await, (events * USERS) as u64);
}

fn of_users(users: &[usize], id: &str) -> Value {
    users.iter().map(|user| sample::event(&name(*user), id)).collect()
}

async fn all_that_was_stored_before_is_sent_and_before_what_comes_meanwhile(home: Home) {
    const BEFORE: usize = 2;
    store_before(&home, BEFORE).await;
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
    let service = start(&home, &double.url, &BEGINNING).await;
    wait_until(&service, "catching-up").await;
    // The first users, who are under way, and the last ones, who are not.
    let some: Vec<usize> = (0..200).chain(USERS - 100..USERS).collect();
    service.post(&of_users(&some, &format!("e-{BEFORE}"))).await.expect(202);
    service.wait_until_flushed().await;
    assert_eq!(seen(&service).await["state"], "catching-up");
    assert!(double.log().iter().all(|line| line["eventId"] == "e-0"));

    is_at_work.turn(false);

    let stored = Stored::of(&home).await;
    let all = BEFORE * USERS + some.len();
    eventually("all are processed", 2 * A_WHILE, || async {
        (stored.done("default").await == all).then_some(())
    })
    .await;
    let log = double.log();
    assert_in_order(&log);
    assert_eq!(repeated(&log), [].into());
    let sent = first_requests(&log);
    assert_eq!(sent.len(), USERS);
    let expected: BTreeMap<String, Vec<String>> = (0..USERS)
        .map(|user| {
            let events = BEFORE + usize::from(some.contains(&user));
            (name(user), sample::ids("e", 0..events))
        })
        .collect();
    assert!(sent == expected, "{:?}", sent.iter().find(|(user, sent)| expected[*user] != **sent));
    wait_until(&service, "running").await;
    stored.wait_until_done().await;
    // Once: the next start sends nothing of it again.
    assert_eq!(service.terminate().await.code, Some(0));
    let service = start(&home, &double.url, &BEGINNING).await;
    service.post(&sample::event("last", "e")).await.expect(202);
    stored.wait_for("default", all + 1).await;
    wait_until(&service, "running").await;
    assert_eq!(repeated(&double.log()), [].into());
}

async fn a_backfill_that_is_killed_goes_on(home: Home) {
    const KILLS: usize = 3;
    store_before(&home, 1).await;
    let double = Double::start(|_| async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        taken()
    })
    .await;
    let mut service = start(&home, &double.url, &BEGINNING).await;
    for round in 1..=KILLS {
        eventually("some are sent", A_WHILE, || async {
            (answers(&double.log(), 204) >= round * USERS / 5).then_some(())
        })
        .await;
        service.crash().await;
        service = start(&home, &double.url, &BEGINNING).await;
    }

    let stored = Stored::of(&home).await;
    let outcomes = stored.wait_for("default", USERS).await;

    assert!(outcomes.iter().all(|one| one.state == "processed" && one.run == 0));
    let log = double.log();
    assert_eq!(first_requests(&log).len(), USERS);
    assert_repeats(&log, 1);
    assert!(repeated(&log).len() < USERS, "it began anew after each kill");
    stored.wait_until_done().await;
    wait_until(&service, "running").await;
}

async fn only_what_was_received_since_a_time_is_sent(home: Home) {
    let service = Service::start(&home).await;
    post_in_turns(&service, 3, 10, 10).await;
    service.wait_until_flushed().await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let moment = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    tokio::time::sleep(Duration::from_millis(20)).await;
    for user in 0..3 {
        service.post(&sample::events(&name(user), "e", 10..15)).await.expect(202);
    }
    assert_eq!(service.terminate().await.code, Some(0));
    let double = Double::start(|_| async { taken() }).await;

    let service = start(&home, &double.url, &[("PROCESSORS_DEFAULT_FROM", &*moment)]).await;

    service.post(&sample::event(&name(0), "e-15")).await.expect(202);
    let stored = Stored::of(&home).await;
    let outcomes = stored.wait_for("default", 16).await;
    for user in 0..3 {
        let expected = sample::ids("e", 10..15 + usize::from(user == 0));
        assert_eq!(sent_of(&double.log(), &name(user)), expected);
        assert_eq!(ids_in(&outcomes, &name(user), "processed"), expected);
    }
    stored.wait_until_done().await;
    assert_eq!(repeated(&double.log()), [].into());
    // It is a setting of a processor that is new: later changes count for nothing.
    assert_eq!(service.terminate().await.code, Some(0));
    let service = start(&home, &double.url, &BEGINNING).await;
    service.post(&sample::event(&name(1), "last")).await.expect(202);
    stored.wait_for("default", 17).await;
    wait_until(&service, "running").await;
    assert_eq!(stored.outcomes("default").await.len(), 17);
}

#[tokio::test]
async fn a_wrong_from_ends_the_start_with_a_clear_message() {
    let home = Home::embedded();
    let settings =
        [("PROCESSOR_URL", "http://127.0.0.1:9"), ("PROCESSORS_DEFAULT_FROM", "yesterday")];
    let ended = Service::refuses_to_start(&home, &settings).await;
    assert_ne!(ended.code, Some(0));
    assert!(ended.log.contains("PROCESSORS_DEFAULT_FROM"), "{}", ended.log);
    assert!(ended.log.contains("beginning"), "{}", ended.log);
}
