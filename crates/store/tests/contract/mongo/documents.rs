//! What a person at a shell finds, and what becomes of what they write.

use bson::oid::ObjectId;
use bson::spec::{BinarySubtype, ElementType};
use bson::{Binary, Bson, DateTime, Document, doc};
use futures_util::TryStreamExt as _;
use trailkeep_event::{Arrival, StoreId};
use trailkeep_store::{JourneyRange, StoredEvent};
use trailkeep_store_contract::samples::{
    all_of, at, event, names, newest_first, payload, store_all,
};

use crate::homes::{MongoPlace, SETTINGS};

fn date(millis: i64) -> DateTime {
    DateTime::from_millis(at(millis).as_millis())
}

#[tokio::test]
async fn documents_are_what_a_person_would_look_for() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.store(&SETTINGS).await;
            let mut purchase = event("test123", "e1", 0, 42);
            purchase.event.kind = "purchase".into();
            purchase.event.anonymous_id = Some("v1".into());
            purchase.event.session_id = Some("s1".into());
            purchase.event.account_id = Some("a1".into());
            purchase.event.payload = payload(r#"{"total":5,"$price":1}"#);
            store_all(&*store, &[purchase, event("test123", "e2", 1, 43)]).await;

            let found: Vec<Document> = place
                .database()
                .collection("events")
                .find(doc! { "userId": "test123" })
                .sort(doc! { "occurredAt": -1 })
                .await
                .unwrap()
                .try_collect()
                .await
                .unwrap();
            let id = |event_id| Binary {
                subtype: BinarySubtype::Uuid,
                bytes: StoreId::derive("test123", event_id).as_bytes().to_vec(),
            };
            assert_eq!(
                found,
                [
                    doc! {
                        "_id": id("e2"), "userId": "test123", "eventId": "e2",
                        "type": "page_view", "payload": {},
                        "occurredAt": date(1), "receivedAt": date(251), "arrival": 43_i64,
                    },
                    doc! {
                        "_id": id("e1"), "userId": "test123", "anonymousId": "v1",
                        "eventId": "e1", "type": "purchase", "sessionId": "s1", "accountId": "a1",
                        "payload": { "total": 5, "$price": 1 },
                        "occurredAt": date(0), "receivedAt": date(250), "arrival": 42_i64,
                    },
                ]
            );
            let kind = found[0].get("occurredAt").unwrap().element_type();
            assert_eq!(kind, ElementType::DateTime);
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn documents_of_other_tools_do_not_break_a_journey() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.store(&SETTINGS).await;
            store.prepare().await.unwrap();
            store_all(&*store, &[event("ann", "ours", 10, 1), event("ann", "last", 20, 2)]).await;
            place
                .database()
                .collection::<Document>("events")
                .insert_many([
                    doc! { "_id": "note", "userId": "ann", "type": "note", "occurredAt": date(10) },
                    doc! { "_id": 7, "userId": "ann", "occurredAt": date(15), "arrival": 3.0,
                    "payload": { "when": date(1), "n": f64::NAN } },
                    doc! { "_id": "no time", "userId": "ann" },
                    doc! { "_id": "text time", "userId": "ann", "occurredAt": "2025-12-15" },
                    doc! { "_id": "far", "userId": "ann", "occurredAt": DateTime::MAX },
                    doc! { "_id": "odd", "userId": "ann", "occurredAt": date(12),
                    "arrival": "x" },
                ])
                .await
                .unwrap();

            let forwards = all_of("ann");
            let in_order = ["note", "ours", "7", "last"];
            assert_eq!(names(&*store, &forwards).await, in_order);
            let journey = store.journey(&forwards, 10).await.unwrap().events;
            assert_eq!(journey[0].id, StoreId::derive("ann", "note"));
            assert_eq!(journey[0].arrival, Arrival::from_i64(0));
            assert_eq!(*journey[2].payload, *r#"{"when":"2025-12-15T10:30:00.001Z","n":null}"#);

            let backwards = newest_first(all_of("ann"));
            for (range, expected) in
                [(forwards, in_order), (backwards, ["last", "7", "ours", "note"])]
            {
                for limit in 1..=5 {
                    let mut range: JourneyRange = range.clone();
                    let mut seen = Vec::new();
                    loop {
                        let page = store.journey(&range, limit).await.unwrap().events;
                        seen.extend(page.iter().map(|event| event.event_id.to_string()));
                        assert!(seen.len() <= 10, "pages without an end");
                        range.after = page.last().map(StoredEvent::position);
                        if page.len() < limit {
                            break;
                        }
                    }
                    assert_eq!(seen, expected, "limit {limit}, {:?}", range.order);
                }
            }
            store.close().await;
        })
        .await;
}

/// Another tool's import: many documents of one moment, with no arrival.
#[tokio::test]
async fn documents_that_tie_are_all_on_a_page_once() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.store(&SETTINGS).await;
            store.prepare().await.unwrap();
            store_all(&*store, &[event("ann", "before", 9, 1), event("ann", "after", 11, 2)]).await;
            let mut documents: Vec<Document> = (0..40)
                .map(|number| {
                    let id = match number % 4 {
                        0 => Bson::Int32(number),
                        1 => Bson::String((number - 1).to_string()),
                        2 => Bson::ObjectId(ObjectId::new()),
                        _ => Bson::Double(f64::from(number) + 0.5),
                    };
                    let mut document = doc! { "_id": id, "userId": "ann", "occurredAt": date(10) };
                    match number % 5 {
                        0 => drop(document.insert("arrival", Bson::Null)),
                        1 => drop(document.insert("arrival", 0)),
                        2 => drop(document.insert("arrival", -7_i64)),
                        3 => drop(document.insert("arrival", "none")),
                        _ => {}
                    }
                    document
                })
                .collect();
            documents.push(doc! {
                "_id": "huge", "userId": "ann", "occurredAt": date(10), "arrival": 1e300,
            });
            let events = place.database().collection::<Document>("events");
            events.insert_many(documents).await.unwrap();

            for range in [all_of("ann"), newest_first(all_of("ann"))] {
                let whole = store.journey(&range, 1000).await.unwrap().events;
                // All but those whose arrival is no number.
                assert_eq!(whole.len(), 34);
                let mut sorted = whole.clone();
                sorted.sort_by(|l, r| range.order.compare(l.position(), r.position()));
                sorted.dedup_by_key(|event| event.position());
                assert_eq!(whole, sorted);
                for limit in [1, 2, 5, 33, 34] {
                    let mut range = range.clone();
                    let mut seen = Vec::new();
                    loop {
                        let page = store.journey(&range, limit).await.unwrap().events;
                        range.after = page.last().map(StoredEvent::position).or(range.after);
                        let is_last = page.len() < limit;
                        seen.extend(page);
                        assert!(seen.len() <= whole.len(), "pages without an end");
                        if is_last {
                            break;
                        }
                    }
                    assert_eq!(seen, whole, "limit {limit}, {:?}", range.order);
                }
            }
            store.close().await;
        })
        .await;
}
