//! The folder of a service.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::mpsc;

use super::{Open, eventually, open, record};
use crate::disk::{Disk as _, Folder, SegmentFile as _};
use crate::{is_wiped, remove_damaged};

/// Which segment the last record is in, once the journal is to leave it.
fn leave(open: &Open) -> u64 {
    let (told, left) = mpsc::channel();
    open.journal.leave(Box::new(move |number| told.send(number).unwrap()));
    left.recv().unwrap()
}

#[test]
fn a_segment_that_is_to_be_left_is_gone_from_the_folder_once_it_is_settled() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    let end = first.append(&record(1, 1000)).unwrap().end;
    let left = leave(&first);
    assert!(!is_wiped(folder.path(), left).unwrap(), "it is not settled");
    eventually("no other segment is begun", || first.journal.on_disk().segments == 2);
    assert!(!is_wiped(folder.path(), left).unwrap());
    // What comes later does not keep it.
    let kept = record(2, 1000);
    first.append(&kept).unwrap();
    first.journal.settled_before(end);
    eventually("the segment stays", || is_wiped(folder.path(), left).unwrap());
    assert!(!is_wiped(folder.path(), left + 1).unwrap(), "which has the other record");
    drop(first);
    let mut second = open(folder.path());
    assert_eq!(second.found(), [kept]);
    // One in which nothing was written yet need not be left.
    assert_eq!(leave(&second), left + 1);
}

#[test]
fn what_was_put_aside_is_removed_when_it_is_asked_for_and_nothing_else() {
    let path = tempfile::tempdir().unwrap();
    let folder = Folder::open(path.path(), true).unwrap();
    folder.create(3, 300_000).unwrap();
    folder.quarantine(2, 4_096, b"damaged").unwrap();
    folder.quarantine(2, 8_192, b"damaged").unwrap();
    assert_eq!(remove_damaged(path.path()).unwrap(), 2);
    assert_eq!(remove_damaged(path.path()).unwrap(), 0);
    assert_eq!(folder.numbers().unwrap(), [3]);
}

#[test]
fn a_segment_is_zeroed_whole() {
    let path = tempfile::tempdir().unwrap();
    let folder = Folder::open(path.path(), true).unwrap();
    let segment = folder.create(3, 300_000).unwrap();
    segment.write(&[7; 200_000], 1000).unwrap();
    folder.zero(3).unwrap();
    let file = path.path().join(format!("segment-{:020}.journal", 3));
    let bytes = fs::read(&file).unwrap();
    assert_eq!(bytes.len(), 300_000);
    assert!(bytes.iter().all(|byte| *byte == 0));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_folder_that_is_missing_is_made_with_its_parents_for_this_user_only() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("data").join("journal");
    let folder = Folder::open(&path, true).unwrap();
    assert!(folder.lock().unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
}
