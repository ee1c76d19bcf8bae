//! `after_dead_letter = "hold"`: a user waits for a person, and nobody else does.

use serde_json::json;

use super::asks::{
    ask, ask_of, drop_letter, letter, run_of, sends_of, stuck, wait_until_nobody_is_stuck,
    wait_until_stuck,
};
use super::double::{Asked, Double, Switch, status, taken};
use super::log::repeated;
use super::stored::{A_WHILE, Stored, ids_in};
use super::{seen, start};
use crate::eventually::eventually;
use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    a_user_waits_for_a_person_through_a_stop_and_a_crash_and_nobody_else_does,
    an_event_that_is_retried_is_sent_once_more_and_its_user_goes_on_in_order,
    a_user_goes_on_behind_what_is_skipped,
    a_user_who_is_released_goes_on_and_the_dead_letter_stays,
    a_user_goes_on_when_the_dead_letter_is_dropped,
    a_user_who_is_held_at_two_events_in_a_row_goes_on_with_all_that_is_behind_them,
);

const HOLD: [(&str, &str); 1] = [("PROCESSORS_DEFAULT_AFTER_DEAD_LETTER", "hold")];
const POISON: &str = "e-2";

/// A processor that refuses one event of ann, while that is poison.
async fn start_double(is_poison: &Switch) -> Double {
    let poison = is_poison.clone();
    Double::start(move |asked| {
        let is_refused = poison.is_on() && asked.event_id() == POISON && asked.user() == "ann";
        async move { if is_refused { status(422) } else { taken() } }
    })
    .await
}

/// Ann waits at her third event, of five, and bob has had his three.
async fn start_held(home: &Home, double: &Double) -> (Service, Stored) {
    let service = start(home, &double.url, &HOLD).await;
    // A witness: where nobody else's event is taken, nothing is a dead letter.
    service.post(&sample::events("bob", "e", 0..3)).await.expect(202);
    let stored = Stored::of(home).await;
    stored.wait_for("default", 3).await;
    service.post(&sample::events("ann", "e", 0..5)).await.expect(202);
    wait_until_stuck(&service, "ann", POISON, "held").await;
    stored.wait_for("default", 6).await;
    (service, stored)
}

/// Waits until all of ann's five events are done.
async fn wait_for_ann(stored: &Stored) {
    let what = "all of ann's events are done";
    let outcomes = stored
        .wait_until(what, |outcomes| {
            let of_ann = outcomes.iter().filter(|one| one.user == "ann" && one.state != "pending");
            of_ann.count() == 5
        })
        .await;
    let rest = ["e-0", "e-1", "e-3", "e-4"];
    let processed = ids_in(&outcomes, "ann", "processed");
    assert!(rest.iter().all(|id| processed.iter().any(|done| done == id)), "{outcomes:?}");
}

fn sent_up_to(poisons: usize) -> Vec<String> {
    let poison = vec![POISON.to_owned(); poisons];
    [sample::ids("e", 0..2), poison, sample::ids("e", 3..5)].concat()
}

async fn a_user_waits_for_a_person_through_a_stop_and_a_crash_and_nobody_else_does(home: Home) {
    let double = start_double(&Switch::on()).await;
    let (service, stored) = start_held(&home, &double).await;
    let told = wait_until_stuck(&service, "ann", POISON, "held").await;
    assert_eq!(told["attempts"], 1, "{told}");
    assert!(told["lastError"].as_str().expect("an error").contains("422"), "{told}");
    assert!(told.get("nextTryAt").is_none(), "{told}");
    assert_eq!(service.terminate().await.code, Some(0));

    let service = start(&home, &double.url, &HOLD).await;
    service.post(&sample::events("bob", "e", 3..6)).await.expect(202);
    stored.wait_for("default", 9).await;
    wait_until_stuck(&service, "ann", POISON, "held").await;
    service.crash().await;

    let service = start(&home, &double.url, &HOLD).await;
    service.post(&sample::event("ann", "e-5")).await.expect(202);
    service.wait_until_flushed().await;
    service.post(&sample::events("bob", "e", 6..9)).await.expect(202);
    let outcomes = stored.wait_for("default", 12).await;
    let told = wait_until_stuck(&service, "ann", POISON, "held").await;
    assert!(told["lastError"].as_str().expect("an error").contains("422"), "{told}");
    assert_eq!(ids_in(&outcomes, "bob", "processed"), sample::ids("e", 0..9));
    assert_eq!(ids_in(&outcomes, "ann", "processed"), sample::ids("e", 0..2));
    assert_eq!(ids_in(&outcomes, "ann", "failed"), [POISON]);
    assert_eq!(sends_of(&double, "ann"), sample::ids("e", 0..3));
    // What the one before told is old by and by, and then this one tells the same.
    eventually("both are counted", A_WHILE, || async {
        let seen = seen(&service).await;
        (seen["stuckUsers"] == 1 && seen["deadLetters"] == 1).then_some(())
    })
    .await;
}

