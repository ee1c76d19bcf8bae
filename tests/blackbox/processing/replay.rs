//! Events that a person has sent again.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::asks::{ask, ask_for_all, commands, run_of, wait_for_command, wait_until_stuck};
use super::double::{Asked, Double, Switch, status, taken};
use super::stored::{Outcome, Stored, ids_in};
use super::{SHORT_PAUSES, name, post_in_turns, start};
use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    events_of_a_range_are_sent_again_each_user_in_order,
    a_replay_of_what_failed_lets_users_go_on_who_wait_for_a_person,
    events_from_before_the_processor_are_sent_by_a_replay,
    a_replay_that_is_killed_is_carried_on_and_forgets_no_event,
);

const USERS: usize = 3;
const EVENTS: usize = 6;

/// Events that happened an hour apart, the odd ones purchases.
fn events(user: &str) -> Value {
    let events = (0..EVENTS).map(|number| {
        let mut event =
            sample::event_at(user, &format!("e-{number}"), &format!("2025-12-15T1{number}:00:00Z"));
        if number % 2 == 1 {
            event["type"] = "purchase".into();
        }
        event
    });
    events.collect()
}

/// What was sent in a later run than the first, by user, in order.
fn sent_again(asked: &[Asked]) -> BTreeMap<String, Vec<String>> {
    let mut by_user = BTreeMap::<String, Vec<String>>::new();
    for asked in asked.iter().filter(|asked| run_of(asked) > 1) {
        by_user.entry(asked.user().to_owned()).or_default().push(asked.event_id().to_owned());
    }
    by_user
}

/// Replays a range, and answers what was sent again once all of that is done.
async fn replayed(
    service: &Service,
    stored: &Stored,
    double: &Double,
    range: Value,
) -> BTreeMap<String, Vec<String>> {
    let before = double.asked().len();
    let mut counted = range.clone();
    counted["dryRun"] = true.into();
    let count = ask_for_all(service, "replay", counted).await;
    assert_eq!(double.asked().len(), before, "a dry run sends nothing");
    let none_pending = |outcomes: &[Outcome]| outcomes.iter().all(|one| one.state != "pending");
    assert!(none_pending(&stored.outcomes("default").await), "a dry run changes nothing");

    assert_eq!(ask_for_all(service, "replay", range).await, count);

    stored.wait_until("nothing is pending", none_pending).await;
    let sent = sent_again(&double.asked()[before..]);
    assert_eq!(sent.values().map(Vec::len).sum::<usize>() as u64, count);
    sent
}

fn of_each(users: std::ops::Range<usize>, numbers: &[usize]) -> BTreeMap<String, Vec<String>> {
    let ids: Vec<String> = numbers.iter().map(|number| format!("e-{number}")).collect();
    users.map(|user| (name(user), ids.clone())).collect()
}

async fn events_of_a_range_are_sent_again_each_user_in_order(home: Home) {
    let double = Double::start(|_| async { taken() }).await;
    let service = start(&home, &double.url, &[]).await;
    for user in 0..USERS {
        service.post(&events(&name(user))).await.expect(202);
    }
    let stored = Stored::of(&home).await;
    stored.wait_for("default", USERS * EVENTS).await;

    let hours = json!({ "from": "2025-12-15T12:00:00Z", "to": "2025-12-15T14:00:00Z" });
    for (range, expected) in [
        (hours, of_each(0..USERS, &[2, 3, 4])),
        (json!({ "userId": name(1) }), of_each(1..2, &[0, 1, 2, 3, 4, 5])),
        (json!({ "types": ["purchase"] }), of_each(0..USERS, &[1, 3, 5])),
        (json!({ "state": "failed" }), of_each(0..0, &[])),
        (json!({ "state": "skipped" }), of_each(0..0, &[])),
        (
            json!({ "state": "processed", "userId": name(0), "types": ["page_view"] }),
            of_each(0..1, &[0, 2, 4]),
        ),
        (json!({}), of_each(0..USERS, &[0, 1, 2, 3, 4, 5])),
        (json!({ "userId": "nobody" }), of_each(0..0, &[])),
    ] {
        let what = range.to_string();
        assert_eq!(replayed(&service, &stored, &double, range).await, expected, "{what}");
    }

    // Once before the ranges, and then in so many of them.
    let outcomes = stored.outcomes("default").await;
    assert!(outcomes.iter().all(|one| one.state == "processed" && one.attempts == 1));
    let runs = |user: usize| -> Vec<i64> {
        outcomes.iter().filter(|one| one.user == name(user)).map(|one| one.run).collect()
    };
    assert_eq!((runs(0), runs(1)), (vec![2, 2, 3, 3, 3, 2], vec![2, 3, 3, 4, 3, 3]));
    // The events of a run have the id of the first and the number of the run.
    let asked = double.asked();
    let of_one: Vec<_> = asked
        .iter()
        .filter(|asked| asked.user() == name(1) && asked.event_id() == "e-3")
        .map(|asked| asked.header("webhook-id").to_owned())
        .collect();
    let first = of_one[0].clone();
    let expected = [".2", ".3", ".4", ".5"].map(|run| format!("{first}{run}"));
    assert_eq!(of_one[1..], expected);
    stored.wait_until_done().await;
}

