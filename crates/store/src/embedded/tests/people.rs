use rusqlite::Connection;

use super::expiring::{DAY, Hands, open_for_a_day};
use super::*;
use crate::embedded::{folder::DATABASE, schema};
use crate::people::{Decision, Matching, PeopleStore as _, Person, SessionUser, TermKind};

const HOUR: i64 = DAY / 24;

/// The end of the hour in which noon is.
const HOUR_OF_NOON: i64 = NOON / HOUR * HOUR + HOUR;

fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

fn seen(id: &str, millis: i64) -> Person {
    Person::new(id).seen_at(moment(millis))
}

fn joined(id: &str, user: &str, millis: i64) -> Person {
    let user = Some(user.into());
    seen(id, millis).decided(Decision { at: moment(NOON), by: "root".into(), user })
}

fn identified(id: &str, traits: &str) -> Person {
    let limits = PayloadLimits { max_bytes: 1 << 20, max_depth: 32 };
    let payload = Payload::from_json(traits.as_bytes(), limits).unwrap();
    seen(id, NOON).identified(&payload, Arrival::from_i64(1))
}

fn session(session_id: &str, millis: i64) -> SessionUser {
    let since = Arrival::first_at(moment(millis));
    SessionUser { session_id: session_id.into(), since, user_id: "u".into() }
}

async fn ids(store: &EmbeddedStore, ids: &[&str]) -> Vec<String> {
    let rows = store.people(ids).await.unwrap();
    rows.into_iter().map(|row| row.person.id.into()).collect()
}

fn rows(folder: &Path, table: &str) -> i64 {
    let file = Connection::open(folder.join(DATABASE)).unwrap();
    file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn people_go_with_their_events_and_take_their_terms_along() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Hands::at(NOON);
    let store = open_for_a_day(folder.path(), &clock);
    let old = identified("old", r#"{"email":"old@example.com","name":"Old Ann"}"#);
    let all = ["old", "user", "device", "lost"];
    let said = [
        old,
        seen("user", NOON + 2 * HOUR),
        joined("device", "user", NOON),
        joined("lost", "nobody", NOON),
    ];
    store.merge_in(&said).await.unwrap();
    store.note_sessions(&[session("old", NOON), session("new", NOON + HOUR)]).await.unwrap();

    clock.move_to(HOUR_OF_NOON + DAY);
    store.prepare().await.unwrap();
    store.ping().await.unwrap();
    assert_eq!(ids(&store, &all).await, all);
    assert_eq!(store.session_user("old").await.unwrap(), None);
    assert!(store.session_user("new").await.unwrap().is_some());

    clock.move_to(HOUR_OF_NOON + DAY + 1);
    store.prepare().await.unwrap();
    let left = ["user", "device"];
    until("the old ones are deleted", || async { ids(&store, &all).await == left }).await;
    for (kind, text) in [(TermKind::Email, "old@"), (TermKind::NameWord, "ann")] {
        assert_eq!(store.by_term(kind, text, Matching::Prefix, 9).await.unwrap(), []);
    }
    assert_eq!(rows(folder.path(), "person_terms"), 2);

    // Whoever was joined to a user goes with that one.
    clock.move_to(HOUR_OF_NOON + DAY + 3 * HOUR);
    store.prepare().await.unwrap();
    until("all are deleted", || async { ids(&store, &all).await.is_empty() }).await;
    assert_eq!(rows(folder.path(), "person_terms"), 0);
}

#[tokio::test]
async fn people_are_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let ann = identified("ann", r#"{"email":"ann@example.com","a.b":{"$set":1}}"#);
    let device = joined("device", "ann", NOON);
    store.merge_in(&[ann.clone(), device.clone()]).await.unwrap();
    store.note_sessions(&[session("s", NOON)]).await.unwrap();
    // As a crash leaves it.
    drop(store);

    let store = open(folder.path());
    let found = store.people(&["ann", "device"]).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|row| (row.person, row.rev)).collect();
    assert_eq!(found, [(ann.clone(), 1), (device.clone(), 1)]);
    assert_eq!(store.linked_to("ann", &[], 9).await.unwrap(), [device, ann.clone()]);
    let by_address = store.by_term(TermKind::Email, "ANN@", Matching::Prefix, 9).await.unwrap();
    assert_eq!(by_address, [ann]);
    assert_eq!(store.session_user("s").await.unwrap(), Some(session("s", NOON)));
}

/// Statements that run all the time enter an index, and sort nothing.
#[tokio::test]
async fn people_are_found_by_indexes_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (answer, plans) = oneshot::channel();
    store.writer.run(|connection| {
        let plan = |sql: &str| -> Vec<String> {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let nothing = vec![rusqlite::types::Null; statement.parameter_count()];
            let rows =
                statement.query_map(rusqlite::params_from_iter(nothing), |row| row.get(3)).unwrap();
            rows.map(|row| row.unwrap()).collect()
        };
        let _ = answer.send(crate::embedded::people::statements().map(|sql| (sql, plan(sql))));
    });
    for (sql, plan) in plans.await.unwrap() {
        let is_walk = |step: &&String| step.starts_with("SCAN") || step.contains("TEMP");
        assert_eq!(plan.iter().find(is_walk), None, "{sql}\n{plan:?}");
        assert!(plan.iter().any(|step| step.starts_with("SEARCH")), "{sql}\n{plan:?}");
    }
}

#[tokio::test]
async fn a_file_that_knew_no_people_is_brought_up_to_date_and_keeps_its_events() {
    let folder = tempfile::tempdir().unwrap();
    let file = Connection::open(folder.path().join(DATABASE)).unwrap();
    for step in &schema::MIGRATIONS[..7] {
        file.execute_batch(step).unwrap();
    }
    file.pragma_update(None, "application_id", 0x5452_4b50).unwrap();
    file.pragma_update(None, "user_version", 7).unwrap();
    let id = StoreId::derive("u", "e0");
    file.execute(
        "INSERT INTO events VALUES (1, ?1, 'u', 'e0', 'page_view', NULL, NULL, '{}', ?2, ?2, 7)",
        rusqlite::params![id.as_bytes(), NOON],
    )
    .unwrap();
    drop(file);

    let store = open(folder.path());
    assert_eq!(count(&store, "u").await, 1);
    store.merge_in(&[seen("u", NOON)]).await.unwrap();
    store.note_sessions(&[session("s", NOON)]).await.unwrap();
    store.close().await;
    let store = open(folder.path());
    assert_eq!(ids(&store, &["u"]).await, ["u"]);
    assert_eq!(count(&store, "u").await, 1);
}

#[tokio::test]
async fn what_a_person_makes_of_a_row_is_unreadable_and_nothing_is_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.merge_in(&[seen("u", NOON)]).await.unwrap();
    let file = Connection::open(folder.path().join(DATABASE)).unwrap();
    file.execute("UPDATE people SET parts = '{\"claims\":7}'", []).unwrap();
    let error = store.merge_in(&[seen("u", NOON + 1)]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreadable(_)), "{error:?}");
}
