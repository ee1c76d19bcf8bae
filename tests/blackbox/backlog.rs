//! With raised limits of the backlog, an outage is bridged on disk: memory holds
//! the head of the backlog, the journal the rest, and all is stored in order
//! afterwards.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::answer::Answer;
use crate::dead_letters::rules::{Of, accept, events, refuse};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::journal::{USUAL_SEGMENT, huge, segments};
use crate::mongod::Mongod;
use crate::sample;
use crate::service::Service;

on_both_stores!(a_journey_says_that_it_may_be_incomplete_while_events_lie_beyond_the_head);

/// What memory holds of the backlog.
const HEAD: usize = 5000;
const ALL: usize = 30_000;
const USERS: usize = 6;
const BATCH: usize = 100;
/// How long it may take on a busy machine to store all that is accepted here.
const DRAINED: Duration = Duration::from_secs(60);

/// An outage lasts longer than every time limit.
const SETTINGS: [(&str, &str); 4] = [
    ("BACKLOG_MAX_EVENTS", "1000000"),
    ("BACKLOG_MAX_BYTES", "500000000"),
    ("WRITE_TIMEOUT_MS", "1000"),
    ("WRITE_BACKOFF_MAX_MS", "500"),
];

fn user(number: usize) -> String {
    format!("u-{}", number % USERS)
}

/// Posts batches, each of one user and in its user's order; all are accepted.
async fn post_all(service: &Service, events: Range<usize>) {
    for first in events.step_by(BATCH) {
        let batch = sample::events(&user(first / BATCH), "e", first..first + BATCH);
        service.post(&batch).await.expect(202);
    }
}

async fn wait_until_stored(home: &Home, events: usize) {
    eventually("all is stored", DRAINED, || async {
        (home.stored().await == events as u64).then_some(())
    })
    .await;
}

/// All of the first `events` are stored once, each user's in order.
async fn assert_stored(service: &Service, home: &Home, events: usize) {
    wait_until_stored(home, events).await;
    service.wait_until_ready().await;
    for number in 0..USERS {
        let batches = (0..events).step_by(BATCH);
        let of_user = batches.filter(|first| first / BATCH % USERS == number);
        let expected: Vec<String> =
            of_user.flat_map(|first| sample::ids("e", first..first + BATCH)).collect();
        assert_eq!(service.export_ids(&user(number)).await, expected);
    }
}

fn count(stats: &Value, path: &str) -> u64 {
    let value = stats.pointer(path);
    value.and_then(Value::as_u64).unwrap_or_else(|| panic!("no {path} in {stats}"))
}

fn assert_conserved(stats: &Value) {
    let events = |name: &str| count(stats, &format!("/events/{name}"));
    let accounted = ["stored", "duplicate", "deadLettered", "unreadable"].map(events);
    assert_eq!(
        events("accepted") + events("restored"),
        accounted.iter().sum::<u64>() + count(stats, "/bufferSize"),
        "{stats}"
    );
}

#[tokio::test]
async fn an_outage_is_bridged_on_disk_and_each_users_order_is_kept() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &SETTINGS).await;
    server.pause();

    post_all(&service, 0..ALL).await;

    let stats = service.stats().await;
    assert_eq!(count(&stats, "/bufferSize"), ALL as u64);
    assert_eq!(count(&stats, "/beyondHead"), (ALL - HEAD) as u64);
    assert!(count(&stats, "/bufferBytes") > 30_000 * 50, "{stats}");
    assert_eq!(count(&stats, "/emergencyThreshold"), 1_000_000);
    assert_eq!(count(&stats, "/maxBufferBytes"), 500_000_000);
    assert_conserved(&stats);
    let metrics = service.get("/metrics").await.expect(200).text();
    assert!(metrics.contains("trailkeep_buffer_events 30000"), "{metrics}");
    assert_eq!(service.get("/readyz").await.status, 200, "it accepts, so it gets traffic");
    service.wait_until_health_is(503).await;

    server.resume();
    assert_stored(&service, &home, ALL).await;
    service.wait_until_flushed().await;
    let stats = service.stats().await;
    assert_eq!(count(&stats, "/events/stored"), ALL as u64);
    assert_eq!(count(&stats, "/events/duplicate"), 0);
    assert_eq!(count(&stats, "/beyondHead"), 0);
    assert_eq!(count(&stats, "/bufferBytes"), 0);
    assert_conserved(&stats);
    let ended = service.terminate().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
}

/// A page of a journey, or an export of it.
async fn journey_as(service: &Service, media_type: &str) -> Answer {
    let path = "/users/u-0/journey?order=asc";
    let request = service.request(reqwest::Method::GET, path);
    let answer = service.send(request.header("accept", media_type)).await;
    answer.expect(200)
}

