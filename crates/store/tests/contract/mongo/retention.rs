//! How long documents are kept, by their type.

use std::time::Duration;

use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::IndexModel;
use trailkeep_store::Retention;
use trailkeep_store::mongo::MongoSettings;

use crate::homes::{MongoPlace, SETTINGS};

const DAY: Duration = Duration::from_secs(86_400);

/// Where documents have a type.
const COLLECTIONS: [&str; 2] = ["events", "deadLetters"];

async fn prepare(place: &MongoPlace, retention: &Retention) {
    let settings = MongoSettings { retention: retention.clone(), ..SETTINGS };
    let store = place.store(&settings).await;
    store.prepare().await.unwrap();
    store.close().await;
}

fn kept(others: Option<u32>, types: &[(&str, Option<u32>)]) -> Retention {
    let days = |days: Option<u32>| days.map(|days| DAY * days);
    let types = types.iter().map(|(kind, kept)| ((*kind).into(), days(*kept)));
    Retention::of_all(days(others)).with_types(types)
}

/// Names of the indexes by which documents are deleted, and days.
async fn indexes(place: &MongoPlace, collection: &str) -> Vec<(String, u64)> {
    let collection = place.database().collection::<Document>(collection);
    let indexes: Vec<IndexModel> =
        collection.list_indexes().await.unwrap().try_collect().await.unwrap();
    let expiring = indexes.into_iter().filter_map(|index| {
        let options = index.options?;
        Some((options.name?, options.expire_after?.as_secs() / DAY.as_secs()))
    });
    let mut expiring: Vec<_> = expiring.collect();
    expiring.sort();
    expiring
}

/// Indexes of a collection that are built while the store is prepared.
async fn built(place: &MongoPlace, collection: &str, retention: &Retention) -> u64 {
    let profile = async |level| {
        place.database().run_command(doc! { "profile": level }).await.unwrap();
    };
    profile(2).await;
    prepare(place, retention).await;
    profile(0).await;
    let profiled = place.database().collection::<Document>("system.profile");
    profiled.count_documents(doc! { "command.createIndexes": collection }).await.unwrap()
}

fn named(indexes: &[(&str, u64)]) -> Vec<(String, u64)> {
    indexes.iter().map(|(name, days)| ((*name).to_owned(), *days)).collect()
}

#[tokio::test]
async fn each_type_that_goes_has_an_index_of_its_own() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let types = [("order", None), ("page_view", Some(7))];
            for (retention, expected) in [
                (kept(Some(30), &[]), vec![("retention", 30)]),
                (kept(Some(30), &types), vec![("retention", 30), ("retention_of_page_view", 7)]),
                (kept(Some(20), &types), vec![("retention", 20), ("retention_of_page_view", 7)]),
                (kept(None, &types), vec![("retention_of_page_view", 7)]),
                (kept(None, &[("order", Some(900))]), vec![("retention_of_order", 900)]),
                (kept(Some(5), &[]), vec![("retention", 5)]),
                (kept(None, &[]), vec![]),
            ] {
                for _ in 0..2 {
                    prepare(&place, &retention).await;
                    for collection in COLLECTIONS {
                        let there = indexes(&place, collection).await;
                        assert_eq!(there, named(&expected), "{retention:?} of {collection}");
                    }
                }
            }
        })
        .await;
}

#[tokio::test]
async fn another_time_for_a_type_builds_no_index() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            prepare(&place, &kept(Some(30), &[("order", None), ("page_view", Some(7))])).await;
            let others = kept(Some(31), &[("order", None), ("page_view", Some(8))]);
            assert_eq!(built(&place, "events", &others).await, 0);
            let expected = named(&[("retention", 31), ("retention_of_page_view", 8)]);
            assert_eq!(indexes(&place, "events").await, expected);
            let new = kept(Some(31), &[("order", Some(1)), ("page_view", Some(8))]);
            assert_eq!(built(&place, "events", &new).await, 1);
        })
        .await;
}

/// By way of what each index has: a type at every side of those that differ, and none.
#[tokio::test]
async fn a_document_is_in_the_index_of_its_type_alone() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let types = [("b", Some(7)), ("d", None), ("f", Some(9))];
            prepare(&place, &kept(Some(30), &types)).await;
            let events = place.database().collection::<Document>("events");
            let all = ["", "a", "b", "bb", "c", "d", "e", "f", "g"];
            let now = bson::DateTime::now();
            for kind in all {
                events.insert_one(doc! { "type": kind, "receivedAt": now }).await.unwrap();
            }
            events.insert_one(doc! { "receivedAt": now }).await.unwrap();
            for (index, expected) in
                [("retention_of_b", 1), ("retention_of_f", 1), ("retention", all.len() - 3 + 1)]
            {
                let command = doc! { "validate": "events" };
                let valid = place.database().run_command(command).await.unwrap();
                let keys = valid.get_document("keysPerIndex").unwrap();
                let number = keys.get_i64(index).or_else(|_| keys.get_i32(index).map(i64::from));
                assert_eq!(number.unwrap(), expected as i64, "{index}: {keys}");
            }
        })
        .await;
}
