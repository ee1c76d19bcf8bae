//! A backup that is made while the service runs, and put into another folder.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use super::{Shelf, back_up, complaint, done, restore, run, text};
use crate::home::Home;
use crate::sample;
use crate::service::Service;
use crate::staff::{ADMIN, PASSWORD, token_of};

/// Posts events of a user until it is told to end.
fn keep_posting(service: &Arc<Service>, user: &'static str) -> (Arc<AtomicBool>, Arc<AtomicUsize>) {
    let (is_over, posted) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (service, ends, counts) = (Arc::clone(service), is_over.clone(), posted.clone());
    tokio::spawn(async move {
        while !ends.load(Ordering::Acquire) {
            let number = counts.load(Ordering::Acquire);
            service.post_when_there_is_room(&sample::event(user, &format!("e-{number}"))).await;
            counts.store(number + 1, Ordering::Release);
        }
    });
    (is_over, posted)
}

#[tokio::test]
async fn what_was_accepted_before_is_in_a_backup_and_the_service_takes_events_meanwhile() {
    let home = Home::embedded();
    // Nothing would be stored by itself for longer than the command takes.
    let service = Service::start_with(&home, &[("WRITE_MAX_WAIT_MS", "5000")]).await;
    let service = Arc::new(service);
    service.post(&sample::events("ann", "a", 0..700)).await.expect(202);
    service.wait_until_flushed().await;
    let (is_over, posted) = keep_posting(&service, "ben");
    service.post(&sample::events("cem", "c", 0..30)).await.expect(202);
    let before = posted.load(Ordering::Acquire);
    let shelf = Shelf::new();

    let told = back_up(&home, &shelf).await;

    let after = posted.load(Ordering::Acquire);
    assert!(after > before, "the service took nothing meanwhile: {before}, {after}");
    is_over.store(true, Ordering::Release);
    assert!(told.contains("1 accounts of staff"), "{told}");
    for path in [shelf.backup(), shelf.manifest()] {
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
    assert_eq!(shelf.files().len(), 2, "{:?}", shelf.files());
    let manifest = shelf.read_manifest();
    assert_eq!(manifest["format"], 1);
    assert_eq!(manifest["bytes"], fs::metadata(shelf.backup()).expect("a file").len());
    assert_eq!((&manifest["staff"], &manifest["deadLetters"]), (&json!(1), &json!(0)));
    let of_ann = service.journey("ann", "?limit=1000").await;

    let elsewhere = Home::embedded();
    let told = restore(&elsewhere, &shelf, &[]).await;
    assert!(told.contains("no list of them"), "{told}");
    let second = Service::start(&elsewhere).await;
    assert_eq!(second.journey("ann", "?limit=1000").await, of_ann);
    assert_eq!(second.journey("cem", "").await["count"], 30);
    // All that was accepted when the command began, each once, and none of another's.
    let of_ben = second.export_ids("ben").await;
    assert!((before..=after + 1).contains(&of_ben.len()), "{before} {} {after}", of_ben.len());
    assert_eq!(of_ben, sample::ids("e", 0..of_ben.len()));
    // What comes later comes behind it.
    second.post(&sample::event("cem", "later")).await.expect(202);
    assert_eq!(second.journey_ids("cem", "?limit=1").await, ["later"]);
}

/// The file is there, and the exit code says that it may lack something.
#[tokio::test]
async fn a_backup_beside_a_service_that_does_not_answer_is_kept_and_ends_with_1() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    service.post(&sample::events("ann", "e", 0..5)).await.expect(202);
    service.wait_until_flushed().await;
    let shelf = Shelf::new();
    service.signal("STOP");

    let output = run(&home, "backup", &[text(&shelf.backup())]).await;

    service.signal("CONT");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("5 events"), "{told}");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.contains("may lack what was accepted last"), "{complaint}");
    let elsewhere = Home::embedded();
    restore(&elsewhere, &shelf, &[]).await;
    assert_eq!(Service::start(&elsewhere).await.journey("ann", "").await["count"], 5);
}

