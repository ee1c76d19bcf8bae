//! Clients that send half of something and wait, or do not read: they keep
//! nobody out, and hold little.

use std::time::{Duration, Instant};

use reqwest::Method;

use super::{assert_unharmed, start};
use crate::eventually::eventually;
use crate::home::Home;
use crate::raw::RawConnection;
use crate::sample;
use crate::service::Service;

const MEBIBYTE: u64 = 1024 * 1024;

/// What may be left of what clients held ten seconds after they have gone.
const LEFT: u64 = 32 * MEBIBYTE;

const LIVE: Duration = Duration::from_secs(1);

/// Posts are taken, and the service says that it lives, while others hold on.
async fn assert_open(service: &Service) {
    for number in 0..10 {
        let event = sample::event("honest", &format!("e-{number}"));
        service.post(&event).await.expect(202);
        let asked = Instant::now();
        service.get("/livez").await.expect(200);
        assert!(asked.elapsed() < LIVE, "{:?}", asked.elapsed());
    }
    let padded = format!("{}{}", sample::event("honest", "large"), " ".repeat(200_000));
    service.post_as("application/json", padded).await.expect(202);
}

async fn assert_given_back(service: &Service, idle: u64) {
    let limit = Duration::from_secs(10);
    eventually("the memory of those who are gone is given back", limit, || async {
        (service.memory() < idle + LEFT).then_some(())
    })
    .await;
}

fn head(encoding: &str, length: usize) -> String {
    format!(
        "POST /events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-encoding: {encoding}\r\ncontent-length: {length}\r\n\r\n"
    )
}

/// As many clients that each send this and wait. What the service does not take
/// within a moment stays in the kernel.
async fn holders(service: &Service, count: usize, sent: &[u8]) -> Vec<RawConnection> {
    let mut connections = Vec::new();
    for _ in 0..count {
        connections.push(RawConnection::open(service).await);
    }
    let sending = connections.iter_mut().map(|connection| async {
        let _ = tokio::time::timeout(LIVE, connection.send(sent)).await;
    });
    futures_util::future::join_all(sending).await;
    connections
}

#[tokio::test]
async fn bounded_clients_that_hold_large_bodies_keep_nobody_out_and_take_no_more_than_the_budget() {
    let (_home, service) = start().await;
    assert_unharmed(&service).await;
    let idle = service.memory();
    let body = format!("{}[{}", head("identity", 4_000_000), " ".repeat(3_900_000));

    let holding = holders(&service, 60, body.as_bytes()).await;
    assert_open(&service).await;

    let grown = service.grown_since(idle);
    assert!(grown < 96 * MEBIBYTE, "memory grew by {grown} bytes");
    drop(holding);
    assert_given_back(&service, idle).await;
}

#[tokio::test]
async fn clients_that_hold_small_bodies_in_any_encoding_hold_no_decoder() {
    let (_home, service) = start().await;
    assert_unharmed(&service).await;
    let idle = service.memory();
    let starts: [(&str, &[u8]); 5] = [
        ("identity", b"["),
        ("gzip", &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]),
        ("deflate", &[0x78, 0x9c]),
        ("br", &[0x0b]),
        ("zstd", &[0x28, 0xb5, 0x2f, 0xfd, 0x80, 0x68]),
    ];
    let mut holding = Vec::new();
    for (encoding, start) in starts {
        let mut sent = head(encoding, 3000).into_bytes();
        sent.extend_from_slice(start);
        sent.resize(sent.len() + 100 - start.len(), b' ');
        holding.extend(holders(&service, 150, &sent).await);
    }

    assert_open(&service).await;

    // A decoder alone would take 40 KiB of each.
    let grown = service.grown_since(idle);
    assert!(grown < 32 * MEBIBYTE, "memory grew by {grown} bytes");
    drop(holding);
    assert_given_back(&service, idle).await;
}

#[tokio::test]
async fn half_a_head_takes_little_and_a_long_one_is_refused() {
    let (_home, service) = start().await;
    assert_unharmed(&service).await;
    let idle = service.memory();
    let half = format!("GET /livez HTTP/1.1\r\nhost: x\r\nx-long: {}", "x".repeat(15_000));
    let holding = holders(&service, 300, half.as_bytes()).await;
    assert_open(&service).await;
    let grown = service.grown_since(idle);
    assert!(grown < 32 * MEBIBYTE, "memory grew by {grown} bytes");
    drop(holding);

    for (length, status) in [(15_000, 200), (16 * 1024, 431)] {
        let mut connection = RawConnection::open(&service).await;
        let request =
            format!("GET /livez HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "x".repeat(length));
        connection.send(request.as_bytes()).await;
        let answer = connection.answer(Duration::from_secs(10)).await;
        let answer = answer.expect("an answer");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

#[tokio::test]
async fn a_body_that_comes_a_byte_a_second_delays_nobody() {
    let (_home, service) = start().await;
    let mut slow = holders(&service, 50, head("identity", 3000).as_bytes()).await;
    for _ in 0..3 {
        for connection in &mut slow {
            assert!(connection.send(b" ").await);
        }
        assert_open(&service).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

#[tokio::test]
async fn a_client_that_stops_to_read_loses_its_connection() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[("HTTP_MAX_CONNECTIONS", "4")]).await;
    let payload = serde_json::json!({ "text": "x".repeat(30_000) });
    for batch in 0..8 {
        let mut events = sample::events("u", "e", batch * 100..(batch + 1) * 100);
        for event in events.as_array_mut().unwrap() {
            event["payload"] = payload.clone();
        }
        service.post(&events).await.expect(202);
        service.wait_until_flushed().await;
    }
    let token = service.admin().await.to_owned();
    let export = format!(
        "GET /users/u/journey HTTP/1.1\r\nhost: x\r\naccept: application/x-ndjson\r\n\
         authorization: Bearer {token}\r\n\r\n"
    );
    // All connections that the service has.
    let holding = holders(&service, 4, export.as_bytes()).await;
    let began = Instant::now();

    // Answered as soon as there is a connection again.
    let request = service.request(Method::GET, "/livez");
    service.send(request).await.expect(200);

    let waited = began.elapsed();
    assert!(waited > Duration::from_secs(5), "they held no connection");
    assert!(waited < Duration::from_secs(30), "{waited:?}");
    drop(holding);
}
