//! Documents of users that other tools wrote.

use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::IndexModel;
use trailkeep_event::{Accepted, StoreId};
use trailkeep_store::erasures::{ErasureStore as _, Trace};
use trailkeep_store::mongo::MongoStore;
use trailkeep_store::{Id, Store as _};
use trailkeep_store_contract::erasures::samples::{identities, named, until};
use trailkeep_store_contract::samples::{all_of, at, names, store_all};

use super::{profile, profiled};
use crate::homes::{MongoPlace, SETTINGS, SHORT_PERIODS};

/// Documents that other tools wrote: what they lack, and how they are known.
fn foreign(user: &str) -> Vec<Document> {
    let date = |millis| DateTime::from_millis(at(millis).as_millis());
    let of_ours = StoreId::derive("somebody", "e").as_bytes().to_vec();
    let bytes = |subtype| Binary { subtype, bytes: of_ours.clone() };
    let ids = [
        Bson::from("e1"),
        Bson::from(7_i32),
        Bson::from("7"),
        Bson::from(ObjectId::new()),
        Bson::from(doc! { "a": { "b": 1 }, "c": "d" }),
        Bson::from(doc! { "a": { "b": 1 } }),
        Bson::from(true),
        Bson::Null,
        Bson::from(date(1)),
        Bson::from(bytes(BinarySubtype::Generic)),
        Bson::from(""),
    ];
    let mut documents: Vec<_> = ids
        .into_iter()
        .map(|id| doc! { "_id": id, "userId": user, "occurredAt": date(5) })
        .collect();
    for (id, more) in [
        ("no time", doc! {}),
        ("a text for a time", doc! { "occurredAt": "yesterday" }),
        ("a text for a number", doc! { "occurredAt": date(1), "arrival": "first" }),
        ("a number below 0", doc! { "occurredAt": date(1), "arrival": -7_i64 }),
        ("far ahead", doc! { "occurredAt": date(1 << 40) }),
        ("in a period", doc! { "occurredAt": date(1), "period": date(0) }),
        ("in an odd period", doc! { "occurredAt": date(1), "period": "first" }),
        ("with more", doc! { "occurredAt": date(1), "sessionId": "s", "anonymousId": "a" }),
        ("with other types", doc! { "occurredAt": date(1), "sessionId": 1, "anonymousId": [] }),
    ] {
        let mut document = doc! { "_id": id, "userId": user };
        document.extend(more);
        documents.push(document);
    }
    // One with an identity of ours.
    let id = bytes(BinarySubtype::Uuid);
    documents.push(doc! { "_id": id, "userId": user, "occurredAt": date(2) });
    documents
}

async fn remove_all(store: &MongoStore, id: &Id, limit: usize) -> usize {
    let mut removed = 0;
    loop {
        let traces = store.stored_traces(id, limit).await.unwrap();
        if traces.is_empty() {
            return removed;
        }
        removed += traces.len();
        let ids = identities(&traces);
        assert_eq!(store.remove_events(&ids).await.unwrap(), traces.len() as u64);
        assert_eq!(store.remove_events(&ids).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn what_another_tool_wrote_of_a_user_goes_as_well() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            store.prepare().await.unwrap();
            let events = place.database().collection::<Document>("events");
            let documents = foreign("ann");
            let others = [
                doc! { "_id": "e1 of another", "userId": "Ann", "occurredAt": DateTime::now() },
                doc! { "_id": "of nobody", "occurredAt": DateTime::now() },
            ];
            events.insert_many(&documents).await.unwrap();
            events.insert_many(&others).await.unwrap();
            let late = doc! { "_id": "late", "userId": "ann", "occurredAt": DateTime::now(),
            "arrival": 100_i64 };
            events.insert_one(&late).await.unwrap();
            // The name of its `_id` in a journey is that of the first document.
            let own: Vec<Accepted> = vec![named("ann", "e1", 99), named("ann", "e1", 100)];
            store_all(&*store, &own[1..]).await;

            // To look alone removes nothing.
            for _ in 0..2 {
                let found = store.stored_traces(&until("ann", 100), 1_000).await.unwrap();
                assert_eq!(found.len(), documents.len());
                let said = |Trace { anonymous_id, session_id, .. }: &&Trace| {
                    anonymous_id.as_deref() == Some("a") && session_id.as_deref() == Some("s")
                };
                assert_eq!(found.iter().filter(said).count(), 1);
            }
            assert_eq!(remove_all(&store, &until("ann", 100), 4).await, documents.len());
            let left = store.stored_traces(&Id::whole("ann"), 1_000).await.unwrap();
            assert_eq!(left.len(), 2);
            assert_eq!(names(&*store, &all_of("ann")).await, ["e1", "late"]);
            assert_eq!(remove_all(&store, &Id::whole("ann"), 1_000).await, 2);
            let mut there: Vec<Document> =
                events.find(doc! {}).await.unwrap().try_collect().await.unwrap();
            there.sort_by_key(|document| document.get_str("_id").unwrap().to_owned());
            assert_eq!(there, others);
            store.close().await;
        })
        .await;
}

/// As behind `mongos`, and as an older version left it.
#[tokio::test]
async fn traces_are_found_by_an_index_that_begins_with_the_user_and_by_none() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SHORT_PERIODS).await;
            store.prepare().await.unwrap();
            let events: Vec<_> =
                (0..40).map(|number| named("ann", &format!("e{number}"), number)).collect();
            store_all(&*store, &events).await;
            let documents = place.database().collection::<Document>("events");
            documents.insert_many(foreign("ann")).await.unwrap();
            documents.drop_index("journey_by_period").await.unwrap();
            let id = until("ann", 30);
            let expected = 30 + foreign("ann").len();
            assert_eq!(store.stored_traces(&id, 1_000).await.unwrap().len(), expected);
            let keys = doc! { "userId": 1, "occurredAt": 1, "arrival": 1 };
            let index = IndexModel::builder().keys(keys).build();
            documents.create_index(index).await.unwrap();
            profile(&place).await;
            assert_eq!(store.stored_traces(&id, 1_000).await.unwrap().len(), expected);
            let query = profiled(&place, "events").await.pop().unwrap();
            let plan = query.get_str("planSummary").unwrap();
            assert_eq!(plan, "IXSCAN { userId: 1, occurredAt: 1, arrival: 1 }");
            assert_eq!(remove_all(&store, &id, 1_000).await, expected);
            store.close().await;
        })
        .await;
}
