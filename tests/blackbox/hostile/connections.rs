//! Clients that stop half-way, or send a byte now and then.

use std::time::{Duration, Instant};

use super::assert_unharmed;
use crate::home::Home;
use crate::raw::RawConnection;
use crate::sample;
use crate::service::Service;

const LIMIT: Duration = Duration::from_secs(10);

async fn start_with(setting: &str, milliseconds: &str) -> (Home, Service) {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[(setting, milliseconds)]).await;
    (home, service)
}

#[tokio::test]
async fn a_chunked_body_that_stops_half_way_ends_at_the_body_timeout() {
    let (_home, service) = start_with("HTTP_RECEIVE_TIMEOUT_MS", "500").await;
    let mut connection = RawConnection::open(&service).await;
    let event = sample::event("u", "e").to_string();
    let half = format!(
        "POST /events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n{:x}\r\n{event}\r\n",
        event.len()
    );
    assert!(connection.send(half.as_bytes()).await);

    let answer = connection.answer(LIMIT).await.expect("an end");

    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_unharmed(&service).await;
}

#[tokio::test]
async fn a_body_that_ends_with_its_connection_is_not_taken() {
    let (_home, service) = start_with("HTTP_RECEIVE_TIMEOUT_MS", "500").await;
    for framing in ["content-length: 500", "transfer-encoding: chunked"] {
        let mut connection = RawConnection::open(&service).await;
        let event = sample::event("u", "e").to_string();
        let body = match framing.starts_with("transfer") {
            true => format!("{:x}\r\n{event}\r\n", event.len()),
            false => event,
        };
        let half = format!(
            "POST /events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
             {framing}\r\n\r\n{body}"
        );
        assert!(connection.send(half.as_bytes()).await);
        drop(connection);
    }
    assert_unharmed(&service).await;
    assert!(service.journey_ids("u", "").await.is_empty());
}

#[tokio::test]
async fn a_head_sent_byte_by_byte_ends_at_the_header_timeout() {
    let (_home, service) = start_with("HTTP_RECEIVE_TIMEOUT_MS", "1000").await;
    let mut connection = RawConnection::open(&service).await;
    assert!(connection.send(b"POST /events HTTP/1.1\r\nx-slow: ").await);
    let started = Instant::now();

    // The pace is the attack: always a byte before any idle time is noticed.
    while connection.answer(Duration::from_millis(100)).await.is_none() {
        assert!(started.elapsed() < LIMIT, "the slow client is still served");
        if !connection.send(b"x").await {
            break;
        }
    }

    let elapsed = started.elapsed();
    assert!(elapsed > Duration::from_millis(800), "closed after {elapsed:?}");
    assert_unharmed(&service).await;
}

#[tokio::test]
async fn what_is_not_http_is_answered_400_or_closed() {
    let (_home, service) = start_with("HTTP_RECEIVE_TIMEOUT_MS", "1000").await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET\r\n\r\n",
        b"POST /events HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST /events HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"POST /events HTTP/9.9\r\n\r\n",
    ] {
        let mut connection = RawConnection::open(&service).await;
        connection.send(bytes).await;
        let answer = connection.answer(LIMIT).await.expect("an end");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_unharmed(&service).await;
}

#[tokio::test]
async fn an_answer_before_the_whole_body_came_says_that_the_connection_closes() {
    let (_home, service) = start_with("HTTP_RECEIVE_TIMEOUT_MS", "500").await;
    let head = "POST /events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let too_much = " ".repeat(5 * 1024 * 1024);
    for (length, sent, status) in [(100_000_000, too_much.as_str(), 413), (100, "[", 408)] {
        let mut connection = RawConnection::open(&service).await;
        let request = format!("{head}content-length: {length}\r\n\r\n{sent}");
        // The service may close before it has taken all of this.
        connection.send(request.as_bytes()).await;
        let answer = connection.answer(LIMIT).await.expect("an end");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    assert_unharmed(&service).await;
}
