//! How many streams there may be, and readers that do not read.

use std::time::{Duration, Instant};

use serde_json::json;

use super::next_ids;
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::raw::RawConnection;
use crate::sample::event;
use crate::service::Service;

on_both_stores!(
    the_65th_stream_is_refused_until_one_ends,
    a_reader_that_stops_reading_holds_up_nobody_and_is_cut_off,
);

const MEBIBYTE: u64 = 1 << 20;

async fn open(service: &Service) -> u64 {
    service.stats().await["streams"].as_u64().expect("a number")
}

async fn the_65th_stream_is_refused_until_one_ends(home: Home) {
    let service = Service::start(&home).await;
    let mut streams = Vec::new();
    for number in 0..64 {
        let path = if number % 2 == 0 { "/live" } else { "/users/ann/live" };
        streams.push(service.watch(path).await);
    }
    assert_eq!(open(&service).await, 64);
    let metrics = service.get("/metrics").await.expect(200).text();
    assert!(metrics.contains("trailkeep_streams 64"), "{metrics}");
    for path in ["/live", "/users/ann/live"] {
        let refused = service.send(service.watching(path)).await;
        assert_eq!(refused.problem(503)["type"], "urn:trailkeep:problem:too-many-streams");
        assert!(!refused.header("retry-after").is_empty());
    }
    // What is no stream goes on.
    service.post(&event("ann", "1")).await.expect(202);
    for stream in &mut streams {
        assert_eq!(next_ids(stream, 1).await, ["1"]);
    }
    drop(streams.pop());
    eventually("its place is free", SOON, || async { (open(&service).await == 63).then_some(()) })
        .await;
    streams.push(service.watch("/users/ann/live").await);
}

#[tokio::test]
async fn streams_can_be_switched_off() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[("LIVE_MAX_STREAMS", "0")]).await;
    for path in ["/live", "/users/ann/live"] {
        let refused = service.send(service.watching(path)).await;
        assert_eq!(refused.problem(503)["type"], "urn:trailkeep:problem:too-many-streams");
    }
}

#[tokio::test]
async fn what_cannot_be_watched_is_named() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let long = format!("/users/{}/live", "a".repeat(257));
    for (path, field) in
        [(&*long, "userId"), ("/users/ann/live?type=x", "type"), ("/live?a=b", "a")]
    {
        assert_eq!(service.get(path).await.only_fault().field, field);
    }
    assert_eq!(open(&service).await, 0);
}

/// A stream of everything of a user, of which nothing is read.
async fn unread(service: &Service) -> RawConnection {
    let mut connection = RawConnection::open(service).await;
    let token = service.admin().await;
    let head =
        format!("GET /users/ann/live HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n");
    assert!(connection.send(head.as_bytes()).await);
    connection
}

async fn a_reader_that_stops_reading_holds_up_nobody_and_is_cut_off(home: Home) {
    let service = Service::start(&home).await;
    let mut reads = service.watch("/users/ann/live").await;
    let mut unread_streams = Vec::new();
    for _ in 0..20 {
        unread_streams.push(unread(&service).await);
    }
    eventually("all are open", SOON, || async { (open(&service).await == 21).then_some(()) }).await;
    let idle = service.memory();
    // 16 MiB, which are more than buffers hold: 8 of these have 20 KiB for each of 100.
    let text = "x".repeat(20_000);
    let batch = |number: usize| {
        let events = (0..100).map(|at| {
            let mut event = event("ann", &format!("{number}-{at}"));
            event["payload"] = json!({ "text": text });
            event
        });
        serde_json::Value::from(events.collect::<Vec<_>>())
    };
    let mut read = 0;
    for number in 0..12 {
        service.post_when_there_is_room(&batch(number)).await;
        while read < 100 * (number + 1) {
            let told = reads.next().await;
            // These are more than the store is asked for, where others may lie between.
            let is_behind = told.name == "gap" && told.data["reason"] != "elsewhere";
            assert!(!is_behind, "who reads misses nothing: {told:?}");
            read += usize::from(told.name == "message");
        }
    }
    let grown = service.grown_since(idle);
    assert!(grown < 150 * MEBIBYTE, "memory grew by {grown} bytes");
    let began = Instant::now();
    let limit = Duration::from_secs(60);
    eventually("those who do not read are cut off", limit, || async {
        (open(&service).await == 1).then_some(())
    })
    .await;
    assert!(began.elapsed() < limit);
    service.post(&event("ann", "last")).await.expect(202);
    while reads.next().await.event_id() != "last" {}
    drop(unread_streams);
}