async fn a_replay_of_what_failed_lets_users_go_on_who_wait_for_a_person(home: Home) {
    let is_poison = Switch::on();
    let poison = is_poison.clone();
    let double = Double::start(move |asked| {
        let is_refused = poison.is_on() && asked.event_id() == "e-1" && asked.user() != name(0);
        async move { if is_refused { status(422) } else { taken() } }
    })
    .await;
    let hold = [("PROCESSORS_DEFAULT_AFTER_DEAD_LETTER", "hold")];
    let service = start(&home, &double.url, &hold).await;
    let stored = Stored::of(&home).await;
    for user in 0..USERS {
        service.post(&events(&name(user))).await.expect(202);
        stored.wait_for("default", EVENTS + 2 * user).await;
    }
    for user in 1..USERS {
        wait_until_stuck(&service, &name(user), "e-1", "held").await;
    }
    is_poison.turn(false);

    assert_eq!(ask_for_all(&service, "replay", json!({ "state": "failed" })).await, 2);

    let outcomes = stored.wait_for("default", USERS * EVENTS).await;
    let outcomes = match outcomes.iter().all(|one| one.state == "processed") {
        true => outcomes,
        false => {
            let all = |outcomes: &[Outcome]| outcomes.iter().all(|one| one.state == "processed");
            stored.wait_until("all are processed", all).await
        }
    };
    for user in 0..USERS {
        assert_eq!(ids_in(&outcomes, &name(user), "processed"), sample::ids("e", 0..EVENTS));
    }
    for user in 1..USERS {
        let asked = double.asked();
        let sent = asked.iter().filter(|asked| asked.user() == name(user));
        let sent: Vec<_> = sent.map(|asked| (asked.event_id().to_owned(), run_of(asked))).collect();
        let expected =
            [("e-0", 1), ("e-1", 1), ("e-1", 2), ("e-2", 1), ("e-3", 1), ("e-4", 1), ("e-5", 1)];
        assert_eq!(sent, expected.map(|(id, run)| (id.to_owned(), run)));
    }
    stored.wait_until_done().await;
}

async fn events_from_before_the_processor_are_sent_by_a_replay(home: Home) {
    let double = Double::start(|_| async { taken() }).await;
    let service = Service::start(&home).await;
    post_in_turns(&service, USERS, 20, 10).await;
    assert_eq!(service.terminate().await.code, Some(0));
    let service = start(&home, &double.url, &[]).await;
    service.post(&sample::event(&name(0), "new")).await.expect(202);
    let stored = Stored::of(&home).await;
    stored.wait_for("default", 1).await;

    assert_eq!(ask_for_all(&service, "replay", json!({ "state": "processed" })).await, 1);
    assert_eq!(ask_for_all(&service, "replay", json!({ "userId": name(1) })).await, 20);
    let outcomes = stored
        .wait_until("what was asked for is processed", |outcomes| {
            ids_in(outcomes, &name(1), "processed").len() == 20
        })
        .await;

    assert_eq!(ids_in(&outcomes, &name(1), "processed"), sample::ids("e", 0..20));
    // For the first time, as far as the processor is concerned.
    let asked = double.asked();
    let sent = asked.iter().filter(|asked| asked.user() == name(1));
    let sent: Vec<_> = sent.map(|asked| (asked.event_id().to_owned(), run_of(asked))).collect();
    let expected: Vec<_> = sample::ids("e", 0..20).into_iter().map(|id| (id, 1)).collect();
    assert_eq!(sent, expected);
    assert!(!asked.iter().any(|asked| asked.user() == name(2)));
    stored.wait_until_done().await;
}

/// Killed in each of its walks, and while events are being sent. Some of them are in the
/// feed still, and the others are not.
async fn a_replay_that_is_killed_is_carried_on_and_forgets_no_event(home: Home) {
    const MANY_USERS: usize = 40;
    const NEW: usize = 5;
    let double = Double::start(|_| async {
        tokio::time::sleep(Duration::from_millis(2)).await;
        taken()
    })
    .await;
    let mut service = start(&home, &double.url, &SHORT_PAUSES).await;
    let stored = Stored::of(&home).await;

    for (round, ms) in (1..).zip([10, 30, 60, 120, 250, 500]) {
        for user in 0..MANY_USERS {
            let events = sample::events(&name(user), "e", (round - 1) * NEW..round * NEW);
            service.post(&events).await.expect(202);
        }
        let replay = service.request(Method::POST, "/processors/default/replay");
        let replay = replay.bearer_auth(service.admin().await).json(&json!({}));
        stored.wait_for("default", round * NEW * MANY_USERS).await;
        let before = double.asked().len();
        let asked = tokio::spawn(replay.send());
        tokio::time::sleep(Duration::from_millis(ms)).await;
        service.crash().await;
        let _ = asked.await;
        service = start(&home, &double.url, &SHORT_PAUSES).await;
        // One that was not stored was asked for by nobody.
        let made = commands(&service).await;
        if made.iter().filter(|one| one["order"]["kind"] == "replay").count() < round {
            ask(&service, "replay", json!({})).await;
        }
        for command in commands(&service).await {
            wait_for_command(&service, command["id"].as_str().expect("an id")).await;
        }

        let run_of = |one: &Outcome| {
            let (_, number) = one.event_id.split_once('-').expect("a number");
            round - number.parse::<usize>().expect("a number") / NEW
        };
        let is_done = |one: &Outcome| one.run as usize == run_of(one) && one.state == "processed";
        let all_done = |outcomes: &[Outcome]| outcomes.iter().all(is_done);
        let outcomes = stored.wait_until("all are processed once more", all_done).await;
        assert_eq!(outcomes.len(), round * NEW * MANY_USERS);
        // Each user's in order, but for what was in flight and is sent again.
        let mut again = sent_again(&double.asked()[before..]);
        assert_eq!(again.len(), MANY_USERS);
        for (user, sent) in &mut again {
            sent.dedup();
            assert_eq!(*sent, sample::ids("e", 0..round * NEW), "{user}, killed after {ms} ms");
        }
        stored.wait_until_done().await;
    }
}
