//! A database of an older version, which had another index of journeys.

use std::sync::Arc;
use std::time::Duration;

use bson::{DateTime, Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::IndexModel;
use mongodb::options::IndexOptions;
use trailkeep_event::Accepted;
use trailkeep_store::Store;
use trailkeep_store::mongo::{MongoSettings, encode_document};
use trailkeep_store_contract::samples::{all_of, event, names, store_all};

use crate::homes::{MongoPlace, SETTINGS, SHORT_PERIODS};

/// What the older version leaves: its index, and events without a period.
async fn written_by_an_older_version(place: &MongoPlace, events: &[Accepted]) {
    let index = IndexModel::builder()
        .keys(doc! { "userId": 1, "occurredAt": 1, "arrival": 1 })
        .options(IndexOptions::builder().name("journey".to_owned()).build())
        .build();
    let collection = place.database().collection::<Document>("events");
    collection.create_index(index).await.unwrap();
    let documents =
        events.iter().map(|event| bson::deserialize_from_slice(&encode_document(event)).unwrap());
    collection.insert_many(documents.collect::<Vec<Document>>()).await.unwrap();
}

async fn names_of_indexes(place: &MongoPlace) -> Vec<String> {
    let collection = place.database().collection::<Document>("events");
    let indexes: Vec<_> = collection.list_indexes().await.unwrap().try_collect().await.unwrap();
    indexes.into_iter().filter_map(|index: IndexModel| index.options?.name).collect()
}

/// Waits until the old index is gone and the new one there.
async fn replaced(place: &MongoPlace) {
    for _ in 0..600 {
        let names = names_of_indexes(place).await;
        let is_there = |name: &str| names.iter().any(|index| index == name);
        if is_there("journey_by_period") && !is_there("journey") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not replaced within half a minute: {:?}", names_of_indexes(place).await);
}

fn minutes(minutes: std::ops::Range<i64>) -> Vec<Accepted> {
    minutes.map(|minute| event("ann", &minute.to_string(), minute * 60_000, minute)).collect()
}

fn numbered(numbers: std::ops::Range<i64>) -> Vec<String> {
    numbers.map(|number| number.to_string()).collect()
}

async fn opened(place: &MongoPlace, settings: &MongoSettings) -> Arc<dyn Store> {
    let store = place.store(settings).await;
    store.prepare().await.unwrap();
    store
}

#[tokio::test]
async fn a_database_of_an_older_version_is_taken_over_and_read_all_the_while() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            written_by_an_older_version(&place, &minutes(0..200)).await;
            let store = opened(&place, &SETTINGS).await;
            let other = opened(&place, &SETTINGS).await;
            assert_eq!(names(&*store, &all_of("ann")).await, numbered(0..200));
            let mut stored = 200;
            let readers = async {
                loop {
                    store_all(&*store, &minutes(stored..stored + 1)).await;
                    stored += 1;
                    for reader in [&store, &other] {
                        assert_eq!(names(&**reader, &all_of("ann")).await, numbered(0..stored));
                    }
                }
            };
            tokio::select! {
                () = replaced(&place) => {}
                () = readers => {}
            }
            for reader in [&store, &other] {
                let read = names(&**reader, &all_of("ann")).await;
                assert!(read.len() as i64 >= stored, "{} of {stored}", read.len());
            }
            store.close().await;
            other.close().await;
        })
        .await;
}

#[tokio::test]
async fn a_takeover_that_is_ended_again_and_again_goes_on() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            written_by_an_older_version(&place, &minutes(0..50)).await;
            for _ in 0..5 {
                let store = opened(&place, &SETTINGS).await;
                assert_eq!(names(&*store, &all_of("ann")).await, numbered(0..50));
                store.close().await;
            }
            let store = opened(&place, &SETTINGS).await;
            replaced(&place).await;
            assert_eq!(names(&*store, &all_of("ann")).await, numbered(0..50));
            store.close().await;
        })
        .await;
}

/// An older version that runs again makes its index again, and writes documents
/// without a period.
#[tokio::test]
async fn events_of_an_older_version_that_ran_again_are_given_their_periods() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = opened(&place, &SHORT_PERIODS).await;
            for minute in 0..20 {
                store_all(&*store, &minutes(minute..minute + 1)).await;
            }
            store.close().await;
            written_by_an_older_version(&place, &minutes(20..40)).await;
            let late = event("ann", "late", 9 * 60_000 + 1, 100);
            written_by_an_older_version(&place, &[late]).await;
            let mut expected = numbered(0..40);
            expected.insert(10, "late".to_owned());

            let store = opened(&place, &SHORT_PERIODS).await;
            assert_eq!(names(&*store, &all_of("ann")).await, expected);
            replaced(&place).await;
            assert_eq!(names(&*store, &all_of("ann")).await, expected);
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn no_period_begins_for_a_day_after_an_older_version() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            written_by_an_older_version(&place, &minutes(0..1)).await;
            let store = opened(&place, &SHORT_PERIODS).await;
            replaced(&place).await;
            for minute in 1..20 {
                store_all(&*store, &minutes(minute..minute + 1)).await;
            }
            let periods = place.database().collection::<Document>("periods");
            let calendar = periods.find_one(doc! {}).await.unwrap().unwrap();
            assert!(!calendar.contains_key("starts"), "{calendar}");

            let yesterday = DateTime::from_millis(DateTime::now().timestamp_millis() - 1);
            let over = doc! { "$set": { "notBefore": yesterday } };
            periods.update_one(doc! {}, over).await.unwrap();
            store_all(&*store, &minutes(20..21)).await;
            let calendar = periods.find_one(doc! {}).await.unwrap().unwrap();
            assert_eq!(calendar.get_array("starts").unwrap().len(), 1, "{calendar}");
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn an_index_by_the_user_that_somebody_made_stays() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let by_hand = IndexModel::builder()
                .keys(doc! { "userId": 1, "occurredAt": 1, "arrival": 1 })
                .options(IndexOptions::builder().name("by_hand".to_owned()).build())
                .build();
            place.database().collection::<Document>("events").create_index(by_hand).await.unwrap();
            let store = opened(&place, &SHORT_PERIODS).await;
            store_all(&*store, &minutes(0..10)).await;
            assert_eq!(names(&*store, &all_of("ann")).await, numbered(0..10));
            let names = names_of_indexes(&place).await;
            for index in ["by_hand", "journey_by_period"] {
                assert!(names.iter().any(|name| name == index), "{names:?}");
            }
            store.close().await;
        })
        .await;
}
