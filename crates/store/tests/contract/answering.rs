//! The promise that a store answers in time, or says that it is unavailable.
//!
//! What keeps a store from answering differs: a server that stands still, and a
//! file that another program writes to.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rusqlite::Connection;
use trailkeep_store::access::{AccessStore, Admission, AuditRange, StaffChange, TrailAges};
use trailkeep_store::activity::ActivityStore;
use trailkeep_store::dead_letters::{DeadLetter, DeadLetterStore};
use trailkeep_store::embedded::{EmbeddedSettings, EmbeddedStore};
use trailkeep_store::mongo::{MongoSettings, MongoStore};
use trailkeep_store::payloads::{PayloadKey, PayloadStore, PayloadValue};
use trailkeep_store::people::{Matching, PeopleStore, Row, TermKind};
use trailkeep_store::summaries::{AccountStore, Bucket, QueryError, SummaryRange};
use trailkeep_store::team::TeamStore;
use trailkeep_store::{Reason, Refusal, Retention, Store, StoreError};
use trailkeep_store_contract::access::samples::{account, entry, hash, session, token};
use trailkeep_store_contract::access::team::full as team;
use trailkeep_store_contract::people::samples::{person, session as session_of};
use trailkeep_store_contract::samples::{all_of, at, event, store_all};
use trailkeep_testkit::mongod::Mongod;
use uuid::Uuid;

use crate::homes::{SETTINGS, within};

const LIMIT: Duration = Duration::from_millis(400);

/// For a machine that has other things to do.
const MARGIN: Duration = Duration::from_secs(5);

type Call<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;

/// What a call comes to, without what it answers.
fn call<'a, T, E: Into<QueryError>>(
    call: impl Future<Output = Result<T, E>> + Send + 'a,
) -> Call<'a> {
    Box::pin(async move {
        match call.await.map_err(Into::into) {
            Ok(_) => Ok(()),
            Err(QueryError::Store(error)) => Err(error),
            Err(error @ QueryError::OutOfTime(_)) => {
                Err(StoreError::Unavailable(error.to_string()))
            }
        }
    })
}

fn reads<S>(store: &S) -> Vec<(&'static str, Call<'_>)>
where
    S: Store
        + DeadLetterStore
        + AccessStore
        + AccountStore
        + ActivityStore
        + PeopleStore
        + PayloadStore
        + TeamStore,
{
    let id = event("ann", "e1", 0, 1).event.id;
    let (account_id, bucket) = ("a".to_owned(), Some(Bucket::Hour));
    let range = SummaryRange { account_id, from: at(0), to: at(1), top: 1, bucket };
    vec![
        ("arrivals", call(async move { store.arrivals(&[id]).await })),
        ("positions", call(async move { store.positions(&[id]).await })),
        ("journey", call(async { store.journey(&all_of("ann"), 10).await })),
        ("list", call(store.list(None, 10))),
        ("get", call(store.get(id))),
        ("count", call(store.count())),
        ("account_by_email", call(store.account_by_email("ann"))),
        ("account", call(store.account(Uuid::nil()))),
        ("accounts", call(store.accounts(None, 10))),
        ("session", call(async { store.session(&hash(1), at(0)).await })),
        ("token_by_hash", call(async { store.token_by_hash(&hash(1)).await })),
        ("tokens", call(store.tokens())),
        ("audit", call(async { store.audit(&AuditRange::default(), 10).await })),
        ("team", call(store.team())),
        ("summary", call(async move { store.summary(&range, LIMIT).await })),
        ("account_ends", call(store.account_ends(LIMIT))),
        ("people", call(async { store.people(&["ann"]).await })),
        ("linked_to", call(store.linked_to("ann", &["bob"], 10))),
        ("by_term", call(store.by_term(TermKind::Id, "ann", Matching::Prefix, 10))),
        (
            "by_payload",
            call(async {
                let key = PayloadKey::new("k").unwrap();
                store.by_payload(&key, &PayloadValue::typed("1").unwrap(), 10).await
            }),
        ),
        ("session_user", call(store.session_user("s"))),
        ("accounts_from", call(store.accounts_from("a", 1, LIMIT))),
        ("events", call(store.events("a", None, 10))),
        ("activity", call(async { store.activity(&[("ann".to_owned(), None)], at(0), 10).await })),
    ]
}

