//! With `spill.max_bytes`, an outage is bridged beyond the buffer: what is
//! accepted lies in the journal alone, and is stored in order afterwards.

use std::time::Duration;

use serde_json::Value;

use crate::eventually::eventually;
use crate::home::Home;
use crate::mongod::Mongod;
use crate::sample;
use crate::service::Service;

/// What the buffer holds by default.
const BUFFERED: usize = 5000;
const ALL: usize = 30_000;
const USERS: usize = 6;
const BATCH: usize = 100;
/// How long a drain of all that is spilled here may take on a busy machine.
const DRAINED: Duration = Duration::from_secs(60);

/// An outage lasts longer than every time limit.
const SETTINGS: [(&str, &str); 4] = [
    ("SPILL_MAX_BYTES", "1000000000"),
    ("FLUSH_TIMEOUT_MS", "1000"),
    ("FLUSH_BACKOFF_MAX_MS", "500"),
    ("HEALTH_UNREADY_AFTER_MS", "500"),
];

fn user(number: usize) -> String {
    format!("u-{}", number % USERS)
}

/// Posts batches, each of one user and in its user's order; all are accepted.
async fn accept(service: &Service, events: std::ops::Range<usize>) {
    for first in events.step_by(BATCH) {
        let batch = sample::events(&user(first / BATCH), "e", first..first + BATCH);
        service.post(&batch).await.expect(202);
    }
}

/// All of the first `events` are stored once, each user's in order.
async fn assert_stored(service: &Service, home: &Home, events: usize) {
    eventually("all is stored", DRAINED, || async {
        (home.stored().await == events as u64).then_some(())
    })
    .await;
    service.wait_until_ready().await;
    for number in 0..USERS {
        let batches = (0..events).step_by(BATCH);
        let of_user = batches.filter(|first| first / BATCH % USERS == number);
        let expected: Vec<String> = of_user
            .flat_map(|first| sample::ids("e", first..first + BATCH))
            .collect();
        assert_eq!(service.export_ids(&user(number)).await, expected);
    }
}

fn count(stats: &Value, path: &str) -> u64 {
    let value = stats.pointer(path);
    value
        .and_then(Value::as_u64)
        .unwrap_or_else(|| panic!("no {path} in {stats}"))
}

fn assert_conserved(stats: &Value) {
    let events = |name: &str| count(stats, &format!("/events/{name}"));
    let accounted = ["stored", "duplicate", "deadLettered", "unreadable"].map(events);
    assert_eq!(
        events("accepted") + events("restored"),
        accounted.iter().sum::<u64>()
            + count(stats, "/bufferSize")
            + count(stats, "/spilledEvents"),
        "{stats}"
    );
}

#[tokio::test]
async fn an_outage_is_bridged_beyond_the_buffer() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &SETTINGS).await;
    server.pause();

    accept(&service, 0..ALL).await;

    let stats = service.stats().await;
    assert_eq!(count(&stats, "/bufferSize"), BUFFERED as u64);
    assert_eq!(count(&stats, "/spilledEvents"), (ALL - BUFFERED) as u64);
    assert!(count(&stats, "/spilledBytes") > 25_000 * 50, "{stats}");
    assert_eq!(count(&stats, "/maxSpilledBytes"), 1_000_000_000);
    assert_conserved(&stats);
    let metrics = service.get("/metrics").await.expect(200).text();
    assert!(
        metrics.contains("trailkeep_spill_events 25000"),
        "{metrics}"
    );
    assert_eq!(
        service.get("/readyz").await.status,
        200,
        "it accepts, so it gets traffic"
    );
    assert_eq!(service.get("/health").await.status, 503);

    server.resume();
    assert_stored(&service, &home, ALL).await;
    let stats = service.stats().await;
    assert_eq!(count(&stats, "/events/stored"), ALL as u64);
    assert_eq!(count(&stats, "/events/duplicate"), 0);
    assert_eq!(count(&stats, "/spilledBytes"), 0);
    assert_conserved(&stats);
    let ended = service.terminate().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
}

#[tokio::test]
async fn kill_9_in_the_outage_and_in_the_drain_loses_nothing() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &SETTINGS).await;
    server.pause();
    accept(&service, 0..ALL / 2).await;
    service.crash().await;

    let service = Service::start_unready(&home, &SETTINGS).await;
    accept(&service, ALL / 2..ALL).await;
    server.resume();
    eventually("a part is stored", DRAINED, || async {
        (home.stored().await > 7000).then_some(())
    })
    .await;
    service.crash().await;

    let service = Service::start_with(&home, &SETTINGS).await;
    assert_stored(&service, &home, ALL).await;
    let stats = service.stats().await;
    assert_eq!(count(&stats, "/events/duplicate"), 0);
    assert_conserved(&stats);
}

