//! What the index of journeys begins with.

use std::sync::Arc;

use bson::{DateTime, Document, doc};
use futures_util::TryStreamExt as _;
use trailkeep_event::Accepted;
use trailkeep_store_contract::samples::{all_of, at, event, names, newest_first, store_all};

use crate::homes::{MongoPlace, SETTINGS, SHORT_PERIODS};

/// Where periods start, and from when on there may be others.
async fn calendar(place: &MongoPlace) -> (Vec<DateTime>, DateTime) {
    let periods = place.database().collection::<Document>("periods");
    let calendar = periods.find_one(doc! { "_id": "journeys" }).await.unwrap().unwrap();
    let starts = calendar.get_array("starts").cloned().unwrap_or_default();
    let starts = starts.iter().map(|start| *start.as_datetime().unwrap()).collect();
    (starts, *calendar.get_datetime("horizon").unwrap())
}

/// Every document has the period that its time and the calendar say.
async fn assert_periods(place: &MongoPlace) -> usize {
    let (starts, horizon) = calendar(place).await;
    let events = place.database().collection::<Document>("events");
    let events: Vec<Document> = events.find(doc! {}).await.unwrap().try_collect().await.unwrap();
    for event in &events {
        let time = *event.get_datetime("occurredAt").unwrap();
        let period = starts.iter().rev().find(|start| **start <= time);
        assert_eq!(event.get_datetime("period").ok(), period, "{event} with {starts:?}");
        assert!(time < horizon, "{event} beyond {horizon}");
    }
    starts.len()
}

fn at_minute(minute: i64) -> Accepted {
    event("ann", &minute.to_string(), minute * 60_000, minute)
}

#[tokio::test]
async fn a_new_period_begins_when_the_last_one_is_full() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.store(&SHORT_PERIODS).await;
            store.prepare().await.unwrap();
            for minute in 0..30 {
                store_all(&*store, &[at_minute(minute)]).await;
            }
            // One is full with three, and the next begins behind what is there.
            assert_eq!(assert_periods(&place).await, 10);
            // Late ones are where they belong, and fill no period.
            let late: Vec<_> =
                (0..12).map(|number| event("bob", &format!("{number}"), 5_000, number)).collect();
            store_all(&*store, &late).await;
            assert_eq!(assert_periods(&place).await, 10);
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn events_of_a_small_collection_have_no_period() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.store(&SETTINGS).await;
            store.prepare().await.unwrap();
            for minute in 0..30 {
                store_all(&*store, &[at_minute(minute)]).await;
            }
            assert_eq!(assert_periods(&place).await, 0);
            store.close().await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_write_at_the_same_time_agree_on_periods() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let mut instances = Vec::new();
            for instance in 0..4 {
                let place = Arc::clone(&place);
                instances.push(tokio::spawn(async move {
                    let store = place.store(&SHORT_PERIODS).await;
                    store.prepare().await.unwrap();
                    for number in 0..40 {
                        // Each has a clock of its own, and some trackers are late.
                        let late = if number % 7 == instance { 500_000 } else { 0 };
                        let millis = (number * 20_000 + instance * 7_000 - late).max(0);
                        let id = format!("{instance}-{number}");
                        store_all(&*store, &[event("ann", &id, millis, number)]).await;
                    }
                    store.close().await;
                }));
            }
            for instance in instances {
                instance.await.unwrap();
            }
            assert!(assert_periods(&place).await > 5);
        })
        .await;
}

#[tokio::test]
async fn a_calendar_that_was_lost_is_made_again_from_the_events() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.store(&SHORT_PERIODS).await;
            store.prepare().await.unwrap();
            for minute in 0..20 {
                store_all(&*store, &[at_minute(minute)]).await;
            }
            store.close().await;
            let before = calendar(&place).await.0;
            place.database().collection::<Document>("periods").drop().await.unwrap();

            let store = place.store(&SHORT_PERIODS).await;
            store.prepare().await.unwrap();
            let known: Vec<_> = calendar(&place).await.0;
            assert_eq!(known, before[..known.len()], "but for a last one without events");
            assert!(known.len() + 1 >= before.len());
            store_all(&*store, &[event("ann", "late", 150_000, 50), at_minute(20)]).await;
            assert_periods(&place).await;
            let mut expected: Vec<_> = (0..=20).map(|minute| minute.to_string()).collect();
            expected.insert(3, "late".to_owned());
            assert_eq!(names(&*store, &all_of("ann")).await, expected);
            store.close().await;
        })
        .await;
}

/// A reader that has not written learns nothing of new periods, and needs not to.
#[tokio::test]
async fn a_reader_with_an_old_calendar_finds_everything() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let reader = place.store(&SHORT_PERIODS).await;
            reader.prepare().await.unwrap();
            store_all(&*reader, &[at_minute(0)]).await;
            let writer = place.store(&SHORT_PERIODS).await;
            for minute in 1..20 {
                store_all(&*writer, &[at_minute(minute)]).await;
            }
            let all: Vec<_> = (0..20).map(|minute| minute.to_string()).collect();
            assert_eq!(names(&*reader, &all_of("ann")).await, all);
            for (from, to) in [(0, 7), (7, 19), (19, 30), (0, 0)] {
                let mut range = all_of("ann");
                range.from = Some(at(from * 60_000));
                range.to = Some(at(to * 60_000));
                let mut expected: Vec<_> =
                    (from..=to.min(19)).map(|minute| minute.to_string()).collect();
                assert_eq!(names(&*reader, &range).await, expected);
                expected.reverse();
                assert_eq!(names(&*reader, &newest_first(range)).await, expected);
            }
            reader.close().await;
            writer.close().await;
        })
        .await;
}
