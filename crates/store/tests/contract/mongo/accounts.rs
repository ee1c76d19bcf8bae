//! How the server answers for accounts: by its own account of the queries, and
//! of its index.

use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use trailkeep_event::Accepted;
use trailkeep_store::mongo::MongoStore;
use trailkeep_store::summaries::{AccountStore as _, Bucket, QueryError, SummaryRange};
use trailkeep_store::{Store as _, StoredEvent};
use trailkeep_store_contract::samples::{at, event, store_all};

use crate::homes::{MongoPlace, SETTINGS};

const LIMIT: Duration = Duration::from_secs(20);
const EVENTS: i64 = 400;

/// Every fifth event is one without an account.
fn events() -> Vec<Accepted> {
    (0..EVENTS)
        .map(|number| {
            let mut accepted = event("ann", &number.to_string(), number, number);
            let account = number % 5;
            accepted.event.account_id = (account > 0).then(|| format!("a{account}").into());
            accepted
        })
        .collect()
}

fn whole(account: &str) -> SummaryRange {
    SummaryRange {
        account_id: account.to_owned(),
        from: at(0),
        to: at(EVENTS),
        top: 10,
        bucket: None,
    }
}

async fn store_of_events(place: &MongoPlace) -> Arc<MongoStore> {
    let store = place.mongo_store(&SETTINGS).await;
    store.prepare().await.unwrap();
    store_all(&*store, &events()).await;
    store
}

/// Has the database note every command from now on.
async fn profile(place: &MongoPlace) {
    let command = doc! { "profile": 2 };
    place.database().run_command(command).await.unwrap();
}

async fn profiled(place: &MongoPlace, command: &str) -> Vec<Document> {
    place
        .database()
        .collection::<Document>("system.profile")
        .find(doc! { format!("command.{command}"): "events" })
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap()
}

fn number(document: &Document, key: &str) -> i64 {
    let value = document.get(key).unwrap();
    let small = || value.as_i32().map(i64::from);
    value.as_i64().or_else(small).unwrap()
}

#[tokio::test]
async fn a_summary_reads_its_part_of_the_index_and_no_document() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = store_of_events(&place).await;
            profile(&place).await;
            let buckets = [None, Some(Bucket::Hour), Some(Bucket::Day)];
            for bucket in buckets {
                let range = SummaryRange { bucket, ..whole("a3") };
                let summary = store.summary(&range, LIMIT).await.unwrap();
                assert_eq!(summary.total, 80);
            }

            let queries = profiled(&place, "aggregate").await;
            assert_eq!(queries.len(), buckets.len(), "one each");
            for query in &queries {
                assert_eq!(number(query, "keysExamined"), 80, "{query}");
                assert_eq!(number(query, "docsExamined"), 0, "{query}");
                let plan = query.get_str("planSummary").unwrap();
                let keys = "IXSCAN { accountId: 1, occurredAt: 1, type: 1, userId: 1 }";
                assert_eq!(plan, keys);
                assert!(query.get_bool("cursorExhausted").unwrap(), "{query}");
                let command = query.get_document("command").unwrap();
                assert_eq!(number(command, "maxTimeMS"), 20_000);
            }
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn a_page_of_an_accounts_events_is_one_scan_as_long_as_the_page() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = store_of_events(&place).await;
            profile(&place).await;
            let mut after = None;
            for _ in 0..3 {
                let page = store.events("a3", after, 10).await.unwrap();
                assert_eq!(page.events.len(), 10);
                after = page.events.last().map(StoredEvent::position);
            }

            let queries = profiled(&place, "find").await;
            assert_eq!(queries.len(), 3);
            for query in queries {
                let plan = query.get_str("planSummary").unwrap();
                let keys = "IXSCAN { accountId: 1, occurredAt: 1, type: 1, userId: 1 }";
                assert_eq!(plan, keys);
                assert!(!query.contains_key("hasSortStage"), "{query}");
                // One more tells that the last has no equals; from one on it goes on.
                assert!(number(&query, "keysExamined") <= 12, "{query}");
                assert!(number(&query, "docsExamined") <= 12, "{query}");
                assert!(query.get_bool("cursorExhausted").unwrap(), "{query}");
            }
            store.close().await;
        })
        .await;
}

