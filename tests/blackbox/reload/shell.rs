//! `trailkeep reload` and `POST /api/reload`: what is told.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Told, hang_up, reload, reload_with, start, start_with, told, write};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::sample;
use crate::service::Service;
use crate::staff::ADMIN;

on_both_stores!(
    it_tells_what_changed_and_what_needs_a_restart,
    a_file_with_two_mistakes_changes_nothing_and_both_are_told,
    what_changed_by_whom_is_in_the_trail,
);

async fn it_tells_what_changed_and_what_needs_a_restart(home: Home) {
    let service = start(&home, "").await;
    assert_eq!(reload(&home, ""), "nothing differs from what is in force\n");

    let file = "[events]\ntypes = [\"visit\"]\n[write]\nin_flight = 2\n[log]\nlevel = \"debug\"\n\
                [processors.billing]\nurl = \"http://localhost:1?key=hunter2\"\n";
    let changed = "changed: events.types, log.level\n";
    let waits = "needs a restart: write.in_flight, processors.billing\n";
    assert_eq!(reload(&home, file), format!("{changed}{waits}"));
    service.post(&sample::event("u", "e")).await.expect(202);
    service.post(&json!({ "userId": "u", "type": "buy" })).await.problem(400);
    assert_eq!(reload(&home, file), waits, "until there is one");
    let last = told(&service).pop().expect("a line");
    assert!(last.contains("\"needs_restart\":\"write.in_flight, processors.billing\""), "{last}");
    let log = service.log();
    assert!(log.contains("\"changed\":\"events.types, log.level\""), "{log}");
    assert!(!log.contains("hunter2"), "{log}");

    assert_eq!(reload(&home, ""), "changed: events.types, log.level\n");
    assert_eq!(reload(&home, ""), "nothing differs from what is in force\n");
}

/// Neither does the command take the database of the file for that of the service.
#[tokio::test]
async fn another_database_needs_a_restart_and_its_password_is_shown_nowhere() {
    let home = Home::embedded();
    let service = start(&home, "").await;
    let uri = |secret: &str| {
        format!("[store]\nmongodb_uri = \"mongodb://annabel:{secret}@db.example/shop\"\n")
    };
    for secret in ["hunter2", "hunter3"] {
        write(&home, &uri(secret));
        let told = reload_with(&home, &["--config", super::FILE]);
        assert_eq!(told.out, "needs a restart: store.mongodb_uri\n", "{}", told.err);
        assert_eq!(told.code, Some(0));
    }
    service.post(&sample::event("u", "e")).await.expect(202);
    assert_eq!(service.journey_ids("u", "").await, ["e"]);
    assert!(!service.log().contains("hunter"), "{}", service.log());
}

#[track_caller]
fn assert_says(told: &str, words: &[&str]) {
    for word in words {
        assert!(told.contains(word), "no {word:?} in {told}");
    }
}

async fn a_file_with_two_mistakes_changes_nothing_and_both_are_told(home: Home) {
    // Lines of the log that two commands and a request come to, which it may not have at once.
    const BEFORE: usize = 9;
    let service = start(&home, "").await;
    let wrong = "[events]\ntypes = [\"visit\"]\nmax_per_request = 0\n\
                 [access]\nwrite_keys = [\"shop:hunter2\"]\n[log]\nlevle = \"warn\"\n";
    let mistakes = [
        "events.max_per_request = 0 (file trailkeep.toml): must be a whole number from 1 to 100000",
        "access.write_keys = [\"shop:***\"] (file trailkeep.toml): must be a list of name:key",
        "log.levle (file trailkeep.toml): there is no such setting; did you mean log.level?",
    ];
    write(&home, wrong);
    // Also where the command reads the same file.
    for flags in [&[][..], &["--config", super::FILE]] {
        let Told { code, out, err } = reload_with(&home, flags);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
        assert_says(&err, &["nothing was changed"]);
        assert_says(&err, &mistakes);
        assert_eq!(err.lines().count(), 4, "{err}");
    }
    service.post(&json!({ "userId": "u", "type": "buy" })).await.expect(202);
    let answer = service.send(service.request(Method::POST, "/api/reload")).await;
    let problem = answer.problem(409);
    assert_eq!(problem["type"], "urn:trailkeep:problem:wrong-settings");
    let errors = problem["errors"].as_array().expect("errors");
    let fields: Vec<&Value> = errors.iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["log.levle", "access.write_keys", "events.max_per_request"]);

    service.signal("HUP");
    eventually("all three are in the log", SOON, || {
        std::future::ready((told(&service).len() == BEFORE + 3).then_some(()))
    })
    .await;
    let lines = told(&service)[BEFORE..].join("\n");
    assert_says(
        &lines,
        &["\"level\":\"ERROR\"", "nothing was changed", "levle", "max_per_request"],
    );
    assert!(!service.log().contains("hunter2"), "{}", service.log());

    write(&home, "[log\n");
    let Told { code, err, .. } = reload_with(&home, &["--config", super::FILE]);
    assert_eq!(code, Some(2), "{err}");
    assert_says(&err, &["trailkeep.toml, line 1: not TOML"]);
    assert_eq!(reload(&home, "[events]\ntypes = [\"visit\"]\n"), "changed: events.types\n");
    assert_eq!(service.terminate().await.code, Some(0));
}

