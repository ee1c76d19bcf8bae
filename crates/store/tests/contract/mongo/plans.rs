//! How the server answers a journey: by its own account of the queries.

use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use trailkeep_event::{Arrival, StoreId};
use trailkeep_store::mongo::MongoSettings;
use trailkeep_store::{Id, JourneyRange, Order, Position};
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

/// Scans of the index of journeys, of which the plan has nothing else.
fn scans(query: &Document) -> usize {
    const SCAN: &str = "IXSCAN { period: 1, userId: 1, occurredAt: 1, arrival: 1 }";
    assert!(!query.contains_key("hasSortStage"), "{query}");
    let plan = query.get_str("planSummary").unwrap();
    let scans = plan.matches(SCAN).count();
    assert_eq!(plan, vec![SCAN; scans].join(", "));
    scans
}

/// Of an `$or`.
fn number_of_branches(query: &Document) -> usize {
    let filter = query.get_document("command").unwrap().get_document("filter").unwrap();
    filter.get_array("$or").map_or(0, Vec::len)
}

#[tokio::test]
async fn a_journey_is_read_by_its_index_without_sorting() {
    is_read_by_its_index(SETTINGS, 0).await;
}

#[tokio::test]
async fn a_journey_of_many_periods_is_read_by_its_index_without_sorting() {
    // Two keys a period, where the server skips from one to the next; all that are
    // written in one insert are of one period.
    is_read_by_its_index(SHORT_PERIODS, 2 * INSERTS).await;
}

/// Inserts that the events come in.
const INSERTS: i64 = 40;

async fn is_read_by_its_index(settings: MongoSettings, skips: i64) {
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
                let is_first = number_of_branches(&query) == 0;
                assert_eq!(scans(&query), if is_first { 1 } else { 2 }, "{query}");
                let examined = number(&query, "keysExamined");
                assert!(examined <= LIMIT + 2 * TIED + skips, "{examined} keys for {query}");
                assert!(query.get_bool("cursorExhausted").unwrap(), "{query}");
                assert_eq!(query.get_str("appName").unwrap(), "trailkeep");
            }
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn a_journey_of_several_ids_is_a_merge_of_scans_without_sorting() {
    // What has no period is all but the dates: of each id there is a key more, where
    // dates would begin.
    is_a_merge_of_scans(SETTINGS, IDS).await;
}

#[tokio::test]
async fn a_journey_of_several_ids_and_many_periods_is_the_same() {
    // Two keys of each id in each period.
    is_a_merge_of_scans(SHORT_PERIODS, 2 * INSERTS * IDS).await;
}

/// Ids of a journey.
const IDS: i64 = 30;

/// A user whose ids are linked, and of whom each but the first has gone on for long
/// after its end.
async fn is_a_merge_of_scans(settings: MongoSettings, skips: i64) {
    const EVENTS: i64 = 1_200;
    const LIMIT: i64 = 10;
    const DAY_MS: i64 = 86_400_000;
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.store(&settings).await;
            store.prepare().await.unwrap();
            let arrival = |number: i64| Arrival::first_at(at(number * DAY_MS));
            let events: Vec<_> = (0..EVENTS)
                .map(|number| {
                    let user = format!("id-{}", number % IDS);
                    let id = number.to_string();
                    event(&user, &id, number * DAY_MS, arrival(number).as_i64())
                })
                .collect();
            for some in events.chunks(usize::try_from(EVENTS / INSERTS).unwrap()) {
                store_all(&*store, some).await;
            }
            let command = doc! { "profile": 2 };
            place.database().run_command(command).await.unwrap();

            let end = |id: i64| (id > 0).then(|| arrival(EVENTS / 4));
            let ids = (0..IDS).map(|id| Id { id: format!("id-{id}"), until: end(id) });
            let ids: Vec<_> = ids.collect();
            let in_the_middle = Position {
                occurred_at: at(EVENTS / 8 * DAY_MS),
                arrival: arrival(EVENTS / 8),
                id: StoreId::derive("id-0", "an event between"),
            };
            let mut asked = 0;
            for order in [Order::Ascending, Order::Descending] {
                for after in [None, Some(in_the_middle)] {
                    for types in [vec![], vec!["page_view".to_owned()]] {
                        let ids = ids.clone();
                        let range = JourneyRange { ids, order, after, types, ..all_of("") };
                        let page = store.journey(&range, 10).await.unwrap().events;
                        assert_eq!(page.len(), 10);
                        asked += 1;
                    }
                }
            }
            let queries = profiled(&place).await;
            assert_eq!(queries.len(), asked);
            for query in queries {
                assert_eq!(scans(&query), number_of_branches(&query), "{query}");
                let keys = number(&query, "keysExamined");
                assert!(keys <= LIMIT + 2 + 4 * IDS + skips, "{keys} keys for {query}");
                let documents = number(&query, "docsExamined");
                assert!(documents <= LIMIT + 2, "{documents} documents for {query}");
                assert!(query.get_bool("cursorExhausted").unwrap(), "{query}");
            }
            store.close().await;
        })
        .await;
}