async fn an_event_that_is_retried_is_sent_once_more_and_its_user_goes_on_in_order(home: Home) {
    let is_poison = Switch::on();
    let double = start_double(&is_poison).await;
    let (service, stored) = start_held(&home, &double).await;

    // It still fails: she waits again, in the next run.
    ask_of(&service, "ann", "retry", POISON).await.expect(200);
    stored
        .wait_until("it failed once more", |outcomes| {
            outcomes.iter().any(|one| one.state == "failed" && one.run == 1)
        })
        .await;
    assert_eq!(sends_of(&double, "ann"), [sample::ids("e", 0..3), vec![POISON.into()]].concat());
    is_poison.turn(false);
    wait_until_stuck(&service, "ann", POISON, "held").await;
    // Asked for by two at once it is sent once: one of them comes too late, or both mean
    // the same failure.
    let (one, other) = tokio::join!(
        ask_of(&service, "ann", "retry", POISON),
        ask_of(&service, "ann", "retry", POISON)
    );
    let mut both = [one.status, other.status];
    both.sort_unstable();
    assert!(matches!(both, [200, 200 | 409]), "{both:?}");

    wait_for_ann(&stored).await;
    assert_eq!(sends_of(&double, "ann"), sent_up_to(3));
    let asked = double.asked();
    let is_it = |asked: &&Asked| asked.event_id() == POISON && asked.user() == "ann";
    assert_eq!(asked.iter().filter(is_it).map(run_of).collect::<Vec<_>>(), [1, 2, 3]);
    let id = asked.iter().find(is_it).expect("a request").header("webhook-id");
    let last = asked.iter().rfind(is_it).expect("a request");
    assert_eq!(last.header("webhook-id"), format!("{id}.3"));
    assert_eq!(last.header("trailkeep-attempt"), "1");
    let problem = ask_of(&service, "ann", "retry", POISON).await.problem(409);
    assert_eq!(problem["type"], "urn:trailkeep:problem:conflict");
    wait_until_nobody_is_stuck(&service).await;
    stored.wait_until_done().await;
    assert_eq!(seen(&service).await["deadLetters"], 0);
}

async fn a_user_goes_on_behind_what_is_skipped(home: Home) {
    let double = start_double(&Switch::on()).await;
    let (service, stored) = start_held(&home, &double).await;

    ask_of(&service, "ann", "skip", POISON).await.expect(200);

    wait_for_ann(&stored).await;
    assert_eq!(ids_in(&stored.outcomes("default").await, "ann", "skipped"), [POISON]);
    assert_eq!(sends_of(&double, "ann"), sent_up_to(1));
    ask_of(&service, "ann", "skip", POISON).await.problem(409);
    stored.wait_until_done().await;
    assert_eq!(seen(&service).await["deadLetters"], 0);
    // What comes is sent as it was before.
    service.post(&sample::event("ann", "last")).await.expect(202);
    let outcomes = stored.wait_for("default", 9).await;
    assert_eq!(ids_in(&outcomes, "ann", "processed").last().map(|id| &**id), Some("last"));
    assert_eq!(repeated(&double.log()), [].into());
}

