//! What a person at a shell finds.

use std::collections::BTreeMap;

use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Document, doc};
use futures_util::TryStreamExt as _;
use trailkeep_delivery::ParkRecord;
use trailkeep_event::Arrival;
use trailkeep_store::processing::{
    Command, Parked, Processed, ProcessedState, ProcessingStore as _, Processor, Wanted,
};
use trailkeep_store::{Store as _, StoreError};
use trailkeep_store_contract::processing::samples::{
    NAME, command, document, document_id, event_id, hour, lease, outcome, parked, processor, record,
};
use trailkeep_store_contract::samples::{at, payload};

use crate::homes::{MongoPlace, SETTINGS};

async fn documents(place: &MongoPlace, collection: &str) -> Vec<Document> {
    let collection = place.database().collection(collection);
    let found = collection.find(doc! {}).sort(doc! { "_id": 1 }).await.unwrap();
    found.try_collect().await.unwrap()
}

fn date(millis: i64) -> DateTime {
    DateTime::from_millis(at(millis).as_millis())
}

fn bytes(bytes: &[u8]) -> Bson {
    Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() })
}

fn id(number: i64) -> Bson {
    let bytes = event_id(number).as_bytes().to_vec();
    Bson::Binary(Binary { subtype: BinarySubtype::Uuid, bytes })
}

#[tokio::test]
async fn outcomes_are_what_a_person_would_look_for() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            let processed = Processed {
                result: Some(payload(r#"{"status":"success","$n":1}"#)),
                ..outcome(1, 0, ProcessedState::Processed)
            };
            let failed = Processed {
                http_status: None,
                error: Some("refused".into()),
                ..outcome(2, 3, ProcessedState::Failed)
            };
            let gone = Processed { event: None, ..outcome(3, 0, ProcessedState::Skipped) };
            store.record(NAME, &[processed, failed.clone()]).await.unwrap();
            store.record("other", &[gone, failed]).await.unwrap();
            let failed = doc! {
                "_id": id(2), "run": 3_i64, "eventId": "e2", "userId": "ann",
                "type": "page_view", "occurredAt": date(2), "receivedAt": date(252),
                "arrival": 2_i64, "state": "failed", "processedAt": date(1_002),
                "processingDurationMs": 7_i64, "waitedMs": 8_i64, "attempts": 1_i64,
                "error": "refused",
            };
            let processed = doc! {
                "_id": id(1), "run": 0_i64, "eventId": "e1", "userId": "ann",
                "type": "page_view", "occurredAt": date(1), "receivedAt": date(251),
                "arrival": 1_i64, "state": "processed", "processedAt": date(1_001),
                "processingDurationMs": 7_i64, "waitedMs": 8_i64, "attempts": 1_i64,
                "httpStatus": 200, "result": { "status": "success", "$n": 1 },
            };
            let gone = doc! {
                "_id": id(3), "run": 0_i64, "receivedAt": date(1_003),
                "arrival": 3_i64, "state": "skipped", "processedAt": date(1_003),
                "processingDurationMs": 7_i64, "waitedMs": 8_i64, "attempts": 1_i64,
                "httpStatus": 200,
            };
            for (collection, expected) in [
                ("processedEvents", [processed, failed.clone()]),
                ("processedEvents.other", [gone, failed]),
            ] {
                let found = documents(&place, collection).await;
                assert_eq!(found.len(), 2);
                for document in expected {
                    assert!(found.contains(&document), "{document} is not in {found:?}");
                }
            }
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn processors_feeds_and_records_are_what_a_person_would_look_for() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            let since = Arrival::from_i64;
            let types = BTreeMap::from([("a.b".into(), since(7))]);
            let wanted = Wanted { any: Some(since(5)), types };
            let added = Processor { wanted, ..processor(NAME) };
            store.add_processor(&added).await.unwrap();
            assert!(store.replace_lease(NAME, None, &lease(9, 2, 3)).await.unwrap());
            store.append(NAME, &document(1, 258)).await.unwrap();
            assert!(store.park(NAME, &parked(4, 50, 2, 1)).await.unwrap());
            let held = ParkRecord { held: Some(event_id(7)), ..record(5, 60, 2, 2) };
            let held = Parked { record: held, ..parked(5, 60, 2, 2) };
            assert!(store.park(NAME, &held).await.unwrap());
            store.close().await;

            let processor = doc! {
                "_id": "default",
                "secret": bytes(b"sixteen bytes .."),
                "wanted": { "any": 5_i64, "types": [{ "type": "a.b", "since": 7_i64 }] },
                "version": 0_i64,
                "seenAt": DateTime::from_millis(hour().as_millis()),
                "lease": { "owner": bytes(&[9; 8]), "epoch": 2_i64, "beat": 3_i64 },
            };
            assert_eq!(documents(&place, "processors").await, [processor]);
            let key = [1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 2];
            let document = doc! { "_id": bytes(&key), "entries": bytes(b"1 258") };
            assert_eq!(documents(&place, "feed.default").await, [document]);
            let free = doc! {
                "_id": bytes(&[4; 16]), "epoch": 2_i64, "from": 50_i64,
                "change": 1_i64, "userId": "user 4",
            };
            let held = doc! {
                "_id": bytes(&[5; 16]), "epoch": 2_i64, "from": 60_i64,
                "change": 2_i64, "userId": "user 5", "held": id(7),
            };
            let found = documents(&place, "parked.default").await;
            assert_eq!(found.iter().map(sorted).collect::<Vec<_>>(), [&free, &held].map(sorted));
        })
        .await;
}

