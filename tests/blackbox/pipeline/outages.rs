//! A database that is away, for a while.

use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::load::{Load, assert_kept};
use crate::mongod::{Mongod, ReplicaSet};
use crate::sample;
use crate::service::Service;

/// Tries that fail soon, so that the tests need not wait for the defaults.
const IMPATIENT: [(&str, &str); 3] = [
    ("WRITE_TIMEOUT_MS", "2000"),
    ("WRITE_BACKOFF_MAX_MS", "500"),
    ("HEALTH_CHECK_INTERVAL_MS", "100"),
];

#[tokio::test]
async fn a_service_whose_database_is_down_at_start_waits_for_it() {
    let server = Mongod::not_yet_started();
    let home = Home::on(&server);
    let service = Service::start_unready(&home, &IMPATIENT).await;
    service.get("/livez").await.expect(200);
    service.get("/readyz").await.expect(503);

    server.restart();
    service.wait_until_ready().await;

    service.post(&sample::event("u", "e")).await.expect(202);
    service.wait_until_flushed().await;
    assert_eq!(home.stored().await, 1);
}

#[tokio::test]
async fn events_that_come_before_the_database_are_kept_for_it() {
    let server = Mongod::start();
    let home = Home::on(&server);
    // It has to have known once whether there are write keys.
    Service::start_with(&home, &IMPATIENT).await.terminate().await;
    server.kill();
    let service = Service::start_unready(&home, &IMPATIENT).await;
    service.post(&sample::events("u", "e", 0..10)).await.expect(202);

    server.restart();
    service.wait_until_flushed().await;

    assert_eq!(home.stored().await, 10);
    assert_eq!(service.export_ids("u").await, sample::ids("e", 0..10));
}

#[tokio::test]
async fn a_database_killed_under_load_loses_nothing_accepted() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &IMPATIENT).await;
    let load = Load::start(&service, 4);
    for _ in 0..2 {
        load.wait_for_more(1000).await;
        server.kill();
        load.wait_for_more(300).await;
        server.restart();
    }
    load.wait_for_more(1000).await;
    let accepted = load.stop().await;

    service.wait_until_flushed().await;
    assert_kept(&service, &accepted).await;
    let events = service.stats().await["events"].take();
    assert_eq!(events["stored"], home.stored().await);
    assert_eq!(events["duplicate"], 0);
}

#[tokio::test]
async fn a_primary_killed_under_load_loses_nothing_accepted() {
    let set = ReplicaSet::start(3).await;
    let home = Home::at(set.uri("failover"));
    let service = Service::start_with(&home, &IMPATIENT).await;
    let load = Load::start(&service, 4);
    load.wait_for_more(500).await;
    let primary = set.primary().await;
    primary.kill();
    load.wait_for_more(500).await;

    set.primary().await;
    let accepted = load.stop().await;
    service.wait_until_flushed().await;

    assert_kept(&service, &accepted).await;
    let events = service.stats().await["events"].take();
    assert_eq!(events["stored"], home.stored().await);
    primary.restart();
}

#[tokio::test]
async fn a_journey_without_its_database_is_503_with_retry_after() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let settings = [("STORE_READ_TIMEOUT_MS", "500")];
    let service = Service::start_with(&home, &settings).await;
    server.pause();

    let answer = service.get("/users/u/journey").await;

    let problem = answer.problem(503).to_string();
    assert!(!answer.header("retry-after").is_empty());
    for internal in ["127.0.0.1", "mongodb", "os error"] {
        assert!(!problem.contains(internal), "{problem}");
    }
    server.resume();
    eventually("journeys are back", SOON, || async {
        (service.get("/users/u/journey").await.status == 200).then_some(())
    })
    .await;
}
