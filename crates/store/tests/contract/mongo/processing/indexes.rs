//! What is made with a name, and changed with the settings.

use std::time::Duration;

use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::IndexModel;
use trailkeep_store::mongo::MongoSettings;
use trailkeep_store::processing::ProcessingStore as _;
use trailkeep_store::{Retention, Store as _};
use trailkeep_store_contract::processing::samples::{NAME, command, processor};

use crate::homes::{MongoPlace, SETTINGS};

const DAY: Duration = Duration::from_secs(86_400);

/// Name, keys, seconds to live and filter of each index but that of `_id`.
type Index = (String, Document, Option<u64>, Option<Document>);

async fn indexes(place: &MongoPlace, collection: &str) -> Vec<Index> {
    let collection = place.database().collection::<Document>(collection);
    let indexes: Vec<IndexModel> =
        collection.list_indexes().await.unwrap().try_collect().await.unwrap();
    let described = indexes.into_iter().map(|index| {
        let options = index.options.unwrap_or_default();
        let seconds = options.expire_after.map(|ttl| ttl.as_secs());
        (options.name.unwrap_or_default(), index.keys, seconds, options.partial_filter_expression)
    });
    described.filter(|(name, ..)| name != "_id_").collect()
}

fn failed() -> Index {
    let keys = doc! { "state": 1, "processedAt": 1 };
    ("failed".to_owned(), keys, None, Some(doc! { "state": "failed" }))
}

fn retention(days: u64) -> Index {
    let seconds = days * DAY.as_secs();
    ("retention".to_owned(), doc! { "receivedAt": 1 }, Some(seconds), None)
}

#[tokio::test]
async fn outcomes_are_kept_a_day_longer_than_their_events() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = async |kept| {
                let retention = Retention::of_all(kept);
                place.mongo_store(&MongoSettings { retention, ..SETTINGS }).await
            };
            let first = store(Some(30 * DAY)).await;
            first.prepare().await.unwrap();
            for name in [NAME, "other", "gone"] {
                first.add_processor(&processor(name)).await.unwrap();
            }
            first.remove_processor("gone").await.unwrap();
            first.close().await;
            let collections = ["processedEvents", "processedEvents.other", "processedEvents.gone"];
            for collection in collections {
                let there = indexes(&place, collection).await;
                assert_eq!(there, [failed(), retention(31)], "{collection}");
            }
            // At a start with other settings, before anybody adds them again.
            for (keep, expected) in [
                (Some(7 * DAY), vec![failed(), retention(8)]),
                (None, vec![failed()]),
                (Some(DAY), vec![failed(), retention(2)]),
            ] {
                let next = store(keep).await;
                next.prepare().await.unwrap();
                next.close().await;
                for collection in collections {
                    assert_eq!(indexes(&place, collection).await, expected, "{collection}");
                }
            }
        })
        .await;
}

#[tokio::test]
async fn a_start_without_processors_makes_nothing() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            store.prepare().await.unwrap();
            store.close().await;
            let names = place.database().list_collection_names().await.unwrap();
            let is_ours = |name: &&String| name.starts_with("process") || name.starts_with("feed");
            assert_eq!(names.iter().find(is_ours), None, "{names:?}");
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_may_add_a_processor_at_the_same_time() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let instances: Vec<_> = (0..4)
                .map(|_| {
                    let place = place.clone();
                    tokio::spawn(async move {
                        let settings =
                            MongoSettings { retention: Retention::of_all(Some(DAY)), ..SETTINGS };
                        let store = place.mongo_store(&settings).await;
                        let added = store.add_processor(&processor(NAME)).await;
                        store.close().await;
                        added
                    })
                })
                .collect();
            for instance in instances {
                assert_eq!(instance.await.unwrap().unwrap(), processor(NAME));
            }
            let there = indexes(&place, "processedEvents").await;
            assert_eq!(there, [failed(), retention(2)]);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_command_makes_what_commands_are_listed_by() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let instances: Vec<_> = (0..4)
                .map(|number| {
                    let place = place.clone();
                    tokio::spawn(async move {
                        let store = place.mongo_store(&SETTINGS).await;
                        let added = store.add_command(&command(NAME, number)).await;
                        store.close().await;
                        added
                    })
                })
                .collect();
            for instance in instances {
                assert!(instance.await.unwrap().unwrap());
            }
            let keys = doc! { "processor": 1, "madeAt": 1, "_id": 1 };
            let there = indexes(&place, "processorCommands").await;
            assert_eq!(there, [("of_processor".to_owned(), keys, None, None)]);

            // Doctor knows it, and misses it.
            let store = place.mongo_store(&SETTINGS).await;
            store.prepare().await.unwrap();
            let seen = store.inspect(&[]).await.unwrap().indexes;
            assert_eq!((seen.missing, seen.others), (vec![], vec![]));
            let commands = place.database().collection::<Document>("processorCommands");
            commands.drop_index("of_processor").await.unwrap();
            let seen = store.inspect(&[]).await.unwrap().indexes;
            assert_eq!(seen.missing, ["processorCommands.of_processor"]);
            store.close().await;
        })
        .await;
}
