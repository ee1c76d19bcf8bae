//! A 202 is kept: what was accepted survives the end of the process, however
//! that comes.

use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::load::{Load, assert_kept};
use crate::mongod::Mongod;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    kill_9_under_load_loses_nothing_accepted,
    what_was_never_flushed_survives_kill_9,
    without_a_journal_kill_9_takes_what_was_not_flushed,
    what_a_journal_holds_is_stored_also_by_a_service_that_has_none,
);

/// Nothing is flushed by itself.
const NEVER_FLUSHED: (&str, &str) = ("FLUSH_MAX_WAIT_MS", "600000");

async fn kill_9_under_load_loses_nothing_accepted(home: Home) {
    for round in 0..4 {
        let service = Service::start(&home).await;
        let load = Load::start_as(&format!("round-{round}"), &service, 6);
        load.wait_for_more(137 + 411 * round).await;

        service.crash().await;

        let accepted = load.stop().await;
        let service = Service::start(&home).await;
        assert_kept(&service, &accepted).await;
        service.crash().await;
    }
    Service::start(&home).await.terminate().await;
    let service = Service::start(&home).await;
    let events = service.stats().await["events"].take();
    assert_eq!(
        events["restored"], 0,
        "nothing comes back after a clean stop"
    );
}

async fn what_was_never_flushed_survives_kill_9(home: Home) {
    let service = Service::start_with(&home, &[NEVER_FLUSHED]).await;
    service
        .post(&sample::events("u", "a", 0..50))
        .await
        .expect(202);
    service
        .post(&sample::events("u", "b", 0..50))
        .await
        .expect(202);

    service.crash().await;

    let service = Service::start(&home).await;
    let expected = [sample::ids("a", 0..50), sample::ids("b", 0..50)].concat();
    assert_eq!(service.export_ids("u").await, expected);
    assert_eq!(
        home.stored().await,
        100,
        "stored before the service is ready"
    );
}

/// Shows that the tests above would notice a loss.
async fn without_a_journal_kill_9_takes_what_was_not_flushed(home: Home) {
    let settings = [NEVER_FLUSHED, ("JOURNAL", "off")];
    let service = Service::start_with(&home, &settings).await;
    service
        .post(&sample::events("u", "a", 0..50))
        .await
        .expect(202);

    service.crash().await;

    let service = Service::start_with(&home, &settings).await;
    assert!(service.export_ids("u").await.is_empty());
}

async fn what_a_journal_holds_is_stored_also_by_a_service_that_has_none(home: Home) {
    let service = Service::start_with(&home, &[NEVER_FLUSHED]).await;
    service
        .post(&sample::events("u", "a", 0..50))
        .await
        .expect(202);
    service.crash().await;

    let service = Service::start_with(&home, &[("JOURNAL", "off")]).await;
    assert_eq!(service.export_ids("u").await, sample::ids("a", 0..50));
    service.crash().await;

    let service = Service::start_with(&home, &[("JOURNAL", "off")]).await;
    let events = service.stats().await["events"].take();
    assert_eq!(events["restored"], 0, "what is stored is not kept twice");
}

#[tokio::test]
async fn a_stop_while_the_database_is_away_is_a_clean_one() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let grace = [
        ("SHUTDOWN_GRACE_MS", "1500"),
        ("SHUTDOWN_REQUEST_GRACE_MS", "500"),
    ];
    let service = Service::start_with(&home, &grace).await;
    server.pause();
    service
        .post(&sample::events("u", "e", 0..733))
        .await
        .expect(202);

    let ended = service.terminate().await;

    assert_eq!(ended.code, Some(0), "{}", ended.log);
    let said = ended
        .log
        .lines()
        .any(|line| line.contains("733") && line.contains("journal"));
    assert!(
        said,
        "the log does not say how many are kept: {}",
        ended.log
    );
    server.resume();
    let service = Service::start(&home).await;
    assert_eq!(service.export_ids("u").await, sample::ids("e", 0..733));
    assert_eq!(home.stored().await, 733);
}

#[tokio::test]
async fn a_service_is_ready_only_when_what_was_accepted_before_is_stored() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &[NEVER_FLUSHED]).await;
    service
        .post(&sample::events("u", "e", 0..20))
        .await
        .expect(202);
    service.crash().await;
    server.pause();

    let service = Service::start_unready(&home, &[]).await;

    assert_eq!(service.get("/readyz").await.expect(503).text(), "starting");
    // Without its database the service knows nobody who could ask it.
    assert!(service.log().contains("\"events\":20"), "not read in");
    server.resume();
    service.wait_until_ready().await;
    assert_eq!(home.stored().await, 20);
}

#[tokio::test]
async fn a_journal_belongs_to_one_process() {
    let home = Home::mongodb();
    let _first = Service::start(&home).await;

    let second = Service::refuses_to_start(&home, &[]).await;

    assert_eq!(second.code, Some(1), "{}", second.log);
    assert!(
        second.log.contains("in use by another process"),
        "{}",
        second.log
    );
}

#[tokio::test]
async fn a_full_disk_is_said_and_passes_by_itself() {
    let home = Home::mongodb();
    let service = Service::start(&home).await;
    service
        .post(&sample::event("u", "before"))
        .await
        .expect(202);

    service.limit_files(Some(4096));
    let answer = service.post(&sample::event("u", "refused")).await;
    let problem = answer.problem(503);
    assert_eq!(problem["type"], "urn:trailkeep:problem:not-written");
    assert!(!answer.header("retry-after").is_empty());
    eventually("the service says that it is unready", SOON, || async {
        let answer = service.get("/readyz").await;
        (answer.status == 503 && answer.text() == "journal").then_some(())
    })
    .await;

    service.limit_files(None);
    service.wait_until_ready().await;
    service.post(&sample::event("u", "after")).await.expect(202);
    service.crash().await;
    let service = Service::start(&home).await;
    assert_eq!(service.export_ids("u").await, ["before", "after"]);
}

#[tokio::test]
async fn a_damaged_journal_does_not_keep_the_service_from_starting() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[NEVER_FLUSHED]).await;
    for number in 0..20 {
        service
            .post(&sample::event("u", &format!("e-{number}")))
            .await
            .expect(202);
    }
    service.crash().await;
    let segment = home
        .files()
        .into_iter()
        .find(|file| {
            file.extension()
                .is_some_and(|extension| extension == "journal")
        })
        .expect("a segment");
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes
        .windows(4)
        .position(|four| four == b"e-10")
        .expect("the event");
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).unwrap();

    let service = Service::start(&home).await;

    let mut expected = sample::ids("e", 0..20);
    expected.remove(10);
    assert_eq!(service.export_ids("u").await, expected);
    assert!(service.log().contains("put aside"), "{}", service.log());
}
