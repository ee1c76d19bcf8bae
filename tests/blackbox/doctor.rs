//! `trailkeep doctor`: what is wrong, one line a check, and nothing is changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use bson::{Document, doc};
use mongodb::{Client, IndexModel};
use serde_json::Value;

use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    before_a_first_start_all_is_well,
    all_is_well_beside_a_service_and_after_it,
    what_waits_after_a_crash_is_told_and_stays,
    a_missing_index_is_a_fault,
    an_index_that_is_not_ours_is_told,
);

/// What it said of each check.
struct Said {
    code: Option<i32>,
    text: String,
}

impl Said {
    /// The level of a check, and the rest of its line.
    #[track_caller]
    fn of(&self, check: &str) -> (&str, &str) {
        let mut lines = self.text.lines();
        let line = lines.find(|line| line.get(6..).is_some_and(|rest| rest.starts_with(check)));
        let line = line.unwrap_or_else(|| panic!("nothing of {check} in\n{}", self.text));
        (line[..4].trim_end(), line[20..].trim())
    }

    #[track_caller]
    fn expect(&self, check: &str, level: &str, words: &[&str]) {
        let (found, line) = self.of(check);
        assert_eq!(found, level, "{}", self.text);
        for word in words {
            assert!(line.contains(word), "no {word:?} in {check}: {line}");
        }
        let says_what_to_do = line.contains(" -> ");
        assert_eq!(says_what_to_do, level != "ok", "{line}");
    }
}

fn doctor_with(home: &Home, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = home.shell("doctor");
    let output = command.args(arguments).envs(variables.iter().copied()).output();
    let output = output.expect("the binary");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    Said { code: output.status.code(), text: String::from_utf8(output.stdout).expect("text") }
}

fn doctor(home: &Home) -> Said {
    doctor_with(home, &[], &[])
}

const CHECKS: [&str; 8] =
    ["settings", "data folder", "lock", "journal", "database", "clock", "indexes", "dead letters"];

/// Each file with what is in it, but for the one in which SQLite says who reads
/// what: it is made anew by whoever opens the database next. A socket has nothing in it.
fn contents(home: &Home) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = home.files().into_iter().filter(|file| file.is_file());
    let files = files.filter(|file| !file.to_string_lossy().ends_with("-shm"));
    files.map(|file| (file.clone(), fs::read(file).expect("a readable file"))).collect()
}

async fn before_a_first_start_all_is_well(home: Home) {
    let said = doctor(&home);
    assert_eq!(said.code, Some(0), "{}", said.text);
    said.expect("settings", "ok", &["store.data_dir (environment DATA_DIR)"]);
    said.expect("journal", "ok", &["none yet"]);
    said.expect("backlog", "ok", &["empty"]);
    assert!(home.files().is_empty(), "{:?}", home.files());
}

async fn all_is_well_beside_a_service_and_after_it(home: Home) {
    let service = Service::start(&home).await;
    service.post(&sample::events("u", "e", 0..30)).await.expect(202);
    service.wait_until_flushed().await;

    let said = doctor(&home);

    assert_eq!(said.code, Some(0), "{}", said.text);
    for check in CHECKS {
        assert_eq!(said.of(check).0, "ok", "{}", said.text);
    }
    assert!(said.text.lines().count() <= 12 && said.text.lines().all(|line| line.len() < 400));
    said.expect("lock", "ok", &["has the data folder"]);
    let server = if home.mongodb_uri().is_some() { "MongoDB" } else { "SQLite" };
    said.expect("database", "ok", &[server, "answers in"]);
    service.post(&sample::event("u", "after")).await.expect(202);
    service.terminate().await;

    let before = contents(&home);
    let said = doctor(&home);
    assert_eq!(said.code, Some(0), "{}", said.text);
    said.expect("lock", "ok", &["no process"]);
    said.expect("backlog", "ok", &["empty"]);
    assert!(contents(&home) == before, "nothing is changed");
    let again = Service::start(&home).await;
    assert_eq!(again.export_ids("u").await.len(), 31);
}

