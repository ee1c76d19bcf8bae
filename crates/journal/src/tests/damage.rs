//! A damaged journal is read as far as it can be.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{Open, open, record};
use crate::Record;

const RECORDS: i64 = 8;

fn records() -> Vec<Record> {
    (1..=RECORDS).map(|n| record(n, 200)).collect()
}

/// A folder with a journal of eight records in one segment, and that segment.
fn written() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    for record in records() {
        journal.append(&record).unwrap();
    }
    drop(journal);
    let segment = segment(folder.path(), 1);
    assert!(segment.exists());
    (folder, segment)
}

fn segment(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("segment-{number:020}.journal"))
}

/// Where the eighth frame ends, and the zeros begin.
fn end_of_frames(segment: &PathBuf) -> u64 {
    let bytes = fs::read(segment).unwrap();
    bytes.iter().rposition(|byte| *byte != 0).unwrap() as u64 + 1
}

/// Where the eighth frame begins: the marker of all is what the first one,
/// behind the head, begins with.
fn last_frame(segment: &PathBuf) -> u64 {
    let bytes = fs::read(segment).unwrap();
    let marker = &bytes[4096..4104];
    let last = bytes.windows(8).rposition(|window| window == marker);
    last.unwrap() as u64
}

fn flip(segment: &PathBuf, offset: u64, bit: u32) {
    let file = OpenOptions::new().read(true).write(true).open(segment).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ (1 << bit)], offset).unwrap();
}

fn put_aside(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().starts_with("damaged-")).count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_flipped_bit_costs_one_record_at_most(
        place in 0.0..1.0_f64,
        bit in 0..8_u32,
        starts in 0..3_usize,
    ) {
        let (folder, segment) = written();
        let end = end_of_frames(&segment);
        // Also in a segment that is not the newest any more.
        for _ in 0..starts {
            drop(open(folder.path()));
        }
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        flip(&segment, (place * end as f64) as u64, bit);
        let mut journal = open(folder.path());
        let found = journal.found();
        let whole = records();
        let missing = whole.iter().filter(|record| !found.contains(record)).count();
        prop_assert!(missing <= 1, "{missing} records are missing");
        prop_assert_eq!(found.len() + missing, whole.len(), "whole records only");
        prop_assert_eq!(put_aside(folder.path()), missing);
    }

    #[test]
    fn a_file_that_was_cut_gives_the_records_before_the_cut(place in 0.0..1.0_f64) {
        let (folder, segment) = written();
        let end = end_of_frames(&segment);
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let cut = (place * end as f64) as u64;
        OpenOptions::new().write(true).open(&segment).unwrap().set_len(cut).unwrap();
        let mut journal = open(folder.path());
        prop_assert!(records().starts_with(&journal.found()));
    }
}

#[test]
fn a_flipped_bit_in_the_marker_of_the_last_frame_is_told() {
    for byte in 0..8 {
        let (folder, segment) = written();
        flip(&segment, last_frame(&segment) + byte, 3);
        let mut journal = open(folder.path());
        assert_eq!(journal.recovered.damaged, 1);
        assert_eq!(journal.found(), records()[..7]);
    }
}

#[test]
fn files_of_others_are_left_alone() {
    let (folder, _) = written();
    let stranger = folder.path().join("segment-notes.txt");
    fs::write(&stranger, "mine").unwrap();
    let mut journal = open(folder.path());
    assert_eq!(journal.found(), records());
    assert_eq!(fs::read_to_string(stranger).unwrap(), "mine");
}

#[test]
fn a_head_that_cannot_be_read_costs_no_record() {
    for starts in [0, 2] {
        let (folder, segment) = written();
        for _ in 0..starts {
            drop(open(folder.path()));
        }
        let file = OpenOptions::new().write(true).open(&segment).unwrap();
        file.write_all_at(&[0xa5; 4096], 0).unwrap();
        let mut journal = open(folder.path());
        assert_eq!(journal.recovered.damaged, 1);
        assert_eq!(journal.found(), records());
        assert_eq!(journal.recovered.unsettled().weight, super::weight(&records()));
    }
}

#[test]
fn a_segment_that_cannot_be_read_is_left_where_it_is() {
    let (folder, _) = written();
    // No file of its name can be read or made, as if its disk were broken.
    let broken = segment(folder.path(), 2);
    fs::create_dir(&broken).unwrap();
    let mut journal: Open = open(folder.path());
    assert_eq!(journal.found(), records());
    assert_eq!(journal.recovered.damaged, 1);
    journal.append(&record(9, 10)).unwrap();
    assert!(broken.is_dir());
}

#[test]
fn what_is_put_aside_is_bounded() {
    let (folder, segment) = written();
    let large = fs::File::create(folder.path().join("damaged-of-long-ago.bin")).unwrap();
    large.set_len(64 << 20).unwrap();
    flip(&segment, last_frame(&segment) + 20, 3);
    let mut journal = open(folder.path());
    assert_eq!(journal.found(), records()[..7]);
    assert_eq!(put_aside(folder.path()), 1, "there was no room for another");
}

/// A folder with a journal of eight records of which the last three are not
/// settled, and its only segment.
fn partly_settled() -> (tempfile::TempDir, PathBuf) {
    let (folder, segment) = (tempfile::tempdir().unwrap(), 1);
    let journal = open(folder.path());
    for (place, record) in records().iter().enumerate() {
        let end = journal.append(record).unwrap().end;
        if place < 5 {
            journal.journal.settled_before(end);
        }
    }
    drop(journal);
    let segment = self::segment(folder.path(), segment);
    (folder, segment)
}

#[test]
fn damage_to_what_is_settled_costs_nothing_that_is_not() {
    for settled in 1..=5 {
        let (folder, segment) = partly_settled();
        let bytes = fs::read(&segment).unwrap();
        let text = super::text_of(settled);
        let at = bytes.windows(text.len()).position(|found| found == text);
        flip(&segment, at.unwrap() as u64, 2);
        let mut journal = open(folder.path());
        assert_eq!(journal.found(), records()[5..]);
        let unsettled = journal.recovered.unsettled().weight;
        assert_eq!(unsettled, super::weight(&records()[5..]));
    }
}

#[test]
fn a_head_that_cannot_be_read_costs_no_record_behind_the_low_watermark() {
    // The head alone, and with it the marker of the first frame.
    for bytes in [4096, 4104] {
        let (folder, segment) = partly_settled();
        let file = OpenOptions::new().write(true).open(&segment).unwrap();
        file.write_all_at(&vec![0xa5; bytes], 0).unwrap();
        let mut journal = open(folder.path());
        assert_eq!(journal.found(), records()[5..]);
        let unsettled = journal.recovered.unsettled().weight;
        assert_eq!(unsettled, super::weight(&records()[5..]));
    }
}