/// A start takes that file; what would be in force without one, it would not.
#[tokio::test]
async fn a_limit_that_goes_only_with_one_that_needs_a_restart_waits_for_it_too() {
    let home = Home::embedded();
    let service = start(&home, "").await;
    let file = "[backlog]\nmax_events = 20000\n[events]\nmax_per_request = 10000\n";
    write(&home, file);
    let Told { code, err, .. } = reload_with(&home, &[]);
    assert_eq!(code, Some(2), "{err}");
    assert_says(&err, &["events.max_per_request = 10000", "backlog.max_events: another value is"]);
    service.post(&sample::events("u", "e", 0..1001)).await.problem(413);
    assert_eq!(service.terminate().await.code, Some(0));
    let service = start(&home, file).await;
    service.post(&sample::events("u", "e", 0..1001)).await.expect(202);
}

#[tokio::test]
async fn all_layers_are_read_and_those_of_the_start_win_as_they_did() {
    let home = Home::embedded();
    let env = |text: &str| fs::write(home.folder().join(".env"), text).expect("our folder");
    env("EVENTS_TYPES=visit\nLIVE_MAX_STREAMS=3\n");
    let flags = ["--config", super::FILE, "--set", "events.default_user=nobody"];
    write(&home, "");
    let settings = [("HTTP_WAIT_TIMEOUT_MS", "4000")];
    let service = Service::start_with_flags(&home, &flags, &settings).await;

    // The file is below each of the others.
    let file = "[events]\ntypes = [\"a\"]\ndefault_user = \"b\"\n[http]\nwait_timeout_ms = 1\n\
                [live]\nmax_streams = 1\n";
    assert_eq!(reload(&home, file), "nothing differs from what is in force\n");
    env("EVENTS_TYPES=buy\nHTTP_WAIT_TIMEOUT_MS=2\n");
    assert_eq!(reload(&home, file), "changed: events.types, live.max_streams\n");
    service.post(&json!({ "type": "buy" })).await.expect(202);
    service.post(&json!({ "type": "a" })).await.problem(400);
    env("EVENTS_TYPES=\"\n");
    let Told { code, err, .. } = reload_with(&home, &[]);
    assert_eq!(code, Some(2), "{err}");
    assert_says(&err, &[".env, line 1: must be NAME=value"]);
    fs::remove_file(home.folder().join(".env")).expect("our file");
    assert_eq!(reload(&home, ""), "changed: events.types, live.max_streams\n");
    service.post(&json!({ "type": "anything" })).await.expect(202);
}

#[tokio::test]
async fn where_no_service_listens_that_is_told() {
    let home = Home::embedded();
    let Told { code, out, err } = reload_with(&home, &[]);
    assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
    assert_says(&err, &["no service listens at", "control.sock", "SIGHUP"]);
    assert_eq!(home.files().len(), 0, "nothing is made for it");
    start(&home, "").await.crash().await;
    assert_eq!(reload_with(&home, &[]).code, Some(1));
}

async fn what_changed_by_whom_is_in_the_trail(home: Home) {
    let service = start(&home, "").await;
    write(&home, "[events]\ntypes = [\"visit\"]\n[log]\nlevel = \"debug\"\n");
    let request = service.request(Method::POST, "/api/reload").header("x-reason", "T-1017");
    let answer = service.send(request).await.expect(200).json();
    assert_eq!(answer, json!({ "changed": ["events.types", "log.level"], "needsRestart": [] }));
    reload(&home, "[events]\ntypes = [\"visit\"]\n");
    hang_up(&home, &service, "").await;
    // Nothing changes by these.
    reload(&home, "");
    write(&home, "[log");
    assert_eq!(reload_with(&home, &[]).code, Some(2));

    let expected = [
        (json!(ADMIN), json!("events.types, log.level"), json!("T-1017")),
        (json!("shell"), json!("log.level"), Value::Null),
        (json!("shell"), json!("events.types"), Value::Null),
    ];
    eventually("the trail says so", SOON, || async {
        let trail = service.get("/api/audit?limit=99").await.expect(200).json();
        let entries = trail["entries"].as_array().expect("entries").iter().rev();
        let entries = entries.filter(|entry| entry["action"] == "settings.reload").map(|entry| {
            let field = |name: &str| entry[name].clone();
            (field("actor"), field("subject"), field("reason"))
        });
        entries.eq(expected.clone()).then_some(())
    })
    .await;
}

/// As where a supervisor hands on what is in its own file of variables.
#[tokio::test]
async fn the_environment_of_the_start_stays() {
    let home = Home::embedded();
    let service = start_with(&home, "", &[("EVENTS_TYPES", "visit")]).await;
    let mut command = home.shell("reload");
    let told = Told::of(&command.env("EVENTS_TYPES", "buy").output().expect("the binary"));
    assert_eq!(told.out, "nothing differs from what is in force\n", "{}", told.err);
    service.post(&json!({ "userId": "u", "type": "buy" })).await.problem(400);
}
