//! Who is who, as the server has it and finds it.

use std::time::Duration;

use bson::{DateTime, Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::IndexModel;
use trailkeep_event::Arrival;
use trailkeep_store::mongo::MongoSettings;
use trailkeep_store::people::{Matching, PeopleStore as _, TermKind};
use trailkeep_store::{Retention, Store as _, StoreError};
use trailkeep_store_contract::people::samples::{
    arrival, claimed, decided, full, identified, ids, people, person, session,
};
use trailkeep_store_contract::samples::at;

use crate::homes::{MongoPlace, SETTINGS};

const DAY: Duration = Duration::from_secs(86_400);

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

#[tokio::test]
async fn people_are_found_by_no_more_keys_than_there_are_hits() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            store.prepare().await.unwrap();
            let mut said: Vec<_> = (0..900)
                .map(|number| {
                    let traits = format!(
                        r#"{{"email":"user{number}@example.com","name":"Ann{number} Dyck"}}"#
                    );
                    identified(&format!("id {number}"), &traits, number)
                })
                .collect();
            said.extend((0..90).map(|number| claimed(&format!("device {number}"), "ann", number)));
            said.push(claimed("phone", "bob", 1));
            store.merge_in(&said).await.unwrap();
            place.database().run_command(doc! { "profile": 2 }).await.unwrap();

            // Kind, what is searched for, how, how many, how many there are.
            let searches = [
                (TermKind::Email, "USER12", Matching::Prefix, 100, 11),
                (TermKind::Email, "user1", Matching::Prefix, 20, 20),
                (TermKind::NameWord, "dyck", Matching::Prefix, 20, 20),
                (TermKind::NameWord, "dyck", Matching::Whole, 20, 20),
                (TermKind::Id, "id 77", Matching::Prefix, 100, 11),
                (TermKind::Id, "id 77", Matching::Whole, 100, 1),
                (TermKind::Id, ".*", Matching::Prefix, 100, 0),
            ];
            for (kind, text, matching, most, expected) in searches {
                let found = store.by_term(kind, text, matching, most).await.unwrap();
                assert_eq!(found.len(), expected, "{text}");
            }
            let queries = profiled(&place, "people").await;
            assert_eq!(queries.len(), searches.len());
            for (query, (.., expected)) in queries.iter().zip(searches) {
                let expected = i64::try_from(expected).unwrap();
                assert_eq!(query.get_str("planSummary").unwrap(), "IXSCAN { terms: 1 }");
                assert!(number(query, "keysExamined") <= expected + 1, "{query}");
                assert_eq!(number(query, "docsExamined"), expected, "{query}");
            }

            // Who has no links, who has one, and the newest of more than are wanted.
            assert_eq!(store.linked_to("id 7", &[], 100).await.unwrap().len(), 1);
            let person = ["id 1", "nobody"];
            assert_eq!(store.linked_to("bob", &person, 100).await.unwrap().len(), 2);
            assert_eq!(store.linked_to("ann", &person, 10).await.unwrap().len(), 11);
            let queries = &profiled(&place, "people").await[searches.len()..];
            let (owned, others) = ("IXSCAN { owner: 1, since: -1 }", "IXSCAN { _id: 1 }");
            let expected = [(owned, 1), (owned, 1), (others, 1), (owned, 11), (others, 1)];
            assert_eq!(queries.len(), expected.len());
            for (query, (plan, documents)) in queries.iter().zip(expected) {
                assert_eq!(query.get_str("planSummary").unwrap(), plan, "{query}");
                assert!(!query.contains_key("hasSortStage"), "{query}");
                assert_eq!(number(query, "docsExamined"), documents, "{query}");
            }
            store.close().await;
        })
        .await;
}

/// Name, keys, seconds to live and filter of each index but that of `_id`.
async fn indexes(place: &MongoPlace, collection: &str) -> Vec<(String, Document, Option<u64>)> {
    let collection = place.database().collection::<Document>(collection);
    let indexes: Vec<IndexModel> =
        collection.list_indexes().await.unwrap().try_collect().await.unwrap();
    let described = indexes.into_iter().map(|index| {
        let options = index.options.unwrap_or_default();
        let seconds = options.expire_after.map(|ttl| ttl.as_secs());
        (options.name.unwrap_or_default(), index.keys, seconds)
    });
    described.filter(|(name, ..)| name != "_id_").collect()
}