async fn a_user_who_is_released_goes_on_and_the_dead_letter_stays(home: Home) {
    let double = start_double(&Switch::on()).await;
    let (service, stored) = start_held(&home, &double).await;

    ask_of(&service, "ann", "release", POISON).await.expect(200);

    wait_for_ann(&stored).await;
    assert_eq!(ids_in(&stored.outcomes("default").await, "ann", "failed"), [POISON]);
    assert_eq!(sends_of(&double, "ann"), sent_up_to(1));
    ask_of(&service, "ann", "release", POISON).await.problem(409);
    assert_eq!(letter(&service).await["eventId"], POISON);
    wait_until_nobody_is_stuck(&service).await;
    stored.wait_until_done().await;
}

async fn a_user_goes_on_when_the_dead_letter_is_dropped(home: Home) {
    let double = start_double(&Switch::on()).await;
    let (service, stored) = start_held(&home, &double).await;
    let letter = letter(&service).await;
    assert_eq!((&letter["userId"], &letter["eventId"]), (&json!("ann"), &json!(POISON)));
    let id = letter["id"].as_str().expect("an id");

    drop_letter(&service, id).await.expect(200);

    wait_for_ann(&stored).await;
    assert_eq!(ids_in(&stored.outcomes("default").await, "ann", "skipped"), [POISON]);
    assert_eq!(sends_of(&double, "ann"), sent_up_to(1));
    drop_letter(&service, id).await.problem(409);
    wait_until_nobody_is_stuck(&service).await;
}

/// What was read behind the first is not in memory any more behind the second.
async fn a_user_who_is_held_at_two_events_in_a_row_goes_on_with_all_that_is_behind_them(
    home: Home,
) {
    const POISONS: [&str; 2] = ["e-1", "e-2"];
    let double = Double::start(|asked| {
        let is_refused = POISONS.contains(&asked.event_id()) && asked.user() == "ann";
        async move { if is_refused { status(422) } else { taken() } }
    })
    .await;
    let service = start(&home, &double.url, &HOLD).await;
    service.post(&sample::events("bob", "e", 0..3)).await.expect(202);
    let stored = Stored::of(&home).await;
    stored.wait_for("default", 3).await;
    service.post(&sample::events("ann", "e", 0..8)).await.expect(202);

    for poison in POISONS {
        wait_until_stuck(&service, "ann", poison, "held").await;
        ask_of(&service, "ann", "release", poison).await.expect(200);
    }

    stored.wait_for("default", 11).await;
    assert_eq!(sends_of(&double, "ann"), sample::ids("e", 0..8));
    stored.wait_until_done().await;
}

#[tokio::test]
async fn a_dead_letter_that_is_sent_again_lets_its_user_go_on_in_order() {
    let (home, is_poison) = (Home::embedded(), Switch::on());
    let double = start_double(&is_poison).await;
    let (service, stored) = start_held(&home, &double).await;
    let letter = letter(&service).await;
    let id = letter["id"].as_str().expect("an id");
    is_poison.turn(false);

    ask(&service, &format!("dead-letters/{id}/retry"), json!({})).await.expect(200);

    wait_for_ann(&stored).await;
    assert_eq!(sends_of(&double, "ann"), sent_up_to(2));
    ask(&service, &format!("dead-letters/{id}/retry"), json!({})).await.problem(409);
}

#[tokio::test]
async fn what_is_asked_about_another_event_than_the_head_is_409_and_changes_nothing() {
    let home = Home::embedded();
    let double = start_double(&Switch::on()).await;
    let (service, stored) = start_held(&home, &double).await;
    for (user, event) in
        [("ann", "e-0"), ("ann", "e-3"), ("ann", "nobody-sent-it"), ("bob", "e-2"), ("eve", "e-2")]
    {
        for what in ["retry", "skip", "release"] {
            ask_of(&service, user, what, event).await.problem(409);
        }
    }
    for what in ["retry", "skip", "release"] {
        let path = format!("users/ann/{what}");
        let fault = ask(&service, &path, json!({})).await.only_fault();
        assert_eq!(fault.field, "eventId");
    }
    assert_eq!(stuck(&service).await.len(), 1);
    assert_eq!(sends_of(&double, "ann"), sample::ids("e", 0..3));
    assert_eq!(stored.outcomes("default").await.len(), 6);
    let other = "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88";
    drop_letter(&service, other).await.problem(409);
    drop_letter(&service, "no-id").await.problem(404);
}

