//! Who is erased, and what goes then, as the server has it and finds it.

mod foreign;

use bson::spec::BinarySubtype;
use bson::{Binary, DateTime, Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::IndexModel;
use trailkeep_store::erasures::ErasureStore as _;
use trailkeep_store::{Id, Store as _, StoreError};
use trailkeep_store_contract::erasures::samples::{erasure, hash, identities, until};
use trailkeep_store_contract::samples::{all_of, at, event, store_all};
use uuid::Uuid;

use crate::homes::{MongoPlace, SETTINGS, SHORT_PERIODS};

/// The queries that the server ran on a collection, with their plans.
async fn profiled(place: &MongoPlace, collection: &str) -> Vec<Document> {
    let ns = format!("{}.{collection}", place.database().name());
    place
        .database()
        .collection::<Document>("system.profile")
        .find(doc! { "ns": ns, "op": "query" })
        .sort(doc! { "ts": 1 })
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap()
}

fn number(document: &Document, key: &str) -> i64 {
    let value = document.get(key).unwrap();
    value.as_i64().or_else(|| value.as_i32().map(i64::from)).unwrap()
}

async fn profile(place: &MongoPlace) {
    place.database().run_command(doc! { "profile": 2 }).await.unwrap();
}

async fn indexes(
    place: &MongoPlace,
    collection: &str,
) -> Vec<(String, Document, Option<Document>)> {
    let collection = place.database().collection::<Document>(collection);
    let indexes: Vec<IndexModel> =
        collection.list_indexes().await.unwrap().try_collect().await.unwrap();
    let described = indexes.into_iter().map(|index| {
        let options = index.options.unwrap_or_default();
        (options.name.unwrap_or_default(), index.keys, options.partial_filter_expression)
    });
    described.filter(|(name, ..)| name != "_id_").collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_prepare_at_once_make_the_index_of_what_is_under_way_once() {
    MongoPlace::new()
        .await
        .run(|place| async move {
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
            let running = doc! { "state": "running" };
            let keys = doc! { "state": 1, "requestedAt": 1 };
            let expected = [("running".to_owned(), keys, Some(running))];
            assert_eq!(indexes(&place, "erasures").await, expected);

            // Doctor knows it, and misses it.
            let store = place.mongo_store(&SETTINGS).await;
            let seen = store.inspect(&[]).await.unwrap().indexes;
            assert_eq!((seen.missing, seen.others), (vec![], vec![]));
            let erasures = place.database().collection::<Document>("erasures");
            erasures.drop_index("running").await.unwrap();
            let seen = store.inspect(&[]).await.unwrap().indexes;
            assert_eq!(seen.missing, ["erasures.running"]);
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn what_is_under_way_is_found_by_as_many_keys() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            store.prepare().await.unwrap();
            for number in 0..200 {
                let erasure = erasure(number, &["ann"]);
                store.add_erasure(&erasure).await.unwrap();
                if number > 2 {
                    store.end_erasure(erasure.id, &[], at(500)).await.unwrap();
                }
            }
            profile(&place).await;
            assert_eq!(store.running_erasures().await.unwrap().len(), 3);
            let queries = profiled(&place, "erasures").await;
            assert_eq!(queries.len(), 1);
            let plan = queries[0].get_str("planSummary").unwrap();
            assert_eq!(plan, "IXSCAN { state: 1, requestedAt: 1 }");
            assert_eq!(number(&queries[0], "keysExamined"), 3, "{}", queries[0]);
            assert_eq!(number(&queries[0], "docsExamined"), 3, "{}", queries[0]);
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn an_erasure_is_a_document_that_a_person_can_read() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            store.prepare().await.unwrap();
            let erasure = erasure(0, &["ann"]);
            let id = &erasure.ids[0];
            let (instance, other) = (Uuid::now_v7(), Uuid::now_v7());
            let uuid =
                |id: Uuid| Binary { subtype: BinarySubtype::Uuid, bytes: id.into_bytes().to_vec() };
            let bytes =
                |bytes: &[u8]| Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() };
            let date = |millis| DateTime::from_millis(at(millis).as_millis());
            let documents = async |name: &str| -> Vec<Document> {
                let documents = place.database().collection::<Document>(name);
                documents.find(doc! {}).await.unwrap().try_collect().await.unwrap()
            };
            store.add_erasure(&erasure).await.unwrap();
            let running = doc! {
                "_id": uuid(erasure.id),
                "state": "running",
                "ids": [{ "id": "ann", "hash": bytes(&id.hash.0), "until": id.until.as_i64() }],
                "requestedAt": date(0),
                "parts": {},
                "missing": [],
                "deleted": {},
            };
            assert_eq!(documents("erasures").await, [running]);
            let place_of = trailkeep_store::erasures::Place::DeadLetters;
            store.count_erased(erasure.id, place_of, 7).await.unwrap();
            store.end_part(erasure.id, instance, at(1)).await.unwrap();
            store.end_erasure(erasure.id, &[other], at(2)).await.unwrap();
            let done = doc! {
                "_id": uuid(erasure.id),
                "ids": [{ "hash": bytes(&id.hash.0), "until": id.until.as_i64() }],
                "requestedAt": date(0),
                "verifiedAt": date(2),
                "parts": { instance.to_string(): date(1) },
                "missing": [uuid(other)],
                "deleted": { "deadLetters": 7_i64 },
            };
            let mut found = documents("erasures").await.remove(0);
            // In whatever order the server has them.
            for (key, value) in done {
                assert_eq!(found.remove(&key), Some(value), "{key}");
            }
            assert_eq!(found, doc! {});
            store.see_instance(instance, at(2), at(3)).await.unwrap();
            let seen = doc! { "_id": uuid(instance), "since": date(2), "seen": date(3) };
            assert_eq!(documents("instances").await, [seen]);
            store.block(&[hash(9)]).await.unwrap();
            assert_eq!(documents("blockedIds").await, [doc! { "_id": bytes(&[9; 32]) }]);
            let key = store.erasure_key().await.unwrap();
            let kept = doc! { "_id": "installation", "erasureKey": bytes(&key.0) };
            assert_eq!(documents("installation").await, [kept]);

            // Another instance, and a start later.
            store.close().await;
            let store = place.mongo_store(&SETTINGS).await;
            assert!(store.erasure_key().await.unwrap() == key);
            let changed = doc! { "$set": { "erasureKey": "x" } };
            let installation = place.database().collection::<Document>("installation");
            installation.update_one(doc! {}, changed).await.unwrap();
            let error = store.erasure_key().await.err();
            assert!(matches!(error, Some(StoreError::Unreadable(_))), "{error:?}");
            store.close().await;
        })
        .await;
}

/// Inserts that the events come in.
const INSERTS: i64 = 40;

#[tokio::test]
async fn traces_are_found_by_about_as_many_keys_as_there_are() {
    are_found_by_about_as_many_keys(SETTINGS, 0).await;
}

#[tokio::test]
async fn traces_in_many_periods_are_found_by_about_as_many_keys_as_there_are() {
    // Two keys a period, where the server skips from one to the next; all that are
    // written in one insert are of one period.
    are_found_by_about_as_many_keys(SHORT_PERIODS, 2 * INSERTS).await;
}

async fn are_found_by_about_as_many_keys(
    settings: trailkeep_store::mongo::MongoSettings,
    skips: i64,
) {
    const EVENTS: i64 = 1_200;
    const USERS: i64 = 10;
    const LIMIT: i64 = 25;
    MongoPlace::new()
        .await
        .run(move |place| async move {
            let store = place.mongo_store(&settings).await;
            store.prepare().await.unwrap();
            let events: Vec<_> = (0..EVENTS)
                .map(|number| {
                    let user = format!("user {}", number % USERS);
                    event(&user, &number.to_string(), number * 60_000, number)
                })
                .collect();
            for some in events.chunks(usize::try_from(EVENTS / INSERTS).unwrap()) {
                store_all(&*store, some).await;
            }
            profile(&place).await;
            let whole = Id::whole("user 3");
            for (id, limit, found, later) in [
                (&whole, 25, 25, 0),
                (&until("user 3", EVENTS / 2), 25, 25, 0),
                (&whole, 1_000, EVENTS / USERS, 0),
                // Those that arrived later are passed over by their keys.
                (&until("user 3", EVENTS / 2), 1_000, EVENTS / USERS / 2, EVENTS / USERS / 2),
                (&Id::whole("nobody"), 1_000, 0, 0),
            ] {
                let traces = store.stored_traces(id, limit).await.unwrap();
                assert_eq!(traces.len() as i64, found);
                let query = profiled(&place, "events").await.pop().unwrap();
                let plan = query.get_str("planSummary").unwrap();
                assert_eq!(plan, "IXSCAN { period: 1, userId: 1, occurredAt: 1, arrival: 1 }");
                assert!(!query.contains_key("hasSortStage"), "{query}");
                let keys = number(&query, "keysExamined");
                assert!(keys <= found + later + skips + 4, "{keys} keys for {query}");
                assert_eq!(number(&query, "docsExamined"), found, "{query}");
                assert!(query.get_bool("cursorExhausted").unwrap(), "{query}");
            }
            let found = store.stored_traces(&whole, usize::try_from(LIMIT).unwrap()).await.unwrap();
            store.remove_events(&identities(&found)).await.unwrap();
            assert_eq!(store.journey(&all_of("user 3"), 1_000).await.unwrap().events.len(), 95);
            store.close().await;
        })
        .await;
}
