//! How the server counts what ids did: by its own account of the queries.

use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use trailkeep_event::{Accepted, Arrival};
use trailkeep_store::Store as _;
use trailkeep_store::activity::ActivityStore as _;
use trailkeep_store::mongo::MongoSettings;
use trailkeep_store_contract::samples::{at, event, store_all};

use crate::homes::{MongoPlace, SETTINGS, SHORT_PERIODS};

const USERS: i64 = 4;
const EVENTS: i64 = 400;
const INSERTS: i64 = 40;

/// In turn of each user, an hour after the other.
fn events() -> Vec<Accepted> {
    (0..EVENTS)
        .map(|number| {
            let millis = number * 3_600_000;
            let arrival = Arrival::first_at(at(millis)).as_i64();
            event(&format!("u{}", number % USERS), &number.to_string(), millis, arrival)
        })
        .collect()
}

#[tokio::test]
async fn activity_reads_as_many_keys_as_it_counts_and_no_document() {
    let keys = "IXSCAN { period: 1, userId: 1, occurredAt: 1, arrival: 1 }";
    // Two more for each period, where the server skips from one to the next.
    reads_keys_alone(SHORT_PERIODS, None, keys, 2 * INSERTS).await;
}

/// As behind `mongos`, and where the index of an older version is being replaced.
#[tokio::test]
async fn activity_reads_keys_alone_where_the_index_begins_with_the_user() {
    let index = doc! { "userId": 1, "occurredAt": 1, "arrival": 1 };
    let keys = "IXSCAN { userId: 1, occurredAt: 1, arrival: 1 }";
    reads_keys_alone(SETTINGS, Some(index), keys, 0).await;
}

/// With the index that is handed in, or with those that a store makes.
async fn reads_keys_alone(
    settings: MongoSettings,
    index: Option<Document>,
    keys: &'static str,
    skips: i64,
) {
    MongoPlace::new()
        .await
        .run(move |place| async move {
            let store = place.mongo_store(&settings).await;
            if let Some(index) = index {
                let index = mongodb::IndexModel::builder().keys(index).build();
                let collection = place.database().collection::<Document>("events");
                collection.create_index(index).await.unwrap();
            } else {
                store.prepare().await.unwrap();
            }
            for some in events().chunks(usize::try_from(EVENTS / INSERTS).unwrap()) {
                store_all(&*store, some).await;
            }
            place.database().run_command(doc! { "profile": 2 }).await.unwrap();

            let whole = |user: &str| (user.to_owned(), None);
            let until = Arrival::first_at(at(EVENTS / 2 * 3_600_000));
            let linked = ("u2".to_owned(), Some(until));
            let mut allowed = Vec::new();
            for (ids, most, expected) in [
                (vec![whole("u0")], 1_000, 100),
                (vec![whole("u0")], 30, 30),
                (vec![whole("u0"), whole("u1"), linked.clone()], 1_000, 100 + 100 + 50),
                (vec![whole("u0"), whole("u1"), linked], 30, 30),
            ] {
                let activity = store.activity(&ids, at(0), most).await.unwrap();
                let counted: u64 = activity.days.iter().map(|(_, events)| events).sum();
                assert_eq!(counted, expected);
                let ids = i64::try_from(ids.len()).unwrap();
                // One more says that there are more. What a linked id did in the day
                // before its number, and came after that, is passed over.
                allowed.push(i64::try_from(expected).unwrap() + 1 + ids * (skips + 1) + 25);
            }
            let queries = profiled(&place).await;
            assert_eq!(queries.len(), allowed.len());
            for (query, allowed) in queries.iter().zip(allowed) {
                let plan = query.get_str("planSummary").unwrap();
                assert!(plan.split(", IXSCAN").count() <= 3 && plan.starts_with(keys), "{plan}");
                assert_eq!(number(query, "docsExamined"), 0, "{query}");
                let examined = number(query, "keysExamined");
                assert!(examined <= allowed, "{examined} keys, {allowed} allowed: {query}");
                assert!(!query.contains_key("hasSortStage"), "{query}");
            }
            store.close().await;
        })
        .await;
}

async fn profiled(place: &MongoPlace) -> Vec<Document> {
    place
        .database()
        .collection::<Document>("system.profile")
        .find(doc! { "command.aggregate": "events" })
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
