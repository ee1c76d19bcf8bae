//! What the store says when the server cannot, or will not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bson::{Document, doc};
use mongodb::Client;
use mongodb::IndexModel;
use mongodb::options::IndexOptions;
use trailkeep_store::dead_letters::{DeadLetter, DeadLetterStore as _};
use trailkeep_store::mongo::MongoStore;
use trailkeep_store::{Outcome, Reason, Refusal, Store, StoreError};
use trailkeep_store_contract::samples::{all_of, at, event, insert, names, payload, store_all};
use trailkeep_testkit::mongod::Mongod;

use crate::homes::{MongoPlace, SETTINGS};

/// Every call of a store, each of which has to fail.
async fn errors(store: &dyn Store) -> Vec<StoreError> {
    let event = Arc::new(event("ann", "e1", 0, 1));
    vec![
        store.ping().await.unwrap_err(),
        store.prepare().await.unwrap_err(),
        store.arrivals(&[event.event.id]).await.unwrap_err(),
        store.journey(&all_of("ann"), 10).await.unwrap_err(),
        store.insert(&[event]).await.unwrap_err(),
    ]
}

#[tokio::test]
async fn a_server_that_is_down_is_unavailable_within_the_selection_timeout() {
    let uri = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200";
    let store = MongoStore::connect(uri, &SETTINGS).await.unwrap();
    let before = Instant::now();
    for error in errors(&store).await {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
    assert!(before.elapsed() < Duration::from_secs(10));
    store.close().await;
}

#[tokio::test]
async fn a_server_that_goes_away_is_unavailable() {
    let server = Mongod::start();
    let uri = format!("{}?serverSelectionTimeoutMS=300", server.uri("shop"));
    let store = MongoStore::connect(&uri, &SETTINGS).await.unwrap();
    store_all(&store, &[event("ann", "e1", 0, 1)]).await;
    drop(server);
    for error in errors(&store).await {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
    store.close().await;
}

#[tokio::test]
async fn wrong_credentials_and_missing_rights_are_denied() {
    let server = Mongod::start_with(&["--auth"]);
    let admin = Client::with_uri_str(server.uri("admin")).await.unwrap();
    let user = |name: &str, roles: Vec<Document>| doc! { "createUser": name, "pwd": "s3cr3t", "roles": roles };
    // With no user yet, the server lets a local client make the first one.
    admin
        .database("admin")
        .run_command(user("root", vec![doc! { "role": "root", "db": "admin" }]))
        .await
        .unwrap();
    let as_user = |name: &str, password: &str| {
        let host = server.address();
        format!(
            "mongodb://{name}:{password}@{host}/shop?authSource=admin&serverSelectionTimeoutMS=500"
        )
    };
    let root = Client::with_uri_str(as_user("root", "s3cr3t")).await.unwrap();
    root.database("admin")
        .run_command(user("guest", vec![doc! { "role": "read", "db": "other" }]))
        .await
        .unwrap();

    let uri = as_user("root", "wr0ng");
    let store = MongoStore::connect(&uri, &SETTINGS).await.unwrap();
    for error in errors(&store).await {
        assert!(matches!(error, StoreError::Denied(_)), "{error:?}");
        assert!(!error.to_string().contains("wr0ng"), "{error}");
    }
    store.close().await;

    let uri = as_user("guest", "s3cr3t");
    let store = MongoStore::connect(&uri, &SETTINGS).await.unwrap();
    let event = Arc::new(event("ann", "e1", 0, 1));
    let error = store.insert(&[event]).await.unwrap_err();
    assert!(matches!(error, StoreError::Denied(_)), "{error:?}");
    assert!(!error.to_string().contains("s3cr3t"), "{error}");
    assert!(!error.to_string().contains("ann"), "{error}");
    store.close().await;
    admin.shutdown().await;
    root.shutdown().await;
}

#[tokio::test]
async fn what_one_event_makes_the_server_refuse_as_a_whole_is_told_from_other_faults() {
    let server = Mongod::start_with(&["--setParameter", "maxBSONDepth=32"]);
    let uri = server.uri("shop");
    let store = MongoStore::connect(&uri, &SETTINGS).await.unwrap();
    let mut deep = event("ann", "deep", 1, 2);
    let json = format!("{}1{}", "{\"a\":".repeat(60), "}".repeat(60));
    deep.event.payload = payload(&json);
    let batch = [event("ann", "before", 0, 1), deep];
    let batch: Vec<_> = batch.into_iter().map(Arc::new).collect();
    let error = store.insert(&batch).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error:?}");
    let outcomes = store.insert(&batch[..1]).await.unwrap();
    assert_eq!(outcomes, [Outcome::Stored]);
    let letter =
        DeadLetter::new(batch[1].clone(), Refusal::new(Reason::Unknown, "too deep"), at(0));
    let outcomes = store.put(std::slice::from_ref(&letter)).await.unwrap();
    assert_eq!(outcomes, [Outcome::Stored]);
    let kept = store.get(batch[1].event.id).await.unwrap();
    assert_eq!(kept, Some(letter));
    store.close().await;
}

#[tokio::test]
async fn a_validator_refuses_its_event_and_no_other() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let command = doc! {
                "create": "events",
                "validator": { "payload.forbidden": { "$exists": false } },
            };
            place.database().run_command(command).await.unwrap();
            let store = place.store(&SETTINGS).await;
            let mut refused = event("ann", "refused", 1, 2);
            refused.event.payload = payload(r#"{"forbidden":{"$date":"x"}}"#);
            let batch = [event("ann", "before", 0, 1), refused, event("ann", "after", 2, 3)];
            let outcomes = insert(&*store, &batch).await;
            assert_eq!(outcomes[0], Outcome::Stored);
            assert_eq!(outcomes[2], Outcome::Stored);
            let Outcome::Refused(reason) = &outcomes[1] else {
                panic!("{outcomes:?}");
            };
            assert_eq!(reason.reason, Reason::Validation);
            assert!(reason.error.contains("121"), "{reason}");
            assert!(reason.error.contains("payload.forbidden"), "{reason}");
            assert_eq!(names(&*store, &all_of("ann")).await, ["before", "after"]);
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn a_duplicate_in_an_added_unique_index_does_not_pass_for_stored() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let options = IndexOptions::builder().unique(true).build();
            let index = IndexModel::builder().keys(doc! { "eventId": 1 }).options(options).build();
            place.database().collection::<Document>("events").create_index(index).await.unwrap();
            let store = place.store(&SETTINGS).await;
            let batch = [event("ann", "e1", 0, 1), event("bob", "e1", 0, 2)];
            let outcomes = insert(&*store, &batch).await;
            assert_eq!(outcomes[0], Outcome::Stored);
            assert!(matches!(outcomes[1], Outcome::Refused(_)), "{outcomes:?}");
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn an_insert_larger_than_one_command_is_stored_whole() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.store(&SETTINGS).await;
            let of_size = |name: &str, megabytes: usize, arrival| {
                let mut event = event("ann", name, arrival, arrival);
                let text = "x".repeat(megabytes << 20);
                let limits =
                    trailkeep_event::payload::PayloadLimits { max_bytes: usize::MAX, max_depth: 4 };
                let json = format!("{{\"k\":\"{text}\"}}");
                event.event.payload =
                    trailkeep_event::Payload::from_json(json.as_bytes(), limits).unwrap();
                event
            };
            let batch = [
                of_size("a", 6, 1),
                of_size("b", 6, 2),
                of_size("too large", 16, 3),
                of_size("c", 15, 4),
                of_size("a", 1, 5),
                of_size("d", 1, 6),
            ];
            let outcomes = insert(&*store, &batch).await;
            let Outcome::Refused(reason) = &outcomes[2] else {
                panic!("{outcomes:?}");
            };
            assert_eq!(reason.reason, Reason::TooLarge);
            assert!(reason.error.contains("10334"), "{reason}");
            assert_eq!(outcomes[..2], [Outcome::Stored, Outcome::Stored]);
            assert_eq!(outcomes[3..], [Outcome::Stored, Outcome::Duplicate, Outcome::Stored]);
            let mut range = all_of("ann");
            let mut stored = Vec::new();
            while let Some(event) = store.journey(&range, 1).await.unwrap().events.pop() {
                range.after = Some(event.position());
                stored.push(event.event_id.to_string());
            }
            assert_eq!(stored, ["a", "b", "c", "d"]);
            store.close().await;
        })
        .await;
}
