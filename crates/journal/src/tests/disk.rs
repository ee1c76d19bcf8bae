//! The folder of a service.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::disk::{Disk as _, Folder, SegmentFile as _};

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