/// The fields by name: an upsert makes them in any order.
fn sorted(document: &Document) -> BTreeMap<String, Bson> {
    BTreeMap::from_iter(document.clone())
}

#[tokio::test]
async fn commands_and_states_are_what_a_person_would_look_for() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            let [open, done] = [1, 2].map(|number| command(NAME, number));
            for asked in [&open, &done] {
                assert!(store.add_command(asked).await.unwrap());
            }
            let answer = Some((at(9), r#"{"$a":1}"#));
            assert!(store.change_command(done.id, Some("7"), answer).await.unwrap());
            store.publish(NAME, at(5), r#"{"lag":3}"#).await.unwrap();
            store.close().await;

            let uuid = |command: &Command| {
                let bytes = command.id.into_bytes().to_vec();
                Binary { subtype: BinarySubtype::Uuid, bytes }
            };
            let open = doc! {
                "_id": uuid(&open), "processor": "default", "madeAt": date(1),
                "order": r#"{"number":1}"#,
            };
            let done = doc! {
                "_id": uuid(&done), "processor": "default", "madeAt": date(2),
                "order": r#"{"number":2}"#, "progress": "7", "answeredAt": date(9),
                "answer": r#"{"$a":1}"#,
            };
            let found = documents(&place, "processorCommands").await;
            assert_eq!(found.iter().map(sorted).collect::<Vec<_>>(), [&open, &done].map(sorted));
            let state = doc! { "_id": "default", "at": date(5), "state": r#"{"lag":3}"# };
            assert_eq!(documents(&place, "processorStates").await, [state]);
        })
        .await;
}

#[tokio::test]
async fn of_what_cannot_be_read_nothing_is_guessed() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            store.record(NAME, &[outcome(1, 0, ProcessedState::Processed)]).await.unwrap();
            store.append(NAME, &document(1, 1)).await.unwrap();
            assert!(store.park(NAME, &parked(1, 5, 1, 0)).await.unwrap());
            store.add_processor(&processor(NAME)).await.unwrap();
            assert!(store.add_command(&command(NAME, 1)).await.unwrap());
            store.publish(NAME, at(5), "{}").await.unwrap();
            for (collection, field, value) in [
                ("processedEvents", "state", Bson::from("of a later version")),
                ("feed.default", "entries", "text".into()),
                ("parked.default", "from", 1.5.into()),
                ("processors", "lease", doc! { "owner": "somebody" }.into()),
                ("processorCommands", "order", doc! {}.into()),
                ("processorStates", "state", doc! {}.into()),
            ] {
                let change = doc! { "$set": { field: value } };
                let collection = place.database().collection::<Document>(collection);
                collection.update_many(doc! {}, change).await.unwrap();
            }
            let errors = [
                store.states(NAME, &[event_id(1)]).await.unwrap_err(),
                store.outcomes(NAME, &[event_id(1)]).await.unwrap_err(),
                store.documents(NAME, document_id(1, 1), 1).await.unwrap_err(),
                store.parked(NAME).await.unwrap_err(),
                store.processors().await.unwrap_err(),
                store.commands(NAME).await.unwrap_err(),
                store.command(command(NAME, 1).id).await.unwrap_err(),
                store.published(NAME).await.unwrap_err(),
            ];
            for error in errors {
                assert!(matches!(error, StoreError::Unreadable(_)), "{error:?}");
            }
            store.close().await;
        })
        .await;
}
