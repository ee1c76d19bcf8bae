//! What holds of the whole, one test for each, in the words of the design. *Bounded*
//! has its test in `hostile/holders.rs`; *one place for full* and *in order* are proved
//! as properties of the backlog and of the queue alone, in `src/ingest/tests/`: a
//! journey is sorted, and shows from outside only that arrival is kept.

use std::time::Duration;

use reqwest::Method;

use crate::eventually::SOON;
use crate::home::Home;
use crate::load::{Load, assert_kept};
use crate::mongod::Mongod;
use crate::sample;
use crate::service::{Service, http_client};

on_both_stores!(
    kept_what_was_answered_202_is_stored_after_kill_9_in_the_middle_of_a_load,
    once_an_event_sent_on_two_connections_at_once_is_stored_once,
    visible_an_accepted_event_is_in_its_journey_at_once_after_the_202,
    loud_a_disk_that_fails_ends_the_process_with_code_5_and_the_next_start_has_what_was_kept,
);

/// Nothing is written to the store by itself.
const NEVER_WRITTEN: (&str, &str) = ("WRITE_MAX_WAIT_MS", "600000");

async fn kept_what_was_answered_202_is_stored_after_kill_9_in_the_middle_of_a_load(home: Home) {
    let service = Service::start(&home).await;
    let load = Load::start(&service, 6);
    load.wait_for_more(1000).await;

    service.crash().await;

    let accepted = load.stop().await;
    let service = Service::start(&home).await;
    service.wait_until_flushed().await;
    assert_kept(&service, &accepted).await;
    let promised: usize = accepted.values().map(Vec::len).sum();
    assert!(home.stored().await >= promised as u64);
}

async fn once_an_event_sent_on_two_connections_at_once_is_stored_once(home: Home) {
    const BATCHES: usize = 20;
    let service = Service::start(&home).await;
    let send = async |http: reqwest::Client| {
        for batch in 0..BATCHES {
            let events = sample::events("u", "e", batch * 50..(batch + 1) * 50);
            let request = http.request(Method::POST, service.url("/events"));
            service.send_as_it_is(request.json(&events)).await.expect(202);
        }
    };

    tokio::join!(send(http_client(1)), send(http_client(1)));

    // Shown once while it is on its way, and stored once.
    let distinct = sample::ids("e", 0..BATCHES * 50);
    assert_eq!(service.export_ids("u").await.len(), distinct.len());
    service.wait_until_flushed().await;
    assert_eq!(home.stored().await, distinct.len() as u64);
    let mut shown = service.export_ids("u").await;
    shown.sort_unstable();
    let mut distinct = distinct;
    distinct.sort_unstable();
    assert_eq!(shown, distinct);
    let events = service.stats().await["events"].take();
    assert_eq!(events["accepted"], 2 * BATCHES * 50);
    assert_eq!(events["stored"], BATCHES * 50);
    assert_eq!(events["duplicate"], BATCHES * 50);
}

#[tokio::test]
async fn in_order_each_users_events_stay_in_order_over_restarts_and_writes_that_fail() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let settings = [
        ("WRITE_TIMEOUT_MS", "1000"),
        ("WRITE_BACKOFF_MAX_MS", "300"),
        ("HEALTH_CHECK_INTERVAL_MS", "100"),
    ];
    let mut loads = Vec::new();
    for round in 0..3 {
        let service = Service::start_with(&home, &settings).await;
        let load = Load::start_as(&format!("round-{round}"), &service, 4);
        load.wait_for_more(300).await;
        server.kill();
        load.wait_for_more(300).await;
        server.restart();
        load.wait_for_more(300).await;
        server.pause();
        load.wait_for_more(300).await;
        service.crash().await;
        server.resume();
        loads.push(load.stop().await);
    }
    let service = Service::start_with(&home, &settings).await;
    service.wait_until_flushed().await;
    for accepted in &loads {
        assert_kept(&service, accepted).await;
    }
}

async fn visible_an_accepted_event_is_in_its_journey_at_once_after_the_202(home: Home) {
    let service = Service::start_with(&home, &[NEVER_WRITTEN]).await;
    for number in 0..30 {
        let event = sample::event("u", &format!("e-{number}"));
        service.post(&event).await.expect(202);
        let expected = sample::ids("e", 0..number + 1);
        assert_eq!(service.journey_ids("u", "?order=asc").await, expected);
    }
    assert_eq!(home.stored().await, 0, "it is shown before it is stored");
    assert_eq!(service.export_ids("u").await, sample::ids("e", 0..30));
}

/// A write that fails inside of a segment proves nothing about what is on the
/// disk: nobody is answered any more.
async fn loud_a_disk_that_fails_ends_the_process_with_code_5_and_the_next_start_has_what_was_kept(
    home: Home,
) {
    let settings = [NEVER_WRITTEN, ("SHUTDOWN_GRACE_MS", "3000")];
    let service = Service::start_with(&home, &settings).await;
    let kept = sample::events("u", "kept", 0..20);
    service.post(&kept).await.expect(202);

    service.limit_files(Some(4096));
    let lost = service.http.post(service.url("/events")).json(&sample::event("u", "lost")).send();
    let ended = async { service.wait(Duration::from_secs(30)).await };
    let (answer, ended) = tokio::join!(tokio::time::timeout(SOON, lost), ended);

    assert!(!matches!(answer, Ok(Ok(_))), "it has an answer: {answer:?}");
    assert_eq!(ended.code, Some(5), "{}", ended.log);
    assert!(ended.log.contains("\"part\":\"journal\""), "{}", ended.log);
    let service = Service::start(&home).await;
    let shown = service.export_ids("u").await;
    assert_eq!(shown[..20], sample::ids("kept", 0..20));
}
