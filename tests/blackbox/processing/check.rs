//! What neither an outcome nor a feed knows of: found, and mended.

use bson::{Document, doc};
use serde_json::json;

use super::asks::{ask, ask_for_all, commands, pause, resume, wait_for_command};
use super::double::{Double, taken};
use super::log::{repeated, requests};
use super::stored::{Stored, ids_in};
use super::{name, post_in_turns, start};
use crate::home::Home;
use crate::sample;

on_both_stores!(
    what_was_deleted_by_hand_is_counted_and_sent_by_a_repair,
    what_is_pending_is_not_missed,
);

const USERS: usize = 4;

/// Deletes the outcomes of one event of each user but the first.
async fn delete_outcomes(stored: &Stored, event: &str) {
    match stored {
        Stored::Embedded(file) => {
            let deleted = file.execute(
                "DELETE FROM processed_events WHERE event_id = ?1 AND user_id <> ?2",
                [event, &name(0)],
            );
            assert_eq!(deleted.expect("a table of outcomes"), USERS - 1);
        }
        Stored::MongoDb(database) => {
            let outcomes = database.collection::<Document>("processedEvents");
            let filter = doc! { "eventId": event, "userId": { "$ne": name(0) } };
            let deleted = outcomes.delete_many(filter).await.expect("outcomes");
            assert_eq!(deleted.deleted_count, USERS as u64 - 1);
        }
    }
}

async fn delete_feed(stored: &Stored) {
    match stored {
        Stored::Embedded(file) => {
            assert!(file.execute("DELETE FROM feed", []).expect("a feed") > 0);
        }
        Stored::MongoDb(database) => {
            let feed = database.collection::<Document>("feed.default");
            assert!(feed.delete_many(doc! {}).await.expect("a feed").deleted_count > 0);
        }
    }
}

async fn what_was_deleted_by_hand_is_counted_and_sent_by_a_repair(home: Home) {
    let double = Double::start(|_| async { taken() }).await;
    let service = start(&home, &double.url, &[]).await;
    post_in_turns(&service, USERS, 10, 10).await;
    let stored = Stored::of(&home).await;
    stored.wait_for("default", 10 * USERS).await;
    stored.wait_until_done().await;
    assert_eq!(ask_for_all(&service, "check", json!({})).await, 0);
    assert_eq!(service.terminate().await.code, Some(0));
    delete_outcomes(&stored, "e-4").await;

    let service = start(&home, &double.url, &[]).await;
    assert_eq!(ask_for_all(&service, "check", json!({ "repair": false })).await, 3);
    assert_eq!(double.asked().len(), 10 * USERS, "a check alone sends nothing");
    assert_eq!(ask_for_all(&service, "check", json!({ "repair": true })).await, 3);

    let outcomes = stored.wait_for("default", 10 * USERS).await;
    let sent = requests(&double.log());
    for user in 0..USERS {
        assert_eq!(ids_in(&outcomes, &name(user), "processed"), sample::ids("e", 0..10));
        let expected = if user == 0 { 1 } else { 2 };
        assert_eq!(sent[&(name(user), "e-4".to_owned())], expected);
    }
    assert_eq!(repeated(&double.log()).len(), 3);
    stored.wait_until_done().await;
    assert_eq!(ask_for_all(&service, "check", json!({})).await, 0);
    let told = ask(&service, "check", json!({})).await.json();
    let command = wait_for_command(&service, told["commandId"].as_str().expect("an id")).await;
    assert!(command["message"].as_str().expect("words").contains("every event"), "{command}");
    assert_eq!(command["seen"], 10 * USERS, "{command}");
    assert!(commands(&service).await.len() >= 5);
}

/// What waits in the feed, or behind a record, is on its way.
async fn what_is_pending_is_not_missed(home: Home) {
    let double = Double::start(|_| async { taken() }).await;
    let service = start(&home, &double.url, &[]).await;
    pause(&service).await;
    post_in_turns(&service, USERS, 10, 10).await;
    service.wait_until_flushed().await;
    let stored = Stored::of(&home).await;
    assert_eq!(ask_for_all(&service, "check", json!({ "repair": true })).await, 0);
    assert_eq!(service.terminate().await.code, Some(0));
    // The journal does not know them any more, nor does anybody else.
    delete_feed(&stored).await;

    let service = start(&home, &double.url, &[]).await;
    assert_eq!(ask_for_all(&service, "check", json!({})).await, 10 * USERS as u64);
    assert_eq!(ask_for_all(&service, "check", json!({ "repair": true })).await, 10 * USERS as u64);
    assert_eq!(ask_for_all(&service, "check", json!({ "repair": true })).await, 0, "they are fed");
    assert!(double.asked().is_empty());
    resume(&service).await;

    let outcomes = stored.wait_for("default", 10 * USERS).await;
    for user in 0..USERS {
        assert_eq!(ids_in(&outcomes, &name(user), "processed"), sample::ids("e", 0..10));
    }
    assert_eq!(repeated(&double.log()), [].into());
    stored.wait_until_done().await;
}
