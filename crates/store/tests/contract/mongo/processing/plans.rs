//! How the server answers, by its own account of the queries.

use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use trailkeep_event::Arrival;
use trailkeep_store::Store as _;
use trailkeep_store::processing::{Command, ProcessedState, ProcessingStore as _};
use trailkeep_store_contract::processing::samples::{NAME, command, document, outcome, processor};
use trailkeep_store_contract::samples::{event, store_all};
use uuid::Uuid;

use crate::homes::{MongoPlace, SHORT_PERIODS};

/// What the server ran on a collection, with its plans.
async fn profiled(place: &MongoPlace, collection: &str) -> Vec<Document> {
    let ns = format!("{}.{collection}", place.database().name());
    place
        .database()
        .collection::<Document>("system.profile")
        .find(doc! { "ns": ns })
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

#[tokio::test]
async fn what_is_read_is_found_by_an_index_and_not_sorted() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            const PROCESSES: u8 = 5;
            let store = place.mongo_store(&SHORT_PERIODS).await;
            store.prepare().await.unwrap();
            store.add_processor(&processor(NAME)).await.unwrap();
            for user in ["ann", "bob"] {
                let events: Vec<_> =
                    (1..200).map(|n| event(user, &n.to_string(), -n * 60_000, n)).collect();
                for some in events.chunks(20) {
                    store_all(&*store, some).await;
                }
            }
            for process in 1..=PROCESSES {
                for number in 1..20 {
                    store.append(NAME, &document(process, number)).await.unwrap();
                }
            }
            let outcomes: Vec<_> = (0..200)
                .map(|number| outcome(number, 0, ProcessedState::ALL[number as usize % 4]))
                .collect();
            store.record(NAME, &outcomes).await.unwrap();
            for number in 1..20 {
                for name in [NAME, "other"] {
                    let id = Uuid::new_v4();
                    let asked = Command { id, ..command(name, number) };
                    assert!(store.add_command(&asked).await.unwrap());
                }
            }
            place.database().run_command(doc! { "profile": 2 }).await.unwrap();

            let from = Arrival::from_i64(190);
            let (found, has_more) = store.events_from("ann", from, 5).await.unwrap();
            assert_eq!((found.len(), has_more), (5, true));
            assert_eq!(store.feeding(NAME).await.unwrap().len(), usize::from(PROCESSES));
            assert_eq!(store.failed(NAME).await.unwrap(), 50);
            assert_eq!(store.failed_outcomes(NAME, None, 10).await.unwrap().len(), 10);
            assert_eq!(store.commands(NAME).await.unwrap().len(), 19);
            assert_eq!(store.commands("nobody").await.unwrap(), []);

            let queries = profiled(&place, "events").await;
            assert_eq!(queries.len(), 1);
            let plan = queries[0].get_str("planSummary").unwrap();
            assert_eq!(plan, "IXSCAN { period: 1, userId: 1, occurredAt: 1, arrival: 1 }");
            assert!(!queries[0].contains_key("hasSortStage"), "{}", queries[0]);
            // Only those from the number on are fetched, for their ids.
            assert_eq!(number(&queries[0], "docsExamined"), 10);

            let queries = profiled(&place, "feed.default").await;
            assert_eq!(queries.len(), usize::from(PROCESSES) + 1);
            for query in queries {
                assert!(number(&query, "keysExamined") <= 1, "{query}");
            }
            let queries = profiled(&place, "processedEvents").await;
            assert_eq!(queries.len(), 3);
            assert!(number(&queries[0], "keysExamined") <= 51, "{}", queries[0]);
            assert_eq!(number(&queries[0], "docsExamined"), 0, "{}", queries[0]);
            // Ten in order, and then those that share the time of the tenth.
            for query in &queries[1..] {
                assert!(number(query, "docsExamined") <= 10, "{query}");
            }
            assert!(!queries[1].contains_key("hasSortStage"), "{}", queries[1]);
            let queries = profiled(&place, "processorCommands").await;
            assert_eq!(queries.len(), 2);
            for (query, found) in queries.iter().zip([19, 0]) {
                assert!(!query.contains_key("hasSortStage"), "{query}");
                assert!(number(query, "keysExamined") <= found + 1, "{query}");
                assert_eq!(number(query, "docsExamined"), found, "{query}");
            }
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn a_walk_reads_what_it_gives_and_users_are_found_by_keys_alone() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            const INSERTS: i64 = 6;
            let store = place.mongo_store(&SHORT_PERIODS).await;
            store.prepare().await.unwrap();
            // Each insert is of a period of its own.
            for insert in 0..INSERTS {
                let events: Vec<_> = (0..100)
                    .map(|n| {
                        let user = format!("user {:02}", n % 50);
                        event(&user, &format!("{insert} {n}"), insert * 10_000_000 + n, n)
                    })
                    .collect();
                store_all(&*store, &events).await;
            }
            place.database().run_command(doc! { "profile": 2 }).await.unwrap();

            assert_eq!(store.walk(None, 30).await.unwrap().len(), 30);
            let queries = profiled(&place, "events").await;
            assert_eq!(queries.len(), 1);
            assert_eq!(queries[0].get_str("planSummary").unwrap(), "IXSCAN { _id: 1 }");
            assert_eq!(number(&queries[0], "docsExamined"), 30, "{}", queries[0]);
            assert!(queries[0].get_bool("cursorExhausted").unwrap(), "{}", queries[0]);

            assert_eq!(store.users_after(Some("user 39"), 100).await.unwrap().len(), 10);
            let queries = profiled(&place, "events").await;
            // One for the users of each period, and one for what comes behind it.
            assert!(queries.len() as i64 <= 1 + 1 + 2 * INSERTS, "{}", queries.len());
            let mut keys = 0;
            for query in &queries[1..] {
                assert_eq!(number(query, "docsExamined"), 0, "{query}");
                assert!(!query.contains_key("hasSortStage"), "{query}");
                keys += number(query, "keysExamined");
            }
            // Of 600 keys, those of the ten users, and a step for each query.
            assert!(keys <= 120 + 2 * INSERTS + 1, "{keys}");
            store.close().await;
        })
        .await;
}
