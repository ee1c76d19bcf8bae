//! What becomes of calls when the server cannot, will not, or does not say.

use bson::{Bson, doc};
use mongodb::Client;
use trailkeep_store::access::{AccessStore as _, Admission, AuditRange, Created, TrailAges};
use trailkeep_store::mongo::MongoStore;
use trailkeep_store::{Store as _, StoreError};
use trailkeep_store_contract::access::samples::{account, at, entry, hash, session, token};
use trailkeep_testkit::mongod::ReplicaSet;

use crate::homes::{MongoPlace, SETTINGS};

/// Has the server carry the next such command out, and then answer that this
/// may not last: drivers send the command again.
async fn lose_the_answer_to(admin: &Client, command: &str) {
    let fault = doc! { "code": 262, "errmsg": "lost" };
    let fail = doc! {
        "configureFailPoint": "failCommand",
        "mode": { "times": 1 },
        "data": {
            "failCommands": [command],
            "writeConcernError": fault,
            "errorLabels": ["RetryableWriteError"],
        },
    };
    admin.database("admin").run_command(fail).await.unwrap();
}

/// How often the failures asked for have come about.
async fn losses(admin: &Client) -> i64 {
    let ask = doc! { "configureFailPoint": "failCommand", "mode": "off" };
    let answer = admin.database("admin").run_command(ask).await.unwrap();
    match answer.get("count") {
        Some(Bson::Int32(count)) => i64::from(*count),
        Some(Bson::Int64(count)) => *count,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_is_lost_is_neither_lost_nor_doubled() {
    let set = ReplicaSet::start_with(1, &["--setParameter", "enableTestCommands=1"]).await;
    let admin = Client::with_uri_str(set.uri("admin")).await.unwrap();
    let store = MongoStore::connect(&set.uri("shop"), &SETTINGS).await.unwrap();
    store.prepare().await.unwrap();
    let before = losses(&admin).await;

    let ann = account("ann@example.com");
    lose_the_answer_to(&admin, "insert").await;
    let made = store.create_account(&ann, Admission::First).await;
    assert_eq!(made.unwrap(), Created::Created);

    lose_the_answer_to(&admin, "insert").await;
    assert!(store.create_session(&session(1, None)).await.unwrap());

    lose_the_answer_to(&admin, "insert").await;
    let kept = token(1);
    store.create_token(&kept).await.unwrap();

    lose_the_answer_to(&admin, "findAndModify").await;
    let deleted = store.delete_token(kept.id).await.unwrap();
    assert_eq!(deleted, Some(kept));

    lose_the_answer_to(&admin, "insert").await;
    let entries = [entry(1, "ann", None), entry(2, "ann", None)];
    let error = store.record(&entries).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    store.record(&entries).await.unwrap();
    let trail = store.audit(&AuditRange::default(), 10).await.unwrap();
    assert_eq!(trail.len(), 2);

    assert_eq!(losses(&admin).await - before, 5);
    store.close().await;
    admin.shutdown().await;
}

#[tokio::test]
async fn a_server_that_is_down_is_unavailable_for_access_too() {
    let uri = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200";
    let store = MongoStore::connect(uri, &SETTINGS).await.unwrap();
    let ann = account("ann@example.com");
    let errors = [
        store.create_account(&ann, Admission::First).await.unwrap_err(),
        store.account(ann.id).await.unwrap_err(),
        store.create_session(&session(1, None)).await.unwrap_err(),
        store.session(&hash(1), at(0)).await.unwrap_err(),
        store.create_token(&token(1)).await.unwrap_err(),
        store.token_by_hash(&hash(1)).await.unwrap_err(),
        store.record(&[entry(1, "ann", None)]).await.unwrap_err(),
        store
            .sweep(at(0), TrailAges { entries_since: Some(at(0)), addresses_since: Some(at(0)) })
            .await
            .unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
    store.close().await;
}

#[tokio::test]
async fn what_a_validator_refuses_is_denied() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            for collection in ["sessions", "audit"] {
                let command = doc! {
                    "create": collection,
                    "validator": { "never": { "$exists": true } },
                };
                place.database().run_command(command).await.unwrap();
            }
            let store = place.mongo_store(&SETTINGS).await;
            for error in [
                store.create_session(&session(1, None)).await.unwrap_err(),
                store.record(&[entry(1, "ann", None)]).await.unwrap_err(),
            ] {
                assert!(matches!(error, StoreError::Denied(_)), "{error:?}");
                assert!(error.to_string().contains("code 121"), "{error}");
            }
            store.close().await;
        })
        .await;
}
