//! Room is taken for a whole batch, or the batch is refused.

use serde_json::json;

use crate::home::Home;
use crate::mongod::Mongod;
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
        ("BUFFER_MAX_EVENTS", "100"),
        ("EVENTS_MAX_PER_REQUEST", "100"),
        ("FLUSH_MAX_EVENTS", "100"),
        ("FLUSH_MAX_WAIT_MS", "60000"),
    ];
    let service = Service::start_with(&home, &settings).await;
    service
        .post(&sample::events("u", "a", 0..90))
        .await
        .expect(202);

    let answer = service.post(&sample::events("u", "b", 0..11)).await;

    answer.problem(503);
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(service.buffered().await, 90);
    service
        .post(&sample::events("u", "c", 0..10))
        .await
        .expect(202);
    let kept = service.journey_ids("u", "?order=asc&limit=1000").await;
    assert_eq!(kept[90..], sample::ids("c", 0..10));
}

#[tokio::test]
async fn room_is_counted_in_bytes_too() {
    let home = Home::embedded();
    let settings = [
        ("BUFFER_MAX_BYTES", "1000000"),
        ("HTTP_MAX_BODY_BYTES", "1000000"),
        ("FLUSH_MAX_WAIT_MS", "60000"),
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
    assert!(
        accepted > 25,
        "only {accepted} events of 30 KB fit into 1 MB"
    );
    service.post(&large(accepted)).await.problem(503);
}

#[tokio::test]
async fn an_event_sent_again_takes_no_further_room() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[("FLUSH_MAX_WAIT_MS", "60000")]).await;
    for _ in 0..5 {
        service
            .post(&sample::events("u", "e", 0..10))
            .await
            .expect(202);
    }
    assert_eq!(service.journey_ids("u", "").await.len(), 10);
}