async fn a_journey_says_that_it_may_be_incomplete_while_events_lie_beyond_the_head(home: Home) {
    const FORMS: [&str; 3] = ["application/json", "application/x-ndjson", "text/csv"];
    const HEADER: &str = "x-trailkeep-incomplete";
    const MORE: usize = HEAD + USERS * BATCH;
    let service = Service::start_with(&home, &SETTINGS).await;
    // Neither the events nor, to the end, letters for them are taken: all wait.
    refuse(&home, Of::Events).await;
    refuse(&home, Of::DeadLetters).await;
    let accept_refused = async |numbers: Range<usize>| {
        for first in numbers.step_by(BATCH) {
            let numbers: Vec<usize> = (first..first + BATCH).collect();
            let batch = events(&user(first / BATCH), first..first + BATCH, &numbers);
            service.post(&batch).await.expect(202);
        }
    };
    accept_refused(0..HEAD).await;
    for form in FORMS {
        assert_eq!(journey_as(&service, form).await.header(HEADER), "");
    }

    accept_refused(HEAD..MORE).await;

    assert_eq!(service.stats().await["beyondHead"], USERS * BATCH);
    for form in FORMS {
        assert_eq!(journey_as(&service, form).await.header(HEADER), "true");
    }
    let shown = service.export_ids("u-0").await;
    assert_eq!(shown, ids_of_user_0(HEAD), "what is in the head");

    accept(&home, Of::Events).await;
    eventually("nothing is beyond the head", DRAINED, || async {
        (service.stats().await["beyondHead"] == 0).then_some(())
    })
    .await;
    for form in FORMS {
        assert_eq!(journey_as(&service, form).await.header(HEADER), "");
    }
    let shown = service.export_ids("u-0").await;
    assert_eq!(shown, ids_of_user_0(MORE), "all, once it is read back");
}

fn ids_of_user_0(events: usize) -> Vec<String> {
    let batches = (0..events).step_by(BATCH * USERS);
    batches.flat_map(|first| sample::ids("e", first..first + BATCH)).collect()
}

#[tokio::test]
async fn kill_9_in_the_outage_and_while_it_is_read_back_loses_nothing() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &SETTINGS).await;
    server.pause();
    post_all(&service, 0..ALL / 2).await;
    service.crash().await;

    let service = Service::start_unready(&home, &SETTINGS).await;
    post_all(&service, ALL / 2..ALL).await;
    server.resume();
    eventually("a part is stored", DRAINED, || async {
        (home.stored().await > 7000).then_some(())
    })
    .await;
    service.crash().await;

    let service = Service::start_with(&home, &SETTINGS).await;
    assert_stored(&service, &home, ALL).await;
    service.wait_until_flushed().await;
    let stats = service.stats().await;
    assert_eq!(count(&stats, "/events/duplicate"), 0);
    assert_conserved(&stats);
}

#[tokio::test]
async fn a_full_head_is_written_at_once_though_a_write_may_be_larger() {
    let home = Home::embedded();
    let settings = [
        ("BACKLOG_MAX_EVENTS", "1000000"),
        ("WRITE_MAX_EVENTS", "10000"),
        ("WRITE_MAX_WAIT_MS", "600000"),
    ];
    let service = Service::start_with(&home, &settings).await;
    post_all(&service, 0..HEAD + BATCH).await;
    wait_until_stored(&home, HEAD).await;
    eventually("what is stored has left the backlog", SOON, || async {
        (service.stats().await["bufferSize"] == BATCH).then_some(())
    })
    .await;
}

#[tokio::test]
async fn at_the_limit_a_batch_is_answered_503_until_the_database_is_back() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let mut settings = SETTINGS;
    settings[0].1 = "8000";
    let service = Service::start_with(&home, &settings).await;
    server.pause();
    for first in (0..8000).step_by(BATCH) {
        let events = sample::events("u", "e", first..first + BATCH);
        service.post(&events).await.expect(202);
    }
    let more = sample::events("u", "e", 8000..8000 + BATCH);
    let refused = service.post(&more).await;
    refused.problem(503);
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(service.buffered().await, 8000);
    assert_eq!(service.get("/readyz").await.expect(503).text(), "full");

    server.resume();
    service.wait_until_ready().await;
    service.post_when_there_is_room(&more).await;
    wait_until_stored(&home, 8000 + BATCH).await;
    let expected = sample::ids("e", 0..8000 + BATCH);
    assert_eq!(service.export_ids("u").await, expected);
}

