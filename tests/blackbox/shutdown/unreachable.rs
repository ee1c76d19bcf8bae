//! SIGTERM with a database that does not answer, and no journal.

use std::time::Duration;

use tokio::net::TcpStream;

use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::mongod::Mongod;
use crate::sample;
use crate::service::Service;

const SHORT_GRACE: [(&str, &str); 3] = [
    ("JOURNAL", "off"),
    ("SHUTDOWN_GRACE_MS", "1500"),
    ("SHUTDOWN_REQUEST_GRACE_MS", "500"),
];

#[tokio::test]
async fn what_cannot_be_stored_is_put_by_and_taken_in_at_the_next_start() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &SHORT_GRACE).await;
    let before = home.files();
    server.pause();
    service
        .post(&sample::events("u", "e", 0..733))
        .await
        .expect(202);

    let ended = service.terminate().await;

    assert!(!matches!(ended.code, Some(0) | None), "{ended:?}");
    let said = ended.log.lines().any(|line| line.contains("733"));
    assert!(said, "the log does not say how many: {}", ended.log);
    let put_by: Vec<_> = home.files().difference(&before).cloned().collect();
    assert!(!put_by.is_empty(), "no file was left in the data folder");

    server.resume();
    let service = Service::start(&home).await;
    service.wait_until_flushed().await;
    assert_eq!(service.export_ids("u").await, sample::ids("e", 0..733));
    assert_eq!(home.stored().await, 733);
    eventually("the file is gone", SOON, || {
        let gone = put_by.iter().all(|file| !file.exists());
        std::future::ready(gone.then_some(()))
    })
    .await;
    assert_eq!(service.terminate().await.code, Some(0));
}

#[tokio::test]
async fn what_was_put_by_comes_before_what_is_sent_after_the_start() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &SHORT_GRACE).await;
    server.pause();
    service
        .post(&sample::events("u", "a", 0..50))
        .await
        .expect(202);
    service.terminate().await;

    // Taken in, and put by again, as often as it takes.
    let service = Service::start_unready(&home, &SHORT_GRACE).await;
    let ids = sample::ids("a", 0..50);
    // Without its database the service knows nobody who could ask it.
    eventually("the events are taken in", SOON, || {
        let told = service.log().contains("\"events\":50");
        std::future::ready(told.then_some(()))
    })
    .await;
    let ended = service.terminate().await;
    assert!(!matches!(ended.code, Some(0) | None), "{ended:?}");

    server.resume();
    let service = Service::start_with(&home, &SHORT_GRACE).await;
    service.post(&sample::event("u", "later")).await.expect(202);
    let kept = service.export_ids("u").await;
    assert_eq!(kept[..50], ids);
    assert_eq!(kept[50..], ["later"]);
    service.wait_until_flushed().await;
    assert_eq!(home.stored().await, 51);
}

#[tokio::test]
async fn a_database_that_comes_back_within_the_grace_makes_a_clean_end() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let settings = [
        ("SHUTDOWN_GRACE_MS", "30000"),
        ("FLUSH_TIMEOUT_MS", "1000"),
        ("FLUSH_BACKOFF_MAX_MS", "200"),
    ];
    let service = Service::start_with(&home, &settings).await;
    server.pause();
    service
        .post(&sample::events("u", "e", 0..20))
        .await
        .expect(202);
    service.signal("TERM");
    wait_until_draining(&service).await;

    server.resume();

    let ended = service.wait(Duration::from_secs(30)).await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert_eq!(home.stored().await, 20);
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &[("SHUTDOWN_GRACE_MS", "60000")]).await;
    server.pause();
    service.post(&sample::event("u", "e")).await.expect(202);
    service.signal("TERM");
    wait_until_draining(&service).await;

    // One that follows within half a second is taken for the first once more.
    let running = &service;
    eventually("a later signal is heard", SOON, || async move {
        running.signal("TERM");
        running.log().contains("ended at once").then_some(())
    })
    .await;

    let ended = service.wait(Duration::from_secs(5)).await;
    assert_eq!(ended.code, Some(6), "{}", ended.log);
}

async fn wait_until_draining(service: &Service) {
    let address = service.address();
    eventually("new connections are refused", SOON, || async move {
        TcpStream::connect(address).await.is_err().then_some(())
    })
    .await;
}
