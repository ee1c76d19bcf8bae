//! All of the file is handed out, and a folder that was moved is nobody's.

use std::collections::BTreeSet;

use rusqlite::Connection;
use uuid::Uuid;

use super::*;
use crate::embedded::folder::DATABASE;
use crate::moving::{Kept, Kind, Page};

/// Tables that do not go over, each with its reason.
const LEFT: [(&str, &str); 1] =
    [("person_terms", "MongoDB finds people by the terms in their rows")];

fn names(connection: &Connection, sql: &str) -> BTreeSet<String> {
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn whole_every_table_of_the_file_goes_over_or_says_why_not() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).close().await;
    let file = Connection::open(folder.path().join(DATABASE)).unwrap();
    let there = names(
        &file,
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    );
    let of_kinds = Kind::ALL.into_iter().map(Kind::table);
    let known = of_kinds.chain(LEFT.map(|(table, _)| table)).map(str::to_owned).collect();
    assert_eq!(there, known, "give a new table a kind (crates/store/src/moving.rs), or a reason");
}

#[tokio::test]
async fn the_key_of_each_kind_is_the_primary_key_of_its_table() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let file = Connection::open(folder.path().join(DATABASE)).unwrap();
    for kind in Kind::ALL {
        let page = store.page_of(kind, None).await.unwrap();
        assert!(page.rows.is_empty() && page.last.is_none(), "{kind:?}");
        let of_table = format!(
            "SELECT name FROM pragma_table_info('{}') WHERE pk > 0 ORDER BY pk",
            kind.table()
        );
        let key = names(&file, &of_table);
        let ours = super::super::moving::key_of_table(kind).iter().map(|&part| part.to_owned());
        assert_eq!(ours.collect::<BTreeSet<_>>(), key, "{kind:?}");
    }
    store.close().await;
}

#[tokio::test]
async fn pages_have_every_row_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    // More than a page has, and rows of which few fill one.
    for first in (0..9_000).step_by(1_000) {
        store.insert(&events("ann", first..first + 1_000)).await.unwrap();
    }
    let large = format!(r#"{{"text":"{}"}}"#, "x".repeat(1_000_000));
    let large: Vec<_> = (9_000..9_020).map(|n| event_with("ann", n, &large)).collect();
    store.insert(&large).await.unwrap();
    assert_eq!(store.rows(Kind::Events).await.unwrap(), 9_020);

    let (mut arrivals, mut pages, mut after) = (Vec::new(), 0, None);
    loop {
        let Page { rows, last } = store.page_of(Kind::Events, after).await.unwrap();
        assert!(rows.len() <= 8_000);
        arrivals.extend(rows.into_iter().map(|kept| match kept {
            Kept::Event(accepted) => accepted.arrival.as_i64(),
            _ => panic!("no event"),
        }));
        pages += 1;
        after = last;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(arrivals, (0..9_020).collect::<Vec<_>>());
    assert!(pages >= 4, "{pages}");
    store.close().await;
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.insert(&events("ann", 0..3)).await.unwrap();
    let file = Connection::open(folder.path().join(DATABASE)).unwrap();
    file.execute("UPDATE events SET payload = 'no JSON' WHERE seq = 2", []).unwrap();
    let Err(error) = store.page_of(Kind::Events, None).await else { panic!("it was read") };
    let error = error.to_string();
    assert!(error.contains("events") && error.contains("Integer(2)"), "{error}");
    store.close().await;
}

#[tokio::test]
async fn a_folder_that_was_moved_or_is_being_moved_is_opened_by_a_move_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let missing = EmbeddedStore::open_to_move(path, &settings());
    assert!(matches!(missing, Err(OpenError::NoStore { .. })));
    assert_eq!(std::fs::read_dir(path).unwrap().count(), 0);
    open(path).close().await;

    let refused = || EmbeddedStore::open(path, &settings()).err().unwrap();
    let mut mark = Mark { id: Uuid::new_v4(), to: "db:27017/shop".to_owned(), is_complete: false };
    mark.put_into(path).unwrap();
    assert_eq!(Mark::of(path).unwrap(), Some(mark.clone()));
    assert!(matches!(refused(), OpenError::HalfMoved { .. }));
    assert!(matches!(refuse_half_moved(path), Err(OpenError::HalfMoved { .. })));
    EmbeddedStore::open_to_move(path, &settings()).unwrap().close().await;

    mark.is_complete = true;
    mark.put_into(path).unwrap();
    let text = refused().to_string();
    assert!(text.contains("db:27017/shop") && text.contains("moved"), "{text}");
    refuse_half_moved(path).unwrap();

    std::fs::write(Mark::path_in(path), "{").unwrap();
    assert!(refused().to_string().contains("no mark of a move"));
    std::fs::remove_file(Mark::path_in(path)).unwrap();
    open(path).close().await;
}
