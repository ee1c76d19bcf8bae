//! A 202 is kept: what was accepted survives the end of the process, however
//! that comes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::load::{Load, assert_kept};
use crate::mongod::Mongod;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    kill_9_under_load_loses_nothing_accepted,
    what_was_never_flushed_survives_kill_9,
    without_syncs_kill_9_under_load_loses_nothing_either,
);

/// Nothing is flushed by itself.
const NEVER_FLUSHED: (&str, &str) = ("WRITE_MAX_WAIT_MS", "600000");

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
    assert_eq!(events["restored"], 0, "nothing comes back after a clean stop");
}

async fn what_was_never_flushed_survives_kill_9(home: Home) {
    let service = Service::start_with(&home, &[NEVER_FLUSHED]).await;
    service.post(&sample::events("u", "a", 0..50)).await.expect(202);
    service.post(&sample::events("u", "b", 0..50)).await.expect(202);

    service.crash().await;

    let service = Service::start(&home).await;
    let expected = [sample::ids("a", 0..50), sample::ids("b", 0..50)].concat();
    assert_eq!(service.export_ids("u").await, expected);
    assert_eq!(home.stored().await, 100, "stored before the service is ready");
}

/// What the system has been handed survives the process. Only a crash of the
/// machine could take it.
async fn without_syncs_kill_9_under_load_loses_nothing_either(home: Home) {
    let settings = [("JOURNAL_SYNC", "never")];
    let service = Service::start_with(&home, &settings).await;
    let load = Load::start(&service, 6);
    load.wait_for_more(1500).await;

    service.crash().await;

    let accepted = load.stop().await;
    let service = Service::start_with(&home, &settings).await;
    assert_kept(&service, &accepted).await;
    assert_eq!(service.terminate().await.code, Some(0));
}

#[tokio::test]
async fn a_stop_while_the_database_is_away_is_a_clean_one() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let grace = [("SHUTDOWN_GRACE_MS", "1500")];
    let service = Service::start_with(&home, &grace).await;
    server.pause();
    service.post(&sample::events("u", "e", 0..733)).await.expect(202);

    let ended = service.terminate().await;

    assert_eq!(ended.code, Some(0), "{}", ended.log);
    let said = ended.log.lines().any(|line| line.contains("733") && line.contains("journal"));
    assert!(said, "the log does not say how many are kept: {}", ended.log);
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
    service.post(&sample::events("u", "e", 0..20)).await.expect(202);
    service.crash().await;
    server.pause();

    let service = Service::start_unready(&home, &[]).await;

    assert_eq!(service.get("/readyz").await.expect(503).text(), "starting");
    // Without its database the service knows nobody who could ask it.
    assert!(service.log().contains("\"unsettled\":20"), "not told");
    server.resume();
    service.wait_until_ready().await;
    assert_eq!(home.stored().await, 20);
}

#[tokio::test]
async fn a_start_opens_its_port_before_it_has_read_a_large_backlog_and_reads_no_more_than_its_head()
{
    const EVENTS: usize = 100_000;
    const READ_BACK: Duration = Duration::from_secs(120);
    const MEBIBYTE: u64 = 1024 * 1024;
    let raised = [
        ("BACKLOG_MAX_EVENTS", "1000000"),
        ("BACKLOG_MAX_BYTES", "500000000"),
        ("WRITE_TIMEOUT_MS", "1000"),
        ("WRITE_BACKOFF_MAX_MS", "500"),
    ];
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &raised).await;
    server.pause();
    let filler = "x".repeat(1000);
    for first in (0..EVENTS).step_by(1000) {
        let mut batch = sample::events("u", "e", first..first + 1000);
        for event in batch.as_array_mut().expect("a list") {
            event["payload"] = json!({ "filler": filler });
        }
        service.post(&batch).await.expect(202);
    }
    service.crash().await;
    let on_disk: u64 = segments(home.folder()).map(|(_, bytes)| bytes).sum();
    assert!(on_disk > 100 * MEBIBYTE, "{on_disk}");

    let service = Service::start_unready(&home, &raised).await;

    let event = sample::event("v", "posted before all is read back");
    service.post(&event).await.expect(202);
    // The newest segment is read at the start, then the head of the backlog: long
    // before it is given up that the database is there.
    eventually("the database is tried in vain", READ_BACK, || {
        let is_said = service.log().contains("the database is not ready yet");
        std::future::ready(is_said.then_some(()))
    })
    .await;
    assert!(service.bytes_read() < 40 * MEBIBYTE, "{}", service.bytes_read());
    server.resume();
    eventually("all is stored", READ_BACK, || async {
        (home.stored().await == EVENTS as u64 + 1).then_some(())
    })
    .await;
    assert_eq!(service.export_ids("u").await, sample::ids("e", 0..EVENTS));
}

/// The segments of the journal, with their bytes.
pub fn segments(data_dir: &Path) -> impl Iterator<Item = (PathBuf, u64)> {
    let entries = fs::read_dir(data_dir.join("journal")).expect("a journal");
    entries.filter_map(|entry| {
        let entry = entry.expect("a readable folder");
        let is_segment = entry.file_name().to_string_lossy().ends_with(".journal");
        is_segment.then(|| (entry.path(), entry.metadata().expect("a file").len()))
    })
}

#[tokio::test]
async fn a_journal_belongs_to_one_process() {
    let home = Home::mongodb();
    let _first = Service::start(&home).await;

    let second = Service::refuses_to_start(&home, &[]).await;

    assert_eq!(second.code, Some(1), "{}", second.log);
    assert!(second.log.contains("in use by another process"), "{}", second.log);
}

/// Bytes of a segment that holds no record larger than it.
pub const USUAL_SEGMENT: u64 = 16 << 20;

