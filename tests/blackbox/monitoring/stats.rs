//! GET /stats.

use std::time::Duration;

use serde_json::json;

use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::mongod::Mongod;
use crate::sample;
use crate::service::Service;

on_both_stores!(counters_follow_the_events);

#[tokio::test]
async fn the_buffer_is_told_exactly() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[("WRITE_MAX_WAIT_MS", "60000")]).await;
    for (batch, size, utilization) in [("a", 0, 0.0), ("b", 123, 24.6), ("c", 250, 50.0)] {
        let before = service.buffered().await as usize;
        if size > 0 {
            let events = sample::events("u", batch, before..size);
            service.post(&events).await.expect(202);
        }
        let stats = service.stats().await;
        assert_eq!(stats["bufferSize"], size);
        assert_eq!(stats["isFlushingInProgress"], false);
        assert_eq!(stats["maxBufferSize"], 500);
        assert_eq!(stats["emergencyThreshold"], 5000);
        let told = stats["bufferUtilization"].as_f64().expect("a number");
        assert!((told - utilization).abs() < 1e-9, "{told}");
    }
}

#[tokio::test]
async fn what_is_on_its_way_to_the_database_still_counts() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start(&home).await;
    server.pause();
    for start in [0, 1000] {
        let events = sample::events("u", "e", start..start + 1000);
        service.post(&events).await.expect(202);
    }
    let stats = eventually("a flush is under way", SOON, || async {
        let stats = service.stats().await;
        (stats["isFlushingInProgress"] == true).then_some(stats)
    })
    .await;
    assert_eq!(stats["bufferSize"], 2000);
    assert_eq!(stats["bufferUtilization"], 400.0);
    server.resume();
}

async fn counters_follow_the_events(home: Home) {
    let service = Service::start(&home).await;
    service.post(&sample::events("u", "e", 0..30)).await.expect(202);
    service.wait_until_flushed().await;
    service.post(&sample::events("u", "e", 20..35)).await.expect(202);
    service.wait_until_flushed().await;
    service.post(&json!([])).await.expect(400);

    let stats = service.stats().await;

    let expected = json!({
        "accepted": 45, "restored": 0, "stored": 35, "duplicate": 10, "deadLettered": 0,
        "erased": 0, "blocked": 0, "unreadable": 0,
    });
    assert_eq!(stats["events"], expected);
    assert_eq!(stats["refused"]["invalid"], 1);
    assert!(stats["flushes"]["count"].as_u64() >= Some(2));
    assert_eq!(stats["flushes"]["failed"], 0);
    assert!(stats["flushes"]["lastSuccessAt"].is_string());
    assert!(stats["flushes"]["lastError"].is_null());
    assert!(stats["journal"]["segments"].as_u64() >= Some(1), "{stats}");
    let segment = crate::journal::USUAL_SEGMENT;
    assert!(stats["journal"]["bytes"].as_u64() >= Some(segment), "{stats}");
    assert!(stats["disk"].as_u64() > Some(0), "{stats}");
    for percentiles in ["latencyMs", "batchSize"] {
        for percentile in ["p50", "p95", "p99"] {
            assert!(stats["flushes"][percentiles][percentile].is_number());
        }
    }
}

#[tokio::test]
async fn failed_flushes_and_the_oldest_event_are_told() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let settings = [("WRITE_TIMEOUT_MS", "300"), ("WRITE_MAX_WAIT_MS", "10")];
    let service = Service::start_with(&home, &settings).await;
    server.pause();
    service.post(&sample::event("u", "e")).await.expect(202);

    let stats = eventually("a flush has failed", SOON, || async {
        let stats = service.stats().await;
        (stats["flushes"]["failed"].as_u64() >= Some(1)).then_some(stats)
    })
    .await;

    assert!(stats["flushes"]["lastError"]["message"].is_string());
    assert!(stats["flushes"]["lastError"]["at"].is_string());
    let age = stats["oldestEventAgeMs"].as_u64().expect("an age");
    assert!((300..Duration::from_secs(30).as_millis() as u64).contains(&age));
    server.resume();
    service.wait_until_flushed().await;
    assert!(service.stats().await["oldestEventAgeMs"].is_null());
}
