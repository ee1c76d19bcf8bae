use rusqlite::Connection;

use super::*;
use crate::embedded::folder::DATABASE;

#[tokio::test]
async fn each_event_has_its_own_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.insert(&events("u", 0..1)).await.unwrap();
    let outcomes =
        store.insert(&[event("u", 0), event("u", 1), event("u", 1), event("v", 0)]).await.unwrap();
    use Outcome::{Duplicate, Stored};
    assert_eq!(outcomes, [Duplicate, Stored, Duplicate, Stored]);
    assert_eq!(store.insert(&[]).await.unwrap(), []);
}

#[tokio::test]
async fn one_row_that_sqlite_refuses_does_not_keep_the_others_out() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.writer.run(|connection| {
        connection
            .execute_batch(
                "CREATE TRIGGER poison BEFORE INSERT ON events WHEN NEW.event_id = 'e1'
                 BEGIN SELECT RAISE(ABORT, 'poisonous'); END",
            )
            .unwrap();
    });
    let outcomes = store.insert(&events("u", 0..3)).await.unwrap();
    assert_eq!(outcomes[0], Outcome::Stored);
    assert!(matches!(&outcomes[1], Outcome::Refused(why) if why.error.contains("poisonous")));
    assert_eq!(outcomes[2], Outcome::Stored);
    assert_eq!(count(&store, "u").await, 2);
}

#[tokio::test]
async fn a_full_disk_acknowledges_nothing_and_heals() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.insert(&events("u", 0..10)).await.unwrap();
    store.writer.run(|connection| limit_pages(connection, 20));
    let big = format!(r#"{{"text":"{}"}}"#, "x".repeat(20_000));
    let batch: Vec<_> = (10..20).map(|number| event_with("u", number, &big)).collect();
    let error = store.insert(&batch).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(why) if why.contains("full")), "{error}");
    assert_eq!(count(&store, "u").await, 10);
    store.ping().await.unwrap();

    store.writer.run(|connection| limit_pages(connection, 1_000_000));
    let outcomes = store.insert(&batch).await.unwrap();
    assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Stored));
    assert_eq!(count(&store, "u").await, 20);
}

fn limit_pages(connection: &Connection, pages: i64) {
    connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
}

#[tokio::test]
async fn waiting_inserts_are_committed_together_and_each_has_its_own_answer() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let release = hold_up(&store);
    let (first, second, third) =
        ([event("u", 0), event("u", 1)], [event("u", 1), event("u", 2)], [event("v", 0)]);
    let inserts = async {
        tokio::join!(store.insert(&first), store.insert(&second), store.insert(&third), async {
            drop(release)
        })
    };
    let (first, second, third, ()) = inserts.await;
    use Outcome::{Duplicate, Stored};
    assert_eq!(first.unwrap(), [Stored, Stored]);
    assert_eq!(second.unwrap(), [Duplicate, Stored]);
    assert_eq!(third.unwrap(), [Stored]);
}

#[tokio::test]
async fn an_insert_nobody_waits_for_is_carried_out() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let release = hold_up(&store);
    let batch = events("u", 0..5);
    let impatient = tokio::time::timeout(Duration::from_millis(1), store.insert(&batch));
    assert!(impatient.await.is_err());
    drop(release);
    until("the insert is carried out", || async { count(&store, "u").await == 5 }).await;
    store.insert(&events("u", 5..6)).await.unwrap();
}

#[tokio::test]
async fn more_callers_than_the_queue_holds_are_all_served() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    let release = hold_up(&store);
    let callers: Vec<_> = (0..300)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.insert(&[event("u", number)]).await })
        })
        .collect();
    drop(release);
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap(), [Outcome::Stored]);
    }
}