async fn what_waits_after_a_crash_is_told_and_stays(home: Home) {
    let service = Service::start_with(&home, &[("WRITE_MAX_WAIT_MS", "600000")]).await;
    service.post(&sample::events("u", "e", 0..40)).await.expect(202);
    service.crash().await;
    let before = contents(&home);

    let said = doctor(&home);

    assert_eq!(said.code, Some(0), "{}", said.text);
    said.expect("backlog", "warn", &["40 events wait", "start the service"]);
    said.expect("journal", "ok", &["40 events not settled"]);
    assert!(contents(&home) == before, "nothing is changed");
    let service = Service::start(&home).await;
    assert_eq!(service.export_ids("u").await, sample::ids("e", 0..40));
}

/// Changes the database behind the service's back.
async fn in_database(home: &Home, sql: &str, change: impl AsyncFnOnce(mongodb::Database)) {
    let Some(uri) = home.mongodb_uri() else {
        home.sqlite().execute_batch(sql).expect("a statement");
        return;
    };
    let client = Client::with_uri_str(uri).await.expect("a MongoDB URI");
    change(client.default_database().expect("a database")).await;
    client.shutdown().await;
}

async fn a_missing_index_is_a_fault(home: Home) {
    Service::start(&home).await.terminate().await;
    in_database(&home, "DROP INDEX events_journey", async |database| {
        database
            .collection::<Document>("events")
            .drop_index("journey_by_period")
            .await
            .expect("dropped");
    })
    .await;

    let said = doctor(&home);

    assert_eq!(said.code, Some(1), "{}", said.text);
    said.expect("indexes", "fail", &["missing: events.", "journey"]);
}

async fn an_index_that_is_not_ours_is_told(home: Home) {
    Service::start(&home).await.terminate().await;
    in_database(&home, "CREATE INDEX mine ON events (received_at)", async |database| {
        let index = IndexModel::builder().keys(doc! { "mine": 1 }).build();
        database.collection::<Document>("events").create_index(index).await.expect("made");
    })
    .await;

    let said = doctor(&home);

    assert_eq!(said.code, Some(0), "{}", said.text);
    said.expect("indexes", "warn", &["not ours: events.mine"]);
}

#[tokio::test]
async fn who_has_the_folder_is_told() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let number = fs::read_to_string(home.folder().join("lock")).expect("a lock");
    doctor(&home).expect("lock", "ok", &[&format!("process {} has", number.trim())]);
    service.crash().await;
    doctor(&home).expect("lock", "ok", &["no process"]);
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_a_fault_and_the_rest_is_told() {
    let uri = "mongodb://ann:hunter2@127.0.0.1:1/shop?serverSelectionTimeoutMS=300";
    let home = Home::at(uri.to_owned());

    let said = doctor(&home);

    assert_eq!(said.code, Some(1), "{}", said.text);
    said.expect("database", "fail", &["cannot be reached", "see whether it runs at 127.0.0.1:1"]);
    assert_eq!(said.of("data folder").0, "ok");
    assert!(!said.text.contains("hunter2"), "{}", said.text);
}

#[tokio::test]
async fn each_wrong_setting_is_a_fault() {
    let home = Home::embedded();
    let wrong = [("WRITE_MAX_WAIT_MS", "soon"), ("LOG_FORMAT", "xml")];
    let said = doctor_with(&home, &[], &wrong);
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert_eq!(said.text.lines().count(), 2, "{}", said.text);
    said.expect("settings", "fail", &["write.max_wait_ms", "soon"]);
    assert!(said.text.contains("log.format"), "{}", said.text);
}

#[tokio::test]
async fn a_data_folder_that_is_a_file_is_a_fault() {
    let home = Home::embedded();
    let file = home.folder().join("data");
    fs::write(&file, "").expect("a file");
    let said = doctor_with(&home, &[], &[("DATA_DIR", &file.display().to_string())]);
    assert_eq!(said.code, Some(1), "{}", said.text);
    said.expect("data folder", "fail", &["is no folder"]);
}

#[tokio::test]
async fn a_program_reads_the_same_as_json() {
    let home = Home::embedded();
    Service::start(&home).await.terminate().await;
    let said = doctor_with(&home, &["--json"], &[]);
    let told: Value = serde_json::from_str(&said.text).expect("JSON");
    assert_eq!(told["ok"], true, "{told}");
    let checks = told["checks"].as_array().expect("a list");
    assert_eq!(checks[0]["check"], "settings");
    assert_eq!(checks[0]["level"], "ok");
    assert!(checks.iter().all(|check| check["found"].is_string()), "{told}");
}
