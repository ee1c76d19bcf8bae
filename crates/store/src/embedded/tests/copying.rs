use std::fs::{self, File};
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use trailkeep_event::Timestamp;

use super::*;
use crate::embedded::folder::DATABASE;
use crate::embedded::schema::MIGRATIONS;
use crate::erasures::ErasureStore as _;

fn copied(folder: &Path, target: &Path) -> Contents {
    File::create_new(target).unwrap();
    copy(folder, target, &mut |done, of| assert!(done <= of)).unwrap()
}

/// A file of an older format with an event, as the version left it.
fn old_database(folder: &Path, format: usize) {
    let file = Connection::open(folder.join(DATABASE)).unwrap();
    for step in &MIGRATIONS[..format] {
        file.execute_batch(step).unwrap();
    }
    let insert =
        "INSERT INTO events (id, user_id, event_id, type, payload, occurred_at, received_at,
                                      arrival) VALUES (zeroblob(16), 'u', 'e', 't', '{}', 1, 1, 7)";
    file.execute_batch(insert).unwrap();
    file.pragma_update(None, "application_id", 0x5452_4b50).unwrap();
    file.pragma_update(None, "user_version", format as i64).unwrap();
}

#[tokio::test]
async fn a_copy_has_what_was_there_at_one_moment_while_others_write() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    store.insert(&events("u", 0..5_000)).await.unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let (writer, ends) = (Arc::clone(&store), Arc::clone(&is_over));
    let writing = tokio::spawn(async move {
        let mut number = 5_000;
        while !ends.load(Ordering::Acquire) {
            writer.insert(&events("u", number..number + 10)).await.unwrap();
            number += 10;
        }
    });
    let target = folder.path().join("copy");
    let (from, to) = (folder.path().to_owned(), target.clone());
    let contents = tokio::task::spawn_blocking(move || copied(&from, &to)).await.unwrap();
    is_over.store(true, Ordering::Release);
    writing.await.unwrap();
    let copy = Connection::open(&target).unwrap();
    let of = |sql: &str| copy.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(of("SELECT count(*) FROM events") as u64, contents.events);
    // Whole writes, and all before the last one.
    assert_eq!(contents.events % 10, 0);
    assert_eq!(of("SELECT max(seq) FROM events") as u64, contents.events);
    assert_eq!(contents.highest_arrival, Some(of("SELECT max(arrival) FROM events")));
}

#[tokio::test]
async fn a_copy_of_an_older_format_is_brought_to_the_newest() {
    for format in [1, 8, MIGRATIONS.len()] {
        let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        old_database(old.path(), format);
        let target = old.path().join("copy");
        let contents = copied(old.path(), &target);
        assert_eq!((contents.format, contents.events), (format, 1));
        assert_eq!((contents.highest_arrival, contents.erasures), (Some(7), 0));
        let restoring = Restoring::begin(new.path(), false).unwrap();
        fs::copy(&target, restoring.database()).unwrap();
        restoring.check().unwrap();
        restoring.carry_over().unwrap();
        restoring.finish().unwrap();
        assert_eq!(count(&open(new.path()), "u").await, 1);
    }
}

#[tokio::test]
async fn what_was_written_last_is_read_in_pages_and_no_more_of_it_than_was_asked_for() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(old.path());
    store.insert(&events("u", 0..450)).await.unwrap();
    let restoring = Restoring::begin(new.path(), false).unwrap();
    File::create_new(restoring.database()).unwrap();
    copy(old.path(), &restoring.database(), &mut |_, _| {}).unwrap();
    for (most, pages) in [(0, vec![]), (300, vec![200, 100]), (1_000, vec![200, 200, 50])] {
        let mut newest = restoring.newest(most).unwrap();
        let mut read = Vec::new();
        while let Some(page) = newest.more().unwrap() {
            read.push(page);
        }
        assert_eq!(read.iter().map(Vec::len).collect::<Vec<_>>(), pages);
        let read: Vec<_> = read.concat().into_iter().map(|event| event.id).collect();
        let all: Vec<_> = events("u", 0..450).iter().map(|event| event.event.id).collect();
        assert_eq!(read, all[450 - most.min(450)..]);
    }
}

#[tokio::test]
async fn a_restore_that_is_given_up_leaves_everything_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.insert(&events("u", 0..3)).await.unwrap();
    let key = store.erasure_key().await.unwrap();
    store.close().await;
    let now = Timestamp::from_millis(NOON).unwrap();
    let restoring = Restoring::begin(folder.path(), true).unwrap();
    fs::write(restoring.database(), "half a cop").unwrap();
    assert!(matches!(restoring.check(), Err(RestoreError::Damaged(_))));
    assert!(restoring.erasures(now).unwrap().unwrap().key == key);
    // Nobody else has the folder meanwhile.
    let opened = EmbeddedStore::open(folder.path(), &settings());
    assert!(matches!(opened.err(), Some(OpenError::Locked { .. })));
    drop(restoring);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(count(&open(folder.path()), "u").await, 3);
}

#[tokio::test]
async fn what_a_killed_restore_has_left_goes_with_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let restoring = Restoring::begin(folder.path(), false).unwrap();
    fs::write(restoring.database(), "somebody who is erased").unwrap();
    let staging = restoring.staging().to_owned();
    std::mem::forget(restoring);
    // The lock of a process ends with it, and this one lives: a folder like it.
    let other = tempfile::tempdir().unwrap();
    fs::rename(&staging, other.path().join("restoring")).unwrap();
    drop(open(other.path()));
    assert!(!other.path().join("restoring").exists());
}

#[test]
fn a_database_of_an_older_format_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    old_database(folder.path(), 8);
    let restoring = Restoring::begin(folder.path(), true).unwrap();
    let refused = restoring.erasures(Timestamp::from_millis(NOON).unwrap());
    assert!(matches!(refused, Err(RestoreError::OtherFormat { found: 8, .. })));
}
