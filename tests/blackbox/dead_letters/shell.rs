//! `trailkeep dead-letters`.

use std::process::Output;

use serde_json::Value;

use super::rules::{Of, accept, events, refuse};
use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(letters_are_listed_shown_retried_and_dropped_from_the_shell);

fn shell(home: &Home, arguments: &[&str]) -> Output {
    home.shell("dead-letters").args(arguments).output().expect("the binary")
}

#[track_caller]
fn says(home: &Home, arguments: &[&str], code: i32) -> String {
    let output = shell(home, arguments);
    let complaint = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(code), "{complaint}");
    String::from_utf8(output.stdout).expect("text") + &complaint
}

async fn letters_are_listed_shown_retried_and_dropped_from_the_shell(home: Home) {
    let service = Service::start(&home).await;
    refuse(&home, Of::Events).await;
    service.post(&events("u", 0..10, &[1, 2, 3, 4])).await.expect(202);
    service.wait_until_flushed().await;
    service.terminate().await;

    let table = says(&home, &["list"], 0);
    assert_eq!(table.lines().count(), 4);
    let columns: Vec<_> = table.lines().next().expect("a line").split('\t').collect();
    assert_eq!(columns.len(), 7, "{table}");
    assert_eq!(columns[2..5], ["validation", "1", "u"]);
    let letters: Vec<Value> = says(&home, &["list", "--json"], 0)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let id = |event_id: &str| {
        let letter = letters.iter().find(|letter| letter["eventId"] == event_id);
        letter.expect("a letter")["id"].as_str().expect("an id")
    };
    let shown = says(&home, &["show", id("e-2")], 0);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["payload"]["$id"], 2);

    let again = says(&home, &["retry", id("e-1"), id("e-2")], 3);
    assert!(again.contains("2 refused again"), "{again}");
    accept(&home, Of::Events).await;
    let done = says(&home, &["retry", id("e-1")], 0);
    assert!(done.contains("1 stored"), "{done}");
    let gone = says(&home, &["retry", id("e-1"), id("e-2")], 3);
    assert!(gone.contains("is no dead letter"), "{gone}");
    assert!(gone.contains("1 stored"), "{gone}");
    let dropped = says(&home, &["drop", id("e-3")], 0);
    assert!(dropped.contains("1 dropped"), "{dropped}");
    says(&home, &["show", id("e-3")], 1);

    for wrong in [&["retry"][..], &["drop"], &["drop", "x"], &["retry", "--yes"]] {
        says(&home, wrong, 2);
    }
    for act in ["retry", "drop"] {
        let unasked = says(&home, &[act, "--all"], 1);
        assert!(unasked.contains("--yes"), "{unasked}");
    }
    let done = says(&home, &["retry", "--all", "--yes"], 0);
    assert!(done.contains("1 stored"), "{done}");
    assert_eq!(says(&home, &["list"], 0), "");
    let none = says(&home, &["drop", "--all", "--yes"], 0);
    assert!(none.contains("0 dropped"), "{none}");

    let service = Service::start(&home).await;
    let mut expected = sample::ids("e", 0..10);
    expected.remove(3);
    assert_eq!(service.export_ids("u").await, expected);
    let trail = service.get("/api/audit?actor=shell").await.expect(200).json();
    let entries = trail["entries"].as_array().expect("entries");
    let is_noted = |action: &str, subject: &str| {
        entries.iter().any(|entry| entry["action"] == action && entry["subject"] == subject)
    };
    assert!(is_noted("dead-letter.retry", id("e-1")));
    assert!(is_noted("dead-letter.drop", id("e-3")));
    assert!(is_noted("dead-letter.retry", "all"));
}

#[tokio::test]
async fn beside_a_running_service_the_embedded_store_says_what_to_do() {
    let home = Home::embedded();
    let _service = Service::start(&home).await;
    let refused = says(&home, &["list"], 1);
    for word in ["in use", "stop the service", "/dead-letters"] {
        assert!(refused.contains(word), "{refused}");
    }
}

#[tokio::test]
async fn beside_a_running_service_the_letters_in_mongodb_are_there_all_the_same() {
    let home = Home::mongodb();
    let _service = Service::start(&home).await;
    assert_eq!(says(&home, &["list"], 0), "");
}
