use rusqlite::{Connection, params};
use uuid::Uuid;

use super::*;
use crate::access::{
    AccessStore as _, Admission, AuditEntry, AuditRange, Created, Role, Scope, SessionRecord,
    StaffAccount, TokenRecord, TrailAges,
};
use crate::embedded::folder::DATABASE;
use crate::team::{TeamRecord, TeamStore as _};
use crate::write_keys::WriteKeyStore as _;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOON + millis).unwrap()
}

fn account(email: &str) -> StaffAccount {
    StaffAccount {
        id: Uuid::new_v4(),
        email: email.to_owned(),
        name: "Ann".to_owned(),
        role: Role::Staff,
        password_hash: "$argon2id$".to_owned(),
        is_disabled: false,
        session_epoch: 0,
        places: Vec::new(),
        created_at: at(0),
    }
}

fn hash(number: u16) -> [u8; 32] {
    let mut hash = [0; 32];
    hash[..2].copy_from_slice(&number.to_be_bytes());
    hash
}

fn session(number: u16, expires_at: i64) -> SessionRecord {
    SessionRecord {
        id_hash: hash(number),
        account_id: None,
        data: Vec::new(),
        expires_at: at(expires_at),
    }
}

fn token(number: u16, expires_at: Option<i64>) -> TokenRecord {
    TokenRecord {
        id: Uuid::new_v4(),
        name: "monitor".to_owned(),
        hash: hash(number),
        scope: Scope::Monitor,
        created_by: Uuid::new_v4(),
        created_at: at(0),
        expires_at: expires_at.map(at),
        last_used_at: None,
    }
}

fn entry(at: Timestamp) -> AuditEntry {
    AuditEntry {
        id: Uuid::now_v7(),
        at,
        actor: "ann@example.com".to_owned(),
        actor_id: None,
        action: "journey.read".to_owned(),
        subject: Some("u".to_owned()),
        client: None,
        reason: None,
    }
}

fn team() -> TeamRecord {
    TeamRecord {
        sentences: [("order".to_owned(), "Placed {id}".to_owned())].into(),
        hidden_types: vec!["page_leave".to_owned()],
        pinned_keys: [("order".to_owned(), vec!["total".to_owned()])].into(),
        asks_for_reason: true,
        updated_at: at(0),
    }
}

fn raw(folder: &Path) -> Connection {
    Connection::open(folder.join(DATABASE)).unwrap()
}

fn rows(folder: &Path, table: &str) -> i64 {
    let question = format!("SELECT count(*) FROM {table}");
    raw(folder).query_row(&question, [], |row| row.get(0)).unwrap()
}

/// A file as the first version left it, with one event in it.
fn make_first_version(folder: &Path) {
    let file = raw(folder);
    file.execute_batch(schema::MIGRATIONS[0]).unwrap();
    file.pragma_update(None, "application_id", 0x5452_4b50).unwrap();
    file.pragma_update(None, "user_version", 1).unwrap();
    let id = StoreId::derive("u", "e0");
    file.execute(
        "INSERT INTO events VALUES (1, ?1, 'u', 'e0', 'page_view', NULL, NULL, '{}', ?2, ?2, 7)",
        params![id.as_bytes(), NOON],
    )
    .unwrap();
}

#[tokio::test]
async fn a_file_of_the_first_version_is_brought_up_to_date_and_keeps_its_events() {
    let folder = tempfile::tempdir().unwrap();
    make_first_version(folder.path());
    let store = open(folder.path());
    assert_eq!(count(&store, "u").await, 1);
    let outcomes = store.insert(&events("u", 0..2)).await.unwrap();
    assert_eq!(outcomes, [Outcome::Duplicate, Outcome::Stored]);
    let ann = account("ann@example.com");
    let made = store.create_account(&ann, Admission::First).await.unwrap();
    assert_eq!(made, Created::Created);
    store.close().await;

    let version: i64 =
        raw(folder.path()).pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, schema::MIGRATIONS.len() as i64);
    let store = open(folder.path());
    assert_eq!(count(&store, "u").await, 2);
    assert_eq!(store.account(ann.id).await.unwrap(), Some(ann));
}

#[tokio::test]
async fn an_account_of_an_earlier_version_is_at_its_first_session_epoch() {
    let folder = tempfile::tempdir().unwrap();
    make_first_version(folder.path());
    let file = raw(folder.path());
    for step in &schema::MIGRATIONS[1..4] {
        file.execute_batch(step).unwrap();
    }
    file.pragma_update(None, "user_version", 4).unwrap();
    let ann = account("ann@example.com");
    file.execute(
        "INSERT INTO accounts VALUES (?1, ?2, 'Ann', 'staff', ?3, 0, ?4)",
        params![ann.id.as_bytes(), ann.email, ann.password_hash, ann.created_at.as_millis()],
    )
    .unwrap();
    drop(file);
    let store = open(folder.path());
    assert_eq!(store.account(ann.id).await.unwrap(), Some(ann));
}