#[tokio::test]
async fn a_backup_overwrites_nothing_and_is_of_the_embedded_store_alone() {
    let home = Home::embedded();
    let shelf = Shelf::new();
    let nothing = run(&home, "backup", &[text(&shelf.backup())]).await;
    assert!(complaint(&nothing).contains("has no database"));
    let service = Service::start(&home).await;
    back_up(&home, &shelf).await;
    let bytes = fs::read(shelf.backup()).expect("a file");
    let again = run(&home, "backup", &[text(&shelf.backup())]).await;
    assert!(complaint(&again).contains("overwrites nothing"));
    fs::remove_file(shelf.backup()).expect("a file");
    let again = run(&home, "backup", &[text(&shelf.backup())]).await;
    assert!(complaint(&again).contains("manifest.json is there"));
    assert!(bytes.starts_with(b"SQLite format 3"));
    // One file, which anyone can open.
    fs::write(shelf.backup(), bytes).expect("a file");
    let copy = rusqlite::Connection::open(shelf.backup()).expect("a database");
    let mode: String =
        copy.pragma_query_value(None, "journal_mode", |row| row.get(0)).expect("a mode");
    assert_eq!(mode, "delete");
    service.terminate().await;
    // Nor does it need a service.
    fs::remove_file(shelf.manifest()).expect("a file");
    fs::remove_file(shelf.backup()).expect("a file");
    back_up(&home, &shelf).await;

    let on_mongo = Home::mongodb();
    let refused = run(&on_mongo, "backup", &[text(&shelf.path("other.db"))]).await;
    assert!(complaint(&refused).contains("mongodump"));
    let refused = run(&on_mongo, "restore", &[text(&shelf.backup())]).await;
    assert!(complaint(&refused).contains("mongorestore"));
}

/// Who may do what goes on from the database that is replaced, and nobody stays signed in.
#[tokio::test]
async fn what_was_revoked_since_stays_revoked_and_who_looked_since_stays_in_the_audit_trail() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    service.post(&sample::events("ann", "e", 0..5)).await.expect(202);
    let body = json!({ "name": "prometheus", "scope": "monitor" });
    let request = service.request(Method::POST, "/api/tokens").json(&body);
    let token = service.send(request).await.expect(201).json();
    let session = service.admin().await.to_owned();
    let shelf = Shelf::new();
    back_up(&home, &shelf).await;

    let path = format!("/api/tokens/{}", token["id"].as_str().expect("an id"));
    service.send(service.request(Method::DELETE, &path)).await.expect(204);
    service.journey("ann", "").await;
    service.post(&sample::events("ann", "since", 0..5)).await.expect(202);
    service.wait_until_flushed().await;
    service.terminate().await;
    let told = restore(&home, &shelf, &["--replace"]).await;
    assert!(told.contains("go on from the database that was replaced"), "{told}");
    assert!(!home.files().iter().any(|file| file.to_string_lossy().contains("restoring")));

    let service = Service::start_unready(&home, &[]).await;
    service.wait_until_ready().await;
    let with = async |bearer: &str| {
        service.send_as_it_is(service.request(Method::GET, "/stats").bearer_auth(bearer)).await
    };
    with(token["token"].as_str().expect("a token")).await.expect(401);
    with(&session).await.expect(401);
    let again = token_of(&service.sign_in(ADMIN, PASSWORD).await.expect(200));
    with(&again).await.expect(200);
    assert_eq!(service.journey("ann", "").await["count"], 5);
    let trail = service.get("/api/audit?subject=ann").await.expect(200).json();
    let looks = trail["entries"].as_array().expect("entries").iter();
    let looks = looks.filter(|entry: &&Value| entry["action"] == "journey.read").count();
    assert!(looks >= 2, "{trail:#}");
    let trail = service.get("/api/audit?actor=shell").await.expect(200).text();
    assert!(trail.contains("database.restore"), "{trail}");
    service.terminate().await;
    let list = super::save_erasures(&home, &shelf).await;
    assert!(done(&run(&home, "erasures", &["apply", text(&list)]).await).contains("0 erasures"));
}
