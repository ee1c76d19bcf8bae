//! What becomes of calls when the server cannot, will not, or does not say.

use bson::{Document, doc};
use mongodb::Client;
use trailkeep_event::Arrival;
use trailkeep_store::mongo::MongoStore;
use trailkeep_store::processing::{Processed, ProcessedState, ProcessingStore as _, Wanted};
use trailkeep_store::{Outcome, Reason, Store as _, StoreError};
use trailkeep_store_contract::processing::samples::{
    NAME, command, document, document_id, event_id, hour, lease, outcome, parked, processor, record,
};
use trailkeep_store_contract::samples::payload;
use trailkeep_testkit::mongod::ReplicaSet;

use crate::homes::{MongoPlace, SETTINGS};

#[tokio::test]
async fn a_server_that_is_down_is_unavailable_for_processing_too() {
    let uri = "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100";
    let store = MongoStore::connect(uri, &SETTINGS).await.unwrap();
    let pending = record(1, 1, 1, 0);
    let errors = [
        store.processors().await.unwrap_err(),
        store.add_processor(&processor(NAME)).await.unwrap_err(),
        store.change_wanted(NAME, 0, &Wanted::default()).await.unwrap_err(),
        store.see_processor(NAME, hour()).await.unwrap_err(),
        store.remove_processor(NAME).await.unwrap_err(),
        store.replace_lease(NAME, None, &lease(1, 1, 1)).await.unwrap_err(),
        store.append(NAME, &document(1, 1)).await.unwrap_err(),
        store.feeding(NAME).await.unwrap_err(),
        store.documents(NAME, document_id(1, 1), 1).await.unwrap_err(),
        store.remove_documents(NAME, &[document_id(1, 1)]).await.unwrap_err(),
        store.states(NAME, &[event_id(1)]).await.unwrap_err(),
        store.record(NAME, &[outcome(1, 0, ProcessedState::Processed)]).await.unwrap_err(),
        store.outcomes(NAME, &[event_id(1)]).await.unwrap_err(),
        store.failed(NAME).await.unwrap_err(),
        store.parked(NAME).await.unwrap_err(),
        store.stamp(NAME, 1).await.unwrap_err(),
        store.park(NAME, &parked(1, 1, 1, 0)).await.unwrap_err(),
        store.move_record(NAME, &pending, &record(1, 2, 1, 1)).await.unwrap_err(),
        store.unpark(NAME, &pending).await.unwrap_err(),
        store.events(&[event_id(1)]).await.unwrap_err(),
        store.events_from("ann", Arrival::from_i64(0), 1).await.unwrap_err(),
        store.walk(None, 1).await.unwrap_err(),
        store.users_after(None, 1).await.unwrap_err(),
        store.failed_outcomes(NAME, None, 1).await.unwrap_err(),
        store.feed_size(NAME).await.unwrap_err(),
        store.add_command(&command(NAME, 1)).await.unwrap_err(),
        store.commands(NAME).await.unwrap_err(),
        store.command(command(NAME, 1).id).await.unwrap_err(),
        store.change_command(command(NAME, 1).id, Some("1"), None).await.unwrap_err(),
        store.publish(NAME, hour(), "{}").await.unwrap_err(),
        store.published(NAME).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
    store.close().await;
}

#[tokio::test]
async fn an_outcome_that_the_database_refuses_keeps_no_other_out() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let command = doc! {
                "create": "processedEvents",
                "validator": { "result.forbidden": { "$exists": false } },
            };
            place.database().run_command(command).await.unwrap();
            let store = place.mongo_store(&SETTINGS).await;
            for run in [0, 1] {
                let mut outcomes = [1, 2, 3].map(|number| {
                    outcome(number + 10 * i64::from(run), run, ProcessedState::Processed)
                });
                outcomes[1].result = Some(payload(r#"{"forbidden":1}"#));
                let kept = store.record(NAME, &outcomes).await.unwrap();
                let Outcome::Refused(refusal) = &kept[1] else { panic!("{kept:?}") };
                assert_eq!(refusal.reason, Reason::Validation);
                assert_eq!([&kept[0], &kept[2]], [&Outcome::Stored, &Outcome::Stored]);
                let without = Processed { result: None, ..outcomes[1].clone() };
                let kept = store.record(NAME, &[without]).await.unwrap();
                assert_eq!(kept, [Outcome::Stored]);
            }
            store.close().await;
        })
        .await;
}

