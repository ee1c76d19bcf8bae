//! What a database promises while a move goes into it.

use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::IndexModel;
use trailkeep_event::Timestamp;
use trailkeep_store::access::SessionRecord;
use trailkeep_store::mongo::{Found, MongoSettings, MongoStore, Stage};
use trailkeep_store::moving::{Kept, KeyPart, Kind, Page, Reached};
use trailkeep_store::{Retention, Store as _, StoreError};
use uuid::Uuid;

use crate::homes::{MongoPlace, SETTINGS};

const DAY: Duration = Duration::from_secs(86_400);

async fn store(place: &MongoPlace) -> Arc<MongoStore> {
    let retention = Retention::of_all(Some(DAY));
    place.mongo_store(&MongoSettings { retention, ..SETTINGS }).await
}

/// Collections of which documents expire.
async fn expiring(place: &MongoPlace) -> Vec<String> {
    let database = place.database();
    let mut names = database.list_collection_names().await.unwrap();
    names.sort_unstable();
    let mut expiring = Vec::new();
    for name in names {
        let indexes = database.collection::<Document>(&name).list_indexes().await.unwrap();
        let indexes: Vec<IndexModel> = indexes.try_collect().await.unwrap();
        let expires = |index: &IndexModel| {
            index.options.as_ref().is_some_and(|options| options.expire_after.is_some())
        };
        if indexes.iter().any(expires) {
            expiring.push(name);
        }
    }
    expiring
}

fn ended() -> Page {
    let session = SessionRecord {
        id_hash: [7; 32],
        account_id: None,
        data: vec![1],
        expires_at: Timestamp::from_millis_clamped(0),
    };
    Page { rows: vec![Kept::Session(session)], last: None }
}

#[tokio::test]
async fn a_database_is_closed_until_a_move_is_complete_and_nothing_expires_in_it() {
    let place = MongoPlace::new().await;
    let id = Uuid::new_v4();
    let mover = store(&place).await;
    assert_eq!(mover.find_move(id).await.unwrap(), Found::Empty);
    mover.begin_move(id).await.unwrap();
    assert!(matches!(mover.begin_move(id).await, Err(StoreError::Denied(_))));
    assert_eq!(mover.find_move(id).await.unwrap(), Found::At(Stage::Moving(Reached::START)));
    assert_eq!(mover.find_move(Uuid::new_v4()).await.unwrap(), Found::Another);

    mover.take(&ended()).await.unwrap();
    mover.take(&ended()).await.unwrap();
    assert_eq!(mover.count_of(Kind::Sessions).await.unwrap(), 1);
    let after = vec![KeyPart::Integer(-1), KeyPart::Text("a".into()), KeyPart::Blob(vec![0, 255])];
    let reached = Reached { kind: Kind::Feed, after: Some(after), rows: 7 };
    mover.note_reached(id, &reached).await.unwrap();
    assert_eq!(mover.find_move(id).await.unwrap(), Found::At(Stage::Moving(reached)));
    mover.make_readable().await.unwrap();
    assert_eq!(expiring(&place).await, Vec::<String>::new());

    let service = store(&place).await;
    let refused = service.prepare().await.unwrap_err().to_string();
    assert!(refused.contains("trailkeep move"), "{refused}");
    mover.note_compared(id).await.unwrap();
    assert_eq!(mover.find_move(id).await.unwrap(), Found::At(Stage::Compared));
    assert!(service.prepare().await.is_err());

    mover.complete_move(id).await.unwrap();
    assert_eq!(mover.find_move(id).await.unwrap(), Found::At(Stage::Complete));
    service.prepare().await.unwrap();
    let expiring = expiring(&place).await;
    for name in ["events", "deadLetters", "people", "sessions", "tokens", "userSessions"] {
        assert!(expiring.iter().any(|other| other == name), "{name}: {expiring:?}");
    }
    service.close().await;
    mover.close().await;
}

#[tokio::test]
async fn a_database_that_was_used_is_taken_whatever_is_left_in_it() {
    let place = MongoPlace::new().await;
    let mover = store(&place).await;
    mover.prepare().await.unwrap();
    let id = Uuid::new_v4();
    let found = mover.find_move(id).await.unwrap();
    // Where periods begin: no service has forgotten that, though it is all there is.
    assert_eq!(found, Found::Taken(vec!["periods".to_owned()]));
    place.database().collection::<Document>("periods").delete_many(doc! {}).await.unwrap();
    place.database().collection("feed.a").insert_one(doc! { "_id": 1 }).await.unwrap();
    place.database().collection("orders").insert_one(doc! { "_id": 1 }).await.unwrap();
    assert_eq!(mover.find_move(id).await.unwrap(), Found::Taken(vec!["feed.a".to_owned()]));
    mover.close().await;
}
