//! A look that changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{open, record, weight};
use crate::{inspect, is_held};

/// Each file with what is in it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn a_look_tells_what_is_unsettled_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    assert_eq!(inspect(&path, false).unwrap(), None);
    assert!(!path.exists());
    let journal = open(&path);
    let records: Vec<_> = (1..=20).map(|number| record(number, 100)).collect();
    let ends: Vec<_> = records.iter().map(|record| journal.append(record).unwrap().end).collect();
    journal.journal.settled_before(ends[11]);
    assert!(is_held(&path).unwrap());
    let beside = inspect(&path, true).unwrap().unwrap();
    assert!(beside.unsettled.weight >= weight(&records[12..]), "{beside:?}");
    drop(journal);

    assert!(!is_held(&path).unwrap());
    let before = files(&path);
    let found = inspect(&path, false).unwrap().unwrap();
    assert_eq!(found.unsettled.weight, weight(&records[12..]));
    assert_eq!((found.segments, found.damaged), (1, 0));
    assert_eq!(found.bytes, before.values().map(|bytes| bytes.len() as u64).sum::<u64>());
    assert_eq!(files(&path), before);
    drop(open(&path));
}

#[test]
fn a_damaged_end_is_told_and_left_for_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let end = journal.append(&record(1, 100)).unwrap().end.place;
    drop(journal);
    let segment = folder.path().join(format!("segment-{:020}.journal", end.segment));
    let mut bytes = fs::read(&segment).unwrap();
    let at = usize::try_from(end.offset).unwrap();
    let torn = bytes.len().min(at + 500);
    bytes[at + 400..torn].fill(7);
    fs::write(&segment, bytes).unwrap();
    let before = files(folder.path());

    assert_eq!(inspect(folder.path(), false).unwrap().unwrap().damaged, 1);
    assert_eq!(inspect(folder.path(), true).unwrap().unwrap().damaged, 0, "it is being written");

    assert_eq!(files(folder.path()), before);
}