fn writes<S>(store: &S) -> Vec<(&'static str, Call<'_>)>
where
    S: Store + DeadLetterStore + AccessStore + AccountStore + PeopleStore + TeamStore,
{
    let accepted = Arc::new(event("ann", "e2", 0, 2));
    let id = accepted.event.id;
    let refusal = Refusal::new(Reason::Unknown, "it is not wanted");
    let letter = DeadLetter::new(accepted.clone(), refusal.clone(), at(0));
    vec![
        ("insert", call(async move { store.insert(&[accepted]).await })),
        ("put", call(async move { store.put(&[letter]).await })),
        ("refused_again", call(async move { store.refused_again(id, &refusal, at(1)).await })),
        ("remove", call(async move { store.remove(&[id]).await })),
        (
            "create_account",
            call(async { store.create_account(&account("ann"), Admission::Any).await }),
        ),
        (
            "change_account",
            call(async {
                let change = StaffChange { is_disabled: Some(true), ..StaffChange::default() };
                store.change_account(Uuid::nil(), &change).await
            }),
        ),
        ("create_session", call(async { store.create_session(&session(1, None)).await })),
        ("save_session", call(async { store.save_session(&session(1, None)).await })),
        ("delete_session", call(async { store.delete_session(&hash(1)).await })),
        ("delete_sessions_of", call(store.delete_sessions_of(Uuid::nil(), None))),
        ("note_place", call(async { store.note_place(Uuid::nil(), &hash(1)).await })),
        ("add_set_up_code", call(async { store.add_set_up_code(&hash(1), at(0)).await })),
        ("clear_set_up_codes", call(store.clear_set_up_codes())),
        ("create_token", call(async { store.create_token(&token(1)).await })),
        ("delete_token", call(store.delete_token(Uuid::nil()))),
        ("touch_token", call(store.touch_token(Uuid::nil(), at(0)))),
        ("record", call(async { store.record(&[entry(1, "ann", None)]).await })),
        ("set_team", call(async { store.set_team(&team("a", at(0))).await })),
        (
            "sweep",
            call(AccessStore::sweep(
                store,
                at(0),
                TrailAges { entries_since: Some(at(0)), addresses_since: Some(at(0)) },
            )),
        ),
        ("keep", call(async { store.keep(&[Row { person: person("ann"), rev: 0 }]).await })),
        ("note_sessions", call(async { store.note_sessions(&[session_of("s", "ann", 1)]).await })),
        ("ping", call(store.ping())),
    ]
}

/// All at once, as a service makes them.
async fn are_unavailable_in_time(calls: Vec<(&'static str, Call<'_>)>) {
    let begun = Instant::now();
    join_all(calls.into_iter().map(async |(name, call)| {
        let answer = call.await;
        let took = begun.elapsed();
        let is_unavailable = matches!(answer, Err(StoreError::Unavailable(_)));
        assert!(is_unavailable, "{name}: {answer:?}");
        assert!(took < LIMIT + MARGIN, "{name} took {took:?}");
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mongodb_that_stands_still_is_unavailable_in_time() {
    let server = Mongod::start();
    let uri = server.uri("shop");
    let store = MongoStore::connect(&uri, &SETTINGS).await.unwrap();
    store.prepare().await.unwrap();
    let settings = MongoSettings { timeouts: within(LIMIT), ..SETTINGS };
    let impatient = MongoStore::connect(&uri, &settings).await.unwrap();
    store_all(&impatient, &[event("ann", "e1", 0, 1)]).await;

    server.pause();
    are_unavailable_in_time(reads(&impatient)).await;
    are_unavailable_in_time(writes(&impatient)).await;
    are_unavailable_in_time(vec![("prepare", call(impatient.prepare()))]).await;

    server.resume();
    let deadline = Instant::now() + Duration::from_secs(30);
    while let Err(error) = impatient.journey(&all_of("ann"), 10).await {
        assert!(Instant::now() < deadline, "{error}");
    }
    impatient.close().await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_another_program_writes_to_is_unavailable_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let settings = EmbeddedSettings { retention: Retention::of_all(None), timeouts: within(LIMIT) };
    let store = EmbeddedStore::open(folder.path(), &settings).unwrap();
    store_all(&store, &[event("ann", "e1", 0, 1)]).await;

    let other = Connection::open(folder.path().join("trailkeep.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    are_unavailable_in_time(writes(&store)).await;
    // Those who read do not wait for those who write.
    for (name, read) in reads(&store) {
        read.await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    other.execute_batch("ROLLBACK").unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while let Err(error) = store.ping().await {
        assert!(Instant::now() < deadline, "{error}");
    }
    store_all(&store, &[event("ann", "e3", 0, 3)]).await;
    store.close().await;
}
