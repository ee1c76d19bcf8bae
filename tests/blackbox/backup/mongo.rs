//! A MongoDB that is put back from an older copy, as its own tools do it: the copy here is made
//! by the driver, of all documents of all collections.

use bson::{RawDocumentBuf, doc};
use futures_util::TryStreamExt as _;
use mongodb::{Client, Database};
use serde_json::json;

use super::{Shelf, complaint, done, run, save_erasures, text};
use crate::dead_letters::rules::{Of, accept, refuse};
use crate::home::Home;
use crate::privacy::erase::{erase, wait_until_done};
use crate::privacy::marked::{self, places, user};
use crate::sample;
use crate::service::Service;

/// Puts all documents of a database in the place of those of another.
async fn copy(from: &Database, to: &Database) {
    for name in from.list_collection_names().await.expect("collections") {
        let documents =
            from.collection::<RawDocumentBuf>(&name).find(doc! {}).await.expect("a read");
        let documents: Vec<_> = documents.try_collect().await.expect("documents");
        let target = to.collection::<RawDocumentBuf>(&name);
        target.delete_many(doc! {}).await.expect("a delete");
        if !documents.is_empty() {
            target.insert_many(documents).await.expect("an insert");
        }
    }
    // What was made since is not in the copy.
    let kept = from.list_collection_names().await.expect("collections");
    for name in to.list_collection_names().await.expect("collections") {
        if !kept.contains(&name) {
            to.collection::<RawDocumentBuf>(&name).delete_many(doc! {}).await.expect("a delete");
        }
    }
}

#[tokio::test]
async fn nobody_comes_back_with_an_older_copy_who_was_erased_since() {
    let double = marked::processor().await;
    let home = Home::mongodb();
    let uri = home.mongodb_uri().expect("a URI");
    let client = Client::with_uri_str(uri).await.expect("a client");
    let database = client.default_database().expect("a database");
    let dump = client.database(&format!("{}_dump", database.name()));
    let settings = [
        ("PROCESSOR_URL", double.url.as_str()),
        ("PROCESSORS_DEFAULT_BACKOFF_MIN_MS", "10"),
        ("PROCESSORS_DEFAULT_BACKOFF_MAX_MS", "50"),
    ];
    let service = Service::start_with(&home, &settings).await;
    refuse(&home, Of::Events).await;
    service.post(&sample::events("ben", "e", 0..20)).await.expect(202);
    service.post(&marked::events()).await.expect(202);
    service.wait_until_flushed().await;
    accept(&home, Of::Events).await;
    copy(&database, &dump).await;
    let of_ben = service.journey("ben", "?limit=1000").await;
    let asked = erase(&service, &user(), json!({ "block": true })).await;
    wait_until_done(&service, &asked).await;
    let shelf = Shelf::new();
    let list = save_erasures(&home, &shelf).await;
    let runs = run(&home, "erasures", &["apply", text(&list)]).await;
    assert!(complaint(&runs).contains("Stop it"));
    service.terminate().await;
    assert_eq!(places(&home).await, Vec::<String>::new());

    copy(&dump, &database).await;
    assert!(!places(&home).await.is_empty());
    // A list that knows more is not written over, as by a cron job that runs just now.
    let saved = run(&home, "erasures", &["save", text(&list)]).await;
    assert!(complaint(&saved).contains("an older copy"));
    let told = done(&run(&home, "erasures", &["apply", text(&list)]).await);

    assert!(told.contains("2 ids of 1 erasures"), "{told}");
    assert_eq!(places(&home).await, Vec::<String>::new());
    // A second time there is nothing to be done.
    let told = done(&run(&home, "erasures", &["apply", text(&list)]).await);
    assert!(told.contains("0 ids of 0 erasures"), "{told}");
    let service = Service::start_with(&home, &settings).await;
    assert_eq!(service.journey("ben", "?limit=1000").await, of_ben);
    service.post(&sample::event(&user(), "new")).await.expect(202);
    assert_eq!(service.stats().await["events"]["blocked"], 1);
    service.terminate().await;
    dump.drop().await.expect("a drop");
    client.shutdown().await;
}
