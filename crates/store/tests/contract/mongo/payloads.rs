//! Events by their payloads, as the server finds them.

use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::IndexModel;
use mongodb::options::IndexOptions;
use trailkeep_store::Store as _;
use trailkeep_store::payloads::{PayloadKey, PayloadStore as _, PayloadValue};
use trailkeep_store_contract::samples::{event, payload, store_all};

use crate::homes::{MongoPlace, SETTINGS};

fn keys(names: &[&str]) -> Vec<PayloadKey> {
    names.iter().map(|name| PayloadKey::new(name).unwrap()).collect()
}

fn number(document: &Document, key: &str) -> i64 {
    let value = document.get(key).unwrap();
    value.as_i64().or_else(|| value.as_i32().map(i64::from)).unwrap()
}

/// Names and filters of the indexes of events whose names begin so.
async fn indexes(place: &MongoPlace, beginning: &str) -> Vec<(String, Option<Document>)> {
    let events = place.database().collection::<Document>("events");
    let indexes: Vec<IndexModel> =
        events.list_indexes().await.unwrap().try_collect().await.unwrap();
    let options = indexes.into_iter().filter_map(|index| index.options);
    let named = options.map(|options| (options.name.unwrap(), options.partial_filter_expression));
    named.filter(|(name, _)| name.starts_with(beginning)).collect()
}

#[tokio::test]
async fn no_more_keys_are_read_than_events_are_wanted() {
    const MOST: i64 = 20;
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            store.prepare().await.unwrap();
            let key = &keys(&["orderId"])[0];
            store.index_payloads(std::slice::from_ref(key)).await.unwrap();
            for some in 0..10 {
                let events: Vec<_> = (some * 500..some * 500 + 500)
                    .map(|number| {
                        let user = format!("u{}", number % 50);
                        let mut event = event(&user, &number.to_string(), number, number + 1);
                        // Lists make the index one of several entries an event.
                        let json = [
                            "{\"orderId\":7}",
                            "{\"orderId\":\"7\"}",
                            "{}",
                            "{\"orderId\":[7,7,8]}",
                        ][usize::try_from(number % 4).unwrap()];
                        event.event.payload = payload(json);
                        event
                    })
                    .collect();
                store_all(&*store, &events).await;
            }
            place.database().run_command(doc! { "profile": 2 }).await.unwrap();
            let searches = [("7", MOST), ("8", MOST), ("A-1", 0)];
            for (typed, _) in searches {
                let value = PayloadValue::typed(typed).unwrap();
                let most = usize::try_from(MOST).unwrap();
                assert!(store.by_payload(key, &value, most).await.unwrap().is_some());
            }
            let queries: Vec<Document> = place
                .database()
                .collection::<Document>("system.profile")
                .find(doc! { "command.aggregate": "events" })
                .sort(doc! { "ts": 1 })
                .await
                .unwrap()
                .try_collect()
                .await
                .unwrap();
            assert_eq!(queries.len(), searches.len());
            for (query, (typed, expected)) in queries.iter().zip(searches) {
                let plan = query.get_str("planSummary").unwrap();
                let scan = "IXSCAN { payload.orderId: 1, occurredAt: -1 }";
                assert_eq!(plan.replace(&format!("{scan}, "), ""), scan, "{query}");
                assert!(!query.contains_key("hasSortStage"), "{query}");
                // One more of each scan that is merged.
                assert!(number(query, "keysExamined") <= expected + 2, "{typed}: {query}");
                assert!(number(query, "docsExamined") <= expected + 2, "{typed}: {query}");
            }
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn only_events_with_the_key_are_in_its_index_and_only_ours_are_dropped() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let by_hand = |name: &str, keys: Document| {
                let options = IndexOptions::builder().name(name.to_owned()).build();
                IndexModel::builder().keys(keys).options(options).build()
            };
            let events = place.database().collection::<Document>("events");
            let others = [
                by_hand("payload.sku_1", doc! { "payload.sku": 1 }),
                by_hand("payload_key.page", doc! { "payload.page": 1 }),
            ];
            events.create_indexes(others).await.unwrap();
            let store = place.mongo_store(&SETTINGS).await;
            store.prepare().await.unwrap();
            let all = keys(&["orderId", "sku"]);
            store.index_payloads(&all).await.unwrap();
            let ours = |key: &str| {
                let filter = doc! { format!("payload.{key}"): { "$exists": true } };
                (format!("payload_key.{key}"), Some(filter))
            };
            let page = ("payload_key.page".to_owned(), None);
            let made = [page.clone(), ours("orderId"), ours("sku")];
            assert_eq!(indexes(&place, "payload_key").await, made);
            let seen = store.inspect(&all).await.unwrap().indexes;
            assert_eq!(seen.others, ["events.payload.sku_1", "events.payload_key.page"]);
            assert_eq!((seen.unsearched, seen.unwanted), (vec![], vec![]));

            let seen = store.inspect(&keys(&["invoice", "sku"])).await.unwrap().indexes;
            assert_eq!(
                (seen.unsearched, seen.unwanted),
                (vec!["invoice".to_owned()], vec!["orderId".to_owned()])
            );

            store.index_payloads(&all[1..]).await.unwrap();
            assert_eq!(indexes(&place, "payload_key").await, [page, ours("sku")]);
            assert_eq!(indexes(&place, "payload.").await.len(), 1);
            store.close().await;
        })
        .await;
}

/// A person may make one beforehand.
#[tokio::test]
async fn an_index_that_a_person_made_is_good_enough() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let events = place.database().collection::<Document>("events");
            let keys_of = doc! { "payload.orderId": 1, "occurredAt": -1 };
            events.create_index(IndexModel::builder().keys(keys_of).build()).await.unwrap();
            let store = place.mongo_store(&SETTINGS).await;
            let key = &keys(&["orderId"])[0];
            store.index_payloads(std::slice::from_ref(key)).await.unwrap();
            assert_eq!(indexes(&place, "payload_key").await, []);
            let mut bought = event("ann", "e", 1, 1);
            bought.event.payload = payload("{\"orderId\":\"A-1\"}");
            store_all(&*store, &[bought]).await;
            let value = PayloadValue::typed("A-1").unwrap();
            let found = store.by_payload(key, &value, 1).await.unwrap();
            assert_eq!(found.map(|found| found.len()), Some(1));
            store.close().await;
        })
        .await;
}
