//! What could not be stored before a stop is stored after the next start.

use std::fs;
use std::sync::Arc;

use super::{LIMITS, event, events, pipeline_with};
use crate::event::payload::PayloadLimits;
use crate::event::{Accepted, Arrival, Event, Payload, Timestamp};
use crate::pipeline::leftover::{remove_when_stored, take_in, write};

fn awkward() -> Event {
    let json = br#"{"$oid":"x","a.b":{"":[1,2.0,null,true]},"text":"line\n\u2028end"}"#;
    let limits = PayloadLimits {
        max_bytes: 1000,
        max_depth: 10,
    };
    Event {
        payload: Payload::from_json(json, limits).unwrap(),
        session_id: Some("s".into()),
        account_id: Some("\u{fc}n\u{ef}".into()),
        ..event("u \"quoted\"", "e")
    }
}

fn accepted(number: i64, event: Event) -> Arc<Accepted> {
    Arc::new(Accepted {
        event,
        arrival: Arrival::from_i64(number),
    })
}

#[tokio::test]
async fn what_is_written_is_taken_in_unchanged_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let now = Timestamp::from_millis(1).unwrap();
    let left = [
        accepted(10, awkward()),
        accepted(11, event("v", "1")),
        accepted(12, event("v", "0")),
    ];
    let file = write(&folder.path().join("data"), &left, now).unwrap();
    assert!(file.exists());

    let pipeline = pipeline_with(LIMITS);
    take_in(&folder.path().join("data"), &pipeline).unwrap();
    assert_eq!(pipeline.buffered("u \"quoted\""), left[..1]);
    assert_eq!(pipeline.buffered("v"), left[1..]);
    assert_eq!(pipeline.statistics.restored.get(), 3);
    assert!(file.exists(), "kept until its events are stored");

    pipeline.admit(events("v", 7..8)).unwrap();
    let arrivals: Vec<Arrival> = pipeline.buffered("v").iter().map(|a| a.arrival).collect();
    assert!(
        arrivals.is_sorted(),
        "what comes later is numbered later: {arrivals:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_is_removed_when_its_events_have_left_the_buffer() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(
        folder.path(),
        &[accepted(5, event("u", "1"))],
        Timestamp::now(),
    )
    .unwrap();
    let pipeline = pipeline_with(LIMITS);
    let leftover = Arc::new(take_in(folder.path(), &pipeline).unwrap());
    let removal = tokio::spawn(remove_when_stored(leftover, Arc::clone(&pipeline)));
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert!(file.exists());
    pipeline.buffer.lock().take_all();
    removal.await.unwrap();
    assert!(!file.exists());
}

#[tokio::test]
async fn more_than_the_buffer_holds_is_taken_in_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let left: Vec<_> = (0..20)
        .map(|n| accepted(n, event("u", &n.to_string())))
        .collect();
    write(folder.path(), &left, Timestamp::now()).unwrap();
    let pipeline = pipeline_with(crate::pipeline::buffer::Limits {
        max_events: 10,
        ..LIMITS
    });
    take_in(folder.path(), &pipeline).unwrap();
    assert_eq!(pipeline.buffered("u").len(), 20);
    assert!(pipeline.is_full());
}

#[tokio::test]
async fn a_damaged_line_is_kept_for_a_person_and_the_others_are_taken_in() {
    let folder = tempfile::tempdir().unwrap();
    let left = [accepted(1, event("u", "1")), accepted(2, event("u", "2"))];
    let file = write(folder.path(), &left, Timestamp::now()).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.insert(1, "{\"arrival\":");
    fs::write(&file, lines.join("\n") + "\n").unwrap();

    let pipeline = pipeline_with(LIMITS);
    let leftover = take_in(folder.path(), &pipeline).unwrap();
    assert_eq!(pipeline.buffered("u"), left);
    leftover.remove();
    assert!(!file.exists());
    assert!(file.with_extension("damaged").exists());
}

#[test]
fn a_folder_that_is_not_there_holds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = pipeline_with(LIMITS);
    take_in(&folder.path().join("missing"), &pipeline).unwrap();
    assert_eq!(pipeline.snapshot().events, 0);
}