#[tokio::test]
async fn what_a_raised_limit_took_is_stored_also_by_a_service_with_the_usual_one() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &SETTINGS).await;
    server.pause();
    post_all(&service, 0..12_000).await;
    service.crash().await;

    let short_grace = [("SHUTDOWN_GRACE_MS", "1500")];
    let service = Service::start_unready(&home, &short_grace).await;
    // More than the limit is held, so nothing is taken.
    let event = sample::event("u-0", "later");
    service.post(&event).await.problem(503);
    let ended = service.terminate().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(ended.log.contains("12000"), "{}", ended.log);

    server.resume();
    let service = Service::start(&home).await;
    assert_stored(&service, &home, 12_000).await;
    service.post_when_there_is_room(&event).await;
}

#[tokio::test]
async fn a_stop_keeps_what_is_beyond_the_head_and_says_how_much() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let grace = [("SHUTDOWN_GRACE_MS", "1500")];
    let settings = [&SETTINGS[..], &grace].concat();
    let service = Service::start_with(&home, &settings).await;
    server.pause();
    post_all(&service, 0..9_000).await;

    let ended = service.terminate().await;

    assert_eq!(ended.code, Some(0), "{}", ended.log);
    let said = ended.log.lines().any(|line| line.contains("9000") && line.contains("journal"));
    assert!(said, "it does not say how many are kept: {}", ended.log);
    server.resume();
    let service = Service::start_with(&home, &settings).await;
    assert_stored(&service, &home, 9_000).await;
}

#[tokio::test]
async fn whoever_waits_for_a_batch_beyond_the_head_is_answered_when_it_is_stored_or_too_late() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let impatient = [&SETTINGS[..], &[("HTTP_WAIT_TIMEOUT_MS", "200")]].concat();
    let service = Service::start_with(&home, &impatient).await;
    server.pause();
    post_all(&service, 0..6000).await;
    let path = "/events?wait=stored";
    let late = service.post_to(path, &sample::events("w", "e", 0..10)).await;
    late.problem(504);
    service.crash().await;

    let patient = [&SETTINGS[..], &[("HTTP_WAIT_TIMEOUT_MS", "60000")]].concat();
    let service = Service::start_unready(&home, &patient).await;
    let batch = sample::events("w", "e", 5..20);
    let before = written(home.folder());
    let waiting = service.post_to(path, &batch);
    let (answer, ()) = tokio::join!(waiting, async {
        eventually("the batch is in the journal", DRAINED, || async {
            (written(home.folder()) > before).then_some(())
        })
        .await;
        server.resume();
    });
    let answer = answer.expect(200).json();
    assert_eq!(answer["count"], 15);
    assert_eq!(answer["duplicates"], 5);
    wait_until_stored(&home, 6020).await;
}

/// Bytes of the journal that are not zero.
fn written(data_dir: &Path) -> usize {
    let segments = segments(data_dir).map(|(path, _)| fs::read(path).expect("a segment"));
    segments.map(|bytes| bytes.iter().filter(|byte| **byte != 0).count()).sum()
}

#[tokio::test]
async fn a_full_disk_refuses_what_is_sent_in_an_outage_and_passes_by_itself() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let settings = [&SETTINGS[..], &[("HTTP_MAX_BODY_BYTES", "30000000")]].concat();
    let service = Service::start_with(&home, &settings).await;
    server.pause();
    post_all(&service, 0..10_000).await;
    service.limit_files(Some(USUAL_SEGMENT));
    let refused = service.post(&huge("u-x")).await;
    assert_eq!(refused.problem(503)["type"], "urn:trailkeep:problem:not-written");
    service.limit_files(None);
    service.post_when_there_is_room(&sample::events("u-y", "y", 0..10)).await;
    post_all(&service, 10_000..20_000).await;
    server.resume();
    wait_until_stored(&home, 20_010).await;
    service.crash().await;
    let service = Service::start(&home).await;
    assert!(service.export_ids("u-x").await.is_empty());
    assert_eq!(service.export_ids("u-y").await, sample::ids("y", 0..10));
}

/// A limit above the free disk would be found out in the outage that it is for.
#[tokio::test]
async fn a_limit_above_the_free_disk_is_refused_at_the_start() {
    let home = Home::embedded();
    let settings =
        [("BACKLOG_MAX_BYTES", "200000000000000"), ("JOURNAL_MAX_BYTES", "400000000000000")];
    let ended = Service::refuses_to_start(&home, &settings).await;
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    for word in ["backlog.max_bytes = 200000000000000", "has room for", "lower it"] {
        assert!(ended.log.contains(word), "no {word:?} in: {}", ended.log);
    }
    Service::start(&home).await;
}
