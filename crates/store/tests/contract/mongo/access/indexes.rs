//! What preparing makes, and what it is good for.

use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::IndexModel;
use mongodb::options::IndexOptions;
use trailkeep_store::access::{AccessStore as _, Admission, AuditRange};
use trailkeep_store::{Store as _, StoreError};
use trailkeep_store_contract::access::samples::{account, entry};

use super::documents;
use crate::homes::{MongoPlace, SETTINGS};

/// Of each index but that of `_id`: collection, name, keys, and whichever of
/// its options decide what it does.
async fn indexes(place: &MongoPlace) -> Vec<(String, String, Document, Document)> {
    let mut found = Vec::new();
    for collection in ["accounts", "sessions", "tokens", "audit", "writeKeys"] {
        let indexes = place.database().collection::<Document>(collection);
        let indexes = indexes.list_indexes().await.unwrap();
        let indexes: Vec<IndexModel> = indexes.try_collect().await.unwrap();
        for index in indexes {
            let options = index.options.unwrap_or_default();
            let name = options.name.unwrap_or_default();
            let mut deciding = Document::new();
            if options.unique == Some(true) {
                deciding.insert("unique", true);
            }
            if options.sparse == Some(true) {
                deciding.insert("sparse", true);
            }
            if let Some(ttl) = options.expire_after {
                deciding.insert("seconds", i64::try_from(ttl.as_secs()).unwrap());
            }
            if let Some(filter) = options.partial_filter_expression {
                deciding.insert("partial", filter);
            }
            if name != "_id_" {
                found.push((collection.to_owned(), name, index.keys, deciding));
            }
        }
    }
    found
}

fn expected_indexes() -> Vec<(String, String, Document, Document)> {
    [
        ("accounts", "email", doc! { "email": 1 }, doc! { "unique": true }),
        (
            "accounts",
            "first",
            doc! { "first": 1 },
            doc! { "unique": true, "partial": { "first": true } },
        ),
        ("sessions", "account", doc! { "accountId": 1 }, doc! { "sparse": true }),
        ("sessions", "expiry", doc! { "expiresAt": 1 }, doc! { "seconds": 0_i64 }),
        ("tokens", "hash", doc! { "hash": 1 }, doc! { "unique": true }),
        ("tokens", "expiry", doc! { "expiresAt": 1 }, doc! { "sparse": true, "seconds": 0_i64 }),
        ("audit", "actor", doc! { "actor": 1, "_id": -1 }, doc! {}),
        (
            "audit",
            "subject",
            doc! { "subject": 1, "_id": -1 },
            doc! { "partial": { "subject": { "$exists": true } } },
        ),
        ("audit", "age", doc! { "at": 1 }, doc! {}),
        (
            "audit",
            "address",
            doc! { "at": 1 },
            doc! { "partial": { "client": { "$exists": true } } },
        ),
        ("writeKeys", "name", doc! { "name": 1 }, doc! { "unique": true }),
    ]
    .map(|(collection, name, keys, options)| {
        (collection.to_owned(), name.to_owned(), keys, options)
    })
    .to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_prepare_at_the_same_time_and_again_make_each_index_once() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            for _ in 0..2 {
                let instances: Vec<_> = (0..4)
                    .map(|_| {
                        let place = place.clone();
                        tokio::spawn(async move {
                            let store = place.mongo_store(&SETTINGS).await;
                            store.prepare().await.unwrap();
                            store.close().await;
                        })
                    })
                    .collect();
                for instance in instances {
                    instance.await.unwrap();
                }
                assert_eq!(indexes(&place).await, expected_indexes());
            }
        })
        .await;
}

#[tokio::test]
async fn uniqueness_that_cannot_be_put_in_force_is_an_error() {
    for obstacle in ["two accounts with one address", "an index of that name"] {
        MongoPlace::new()
            .await
            .run(move |place| async move {
                let accounts = place.database().collection::<Document>("accounts");
                if obstacle == "an index of that name" {
                    let options = IndexOptions::builder().name("email".to_owned()).build();
                    let other = IndexModel::builder().keys(doc! { "name": 1 });
                    let other = other.options(options).build();
                    accounts.create_index(other).await.unwrap();
                } else {
                    let twins = [doc! { "email": "a@b.c" }, doc! { "email": "a@b.c" }];
                    accounts.insert_many(twins).await.unwrap();
                }
                let before = documents(&place, "accounts").await;
                let store = place.mongo_store(&SETTINGS).await;
                let ann = account("ann@example.com");
                for error in [
                    store.prepare().await.unwrap_err(),
                    store.create_account(&ann, Admission::Any).await.unwrap_err(),
                ] {
                    assert!(matches!(error, StoreError::Denied(_)), "{obstacle}: {error:?}");
                    assert!(error.to_string().contains("email"), "{obstacle}: {error}");
                }
                assert_eq!(documents(&place, "accounts").await, before);
                store.close().await;
            })
            .await;
    }
}

#[tokio::test]
async fn the_trail_is_read_in_the_order_of_an_index() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            store.prepare().await.unwrap();
            let entries: Vec<_> = (0..400)
                .map(|number| {
                    let rare = number % 40 == 0;
                    let actor = if rare { "rare" } else { "ann" };
                    entry(number, actor, rare.then_some("u1"))
                })
                .collect();
            store.record(&entries).await.unwrap();
            place.database().run_command(doc! { "profile": 2 }).await.unwrap();

            for (actor, subject, plan) in [
                (None, None, "IXSCAN { _id: 1 }"),
                (Some("rare"), None, "IXSCAN { actor: 1, _id: -1 }"),
                (None, Some("u1"), "IXSCAN { subject: 1, _id: -1 }"),
            ] {
                for before in [None, Some(entries[200].id)] {
                    let range = AuditRange {
                        before,
                        actor: actor.map(str::to_owned),
                        subject: subject.map(str::to_owned),
                    };
                    assert_eq!(store.audit(&range, 4).await.unwrap().len(), 4);
                    let query = last_query(&place, "audit").await;
                    assert_eq!(query.get_str("planSummary").unwrap(), plan);
                    assert!(!query.contains_key("hasSortStage"), "{query}");
                }
            }
            store.close().await;
        })
        .await;
}

async fn last_query(place: &MongoPlace, collection: &str) -> Document {
    place
        .database()
        .collection::<Document>("system.profile")
        .find_one(doc! { "op": "query", "command.find": collection })
        .sort(doc! { "ts": -1 })
        .await
        .unwrap()
        .unwrap()
}
