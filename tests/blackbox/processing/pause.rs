//! A processor that a person has paused is sent nothing.

use serde_json::json;

use super::asks::{ask, commands, pause, resume};
use super::double::{Double, Switch, taken};
use super::log::{assert_in_order, first_requests, repeated, sent_of};
use super::stored::{Stored, ids_in};
use super::{name, post_in_turns, seen, start, wait_until};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::sample;

on_both_stores!(
    nothing_is_sent_while_it_is_paused_and_all_of_it_afterwards,
    what_is_in_flight_when_it_is_paused_is_waited_for,
);

const USERS: usize = 4;

async fn nothing_is_sent_while_it_is_paused_and_all_of_it_afterwards(home: Home) {
    let double = Double::start(|_| async { taken() }).await;
    let service = start(&home, &double.url, &[]).await;
    pause(&service).await;

    post_in_turns(&service, USERS, 10, 5).await;
    service.wait_until_flushed().await;
    assert_eq!(home.stored().await, 10 * USERS as u64, "events are accepted and stored");
    assert_eq!(service.terminate().await.code, Some(0));
    let service = start(&home, &double.url, &[]).await;
    wait_until(&service, "paused").await;
    service.crash().await;
    let service = start(&home, &double.url, &[]).await;
    wait_until(&service, "paused").await;
    for user in 0..USERS {
        service.post(&sample::events(&name(user), "e", 10..15)).await.expect(202);
    }
    eventually("the lag is told", SOON, || async {
        (seen(&service).await["lag"]["events"] == 15 * USERS).then_some(())
    })
    .await;
    service.get("/readyz").await.expect(200);
    assert!(double.asked().is_empty(), "{:?}", double.asked());

    resume(&service).await;

    let stored = Stored::of(&home).await;
    let outcomes = stored.wait_for("default", 15 * USERS).await;
    let log = double.log();
    assert_in_order(&log);
    assert_eq!(repeated(&log), [].into());
    for (user, sent) in first_requests(&log) {
        assert_eq!(sent, sample::ids("e", 0..15), "{user}");
        assert_eq!(ids_in(&outcomes, &user, "processed"), sent, "{user}");
    }
    wait_until(&service, "running").await;
    ask(&service, "resume", json!({})).await.problem(409);
    stored.wait_until_done().await;
}

async fn what_is_in_flight_when_it_is_paused_is_waited_for(home: Home) {
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
    service.post(&sample::events("ann", "e", 0..3)).await.expect(202);
    eventually("the first is in flight", SOON, || async {
        (!double.asked().is_empty()).then_some(())
    })
    .await;
    pause(&service).await;
    is_at_work.turn(false);

    let stored = Stored::of(&home).await;
    let outcomes = stored.wait_for("default", 1).await;
    assert_eq!(ids_in(&outcomes, "ann", "processed"), ["e-0"]);
    // What follows has been asked for since.
    service.post(&sample::event("bob", "e")).await.expect(202);
    eventually("the lag is told", SOON, || async {
        (seen(&service).await["lag"]["events"] == 3).then_some(())
    })
    .await;
    assert_eq!(sent_of(&double.log(), "ann"), ["e-0"]);
    assert_eq!(double.asked().len(), 1);
    resume(&service).await;
    stored.wait_for("default", 4).await;
    assert_eq!(repeated(&double.log()), [].into());
}

/// However often it is said, it is paused once: so no number of them keeps anybody from
/// resuming.
#[tokio::test]
async fn a_pause_that_is_asked_for_again_is_the_same_one() {
    let home = Home::embedded();
    let double = Double::start(|_| async { taken() }).await;
    let service = start(&home, &double.url, &[]).await;
    ask(&service, "resume", json!({})).await.problem(409);
    pause(&service).await;
    let first = ask(&service, "pause", json!({})).await.expect(202).json();
    for _ in 0..120 {
        let again = ask(&service, "pause", json!({})).await.expect(202).json();
        assert_eq!(again["commandId"], first["commandId"]);
    }
    let open = |one: &serde_json::Value| one["state"] == "open";
    assert_eq!(commands(&service).await.iter().filter(|one| open(one)).count(), 1);

    resume(&service).await;

    wait_until(&service, "running").await;
    assert!(!commands(&service).await.iter().any(open));
    service.post(&sample::event("ann", "e")).await.expect(202);
    Stored::of(&home).await.wait_for("default", 1).await;
}
