//! Room is taken for a whole batch, or the batch is refused.

use serde_json::{Value, json};

use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::mongod::Mongod;
use crate::raw::RawConnection;
use crate::sample;
use crate::service::Service;

/// What the buffer holds by default.
const ROOM: usize = 5000;

#[tokio::test]
async fn of_6000_events_against_a_stopped_database_5000_are_accepted_and_stored_once() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start(&home).await;
    server.pause();

    let mut accepted = 0;
    for batch in 0..60 {
        let events = sample::events("u", "e", batch * 100..(batch + 1) * 100);
        let answer = service.post(&events).await;
        if answer.status == 202 {
            accepted += answer.event_ids().len();
            continue;
        }
        answer.problem(503);
        let pause: u64 = answer.header("retry-after").parse().expect("seconds");
        assert!((1..=60).contains(&pause), "{pause}");
    }
    assert_eq!(accepted, ROOM);
    assert_eq!(service.buffered().await, 5000);

    server.resume();
    service.wait_until_flushed().await;
    assert_eq!(home.stored().await, 5000);
    assert_eq!(service.export_ids("u").await, sample::ids("e", 0..ROOM));
    let events = service.stats().await["events"].take();
    assert_eq!(events["accepted"], ROOM);
    // The writes that timed out were sent again; that makes no duplicates.
    assert_eq!(events["stored"], ROOM);
    assert_eq!(events["duplicate"], 0);
}

#[tokio::test]
async fn a_batch_that_does_not_fit_is_refused_whole() {
    let home = Home::embedded();
    let settings = [
        ("BACKLOG_MAX_EVENTS", "100"),
        ("EVENTS_MAX_PER_REQUEST", "100"),
        ("WRITE_MAX_EVENTS", "100"),
        ("WRITE_MAX_WAIT_MS", "60000"),
    ];
    let service = Service::start_with(&home, &settings).await;
    service.post(&sample::events("u", "a", 0..90)).await.expect(202);

    let answer = service.post(&sample::events("u", "b", 0..11)).await;

    answer.problem(503);
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(service.buffered().await, 90);
    service.post(&sample::events("u", "c", 0..10)).await.expect(202);
    let kept = service.journey_ids("u", "?order=asc&limit=1000").await;
    assert_eq!(kept[90..], sample::ids("c", 0..10));
}

#[tokio::test]
async fn room_is_counted_in_bytes_too() {
    let home = Home::embedded();
    let settings = [
        ("BACKLOG_MAX_BYTES", "1000000"),
        ("HTTP_MAX_BODY_BYTES", "1000000"),
        ("WRITE_MAX_WAIT_MS", "60000"),
    ];
    let service = Service::start_with(&home, &settings).await;
    let large = |number: usize| {
        let mut event = sample::event("u", &format!("e-{number}"));
        event["payload"] = json!({ "filler": "x".repeat(30_000) });
        event
    };
    let mut accepted = 0;
    while service.post(&large(accepted)).await.status == 202 {
        accepted += 1;
        assert!(accepted < 40, "a buffer of 1 MB holds more than 1.2 MB");
    }
    assert!(accepted > 25, "only {accepted} events of 30 KB fit into 1 MB");
    service.post(&large(accepted)).await.problem(503);
}

/// The identity of an event is the store's to know: until it is stored, an event
/// that is sent again is held again.
#[tokio::test]
async fn an_event_sent_again_takes_room_until_it_is_known_to_be_stored_and_shows_once() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[("WRITE_MAX_WAIT_MS", "60000")]).await;
    for _ in 0..5 {
        service.post(&sample::events("u", "e", 0..10)).await.expect(202);
    }
    assert_eq!(service.buffered().await, 50);
    assert_eq!(service.journey_ids("u", "").await.len(), 10);
    make_room(&service).await;
    assert_eq!(service.buffered().await, 0);
    assert_eq!(service.stats().await["events"]["duplicate"], 40);
    assert_eq!(home.stored().await, 11);
}

/// Has all that waits written.
async fn make_room(service: &Service) {
    let path = "/events?wait=stored";
    let event = sample::event("waits", "until stored");
    service.post_to(path, &event).await.expect(200);
}

/// Room for 100 events, which are written only when somebody waits for it, or
/// when they fill a write.
const SMALL: [(&str, &str); 4] = [
    ("BACKLOG_MAX_EVENTS", "100"),
    ("EVENTS_MAX_PER_REQUEST", "100"),
    ("WRITE_MAX_EVENTS", "100"),
    ("WRITE_MAX_WAIT_MS", "60000"),
];

#[tokio::test]
async fn a_batch_waits_for_room_that_comes_soon() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &SMALL).await;
    // Each batch needs all of the room that the one before it has.
    for batch in 0..20 {
        service.post(&sample::events("u", &format!("b{batch}"), 0..100)).await.expect(202);
    }
    service.wait_until_flushed().await;
    assert_eq!(home.stored().await, 2000);
    assert_eq!(service.stats().await["refused"]["bufferFull"], 0);
}

/// Waiting would be in vain, and clients that send again soon cost less.
#[tokio::test]
async fn while_the_database_is_known_to_be_away_nobody_waits_for_room() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let settings = [&SMALL[..], &[("HEALTH_CHECK_INTERVAL_MS", "100")]].concat();
    let service = Service::start_with(&home, &settings).await;
    server.pause();
    service.wait_until_health_is(503).await;
    service.post(&sample::events("u", "e", 0..100)).await.expect(202);

    // At once is also before any body: this one never comes.
    let mut connection = RawConnection::open(&service).await;
    let head = b"POST /events HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\
                 content-type: application/json\r\n\r\n";
    assert!(connection.send(head).await);
    let answer = connection.answer(SOON).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    service.post(&sample::event("u", "more")).await.problem(503);
}

/// The lines of the log that say that.
fn lines_with(service: &Service, message: &str) -> Vec<Value> {
    let log = service.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str(line).ok());
    lines.filter(|line: &Value| line["message"] == message).collect()
}

#[tokio::test]
async fn the_log_says_that_requests_are_refused_and_not_each_of_them() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &SMALL).await;
    server.pause();
    for number in 0..101 {
        let answer = service.post(&sample::event("u", &number.to_string())).await;
        if number == 100 {
            answer.problem(503);
        }
    }
    let told = eventually("the log tells of the refusal", SOON, || async {
        lines_with(&service, "requests with events are refused").pop()
    })
    .await;
    assert_eq!(told["level"], "WARN");
    assert_eq!(told["reason"], "bufferFull");
    assert_eq!(told["refused"], 1);

    service.get("/nothing").await.problem(404);
    let answered = eventually("what comes after is logged", SOON, || async {
        let lines = lines_with(&service, "answered");
        let is_there = lines.iter().any(|line| line["path"] == "/nothing");
        is_there.then_some(lines)
    })
    .await;
    let refused = answered.iter().filter(|line| line["path"] == "/events");
    assert_eq!(refused.count(), 0, "{answered:?}");
}
