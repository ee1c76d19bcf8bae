//! A damaged journal is read as far as it can be.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use proptest::prelude::*;

use super::{append, batch, open};
use crate::event::Accepted;

const BATCHES: i64 = 8;

fn batches() -> Vec<Vec<Accepted>> {
    (1..=BATCHES).map(|n| batch(n * 1024, 3, 40)).collect()
}

/// A folder with a journal of eight batches in one segment, and that segment.
fn written() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = open(folder.path());
    for batch in batches() {
        append(&journal, &batch).recv().unwrap().unwrap();
    }
    drop(journal);
    let segment = folder.path().join(format!("segment-{:020}.journal", 1));
    assert!(segment.exists());
    (folder, segment)
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
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(segment)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ (1 << bit)], offset).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_flipped_bit_costs_one_batch_at_most(place in 0.0..1.0_f64, bit in 0..8_u32) {
        let (folder, segment) = written();
        let end = end_of_frames(&segment);
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        flip(&segment, (place * end as f64) as u64, bit);
        let (_journal, recovered) = open(folder.path());
        let whole = batches();
        let missing: Vec<_> = whole
            .iter()
            .filter(|batch| !batch.iter().all(|event| recovered.events.contains(event)))
            .collect();
        prop_assert!(missing.len() <= 1, "{} batches are missing", missing.len());
        prop_assert_eq!(recovered.damaged, missing.len());
        let expected = (usize::try_from(BATCHES).unwrap() - missing.len()) * 3;
        prop_assert_eq!(recovered.events.len(), expected, "whole batches only");
        let aside = fs::read_dir(folder.path()).unwrap().filter(|entry| {
            entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("damaged-")
        });
        prop_assert_eq!(aside.count(), missing.len());
    }

    #[test]
    fn a_file_that_was_cut_gives_the_batches_before_the_cut(place in 0.0..1.0_f64) {
        let (folder, segment) = written();
        let end = end_of_frames(&segment);
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let cut = (place * end as f64) as u64;
        OpenOptions::new().write(true).open(&segment).unwrap().set_len(cut).unwrap();
        let (_journal, recovered) = open(folder.path());
        let all = batches().concat();
        prop_assert!(all.starts_with(&recovered.events));
        prop_assert_eq!(recovered.events.len() % 3, 0);
    }
}

#[test]
fn a_flipped_bit_in_the_marker_of_the_last_frame_is_told() {
    for byte in 0..8 {
        let (folder, segment) = written();
        flip(&segment, last_frame(&segment) + byte, 3);
        let (_journal, recovered) = open(folder.path());
        assert_eq!(recovered.damaged, 1);
        assert_eq!(recovered.events, batches()[..7].concat());
    }
}

#[test]
fn files_of_others_are_left_alone() {
    let (folder, _) = written();
    let stranger = folder.path().join("segment-notes.txt");
    fs::write(&stranger, "mine").unwrap();
    fs::write(
        folder.path().join(format!("segment-{:020}.journal", 7)),
        "garbage",
    )
    .unwrap();
    let (_journal, recovered) = open(folder.path());
    assert_eq!(recovered.events, batches().concat());
    assert_eq!(fs::read_to_string(stranger).unwrap(), "mine");
}

#[test]
fn a_head_that_cannot_be_read_costs_no_batch() {
    let (folder, segment) = written();
    let file = OpenOptions::new().write(true).open(&segment).unwrap();
    file.write_all_at(&[0xa5; 4096], 0).unwrap();
    let (_journal, recovered) = open(folder.path());
    assert_eq!(recovered.events, batches().concat());
    assert_eq!(recovered.damaged, 1);
}

#[test]
fn a_segment_that_cannot_be_read_is_left_where_it_is() {
    let (folder, _) = written();
    // No file of its name can be read or made, as if its disk were broken.
    let broken = folder.path().join(format!("segment-{:020}.journal", 2));
    fs::create_dir(&broken).unwrap();
    let (journal, recovered) = open(folder.path());
    assert_eq!(recovered.events, batches().concat());
    assert_eq!(recovered.damaged, 1);
    append(&journal, &batch(1 << 20, 1, 10))
        .recv()
        .unwrap()
        .unwrap();
    assert!(broken.is_dir());
}
