//! Journals of other versions.

use std::fs;
use std::path::Path;

use super::{RULES, open, record};
use crate::{Journal, OpenError};

/// A segment of format 1 as an older version left it: a batch of three events,
/// numbered from 1,024 on, and a note that all below `stored_before` is stored.
fn format_1(folder: &Path, stored_before: i64) {
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
    fs::write(folder.join(format!("segment-{:020}.journal", 7)), segment).unwrap();
}

fn refusal(folder: &Path) -> String {
    match Journal::open(folder, RULES, Box::new(|_| ())) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_journal_of_format_1_is_refused_while_it_holds_events_that_are_not_stored() {
    let folder = tempfile::tempdir().unwrap();
    format_1(folder.path(), 1024 + 512);
    let refusal = refusal(folder.path());
    assert!(refusal.contains("start that version once"), "{refusal}");
    let file = folder.path().join(format!("segment-{:020}.journal", 7));
    assert!(file.exists(), "and nothing of it is touched");
}

#[test]
fn a_journal_of_format_1_that_was_stopped_cleanly_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    format_1(folder.path(), 1024 + 513);
    let journal = open(folder.path());
    let appended = journal.append(&record(1, 10)).unwrap();
    assert!(appended.end.place.segment > 7);
    drop(journal);
    assert_eq!(open(folder.path()).found(), [record(1, 10)]);
}

#[test]
fn a_journal_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    journal.append(&record(1, 10)).unwrap();
    drop(journal);
    let file = folder.path().join(format!("segment-{:020}.journal", 1));
    let mut bytes = fs::read(&file).unwrap();
    for copy in [6, 2048 + 6] {
        bytes[copy] = b'3';
    }
    fs::write(&file, bytes).unwrap();
    let opened = Journal::open(folder.path(), RULES, Box::new(|_| ()));
    assert!(matches!(opened, Err(OpenError::Newer('3'))));
}
