//! Nobody comes back with a backup who was erased since.

use std::fs;

use reqwest::Method;
use serde_json::json;

use super::{Shelf, back_up, complaint, restore, run, save_erasures, text};
use crate::dead_letters::rules::{Of, refuse};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::privacy::erase::{erase, wait_until_done};
use crate::privacy::marked::{self, MARKER, places, user};
use crate::sample;
use crate::service::Service;

/// A service in which a user has something in every place, and another one has too.
async fn with_marked_user(home: &Home, settings: &[(&str, &str)]) -> Service {
    let service = Service::start_with(home, settings).await;
    refuse(home, Of::Events).await;
    service.post(&sample::events("ben", "e", 0..20)).await.expect(202);
    service.post(&marked::events()).await.expect(202);
    service.wait_until_flushed().await;
    let look = service.request(Method::GET, &format!("/users/{}/journey", user()));
    service.send(look).await.expect(200);
    eventually("an event is stuck, and another failed", 4 * SOON, || async {
        service.post(&sample::event("ben", "witness")).await.expect(202);
        let stuck = service.get("/processors/default/users").await.expect(200).text();
        let failed = service.get("/processors/default").await.expect(200).json();
        (stuck.contains(MARKER) && failed["deadLetters"] == 1).then_some(())
    })
    .await;
    service.wait_until_flushed().await;
    service
}

fn settings(url: &str) -> [(&str, &str); 4] {
    [
        ("PROCESSOR_URL", url),
        ("PROCESSORS_DEFAULT_BACKOFF_MIN_MS", "10"),
        ("PROCESSORS_DEFAULT_BACKOFF_MAX_MS", "50"),
        ("PROCESSORS_DEFAULT_MAX_ATTEMPTS", "1000"),
    ]
}

/// Of a user who is erased only a hash is known: the rows that are back are found by that.
#[tokio::test]
async fn a_restored_backup_has_no_byte_of_a_user_who_was_erased_since() {
    let double = marked::processor().await;
    let settings = settings(&double.url);
    let home = Home::embedded();
    let service = with_marked_user(&home, &settings).await;
    for blocked in ["dan", "eve"] {
        let asked = erase(&service, blocked, json!({ "block": blocked == "eve" })).await;
        wait_until_done(&service, &asked).await;
    }
    let shelf = Shelf::new();
    back_up(&home, &shelf).await;
    assert!(fs::read(shelf.backup()).expect("a file").windows(10).any(|w| w == MARKER.as_bytes()));
    let of_ben = service.journey("ben", "?limit=1000").await;

    let asked = erase(&service, &user(), json!({ "block": true })).await;
    wait_until_done(&service, &asked).await;
    service.send(service.request(Method::DELETE, "/users/eve/block")).await.expect(204);
    service.terminate().await;
    let saved = save_erasures(&home, &shelf).await;
    let kept = fs::read_to_string(&saved).expect("the list");
    assert!(!kept.contains(MARKER) && kept.contains("\"hash\""), "{kept}");
    assert_eq!(places(&home).await, Vec::<String>::new());

    let told = restore(&home, &shelf, &["--replace"]).await;

    assert!(told.contains("2 ids of 1 erasures"), "{told}");
    // Already before there is a service.
    assert_eq!(places(&home).await, Vec::<String>::new());
    // The same where the database is lost, and the list was kept.
    let elsewhere = Home::embedded();
    restore(&elsewhere, &shelf, &["--erasures", text(&saved)]).await;
    assert_eq!(places(&elsewhere).await, Vec::<String>::new());
    for home in [&home, &elsewhere] {
        let service = Service::start_with(home, &settings).await;
        assert_eq!(service.journey("ben", "?limit=1000").await, of_ben);
        for id in ["ann", "dan", "eve"] {
            let id = if id == "ann" { user() } else { id.to_owned() };
            let stored = service.request(Method::POST, "/events?wait=stored");
            service.send(stored.json(&sample::event(&id, "new"))).await.expect(200);
        }
        // Blocks are as they were at last.
        assert_eq!(service.journey("eve", "").await["count"], 1);
        assert_eq!(service.stats().await["events"]["blocked"], 1);
        service.terminate().await;
        let of_user = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
        let count = "SELECT count(*) FROM events WHERE user_id LIKE 'ann%'";
        assert_eq!(home.sqlite().query_row(count, [], of_user).expect("a count"), 0);
    }
}

