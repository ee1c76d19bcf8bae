//! GET /health, /livez and /readyz, through a service's life.

use crate::answer::Answer;
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::mongod::Mongod;
use crate::raw::RawConnection;
use crate::sample;
use crate::service::Service;

on_both_stores!(health_tells_what_the_contract_names);

const WATCHFUL: [(&str, &str); 2] =
    [("HEALTH_CHECK_INTERVAL_MS", "100"), ("WRITE_TIMEOUT_MS", "1000")];

#[track_caller]
fn assert_health(answer: &Answer, database: &str) {
    let health = answer.json();
    let status = health["status"].as_str().expect("a status");
    assert!(matches!(status, "ok" | "degraded"), "{health}");
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    let time = health["timestamp"].as_str().expect("a time");
    assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
    assert!(health["uptime"].as_f64().expect("seconds") >= 0.0);
    for memory in ["rss", "heapTotal", "heapUsed"] {
        let bytes = health["memory"][memory].as_u64().expect("bytes");
        assert!(bytes > 0, "{memory} in {health}");
    }
    assert_eq!(health["database"], database);
    assert!(health["bufferSize"].is_u64());
}

async fn health_tells_what_the_contract_names(home: Home) {
    let service = Service::start_with(&home, &[("WRITE_MAX_WAIT_MS", "60000")]).await;
    service.post(&sample::events("u", "e", 0..3)).await.expect(202);
    let answer = service.get("/health").await.expect(200);
    assert_health(&answer, "connected");
    assert_eq!(answer.json()["status"], "ok");
    assert_eq!(answer.json()["bufferSize"], 3);
    let rss = answer.json()["memory"]["rss"].as_u64().expect("bytes");
    // The kernel adds up what its processors count apart: a little is lost.
    assert!(rss <= service.peak_memory() + (1 << 20), "{rss}");
}

#[tokio::test]
async fn probes_are_bare() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for path in ["/livez", "/readyz"] {
        let answer = service.get(path).await.expect(200);
        assert_eq!(answer.text().trim_end(), "ok");
    }
}

/// What is accepted in an outage is kept: a load balancer that took the service
/// out would undo that.
#[tokio::test]
async fn an_outage_is_told_by_health_and_makes_nobody_unready() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &WATCHFUL).await;
    // After a start nothing is written before it is known who is erased.
    service.post(&sample::event("u", "first")).await.expect(202);
    service.wait_until_flushed().await;
    server.pause();
    service.post(&sample::event("u", "e")).await.expect(202);

    let answer = eventually("/health tells the outage", SOON, || async {
        service.get("/readyz").await.expect(200);
        let answer = service.get("/health").await;
        (answer.status == 503).then_some(answer)
    })
    .await;
    assert_health(&answer, "disconnected");
    assert_eq!(answer.json()["status"], "degraded");
    eventually("writes fail", SOON, || async {
        service.get("/readyz").await.expect(200);
        let stats = service.stats().await;
        (stats["flushes"]["failed"].as_u64() >= Some(2)).then_some(())
    })
    .await;
    service.get("/readyz").await.expect(200);
    service.get("/livez").await.expect(200);
    service.post(&sample::event("u", "more")).await.expect(202);

    server.resume();
    let answer = eventually("/health tells the recovery", SOON, || async {
        service.get("/readyz").await.expect(200);
        let answer = service.get("/health").await;
        (answer.status == 200).then_some(answer)
    })
    .await;
    assert_health(&answer, "connected");
}

#[tokio::test]
async fn a_full_buffer_makes_unready_until_there_is_room() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let settings = [
        ("BACKLOG_MAX_EVENTS", "100"),
        ("EVENTS_MAX_PER_REQUEST", "100"),
        ("WRITE_MAX_EVENTS", "100"),
        ("WRITE_TIMEOUT_MS", "1000"),
    ];
    let service = Service::start_with(&home, &settings).await;
    server.pause();
    service.post(&sample::events("u", "e", 0..100)).await.expect(202);
    let more = sample::event("u", "more");
    service.post(&more).await.problem(503);
    eventually("/readyz tells the full buffer", SOON, || async {
        (service.get("/readyz").await.status == 503).then_some(())
    })
    .await;
    server.resume();
    service.wait_until_ready().await;
}

#[tokio::test]
async fn a_batch_that_fits_no_buffer_makes_nobody_unready() {
    let home = Home::embedded();
    let settings = [("HTTP_MAX_BODY_BYTES", "1000000"), ("BACKLOG_MAX_BYTES", "1000000")];
    let service = Service::start_with(&home, &settings).await;
    // Small numbers take several times as much room as they take in JSON.
    let numbers = vec![1; 16_000];
    let mut batch = sample::events("u", "e", 0..25);
    for event in batch.as_array_mut().unwrap() {
        event["payload"] = serde_json::json!({ "n": numbers });
    }
    let answer = service.post(&batch).await;
    assert!(matches!(answer.status, 413 | 503), "{}", answer.status);
    assert_eq!(service.buffered().await, 0);
    service.get("/readyz").await.expect(200);
}

#[tokio::test]
async fn a_draining_service_is_unready_or_lets_nobody_in() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    // A request in flight keeps the service draining.
    let mut held = RawConnection::open(&service).await;
    let head = b"POST /events HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\
                 content-type: application/json\r\n\r\n{";
    assert!(held.send(head).await);
    service.get("/readyz").await.expect(200);

    service.signal("TERM");

    let ready = || async {
        let response = service.http.get(service.url("/readyz")).send().await;
        response.is_ok_and(|response| response.status() == 200)
    };
    eventually("nobody is told to come", SOON, || async { (!ready().await).then_some(()) }).await;
    for _ in 0..10 {
        assert!(!ready().await, "ready again while draining");
    }
}
