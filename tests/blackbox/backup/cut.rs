//! A backup between an event and what follows from it.

use std::fs;

use rusqlite::Connection;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Shelf, back_up, restore};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::processing::double::{Double, taken};
use crate::service::Service;

/// The backup as it is where the event `e-1` was stored, and nothing that follows from it yet.
fn cut(shelf: &Shelf) {
    let copy = Connection::open(shelf.backup()).expect("a database");
    let forget = "
        DELETE FROM people; DELETE FROM person_terms; DELETE FROM user_sessions; DELETE FROM feed;
        DELETE FROM processed_events WHERE event_id = 'e-1';";
    copy.execute_batch(forget).expect("statements");
    copy.close().expect("closed");
    let bytes = fs::read(shelf.backup()).expect("a file");
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    shelf.change_manifest("bytes", json!(bytes.len()));
    shelf.change_manifest("sha256", json!(sha256));
}

#[tokio::test]
async fn what_was_stored_and_not_followed_up_at_a_backup_is_after_a_restore() {
    let home = Home::embedded();
    let double = Double::start(async |_| taken()).await;
    let service = Service::start_with(&home, &[("PROCESSOR_URL", &double.url)]).await;
    let events = json!([
        { "anonymousId": "browser-7", "eventId": "e-0", "type": "page_view" },
        { "userId": "ann", "anonymousId": "browser-7", "sessionId": "s-1", "eventId": "e-1",
          "type": "identify", "payload": { "traits": { "email": "ann@example.com" } } },
    ]);
    service.post(&events).await.expect(202);
    let outcomes = || {
        let count = "SELECT count(*) FROM processed_events WHERE state = 'processed'";
        home.sqlite().query_row(count, [], |row| row.get::<_, i64>(0)).expect("a count")
    };
    eventually("both are processed", 3 * SOON, async || (outcomes() == 2).then_some(())).await;
    let shelf = Shelf::new();
    back_up(&home, &shelf).await;
    cut(&shelf);

    let elsewhere = Home::embedded();
    restore(&elsewhere, &shelf, &[]).await;
    let second = Double::start(async |_| taken()).await;
    let service = Service::start_with(&elsewhere, &[("PROCESSOR_URL", &second.url)]).await;

    assert_eq!(service.export_ids("ann").await, ["e-0", "e-1"]);
    let found = service.get("/search?q=ann%40example.com").await.expect(200).json();
    assert!(found.to_string().contains("\"ann\""), "{found}");
    eventually("it is sent", 3 * SOON, async || (!second.asked().is_empty()).then_some(())).await;
    // What has an outcome is not sent again.
    service.terminate().await;
    let sent: Vec<String> =
        second.asked().iter().map(|asked| asked.event_id().to_owned()).collect();
    assert_eq!(sent, ["e-1"]);
}
