//! Events in the order of their identities, and users in that of their ids, where
//! something is not as we make it.

use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Document, doc};
use trailkeep_event::StoreId;
use trailkeep_store::Store as _;
use trailkeep_store::processing::ProcessingStore as _;
use trailkeep_store_contract::samples::{event, store_all};

use crate::homes::{MongoPlace, SETTINGS};

fn uuid(byte: u8) -> Bson {
    Bson::Binary(Binary { subtype: BinarySubtype::Uuid, bytes: vec![byte; 16] })
}

#[tokio::test]
async fn a_walk_passes_over_what_is_no_event_of_ours() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            store.prepare().await.unwrap();
            let ours: Vec<_> = (0..20).map(|n| event("ann", &format!("e{n}"), n, n + 1)).collect();
            store_all(&*store, &ours).await;
            let now = DateTime::now();
            let binary =
                |length| Binary { subtype: BinarySubtype::Generic, bytes: vec![9; length] };
            // Without a date they have no place; with it they are events, as far as it goes.
            let mut others: Vec<_> =
                (1..=30).map(|byte| doc! { "_id": uuid(byte * 8), "userId": "ann" }).collect();
            others.extend([
                doc! { "_id": "text", "userId": "ann", "occurredAt": now },
                doc! { "_id": binary(16), "userId": "ann", "occurredAt": now },
                doc! { "_id": binary(20), "userId": "ann", "occurredAt": now },
                doc! { "_id": 7, "userId": "ann", "occurredAt": now },
                doc! { "_id": uuid(255), "userId": "bob", "occurredAt": now },
            ]);
            let events = place.database().collection::<Document>("events");
            events.insert_many(others).await.unwrap();

            let mut expected: Vec<_> = ours.iter().map(|accepted| accepted.event.id).collect();
            expected.sort_unstable();
            expected.push(StoreId::from_bytes([255; 16]));
            for limit in [1, 2, 5, 21, 100] {
                let mut found = Vec::new();
                loop {
                    let part = store.walk(found.last().copied(), limit).await.unwrap();
                    assert!(part.iter().all(|head| ["ann", "bob"].contains(&&*head.user_id)));
                    let is_last = part.len() < limit;
                    found.extend(part.into_iter().map(|head| head.id));
                    assert!(found.len() <= expected.len(), "{limit} at a time");
                    if is_last {
                        break;
                    }
                }
                assert_eq!(found, expected, "{limit} at a time");
            }
            store.close().await;
        })
        .await;
}

/// Inserts events of other tools beside ours, and looks at all users.
async fn users_are_found(place: &MongoPlace, index: Option<Document>, is_prepared: bool) {
    let events = place.database().collection::<Document>("events");
    if let Some(keys) = index {
        let index = mongodb::IndexModel::builder().keys(keys).build();
        events.create_index(index).await.unwrap();
    }
    let store = place.mongo_store(&SETTINGS).await;
    if is_prepared {
        store.prepare().await.unwrap();
    }
    let ours: Vec<_> = ["ann", "bob", "ann", "eve"]
        .iter()
        .zip(0..)
        .map(|(u, n)| event(u, &n.to_string(), n, n))
        .collect();
    store_all(&*store, &ours).await;
    let now = DateTime::now();
    let others = [
        doc! { "_id": 1, "occurredAt": now },
        doc! { "_id": 2, "userId": 7, "occurredAt": now },
        doc! { "_id": 3, "userId": { "a": 1 }, "occurredAt": now },
        doc! { "_id": 4, "userId": Bson::Null, "period": now },
        doc! { "_id": 5, "userId": "dan", "period": "a text" },
        doc! { "_id": 6, "userId": "cid", "period": now },
    ];
    events.insert_many(others).await.unwrap();
    let users = ["ann", "bob", "cid", "dan", "eve"];
    for limit in [1, 2, 4, 5, 6] {
        let found = store.users_after(None, limit).await.unwrap();
        assert_eq!(
            found,
            users[..limit.min(5)].iter().map(|u| Box::from(*u)).collect::<Vec<Box<str>>>()
        );
    }
    let found = store.users_after(Some("bob"), 10).await.unwrap();
    assert_eq!(found, ["cid".into(), "dan".into(), "eve".into()]);
    store.close().await;
}

#[tokio::test]
async fn users_are_found_beside_documents_of_other_tools() {
    MongoPlace::new()
        .await
        .run(|place| async move { users_are_found(&place, None, true).await })
        .await;
}

#[tokio::test]
async fn users_are_found_by_the_index_of_an_older_version() {
    let keys = doc! { "userId": 1, "occurredAt": 1, "arrival": 1 };
    MongoPlace::new()
        .await
        .run(|place| async move { users_are_found(&place, Some(keys), false).await })
        .await;
}

#[tokio::test]
async fn users_are_found_without_any_index() {
    MongoPlace::new()
        .await
        .run(|place| async move { users_are_found(&place, None, false).await })
        .await;
}