/// A command that was stored is carried out by whoever comes next, once.
#[tokio::test]
async fn a_retry_that_a_crash_interrupts_is_carried_out_once() {
    for ms in [0, 5, 20, 60, 150] {
        let (home, is_poison) = (Home::embedded(), Switch::on());
        let double = start_double(&is_poison).await;
        let (service, stored) = start_held(&home, &double).await;
        is_poison.turn(false);
        let retry = service.request(reqwest::Method::POST, "/processors/default/users/ann/retry");
        let retry = retry.bearer_auth(service.admin().await).json(&json!({ "eventId": POISON }));
        let asked = tokio::spawn(retry.send());
        tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
        service.crash().await;
        let _ = asked.await;

        let service = start(&home, &double.url, &HOLD).await;
        // Where it was not stored, or was carried out before.
        let answer = ask_of(&service, "ann", "retry", POISON).await;
        assert!(matches!(answer.status, 200 | 409), "{}", answer.text());

        wait_for_ann(&stored).await;
        stored.wait_until_done().await;
        let outcomes = stored.outcomes("default").await;
        let outcome = outcomes.iter().find(|one| one.user == "ann" && one.event_id == POISON);
        assert_eq!(outcome.map(|one| (one.run, &*one.state)), Some((1, "processed")), "{ms}");
        // In flight at the crash it is sent again, with the same id.
        let asked = double.asked();
        let of_it = asked.iter().filter(|one| one.user() == "ann" && one.event_id() == POISON);
        let runs: Vec<u32> = of_it.map(run_of).collect();
        assert!(matches!(runs[..], [1, 2] | [1, 2, 2]), "{ms}: {runs:?}");
    }
}

/// Of a head that fails and rests for long, the next attempt is a person's to bring about.
#[tokio::test]
async fn a_head_that_rests_is_sent_at_once_or_skipped_when_somebody_says_so() {
    let (home, fails) = (Home::embedded(), Switch::on());
    let failing = fails.clone();
    let double = Double::start(move |asked| {
        let fails = failing.is_on() && asked.event_id() == POISON;
        async move { if fails { status(500) } else { taken() } }
    })
    .await;
    let hour = [
        ("PROCESSORS_DEFAULT_BACKOFF_MIN_MS", "3600000"),
        ("PROCESSORS_DEFAULT_BACKOFF_MAX_MS", "3600000"),
    ];
    let service = start(&home, &double.url, &hour).await;
    let stored = Stored::of(&home).await;
    for user in ["ann", "ben"] {
        service.post(&sample::events(user, "e", 0..5)).await.expect(202);
        let told = wait_until_stuck(&service, user, POISON, "retrying").await;
        assert!(told["nextTryAt"].is_string(), "{told}");
        assert_eq!(told["waiting"], 2, "{told}");
    }
    ask_of(&service, "ann", "release", POISON).await.problem(409);
    ask_of(&service, "ann", "retry", "e-3").await.problem(409);
    fails.turn(false);

    ask_of(&service, "ann", "retry", POISON).await.expect(200);
    wait_for_ann(&stored).await;
    ask_of(&service, "ben", "skip", POISON).await.expect(200);
    let outcomes = stored.wait_for("default", 10).await;

    assert_eq!(sends_of(&double, "ann"), sent_up_to(2));
    // The same run: nothing was given up.
    let asked = double.asked();
    assert!(asked.iter().all(|asked| run_of(asked) == 1));
    assert_eq!(ids_in(&outcomes, "ben", "skipped"), [POISON]);
    assert_eq!(sends_of(&double, "ben"), sent_up_to(1));
    wait_until_nobody_is_stuck(&service).await;
}
