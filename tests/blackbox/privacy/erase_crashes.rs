//! Erasures go on after any crash, and take part on every instance.

use std::time::Duration;

use rand::Rng as _;
use serde_json::json;

use super::erase::{erase, receipt, wait_until_done};
use super::marked::{self, Fate, MARKER, files, places, user};
use crate::dead_letters::rules::{Of, refuse};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::mongod::Mongod;
use crate::sample;
use crate::service::Service;

on_both_stores!(an_erasure_that_is_killed_again_and_again_is_carried_out,);

/// Rounds of a test in which something random happens; `ERASURE_ROUNDS` sets more.
fn rounds() -> usize {
    std::env::var("ERASURE_ROUNDS").map_or(1, |rounds| rounds.parse().expect("a number"))
}

async fn an_erasure_that_is_killed_again_and_again_is_carried_out(home: Home) {
    let double = marked::processor().await;
    let settings = [
        ("PROCESSOR_URL", double.url.as_str()),
        ("PROCESSORS_DEFAULT_BACKOFF_MIN_MS", "10"),
        ("PROCESSORS_DEFAULT_BACKOFF_MAX_MS", "50"),
    ];
    // Where there may be two instances, one is down meanwhile, and back afterwards.
    let elsewhere = home.mongodb_uri().map(|_| home.on_another_machine());
    for round in 0..rounds() {
        let mut service = Service::start_with(&home, &settings).await;
        if round == 0 {
            refuse(&home, Of::Events).await;
        }
        let numbers = |from: usize, many: usize| {
            let from = 10_000 * round + from;
            let events = (from..from + many).map(|n| marked::event(&user(), n, Fate::Stored));
            json!(events.collect::<Vec<_>>())
        };
        service.post_when_there_is_room(&numbers(0, 700)).await;
        service.post(&marked::events()).await.expect(202);
        service.post(&sample::events("ben", &format!("e{round}"), 0..5)).await.expect(202);
        if let Some(elsewhere) = &elsewhere {
            let other = Service::start_with(elsewhere, &settings).await;
            other.post_when_there_is_room(&numbers(1_000, 300)).await;
            other.crash().await;
        }
        let asked = erase(&service, &user(), json!({})).await;
        for _ in 0..5 {
            let pause = rand::rng().random_range(0..600);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            service.crash().await;
            service = Service::start_unready(&home, &settings).await;
        }
        service.wait_until_ready().await;
        service.admin().await;
        let other = match &elsewhere {
            Some(elsewhere) => Some(Service::start_with(elsewhere, &settings).await),
            None => None,
        };
        let receipt = wait_until_done(&service, &asked).await;

        let mut left = places(&home).await;
        left.extend(elsewhere.iter().flat_map(files));
        assert!(left.is_empty(), "round {round}: {left:#?}\n{receipt:#}\n{}", service.log());
        let of_ben = service.journey("ben", "?limit=1000").await;
        assert_eq!(of_ben["count"], 5 * (round + 1));
        service.terminate().await;
        if let Some(other) = other {
            other.terminate().await;
        }
    }
}

/// What an instance has accepted that was away meanwhile does not come back with it.
#[tokio::test]
async fn an_erasure_waits_for_an_instance_that_is_away_and_nothing_comes_back_with_it() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let elsewhere = home.on_another_machine();
    let first = Service::start(&home).await;
    let second = Service::start(&elsewhere).await;
    first.post(&marked::events()).await.expect(202);
    first.wait_until_flushed().await;
    // What this one accepts stays in its journal.
    server.pause();
    let more: Vec<_> =
        (200..230).map(|number| marked::event(&user(), number, Fate::Stored)).collect();
    second.post(&json!(more)).await.expect(202);
    second.post(&sample::event("ben", "late")).await.expect(202);
    second.crash().await;
    server.resume();
    assert!(!files(&elsewhere).is_empty());

    let asked = eventually("the user is being erased", SOON, || async {
        let request = first.request(reqwest::Method::DELETE, &format!("/users/{}", user()));
        let answer = first.send(request.json(&json!({ "confirm": user() }))).await;
        (answer.status == 202).then(|| answer.json())
    })
    .await;
    eventually("this instance has done its part", 3 * SOON, || async {
        let receipt = receipt(&first, &asked).await;
        assert_eq!(receipt["state"], "running", "{receipt:#}");
        let instances = receipt["instances"].as_array().expect("instances");
        let done = instances.iter().filter(|instance| instance["state"] == "done").count();
        (done == 1 && instances.len() == 2).then_some(())
    })
    .await;
    assert_eq!(first.journey(&user(), "").await["count"], 0);
    assert_eq!(files(&home), Vec::<String>::new());

    let second = Service::start(&elsewhere).await;

    let receipt = wait_until_done(&first, &asked).await;
    second.wait_until_flushed().await;
    let left = [places(&home).await, places(&elsewhere).await].concat();
    assert!(left.is_empty(), "{left:#?}\n{receipt:#}\n{}", second.log());
    assert_eq!(super::erase::deleted(&receipt, "backlog"), 30, "{receipt:#}");
    assert_eq!(first.journey_ids("ben", "").await, ["late"]);
    assert!(!second.log().contains(MARKER), "{}", second.log());
}

#[tokio::test]
async fn an_erasure_goes_on_after_the_database_was_lost_in_the_middle() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start(&home).await;
    for first in (0..10_000).step_by(500) {
        let numbers = first..first + 500;
        let events = numbers.map(|number| marked::event(&user(), number, Fate::Stored));
        service.post_when_there_is_room(&events.collect()).await;
    }
    service.post(&sample::event("ben", "e")).await.expect(202);
    service.wait_until_flushed().await;

    let asked = erase(&service, &user(), json!({})).await;
    eventually("some are gone, and others are not", SOON, || async {
        let gone = super::erase::deleted(&receipt(&service, &asked).await, "events");
        (gone > 0).then(|| assert!(gone < 10_000, "it was too quick"))
    })
    .await;
    server.kill();
    service.wait_until_health_is(503).await;
    server.restart();

    let receipt = wait_until_done(&service, &asked).await;
    let left = places(&home).await;
    assert!(left.is_empty(), "{left:#?}\n{receipt:#}\n{}", service.log());
    assert_eq!(service.journey_ids("ben", "").await, ["e"]);
}
