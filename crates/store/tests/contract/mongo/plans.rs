//! How the server answers a journey: by its own account of the queries.

use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use trailkeep_event::{Arrival, StoreId};
use trailkeep_store::mongo::MongoSettings;
use trailkeep_store::{JourneyRange, Order, Position};
use trailkeep_store_contract::samples::{all_of, at, event, store_all};

use crate::homes::{MongoPlace, SETTINGS, SHORT_PERIODS};

/// The journey queries that the server ran in this database, with their plans.
async fn profiled(place: &MongoPlace) -> Vec<Document> {
    place
        .database()
        .collection::<Document>("system.profile")
        .find(doc! { "op": "query", "command.find": "events" })
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
async fn a_journey_is_one_index_scan_without_sorting() {
    is_one_scan(SETTINGS, 0).await;
}

#[tokio::test]
async fn a_journey_of_many_periods_is_one_index_scan_without_sorting() {
    // Two keys a period, where the server skips from one to the next; all that are
    // written in one insert are of one period.
    is_one_scan(SHORT_PERIODS, 2 * INSERTS).await;
}

/// Inserts that the events come in.
const INSERTS: i64 = 40;

async fn is_one_scan(settings: MongoSettings, skips: i64) {
    const EVENTS: i64 = 400;
    const LIMIT: i64 = 10;
    /// Events in each millisecond.
    const TIED: i64 = 4;
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.store(&settings).await;
            store.prepare().await.unwrap();
            let events: Vec<_> = (0..EVENTS)
                .map(|number| event("ann", &number.to_string(), number / TIED, number + 1))
                .collect();
            for some in events.chunks(usize::try_from(EVENTS / INSERTS).unwrap()) {
                store_all(&*store, some).await;
            }
            let command = doc! { "profile": 2 };
            place.database().run_command(command).await.unwrap();

            let in_the_middle = Position {
                occurred_at: at(EVENTS / TIED / 2),
                arrival: Arrival::from_i64(EVENTS / 2 + 2),
                id: StoreId::derive("ann", "an event between"),
            };
            let mut asked = 0;
            for order in [Order::Ascending, Order::Descending] {
                for after in [None, Some(in_the_middle)] {
                    for types in [vec![], vec!["page_view".to_owned()]] {
                        let range = JourneyRange { order, after, types, ..all_of("ann") };
                        let page = store.journey(&range, 10).await.unwrap().events;
                        assert_eq!(page.len(), 10);
                        asked += 1;
                    }
                }
            }
            let queries = profiled(&place).await;
            assert_eq!(queries.len(), asked);
            for query in queries {
                let plan = query.get_str("planSummary").unwrap();
                assert_eq!(plan, "IXSCAN { period: 1, userId: 1, occurredAt: 1, arrival: 1 }");
                assert!(!query.contains_key("hasSortStage"), "{query}");
                let examined = number(&query, "keysExamined");
                assert!(examined <= LIMIT + 2 * TIED + skips, "{examined} keys for {query}");
                assert!(query.get_bool("cursorExhausted").unwrap(), "{query}");
                assert_eq!(query.get_str("appName").unwrap(), "trailkeep");
            }
            store.close().await;
        })
        .await;
}
