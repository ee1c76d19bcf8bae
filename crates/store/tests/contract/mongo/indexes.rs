//! What preparing makes, changes and removes.

use std::time::Duration;

use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::IndexModel;
use mongodb::options::IndexOptions;
use trailkeep_store::mongo::MongoSettings;
use trailkeep_store::{Retention, StoreError};

use crate::homes::{MongoPlace, SETTINGS};

const DAY: Duration = Duration::from_secs(86_400);

fn keeping(retention: Option<Duration>) -> MongoSettings {
    MongoSettings { retention: Retention::of_all(retention), ..SETTINGS }
}

async fn prepare(place: &MongoPlace, retention: Option<Duration>) -> Result<(), StoreError> {
    let store = place.store(&keeping(retention)).await;
    let prepared = store.prepare().await;
    store.close().await;
    prepared
}

/// Name, keys and seconds to live of each index but that of `_id`.
async fn indexes(place: &MongoPlace) -> Vec<(String, Document, Option<u64>)> {
    let indexes: Vec<IndexModel> = place
        .database()
        .collection::<Document>("events")
        .list_indexes()
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    indexes
        .into_iter()
        .map(|index| {
            let options = index.options.unwrap_or_default();
            let seconds = options.expire_after.map(|ttl| ttl.as_secs());
            (options.name.unwrap_or_default(), index.keys, seconds)
        })
        .filter(|(name, _, _)| name != "_id_")
        .collect()
}

fn journey(name: &str) -> (String, Document, Option<u64>) {
    let keys = doc! { "period": 1, "userId": 1, "occurredAt": 1, "arrival": 1 };
    (name.to_owned(), keys, None)
}

fn account() -> (String, Document, Option<u64>) {
    let keys = doc! { "accountId": 1, "occurredAt": 1, "type": 1, "userId": 1 };
    ("account".to_owned(), keys, None)
}

fn retention(seconds: u64) -> (String, Document, Option<u64>) {
    let keys = doc! { "receivedAt": 1 };
    ("retention".to_owned(), keys, Some(seconds))
}

#[tokio::test]
async fn the_retention_is_made_changed_and_removed() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            prepare(&place, None).await.unwrap();
            assert_eq!(indexes(&place).await, [journey("journey_by_period"), account()]);

            prepare(&place, Some(30 * DAY)).await.unwrap();
            let made = [journey("journey_by_period"), account(), retention(2_592_000)];
            assert_eq!(indexes(&place).await, made);
            prepare(&place, Some(30 * DAY)).await.unwrap();
            assert_eq!(indexes(&place).await, made);

            prepare(&place, Some(7 * DAY)).await.unwrap();
            let changed = [journey("journey_by_period"), account(), retention(604_800)];
            assert_eq!(indexes(&place).await, changed);

            prepare(&place, None).await.unwrap();
            assert_eq!(indexes(&place).await, [journey("journey_by_period"), account()]);
        })
        .await;
}

#[tokio::test]
async fn a_retention_longer_than_the_server_can_say_is_its_longest() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            prepare(&place, Some(100_000 * DAY)).await.unwrap();
            let made = [journey("journey_by_period"), account(), retention(2_147_483_647)];
            assert_eq!(indexes(&place).await, made);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_may_prepare_at_the_same_time() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            for wanted in [Some(30 * DAY), Some(7 * DAY), None] {
                let instances: Vec<_> = (0..4)
                    .map(|_| {
                        let place = place.clone();
                        tokio::spawn(async move { prepare(&place, wanted).await })
                    })
                    .collect();
                for instance in instances {
                    instance.await.unwrap().unwrap();
                }
                let mut expected = vec![journey("journey_by_period"), account()];
                expected.extend(wanted.map(|ttl| retention(ttl.as_secs())));
                assert_eq!(indexes(&place).await, expected);
            }
        })
        .await;
}

#[tokio::test]
async fn a_journey_index_that_a_person_made_is_good_enough() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let by_hand = IndexModel::builder()
                .keys(doc! { "period": 1, "userId": 1, "occurredAt": 1, "arrival": 1 })
                .options(IndexOptions::builder().name("by_hand".to_owned()).build())
                .build();
            place.database().collection::<Document>("events").create_index(by_hand).await.unwrap();
            prepare(&place, None).await.unwrap();
            assert_eq!(indexes(&place).await, [journey("by_hand"), account()]);
        })
        .await;
}

#[tokio::test]
async fn a_retention_that_cannot_be_put_in_force_is_an_error() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let in_the_way = IndexModel::builder().keys(doc! { "receivedAt": 1 }).build();
            place
                .database()
                .collection::<Document>("events")
                .create_index(in_the_way)
                .await
                .unwrap();
            let error = prepare(&place, Some(DAY)).await.unwrap_err();
            assert!(matches!(error, StoreError::Denied(_)), "{error:?}");
            assert!(error.to_string().contains("receivedAt_1"), "{error}");
        })
        .await;
}
