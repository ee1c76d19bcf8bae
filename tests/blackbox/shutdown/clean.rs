//! SIGTERM with a database that answers.

use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::load::{Load, assert_kept};
use crate::raw::RawConnection;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    sigterm_under_load_loses_nothing_accepted,
    a_partial_batch_is_flushed_at_once,
    a_request_whose_last_byte_comes_after_sigterm_is_answered_and_stored,
);

async fn sigterm_under_load_loses_nothing_accepted(home: Home) {
    let service = Service::start(&home).await;
    let load = Load::start(&service, 8);
    load.wait_for_more(1500).await;

    let ended = service.terminate().await;

    let accepted = load.stop().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    let service = Service::start(&home).await;
    assert_eq!(service.buffered().await, 0, "all was stored before the end");
    assert_kept(&service, &accepted).await;
}

async fn a_partial_batch_is_flushed_at_once(home: Home) {
    let service = Service::start_with(&home, &[("WRITE_MAX_WAIT_MS", "60000")]).await;
    service.post(&sample::events("u", "e", 0..37)).await.expect(202);
    let before = Instant::now();

    let ended = service.terminate().await;

    assert!(before.elapsed() < Duration::from_secs(8));
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    let flushed = ended
        .log
        .lines()
        .find(|line| line.contains("Buffer flushed successfully"))
        .unwrap_or_else(|| panic!("no word of the flush in: {}", ended.log));
    assert!(flushed.contains("37"), "{flushed}");
    assert_eq!(home.stored().await, 37);
}

async fn a_request_whose_last_byte_comes_after_sigterm_is_answered_and_stored(home: Home) {
    let service = Service::start(&home).await;
    let body = sample::event("u", "e").to_string();
    let request = format!(
        "POST /events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (most, last) = request.as_bytes().split_at(request.len() - 1);
    let mut connection = RawConnection::open(&service).await;
    assert!(connection.send(most).await);
    // Whoever is answered after those bytes knows that they have arrived.
    service.get("/livez").await.expect(200);

    service.signal("TERM");
    wait_until_nobody_is_let_in(&service).await;
    assert!(connection.send(last).await);

    let answer = connection.answer(SOON).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    let ended = service.wait(SOON).await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert_eq!(home.stored().await, 1);
}

async fn wait_until_nobody_is_let_in(service: &Service) {
    let address = service.address();
    eventually("new connections are refused", SOON, || async move {
        TcpStream::connect(address).await.is_err().then_some(())
    })
    .await;
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_end() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let _silent = RawConnection::open(&service).await;
    let mut used = RawConnection::open(&service).await;
    used.send(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(used.answer(SOON).await.is_some());
    let before = Instant::now();

    assert_eq!(service.terminate().await.code, Some(0));

    assert!(before.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_request_that_never_ends_holds_up_the_end_for_its_grace_only() {
    let home = Home::embedded();
    let settings = [("SHUTDOWN_GRACE_MS", "1500")];
    let service = Service::start_with(&home, &settings).await;
    service.post(&sample::event("u", "e")).await.expect(202);
    let mut connection = RawConnection::open(&service).await;
    let head = b"POST /events HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\
                 content-type: application/json\r\n\r\n{";
    assert!(connection.send(head).await);
    service.get("/livez").await.expect(200);
    let before = Instant::now();

    let ended = service.terminate().await;

    assert!(before.elapsed() < Duration::from_secs(8));
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert_eq!(home.stored().await, 1);
}

#[tokio::test]
async fn sigint_ends_as_sigterm_does() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[("WRITE_MAX_WAIT_MS", "60000")]).await;
    service.post(&sample::event("u", "e")).await.expect(202);
    service.signal("INT");
    assert_eq!(service.wait(SOON).await.code, Some(0));
    assert_eq!(home.stored().await, 1);
}
