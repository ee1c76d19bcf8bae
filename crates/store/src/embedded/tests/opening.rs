use rusqlite::Connection;

use super::*;
use crate::embedded::folder::DATABASE;
use crate::embedded::schema::MIGRATIONS;

fn refusal(folder: &Path) -> OpenError {
    match EmbeddedStore::open(folder, &settings()) {
        Ok(_) => panic!("the folder was opened"),
        Err(error) => error,
    }
}

fn raw(folder: &Path) -> Connection {
    Connection::open(folder.join(DATABASE)).unwrap()
}

#[tokio::test]
async fn a_missing_folder_is_made_for_this_user_alone() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("a/b");
    let store = open(&folder);
    store.insert(&events("u", 0..1)).await.unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        for file in [DATABASE, "trailkeep.db-wal", "lock"] {
            assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
        }
    }
}

#[tokio::test]
async fn a_second_opener_is_told_who_has_the_folder_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    let text = refusal(folder.path()).to_string();
    for part in [
        &folder.path().display().to_string(),
        &format!("process {}", std::process::id()),
        "DATA_DIR",
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    first.close().await;
    open(folder.path());
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = refusal(&file.join("data"));
    assert!(matches!(error, OpenError::Folder { .. }), "{error:?}");
    assert!(error.to_string().contains("file/data"), "{error}");
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).close().await;
    raw(folder.path()).pragma_update(None, "user_version", 99).unwrap();
    let error = refusal(folder.path());
    assert!(
        matches!(
            error,
            OpenError::Newer {
                found: 99,
                known,
                ..
            } if known == MIGRATIONS.len()
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains("newer Trailkeep"), "{error}");
    let version: i64 =
        raw(folder.path()).pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 99);
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(DATABASE);
    let text = "this is somebody's diary\n".repeat(400);
    std::fs::write(&file, &text).unwrap();
    let error = refusal(folder.path());
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("Restore it"), "{error}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[tokio::test]
async fn a_damaged_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).close().await;
    let file = folder.path().join(DATABASE);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[100..200].fill(0xff);
    std::fs::write(&file, bytes).unwrap();
    let error = refusal(folder.path());
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

#[tokio::test]
async fn another_programs_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    raw(folder.path()).execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    let error = refusal(folder.path());
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
}

#[tokio::test]
async fn a_store_dropped_unclosed_gives_back_all_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.insert(&events("u", 0..1_000)).await.unwrap();
    drop(store);
    assert_eq!(count(&open(folder.path()), "u").await, 1_000);
}

/// A copy of the files under a running store is what a killed process leaves.
#[tokio::test]
async fn a_killed_process_leaves_all_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for number in 0..20 {
        let batch = events("u", number * 100..(number + 1) * 100);
        store.insert(&batch).await.unwrap();
    }
    let left_behind = tempfile::tempdir().unwrap();
    for file in [DATABASE, "trailkeep.db-wal", "lock"] {
        std::fs::copy(folder.path().join(file), left_behind.path().join(file)).unwrap();
    }
    assert_eq!(count(&open(left_behind.path()), "u").await, 2_000);
}

#[tokio::test]
async fn a_closed_store_is_one_file_that_anyone_can_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.insert(&[event_with("u", 0, r#"{"a.b":1.5}"#)]).await.unwrap();
    assert_eq!(count(&store, "u").await, 1);
    store.close().await;
    assert_eq!(wal_bytes(folder.path()), 0);
    let row = raw(folder.path())
        .query_row(
            "SELECT occurred_at, received_at, payload FROM journeys WHERE user_id = 'u'",
            [],
            |row| Ok([row.get(0)?, row.get(1)?, row.get::<_, String>(2)?]),
        )
        .unwrap();
    let time = "2025-12-15T10:30:00.123Z";
    assert_eq!(row, [time, time, r#"{"a.b":1.5}"#]);
}

#[test]
fn the_views_times_are_those_of_the_api() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let file = raw(folder.path());
    let years = [-62_167_219_200_000, -1, 0, 999, 1_765_794_600_999, 253_402_300_799_999];
    for millis in years {
        file.execute(
            "INSERT OR REPLACE INTO events VALUES
             (1, zeroblob(16), 'u', 'e', 't', NULL, NULL, '{}', ?1, ?1, 0, NULL)",
            [millis],
        )
        .unwrap();
        let shown: String =
            file.query_row("SELECT occurred_at FROM journeys", [], |row| row.get(0)).unwrap();
        assert_eq!(shown, Timestamp::from_millis(millis).unwrap().to_string());
    }
}