#[tokio::test]
async fn at_the_limit_a_batch_is_answered_503_until_the_database_is_back() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let mut settings = SETTINGS;
    settings[0].1 = "500000";
    let service = Service::start_with(&home, &settings).await;
    server.pause();
    let mut accepted = 0;
    let refused = loop {
        let events = sample::events("u", "e", accepted..accepted + BATCH);
        let answer = service.post(&events).await;
        if answer.status != 202 {
            break answer;
        }
        accepted += BATCH;
        assert!(accepted < ALL, "500 kB hold more than {ALL} events");
    };
    refused.problem(503);
    assert!(!refused.header("retry-after").is_empty());
    assert!(accepted > BUFFERED + 1000, "{accepted}");
    assert!(count(&service.stats().await, "/spilledBytes") <= 500_000);
    assert_eq!(service.get("/readyz").await.expect(503).text(), "full");

    server.resume();
    service.wait_until_ready().await;
    let events = sample::events("u", "e", accepted..accepted + BATCH);
    service.post_when_there_is_room(&events).await;
    eventually("all is stored", DRAINED, || async {
        (home.stored().await == (accepted + BATCH) as u64).then_some(())
    })
    .await;
    let expected = sample::ids("e", 0..accepted + BATCH);
    assert_eq!(service.export_ids("u").await, expected);
}

#[tokio::test]
async fn what_is_spilled_is_stored_also_by_a_service_that_spills_nothing_or_has_no_journal() {
    for settings in [[("JOURNAL", "on")], [("JOURNAL", "off")]] {
        let server = Mongod::start();
        let home = Home::on(&server);
        let service = Service::start_with(&home, &SETTINGS).await;
        server.pause();
        accept(&service, 0..12_000).await;
        service.crash().await;

        let service = Service::start_unready(&home, &settings).await;
        // Nothing may overtake what is spilled.
        let event = sample::event("u-0", "later");
        service.post(&event).await.problem(503);
        let ended = {
            service.signal("TERM");
            service.wait(Duration::from_secs(30)).await
        };
        assert_eq!(ended.code, Some(0), "{}", ended.log);
        assert!(ended.log.contains("12000"), "{}", ended.log);

        server.resume();
        let service = Service::start_with(&home, &settings).await;
        assert_eq!(home.stored().await, 12_000, "stored before it is ready");
        assert_stored(&service, &home, 12_000).await;
        service.post(&event).await.expect(202);
    }
}

#[tokio::test]
async fn a_stop_keeps_what_is_spilled_and_says_how_much() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let grace = [
        ("SHUTDOWN_GRACE_MS", "1500"),
        ("SHUTDOWN_REQUEST_GRACE_MS", "500"),
    ];
    let settings = [&SETTINGS[..], &grace].concat();
    let service = Service::start_with(&home, &settings).await;
    server.pause();
    accept(&service, 0..9_000).await;

    let ended = service.terminate().await;

    assert_eq!(ended.code, Some(0), "{}", ended.log);
    let said = ended
        .log
        .lines()
        .any(|line| line.contains("9000") && line.contains("journal"));
    assert!(said, "it does not say how many are kept: {}", ended.log);
    server.resume();
    let service = Service::start_with(&home, &settings).await;
    assert_stored(&service, &home, 9_000).await;
}

#[tokio::test]
async fn whoever_waits_for_a_spilled_batch_is_answered_when_it_is_stored_or_too_late() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &SETTINGS).await;
    let impatient = [&SETTINGS[..], &[("HTTP_WAIT_TIMEOUT_MS", "200")]].concat();
    service.crash().await;
    let service = Service::start_with(&home, &impatient).await;
    server.pause();
    accept(&service, 0..6000).await;
    let path = "/events?wait=stored";
    let late = service
        .post_to(path, &sample::events("w", "e", 0..10))
        .await;
    late.problem(504);
    service.crash().await;

    let patient = [&SETTINGS[..], &[("HTTP_WAIT_TIMEOUT_MS", "60000")]].concat();
    let service = Service::start_unready(&home, &patient).await;
    let batch = sample::events("w", "e", 5..20);
    let waiting = service.post_to(path, &batch);
    let (answer, ()) = tokio::join!(waiting, async {
        eventually("the batch is in the journal", DRAINED, || async {
            let log = service.log();
            log.contains("kept in the journal alone").then_some(())
        })
        .await;
        server.resume();
    });
    let answer = answer.expect(200).json();
    assert_eq!(answer["count"], 15);
    assert_eq!(answer["duplicates"], 5);
    eventually("all is stored", DRAINED, || async {
        (home.stored().await == 6020).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_full_disk_refuses_while_spilling_and_passes_by_itself() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &SETTINGS).await;
    server.pause();
    accept(&service, 0..10_000).await;
    service.limit_files(Some(4096));
    let refused = service.post(&sample::events("u-x", "x", 0..10)).await;
    assert_eq!(
        refused.problem(503)["type"],
        "urn:trailkeep:problem:not-written"
    );
    service.limit_files(None);
    service
        .post_when_there_is_room(&sample::events("u-y", "y", 0..10))
        .await;
    accept(&service, 10_000..20_000).await;
    server.resume();
    eventually("all is stored", DRAINED, || async {
        (home.stored().await == 20_010).then_some(())
    })
    .await;
    service.crash().await;
    let service = Service::start(&home).await;
    assert!(service.export_ids("u-x").await.is_empty());
    assert_eq!(service.export_ids("u-y").await, sample::ids("y", 0..10));
}

#[tokio::test]
async fn spilling_without_a_journal_is_a_mistake_that_is_named() {
    let home = Home::embedded();
    let settings = [("JOURNAL", "off"), ("SPILL_MAX_BYTES", "1000000")];
    let ended = Service::refuses_to_start(&home, &settings).await;
    assert_eq!(ended.code, Some(2), "{}", ended.log);
    assert!(ended.log.contains("spill.max_bytes"), "{}", ended.log);
    assert!(ended.log.contains("journal is \"on\""), "{}", ended.log);
}