#[tokio::test]
async fn a_file_that_knew_no_team_is_brought_up_to_date_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    make_first_version(folder.path());
    let file = raw(folder.path());
    for step in &schema::MIGRATIONS[1..11] {
        file.execute_batch(step).unwrap();
    }
    file.pragma_update(None, "user_version", 11).unwrap();
    file.execute(
        "INSERT INTO write_keys VALUES (zeroblob(16), 'shop', zeroblob(32), 'x', '[]', NULL, 0,
                                        NULL, NULL)",
        [],
    )
    .unwrap();
    drop(file);
    let store = open(folder.path());
    assert_eq!(store.team().await.unwrap(), None);
    store.set_team(&team()).await.unwrap();
    store.close().await;
    let store = open(folder.path());
    assert_eq!(store.team().await.unwrap(), Some(team()));
    assert_eq!(store.write_keys().await.unwrap().len(), 1);
    assert_eq!(count(&store, "u").await, 1);
}

#[tokio::test]
async fn a_team_that_a_person_made_unreadable_is_told_and_nothing_is_guessed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.set_team(&team()).await.unwrap();
    raw(folder.path()).execute("UPDATE team SET sentences = '{\"a\":7}'", []).unwrap();
    let error = store.team().await.unwrap_err();
    assert!(matches!(error, StoreError::Unreadable(_)), "{error:?}");
    store.set_team(&team()).await.unwrap();
    assert_eq!(store.team().await.unwrap(), Some(team()));
    assert_eq!(rows(folder.path(), "team"), 1);
}

#[tokio::test]
async fn a_sweep_removes_from_the_file_what_has_ended_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    // More than goes into one step, and exactly one step's worth.
    for number in 0..501 {
        store.create_session(&session(number, 10)).await.unwrap();
    }
    store.create_session(&session(501, 11)).await.unwrap();
    for (number, expires_at) in [(1, Some(10)), (2, Some(11)), (3, None)] {
        store.create_token(&token(number, expires_at)).await.unwrap();
    }
    let trail: Vec<_> = (0..1_001).map(|number| entry(at(number))).collect();
    store.record(&trail).await.unwrap();

    store
        .sweep(at(10), TrailAges { entries_since: Some(at(1_000)), addresses_since: None })
        .await
        .unwrap();
    assert_eq!(rows(folder.path(), "sessions"), 1);
    assert!(store.session(&hash(501), at(10)).await.unwrap().is_some());
    let left: Vec<_> = store.tokens().await.unwrap();
    let left: Vec<_> = left.iter().map(|token| token.hash).collect();
    assert_eq!(left.len(), 2);
    assert!(left.contains(&hash(2)) && left.contains(&hash(3)));
    let left = store.audit(&AuditRange::default(), 10).await.unwrap();
    assert_eq!(left, trail[1_000..]);
}

#[tokio::test]
async fn changes_and_inserts_that_wait_for_the_writer_are_all_carried_out() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    let release = hold_up(&store);
    let mut waiting = Vec::new();
    for number in 0..20_i64 {
        let store = Arc::clone(&store);
        waiting.push(tokio::spawn(async move {
            let batch = events("u", number * 10..(number + 1) * 10);
            let outcomes = store.insert(&batch).await.unwrap();
            assert_eq!(outcomes, vec![Outcome::Stored; 10]);
        }));
    }
    for number in 0..20_u16 {
        let store = Arc::clone(&store);
        waiting.push(tokio::spawn(async move {
            assert!(store.create_session(&session(number, 10)).await.unwrap());
        }));
    }
    drop(release);
    for call in waiting {
        call.await.unwrap();
    }
    assert_eq!(count(&store, "u").await, 200);
    assert_eq!(rows(folder.path(), "sessions"), 20);
}

#[tokio::test]
async fn a_change_that_fails_leaves_nothing_and_the_writer_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let failed = store
        .writer
        .change(|transaction| {
            transaction.execute("DELETE FROM accounts", [])?;
            transaction.execute("INSERT INTO sessions VALUES (zeroblob(32), NULL, x'', 1)", [])?;
            transaction.execute("INSERT INTO sessions VALUES (zeroblob(3), NULL, x'', 1)", [])
        })
        .await;
    assert!(matches!(failed, Err(StoreError::Denied(_))), "{failed:?}");
    assert_eq!(rows(folder.path(), "sessions"), 0);
    assert!(store.create_session(&session(1, 10)).await.unwrap());
}

#[tokio::test]
async fn a_role_that_is_not_known_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let ann = account("ann@example.com");
    store.create_account(&ann, Admission::First).await.unwrap();
    raw(folder.path()).execute("UPDATE accounts SET role = 'root'", []).unwrap();
    let error = store.account(ann.id).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreadable(_)), "{error:?}");
    assert!(error.to_string().contains("root"), "{error}");
}

#[tokio::test]
async fn a_closed_store_is_unavailable_for_access_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.close().await;
    let ann = account("ann@example.com");
    for error in [
        store.create_account(&ann, Admission::Any).await.unwrap_err(),
        store.account(ann.id).await.unwrap_err(),
        store.session(&hash(1), at(0)).await.unwrap_err(),
        store.sweep(at(0), TrailAges::default()).await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
}