/// A batch whose record needs a larger segment than the usual one, made for it.
pub fn huge(user: &str) -> Value {
    let filler = "x".repeat(30_000);
    let mut batch = sample::events(user, "huge", 0..600);
    for event in batch.as_array_mut().expect("a list") {
        event["payload"] = json!({ "filler": filler });
    }
    batch
}

/// Each segment is made at its full size, so that a full disk shows before
/// anything is written.
#[tokio::test]
async fn a_full_disk_is_said_and_passes_by_itself() {
    let home = Home::mongodb();
    let settings = [("HTTP_MAX_BODY_BYTES", "30000000")];
    let service = Service::start_with(&home, &settings).await;
    service.post(&sample::event("u", "before")).await.expect(202);

    service.limit_files(Some(USUAL_SEGMENT));
    let answer = service.post(&huge("u")).await;
    let problem = answer.problem(503);
    assert_eq!(problem["type"], "urn:trailkeep:problem:not-written");
    assert!(!answer.header("retry-after").is_empty());

    service.limit_files(None);
    service.wait_until_ready().await;
    service.post_when_there_is_room(&sample::event("u", "after")).await;
    service.crash().await;
    let service = Service::start(&home).await;
    assert_eq!(service.export_ids("u").await, ["before", "after"]);
}

#[tokio::test]
async fn while_no_segment_can_be_made_the_service_is_unready() {
    let home = Home::mongodb();
    let settings = [("HTTP_MAX_BODY_BYTES", "30000000")];
    let service = Service::start_with(&home, &settings).await;
    service.limit_files(Some(USUAL_SEGMENT / 2));
    service.post(&huge("u")).await.problem(503);
    eventually("the service says that it is unready", SOON, || async {
        let answer = service.get("/readyz").await;
        (answer.status == 503 && answer.text() == "journal").then_some(())
    })
    .await;
    service.limit_files(None);
    service.wait_until_ready().await;
    service.post(&sample::event("u", "after")).await.expect(202);
}

/// A segment as a version with format 1 left it: a batch of three events, and a
/// note that all below `stored_before` is stored; its first event is 1,024.
fn write_format_1(data_dir: &Path, stored_before: i64) {
    let marker = *b"\x01\x02\x03\x04\x05\x06\x07\x08";
    let mut segment = vec![0; 128 << 10];
    segment[..8].copy_from_slice(b"TKJRNL1\n");
    segment[16..24].copy_from_slice(&marker);
    let mut offset = 4096;
    for (stored_before, first, events) in [(0_i64, 1024_i64, 3_u32), (stored_before, 0, 0)] {
        let mut body = stored_before.to_le_bytes().to_vec();
        body.extend_from_slice(&first.to_le_bytes());
        body.extend_from_slice(&events.to_le_bytes());
        let mut frame = marker.to_vec();
        frame.extend_from_slice(&u32::try_from(body.len()).unwrap().to_le_bytes());
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(&body);
        segment[offset..offset + frame.len()].copy_from_slice(&frame);
        offset += frame.len().next_multiple_of(8);
    }
    let folder = data_dir.join("journal");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("segment-{:020}.journal", 7)), segment).unwrap();
}

#[tokio::test]
async fn events_that_an_older_version_left_in_its_journal_are_not_passed_over() {
    const AFTER_TWO: i64 = 1024 + 512;
    let home = Home::embedded();
    write_format_1(home.folder(), AFTER_TWO);
    let before = home.files();

    let ended = Service::refuses_to_start(&home, &[]).await;

    assert_eq!(ended.code, Some(1), "{}", ended.log);
    let told = "in the format of an older version; start that version once, let it store them, and \
                stop it cleanly";
    assert!(ended.log.contains(told), "{}", ended.log);
    assert!(before.is_subset(&home.files()), "nothing of it is removed");
}

#[tokio::test]
async fn a_journal_of_an_older_version_that_was_stopped_cleanly_is_gone_on_with() {
    const AFTER_ALL: i64 = 1024 + 513;
    let home = Home::embedded();
    write_format_1(home.folder(), AFTER_ALL);
    let service = Service::start(&home).await;
    service.post(&sample::event("u", "e")).await.expect(202);
    service.crash().await;
    let service = Service::start(&home).await;
    assert_eq!(service.export_ids("u").await, ["e"]);
}

#[tokio::test]
async fn events_that_an_older_version_left_in_a_file_are_not_passed_over() {
    let home = Home::embedded();
    let file = home.folder().join("undelivered-1765794600000-1.ndjson");
    fs::write(&file, "{\"eventId\":\"e\"}\n").unwrap();

    let ended = Service::refuses_to_start(&home, &[]).await;

    assert_eq!(ended.code, Some(1), "{}", ended.log);
    let name = file.display().to_string();
    for word in [&*name, "start that version once"] {
        assert!(ended.log.contains(word), "no {word:?} in: {}", ended.log);
    }
    fs::remove_file(file).unwrap();
    Service::start(&home).await;
}

#[tokio::test]
async fn a_damaged_journal_does_not_keep_the_service_from_starting() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[NEVER_FLUSHED]).await;
    for number in 0..20 {
        service.post(&sample::event("u", &format!("e-{number}"))).await.expect(202);
    }
    service.crash().await;
    let segment = home
        .files()
        .into_iter()
        .find(|file| file.extension().is_some_and(|extension| extension == "journal"))
        .expect("a segment");
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.windows(4).position(|four| four == b"e-10").expect("the event");
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).unwrap();

    let service = Service::start(&home).await;

    let mut expected = sample::ids("e", 0..20);
    expected.remove(10);
    assert_eq!(service.export_ids("u").await, expected);
    assert!(service.log().contains("put aside"), "{}", service.log());
}