/// The whole group, and nothing beyond it.
#[tokio::test]
async fn where_many_events_share_a_millisecond_it_is_read_and_no_more() {
    const AT_ONCE: i64 = 50;
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            store.prepare().await.unwrap();
            let events: Vec<_> = (0..EVENTS)
                .map(|number| {
                    let mut accepted =
                        event("ann", &number.to_string(), number / AT_ONCE, EVENTS - number);
                    accepted.event.account_id = Some("a".into());
                    accepted
                })
                .collect();
            store_all(&*store, &events).await;
            profile(&place).await;
            let page = store.events("a", None, 10).await.unwrap();
            assert_eq!(page.events.len(), 10);

            let queries = profiled(&place, "find").await;
            assert_eq!(queries.len(), 2, "one more, where the first has cut equals apart");
            let examined: i64 = queries.iter().map(|query| number(query, "docsExamined")).sum();
            assert!(examined <= 11 + AT_ONCE + 12, "{examined}");
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn each_account_of_a_sample_costs_one_key_and_no_document() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = store_of_events(&place).await;
            profile(&place).await;
            let ends = store.account_ends(LIMIT).await.unwrap();
            assert_eq!(ends, Some(("a1".to_owned(), "a4".to_owned())));
            let accounts = store.accounts_from("a2", 10, LIMIT).await.unwrap();
            assert_eq!(accounts, ["a2", "a3", "a4"]);

            let queries = profiled(&place, "find").await;
            // Both ends; three accounts, and that there is no fourth.
            assert_eq!(queries.len(), 2 + 3 + 1);
            for query in queries {
                assert!(number(&query, "keysExamined") <= 1, "{query}");
                assert_eq!(number(&query, "docsExamined"), 0, "{query}");
            }
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn events_without_an_account_are_not_in_the_index() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = store_of_events(&place).await;
            let command = doc! { "validate": "events" };
            let validated = place.database().run_command(command).await.unwrap();
            let keys = validated.get_document("keysPerIndex").unwrap();
            assert_eq!(number(keys, "_id_"), EVENTS);
            assert_eq!(number(keys, "account"), EVENTS / 5 * 4);
            store.close().await;
        })
        .await;
}

/// Before the store is prepared, or where somebody dropped the index.
#[tokio::test]
async fn without_the_index_nothing_is_read() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            store_all(&*store, &events()).await;
            let told = store.summary(&whole("a3"), LIMIT).await;
            assert!(matches!(told, Err(QueryError::Store(_))), "{told:?}");
            let told = store.accounts_from("", 1, LIMIT).await;
            assert!(matches!(told, Err(QueryError::Store(_))), "{told:?}");
            let told = store.events("a3", None, 1).await;
            assert!(told.is_err(), "{told:?}");
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn documents_of_other_tools_are_counted_as_far_as_they_go() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            store.prepare().await.unwrap();
            let time = bson::DateTime::from_millis(at(1).as_millis());
            let odd = [
                doc! { "accountId": "a", "occurredAt": time, "userId": "u" },
                doc! { "accountId": "a", "occurredAt": time, "userId": 5, "type": 7 },
                doc! { "accountId": "a", "occurredAt": "yesterday", "userId": "u" },
                doc! { "accountId": null, "occurredAt": time, "userId": "u" },
                doc! { "accountId": 12, "occurredAt": time, "userId": "u" },
            ];
            let collection = place.database().collection::<Document>("events");
            collection.insert_many(odd).await.unwrap();
            let summary = store.summary(&whole("a"), LIMIT).await.unwrap();
            assert_eq!(summary.total, 2);
            assert_eq!(summary.totals[""], 2);
            let page = store.events("a", None, 10).await.unwrap();
            assert_eq!(page.events.len(), 2);
            let accounts = store.accounts_from("", 10, LIMIT).await.unwrap();
            assert_eq!(accounts, ["a"]);
            store.close().await;
        })
        .await;
}