/// Has the server carry the next such command out, and then answer with this.
async fn answer_next(admin: &Client, command: &str, fault: Document, labels: &[&str]) {
    let fail = doc! {
        "configureFailPoint": "failCommand",
        "mode": { "times": 1 },
        "data": {
            "failCommands": [command],
            "writeConcernError": fault,
            "errorLabels": labels,
        },
    };
    admin.database("admin").run_command(fail).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_majority_may_not_have_is_not_acknowledged() {
    let set = ReplicaSet::start_with(1, &["--setParameter", "enableTestCommands=1"]).await;
    let admin = Client::with_uri_str(set.uri("admin")).await.unwrap();
    let store = MongoStore::connect(&set.uri("shop"), &SETTINGS).await.unwrap();
    store.add_processor(&processor(NAME)).await.unwrap();
    // WriteConcernFailed
    let no_majority = || doc! { "code": 64, "errmsg": "waiting for replication timed out" };
    let kept = [outcome(1, 0, ProcessedState::Processed)];
    // A second time it is there already, which is to be as safe.
    for _ in 0..2 {
        answer_next(&admin, "insert", no_majority(), &[]).await;
        let error = store.append(NAME, &document(1, 1)).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        answer_next(&admin, "insert", no_majority(), &[]).await;
        let error = store.record(NAME, &kept).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
    answer_next(&admin, "update", no_majority(), &[]).await;
    let error = store.record(NAME, &kept).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    answer_next(&admin, "update", no_majority(), &[]).await;
    let error = store.replace_lease(NAME, None, &lease(1, 1, 1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    answer_next(&admin, "update", no_majority(), &[]).await;
    let error = store.park(NAME, &parked(1, 1, 1, 0)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    answer_next(&admin, "delete", no_majority(), &[]).await;
    let error = store.unpark(NAME, &record(1, 1, 1, 0)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let asked = command(NAME, 1);
    answer_next(&admin, "insert", no_majority(), &[]).await;
    let error = store.add_command(&asked).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    answer_next(&admin, "update", no_majority(), &[]).await;
    let error = store.change_command(asked.id, Some("1"), None).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");

    store.append(NAME, &document(1, 1)).await.unwrap();
    assert!(store.add_command(&asked).await.unwrap());
    assert_eq!(store.record(NAME, &kept).await.unwrap(), [Outcome::Duplicate]);
    store.close().await;
    admin.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_parks_a_user_at_the_same_moment_as_another_tries_again() {
    let set = ReplicaSet::start_with(1, &["--setParameter", "enableTestCommands=1"]).await;
    let admin = Client::with_uri_str(set.uri("admin")).await.unwrap();
    let store = MongoStore::connect(&set.uri("shop"), &SETTINGS).await.unwrap();
    // DuplicateKey
    let fail = doc! {
        "configureFailPoint": "failCommand",
        "mode": { "times": 1 },
        "data": {
            "failCommands": ["update"],
            "errorCode": 11_000,
            "errorExtraInfo": { "keyPattern": { "_id": 1 }, "keyValue": { "_id": 1 } },
        },
    };
    admin.database("admin").run_command(fail).await.unwrap();
    assert!(store.park(NAME, &parked(1, 5, 1, 0)).await.unwrap());
    assert_eq!(store.parked(NAME).await.unwrap(), [parked(1, 5, 1, 0)]);
    store.close().await;
    admin.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_whose_answer_is_lost_is_answered_all_the_same() {
    let set = ReplicaSet::start_with(1, &["--setParameter", "enableTestCommands=1"]).await;
    let admin = Client::with_uri_str(set.uri("admin")).await.unwrap();
    let store = MongoStore::connect(&set.uri("shop"), &SETTINGS).await.unwrap();
    store.add_processor(&processor(NAME)).await.unwrap();
    let lost = async |command| {
        let fault = doc! { "code": 262, "errmsg": "lost" };
        answer_next(&admin, command, fault, &["RetryableWriteError"]).await;
    };
    // Drivers send it again, and the server knows that it has done it.
    lost("update").await;
    assert!(store.replace_lease(NAME, None, &lease(1, 1, 1)).await.unwrap());
    lost("update").await;
    assert!(store.park(NAME, &parked(1, 1, 1, 0)).await.unwrap());
    lost("update").await;
    let (first, moved) = (record(1, 1, 1, 0), record(1, 2, 1, 1));
    assert!(store.move_record(NAME, &first, &moved).await.unwrap());
    lost("delete").await;
    assert!(store.unpark(NAME, &moved).await.unwrap());
    let asked = command(NAME, 1);
    assert!(store.add_command(&asked).await.unwrap());
    lost("update").await;
    assert!(store.change_command(asked.id, None, Some((hour(), "{}"))).await.unwrap());
    store.close().await;
    admin.shutdown().await;
}
