//! What cannot be moved, or not there, says why, and leaves all as it was.

use bson::doc;

use super::{complaint, count, database, move_to, told};
use crate::home::Home;
use crate::port;
use crate::sample;
use crate::service::Service;

/// A folder with three events, and nobody on it.
async fn stopped() -> Home {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    service.post(&sample::events("ann", "e", 0..3)).await.expect(202);
    service.wait_until_flushed().await;
    assert_eq!(service.terminate().await.code, Some(0));
    home
}

/// The service goes on as if nobody had tried.
async fn assert_as_it_was(home: &Home) {
    let service = Service::start(home).await;
    assert_eq!(service.journey("ann", "").await["count"], 3);
    service.terminate().await;
}

#[tokio::test]
async fn a_database_that_is_not_empty_takes_nothing_and_is_told_by_its_collections() {
    let home = stopped().await;
    let uri = Home::unused_uri();
    let database = database(&uri).await;
    // What is nobody's business does not matter, nor does what has no document.
    database.collection("orders").insert_one(doc! { "_id": 1 }).await.expect("an order");
    database.create_collection("events").await.expect("a collection");
    database.collection("accounts").insert_one(doc! { "_id": 1 }).await.expect("an account");

    let said = complaint(&move_to(&home, &uri), 1);
    assert!(said.contains("is not empty") && said.contains("accounts"), "{said}");
    assert!(!said.contains("orders") && !said.contains("events"), "{said}");
    assert_eq!(count(&database, "moves").await, 0);
    assert_as_it_was(&home).await;

    database.collection::<bson::Document>("accounts").drop().await.expect("dropped");
    told(&move_to(&home, &uri));
    assert_eq!(count(&database, "events").await, 3);
    assert_eq!(count(&database, "orders").await, 1);
}

#[tokio::test]
async fn a_wrong_uri_is_told_without_its_password_and_changes_nothing() {
    let home = stopped().await;
    let nobody =
        format!("mongodb://jo:s3cret@127.0.0.1:{}/shop", port::free_port().expect("a port"));
    let said = complaint(&move_to(&home, &nobody), 1);
    assert!(said.contains("cannot be reached") && !said.contains("s3cret"), "{said}");
    for wrong in ["mongodb://jo:s3cret@", "postgres://jo:s3cret@db/shop"] {
        let said = complaint(&move_to(&home, wrong), 2);
        assert!(said.contains("store.mongodb_uri") && !said.contains("s3cret"), "{said}");
    }
    let output = home.shell("move").args(["--to", "mongodb://"]).output().expect("the binary");
    assert!(complaint(&output, 2).contains("--to"));
    let said = complaint(&home.shell("move").output().expect("the binary"), 2);
    assert!(said.contains("MONGODB_URI") && said.contains("--to"), "{said}");
    assert_as_it_was(&home).await;
}

#[tokio::test]
async fn a_folder_that_has_nothing_or_is_in_use_or_is_newer_says_so() {
    let uri = Home::unused_uri();
    let empty = Home::embedded();
    let said = complaint(&move_to(&empty, &uri), 1);
    assert!(said.contains("no embedded store"), "{said}");
    assert!(empty.files().is_empty());

    let home = stopped().await;
    let service = Service::start(&home).await;
    let said = complaint(&move_to(&home, &uri), 1);
    assert!(said.contains("in use") && said.contains("Stop"), "{said}");
    service.terminate().await;

    let file = home.sqlite();
    let version: i64 =
        file.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version");
    file.pragma_update(None, "user_version", version + 1).expect("a version");
    drop(file);
    let said = complaint(&move_to(&home, &uri), 1);
    assert!(said.contains("newer"), "{said}");
    assert_eq!(count(&database(&uri).await, "moves").await, 0);
}

#[tokio::test]
async fn an_event_that_the_database_refuses_is_named_and_nothing_is_lost() {
    let home = stopped().await;
    let uri = Home::unused_uri();
    let database = database(&uri).await;
    let rule = doc! { "eventId": { "$ne": "e-1" } };
    database.create_collection("events").validator(rule).await.expect("a collection");
    let said = complaint(&move_to(&home, &uri), 1);
    assert!(said.contains("the event ") && said.contains("validation"), "{said}");

    let none = doc! { "collMod": "events", "validator": {} };
    database.run_command(none).await.expect("no rule");
    told(&move_to(&home, &uri));
    assert_eq!(count(&database, "events").await, 3);
}

#[tokio::test]
async fn what_is_not_the_same_is_told_and_the_database_stays_closed() {
    let home = stopped().await;
    let uri = Home::unused_uri();
    let database = database(&uri).await;
    // Killed in between, and somebody writes there.
    let rule = doc! { "eventId": { "$ne": "e-1" } };
    database.create_collection("events").validator(rule).await.expect("a collection");
    complaint(&move_to(&home, &uri), 1);
    database.run_command(doc! { "collMod": "events", "validator": {} }).await.expect("no rule");
    database.collection("people").insert_one(doc! { "_id": "eve", "rev": 1_i64 }).await.unwrap();

    let said = complaint(&move_to(&home, &uri), 1);
    assert!(said.contains("not the same: people has 1 rows here, and 2 there"), "{said}");
    let refused = Service::refuses_to_start(&home, &[("MONGODB_URI", &uri)]).await;
    assert!(refused.log.contains("is being moved to"), "{}", refused.log);

    // As it says: back to the embedded store.
    std::fs::remove_file(home.folder().join("moved")).expect("the mark");
    assert_as_it_was(&home).await;
}