#[tokio::test]
async fn without_a_list_a_restore_says_that_who_was_erased_since_is_back() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    service.post(&json!([marked::identify(&user())])).await.expect(202);
    let shelf = Shelf::new();
    back_up(&home, &shelf).await;
    let asked = erase(&service, &user(), json!({ "block": true })).await;
    wait_until_done(&service, &asked).await;
    service.terminate().await;
    let saved = save_erasures(&home, &shelf).await;
    let elsewhere = Home::embedded();
    let told = restore(&elsewhere, &shelf, &[]).await;
    assert!(told.contains("are in it again"), "{told}");
    assert!(!places(&elsewhere).await.is_empty());
    // As a cron job would, that runs just now: the list knows more, and stays.
    let went_back = run(&elsewhere, "erasures", &["save", text(&saved)]).await;
    assert!(complaint(&went_back).contains("an older copy"));
    // It may be restored once more, with the list; a block is not ended by that.
    let again = Home::embedded();
    restore(&again, &shelf, &[]).await;
    restore(&again, &shelf, &["--replace", "--erasures", text(&saved)]).await;
    assert_eq!(places(&again).await, Vec::<String>::new());
    let service = Service::start(&again).await;
    service.post(&sample::event(&user(), "new")).await.expect(202);
    assert_eq!(service.stats().await["events"]["blocked"], 1);
    service.terminate().await;
    // What was forgotten can be done afterwards.
    let service = Service::start(&elsewhere).await;
    let runs = run(&elsewhere, "erasures", &["apply", text(&saved)]).await;
    assert!(complaint(&runs).contains("Stop it"));
    service.terminate().await;
    run(&elsewhere, "erasures", &["apply", text(&saved)]).await;
    assert_eq!(places(&elsewhere).await, Vec::<String>::new());
}

/// What a database that is replaced has under way goes on, with what its journal still has.
#[tokio::test]
async fn an_erasure_that_is_under_way_at_a_restore_is_carried_out_by_the_next_start() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    service.post(&marked::events()).await.expect(202);
    service.post(&sample::events("ben", "e", 0..5)).await.expect(202);
    let shelf = Shelf::new();
    back_up(&home, &shelf).await;
    // Accepted, and perhaps not stored.
    service.post(&json!([marked::identify(&user())])).await.expect(202);
    let asked = erase(&service, &user(), json!({})).await;
    service.crash().await;
    restore(&home, &shelf, &["--replace"]).await;
    let service = Service::start(&home).await;
    wait_until_done(&service, &asked).await;
    assert_eq!(places(&home).await, Vec::<String>::new());
    assert_eq!(service.journey("ben", "").await["count"], 5);
}

#[tokio::test]
async fn an_erasure_that_was_under_way_at_the_backup_is_carried_out_after_a_restore() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    service.post(&marked::events()).await.expect(202);
    service.post(&sample::events("ben", "e", 0..5)).await.expect(202);
    service.wait_until_flushed().await;
    let asked = erase(&service, &user(), json!({})).await;
    service.crash().await;
    let shelf = Shelf::new();
    back_up(&home, &shelf).await;
    assert_eq!(shelf.read_manifest()["erasures"], 1);

    let elsewhere = Home::embedded();
    restore(&elsewhere, &shelf, &[]).await;
    let service = Service::start(&elsewhere).await;
    wait_until_done(&service, &asked).await;
    assert_eq!(places(&elsewhere).await, Vec::<String>::new());
    assert_eq!(service.journey("ben", "").await["count"], 5);
}