#[tokio::test]
async fn people_and_their_sessions_are_kept_as_long_as_events() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let of_people = [
                ("terms".to_owned(), doc! { "terms": 1 }, None),
                ("owner".to_owned(), doc! { "owner": 1, "since": -1 }, None),
                ("stays_with_user".to_owned(), doc! { "staysWithUser": 1 }, None),
            ];
            let kept = |days: u64| {
                let seconds = days * DAY.as_secs();
                ("retention".to_owned(), doc! { "receivedAt": 1 }, Some(seconds))
            };
            for (keep, expected) in
                [(Some(30 * DAY), vec![kept(30)]), (Some(7 * DAY), vec![kept(7)]), (None, vec![])]
            {
                let settings = MongoSettings { retention: Retention::of_all(keep), ..SETTINGS };
                let store = place.mongo_store(&settings).await;
                store.prepare().await.unwrap();
                let inspection = store.inspect(&[]).await.unwrap();
                assert_eq!(inspection.indexes.missing, [""; 0]);
                store.close().await;
                assert_eq!(indexes(&place, "userSessions").await, expected);
                let all: Vec<_> = of_people.iter().cloned().chain(expected).collect();
                assert_eq!(indexes(&place, "people").await, all);
            }
        })
        .await;
}

/// The server goes by `receivedAt`, and leaves alone what has none.
#[tokio::test]
async fn a_row_says_when_it_goes() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            store.prepare().await.unwrap();
            let first = at(0);
            store.merge_in(&[person("ann"), person("device")]).await.unwrap();
            store.merge_in(&[decided("device", Some("ann"), at(0))]).await.unwrap();
            let noted = trailkeep_store::people::SessionUser {
                since: Arrival::first_at(first),
                ..session("s", "ann", 0)
            };
            store.note_sessions(&[noted]).await.unwrap();
            let find = async |collection: &str, id: &str| {
                let collection = place.database().collection::<Document>(collection);
                collection.find_one(doc! { "_id": id }).await.unwrap().unwrap()
            };
            // The samples begin at half past ten.
            let hour = DateTime::parse_rfc3339_str("2025-12-15T11:00:00Z").unwrap();
            let ann = find("people", "ann").await;
            assert_eq!(ann.get_datetime("receivedAt").unwrap(), &hour);
            let exact = DateTime::from_millis(first.as_millis());
            assert_eq!(ann.get_datetime("lastSeen").unwrap(), &exact);
            let device = find("people", "device").await;
            assert!(!device.contains_key("receivedAt"), "{device}");
            assert_eq!(device.get_datetime("staysWithUser").unwrap(), &hour);
            assert_eq!(device.get_str("owner").unwrap(), "ann");
            let session = find("userSessions", "s").await;
            assert_eq!(session.get_datetime("receivedAt").unwrap(), &exact);
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn who_was_joined_to_a_user_goes_with_that_one() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let settings = MongoSettings { retention: Retention::of_all(Some(DAY)), ..SETTINGS };
            let store = place.mongo_store(&settings).await;
            let said = [
                person("ann"),
                person("device"),
                decided("device", Some("ann"), at(0)),
                person("lost"),
                decided("lost", Some("nobody"), at(0)),
                person("recent").seen_at(at(7_200_000)),
                decided("recent", Some("nobody"), at(0)),
            ];
            store.merge_in(&said).await.unwrap();
            let all = ["ann", "device", "lost", "recent"];
            let after_a_day = 86_400_000 + 1_800_000;
            store.sweep(at(after_a_day)).await.unwrap();
            assert_eq!(ids(&people(&*store, &all).await), all);
            store.sweep(at(after_a_day + 1)).await.unwrap();
            assert_eq!(ids(&people(&*store, &all).await), ["ann", "device", "recent"]);
            store.close().await;

            // For good, where nothing else goes.
            let store = place.mongo_store(&SETTINGS).await;
            store.sweep(at(10 * after_a_day)).await.unwrap();
            assert_eq!(people(&*store, &all).await.len(), 3);
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn another_instance_finds_all_of_it() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            let said = [full("full"), claimed("device", "ann", 5)];
            store.merge_in(&said).await.unwrap();
            store.note_sessions(&[session("s", "ann", 5)]).await.unwrap();
            store.close().await;

            let store = place.mongo_store(&SETTINGS).await;
            assert!(
                people(&*store, &["device", "full"]).await == [said[1].clone(), said[0].clone()]
            );
            assert_eq!(store.linked_to("ann", &[], 9).await.unwrap(), said[1..]);
            let found =
                store.by_term(TermKind::NameWord, "ö'n", Matching::Prefix, 9).await.unwrap();
            assert_eq!(ids(&found), ["full"]);
            let found = store.session_user("s").await.unwrap();
            assert_eq!(found, Some(session("s", "ann", 5)));
            store.close().await;
        })
        .await;
}

#[tokio::test]
async fn what_a_person_makes_of_a_row_is_unreadable_and_nothing_is_guessed() {
    MongoPlace::new()
        .await
        .run(|place| async move {
            let store = place.mongo_store(&SETTINGS).await;
            store.merge_in(&[person("ann")]).await.unwrap();
            let people = place.database().collection::<Document>("people");
            people.update_one(doc! {}, doc! { "$set": { "claims": 7 } }).await.unwrap();
            let said = [person("ann").as_user(arrival(1))];
            let error = store.merge_in(&said).await.unwrap_err();
            assert!(matches!(error, StoreError::Unreadable(_)), "{error:?}");
            store.close().await;
        })
        .await;
}
