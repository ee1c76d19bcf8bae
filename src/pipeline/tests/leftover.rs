//! What could not be stored before a stop is stored after the next start.

use std::fs;
use std::sync::Arc;

use super::{LIMITS, event, events, pipeline_with};
use crate::event::payload::PayloadLimits;
use crate::event::{Accepted, Arrival, Event, Payload, Timestamp};
use crate::pipeline::leftover::{read, write};

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

#[test]
fn what_is_written_is_read_unchanged_and_taken_in_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let left = [
        accepted(512, awkward()),
        accepted(768, event("v", "1")),
        accepted(1024, event("v", "0")),
    ];
    let file = write(&data, &left, Timestamp::from_millis(1).unwrap()).unwrap();

    let (events, _files) = read(&data).unwrap();
    assert!(file.exists(), "kept until its events are stored");
    let pipeline = pipeline_with(LIMITS);
    pipeline.restore(events.into_iter().rev().collect());
    assert_eq!(pipeline.buffered("u \"quoted\""), left[..1]);
    assert_eq!(pipeline.buffered("v"), left[1..]);
    assert_eq!(pipeline.statistics.restored.get(), 3);
}

#[tokio::test]
async fn what_comes_later_is_numbered_later() {
    let pipeline = pipeline_with(LIMITS);
    let far = accepted(i64::MAX >> 1, event("v", "1"));
    pipeline.restore(vec![Accepted::clone(&far)]);
    pipeline.admit(events("v", 7..8)).await.unwrap();
    let arrivals: Vec<Arrival> = pipeline.buffered("v").iter().map(|a| a.arrival).collect();
    assert!(arrivals.is_sorted_by(|a, b| a < b), "{arrivals:?}");
}

#[test]
fn more_than_the_buffer_holds_is_taken_in_all_the_same() {
    let events = (0..20).map(|n| Accepted::clone(&accepted(n << 8, event("u", &n.to_string()))));
    let pipeline = pipeline_with(crate::pipeline::buffer::Limits {
        max_events: 10,
        ..LIMITS
    });
    pipeline.restore(events.collect());
    assert_eq!(pipeline.buffered("u").len(), 20);
    assert!(pipeline.turns_away(Some(0)));
}

#[test]
fn a_damaged_line_is_kept_for_a_person_and_the_others_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let left = [accepted(1, event("u", "1")), accepted(2, event("u", "2"))];
    let file = write(folder.path(), &left, Timestamp::now()).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.insert(1, "{\"arrival\":");
    fs::write(&file, lines.join("\n") + "\n").unwrap();

    let (events, files) = read(folder.path()).unwrap();
    assert_eq!(events, left.map(|accepted| Accepted::clone(&accepted)));
    files.remove();
    assert!(!file.exists());
    assert!(file.with_extension("damaged").exists());
}

#[test]
fn a_folder_that_is_not_there_holds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (events, _) = read(&folder.path().join("missing")).unwrap();
    assert!(events.is_empty());
}
