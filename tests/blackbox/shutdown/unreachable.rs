//! SIGTERM with a database that does not answer: what is accepted stays in the
//! journal, which makes a clean end.

use std::time::Duration;

use tokio::net::TcpStream;

use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::mongod::Mongod;
use crate::sample;
use crate::service::Service;

const SHORT_GRACE: [(&str, &str); 1] = [("SHUTDOWN_GRACE_MS", "1500")];

#[tokio::test]
async fn what_cannot_be_stored_stays_in_the_journal_and_is_stored_by_the_next_start() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &SHORT_GRACE).await;
    server.pause();
    service.post(&sample::events("u", "e", 0..733)).await.expect(202);

    let ended = service.terminate().await;

    assert_eq!(ended.code, Some(0), "{ended:?}");
    let said = ended.log.lines().any(|line| line.contains("733") && line.contains("journal"));
    assert!(said, "the log does not say how many: {}", ended.log);

    server.resume();
    let service = Service::start(&home).await;
    assert_eq!(home.stored().await, 733, "stored before it is ready");
    assert_eq!(service.export_ids("u").await, sample::ids("e", 0..733));
    assert_eq!(service.terminate().await.code, Some(0));
    let service = Service::start(&home).await;
    let events = service.stats().await["events"].take();
    assert_eq!(events["restored"], 0, "nothing comes back");
}

#[tokio::test]
async fn what_was_kept_comes_before_what_is_sent_after_the_start() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &SHORT_GRACE).await;
    server.pause();
    service.post(&sample::events("u", "a", 0..50)).await.expect(202);
    service.terminate().await;

    // As often as it takes, each time with more behind it.
    for later in 0..3 {
        let service = Service::start_unready(&home, &SHORT_GRACE).await;
        service.post(&sample::event("u", &format!("later-{later}"))).await.expect(202);
        let ended = service.terminate().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }

    server.resume();
    let service = Service::start_with(&home, &SHORT_GRACE).await;
    service.post(&sample::event("u", "last")).await.expect(202);
    let kept = service.export_ids("u").await;
    assert_eq!(kept[..50], sample::ids("a", 0..50));
    assert_eq!(kept[50..53], sample::ids("later", 0..3));
    assert_eq!(kept[53..], ["last"]);
    service.wait_until_flushed().await;
    assert_eq!(home.stored().await, 54);
}

#[tokio::test]
async fn a_database_that_comes_back_within_the_grace_makes_a_clean_end() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let settings = [
        ("SHUTDOWN_GRACE_MS", "30000"),
        ("WRITE_TIMEOUT_MS", "1000"),
        ("WRITE_BACKOFF_MAX_MS", "200"),
    ];
    let service = Service::start_with(&home, &settings).await;
    server.pause();
    service.post(&sample::events("u", "e", 0..20)).await.expect(202);
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