#[tokio::test]
async fn a_writer_that_panicked_is_reported_and_nothing_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let release = hold_up(&store);
    store.writer.run(|_| panic!("on purpose"));
    let batch = events("u", 0..1);
    let (waiting, ()) = tokio::join!(store.insert(&batch), async { drop(release) });
    for result in [waiting.map(drop), store.insert(&batch).await.map(drop), store.ping().await] {
        let error = result.unwrap_err();
        assert!(
            matches!(&error, StoreError::Unavailable(why) if why.contains("restart")),
            "{error}"
        );
    }
    store.close().await;
    open(folder.path());
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_is_acknowledged_once_the_files_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.ping().await.unwrap();
    std::fs::remove_file(folder.path().join(DATABASE)).unwrap();
    for result in [store.insert(&events("u", 0..1)).await.map(drop), store.ping().await] {
        let error = result.unwrap_err();
        assert!(matches!(&error, StoreError::Denied(why) if why.contains("removed")), "{error}");
    }
}

#[tokio::test]
async fn the_wal_stays_small() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let text = format!(r#"{{"text":"{}"}}"#, "x".repeat(2_000));
    for round in 0..60 {
        let batch: Vec<_> =
            (round * 500..(round + 1) * 500).map(|number| event_with("u", number, &text)).collect();
        store.insert(&batch).await.unwrap();
        assert!(wal_bytes(folder.path()) < 20 << 20);
    }
}

/// A reader that never ends its transaction keeps the WAL from being reused.
#[tokio::test]
async fn the_wal_is_small_again_after_a_reader_held_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let file = folder.path().join(DATABASE);
    let reader = Connection::open(&file).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM events;").unwrap();
    let text = format!(r#"{{"text":"{}"}}"#, "x".repeat(100_000));
    let mut next = 0;
    while wal_bytes(folder.path()) < 12 << 20 {
        let batch: Vec<_> = (next..next + 20).map(|n| event_with("u", n, &text)).collect();
        store.insert(&batch).await.unwrap();
        next += 20;
    }
    reader.execute_batch("COMMIT").unwrap();
    for number in next..next + 3 {
        store.insert(&[event("u", number)]).await.unwrap();
    }
    assert!(wal_bytes(folder.path()) <= 8 << 20, "{}", wal_bytes(folder.path()));
}

/// Past its limit the WAL is emptied at once, and not only written anew from
/// its beginning; a reader that is in the way delays inserts, and fails none.
#[tokio::test]
async fn a_wal_past_its_limit_is_emptied_by_force() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let reader = Connection::open(folder.path().join(DATABASE)).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM events;").unwrap();
    let fill = |store: &EmbeddedStore| {
        store.writer.run(|connection| {
            connection
                .execute_batch(
                    "CREATE TABLE IF NOT EXISTS filler (x);
                     INSERT INTO filler VALUES (zeroblob(70000000));",
                )
                .unwrap();
        });
    };
    fill(&store);
    let outcomes = store.insert(&events("u", 0..1)).await.unwrap();
    assert_eq!(outcomes, [Outcome::Stored]);
    assert!(wal_bytes(folder.path()) > 64 << 20);

    fill(&store);
    store.ping().await.unwrap();
    reader.execute_batch("COMMIT").unwrap();
    store.insert(&events("u", 1..2)).await.unwrap();
    store.ping().await.unwrap();
    assert_eq!(wal_bytes(folder.path()), 0);
    assert_eq!(count(&store, "u").await, 2);
}

#[tokio::test]
async fn close_finishes_what_waits() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    let release = hold_up(&store);
    let batch = events("u", 0..500);
    let (outcomes, (), ()) =
        tokio::join!(store.insert(&batch), store.close(), async { drop(release) });
    assert_eq!(outcomes.unwrap().len(), 500);
    assert!(store.insert(&batch).await.is_err());
    assert_eq!(count(&open(folder.path()), "u").await, 500);
}

/// *Loud.*
#[tokio::test]
async fn the_end_of_the_writing_thread_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.writer.run(|_| panic!("on purpose"));
    let ended = tokio::time::timeout(Duration::from_secs(30), store.ended());
    ended.await.expect("it is told");
}
