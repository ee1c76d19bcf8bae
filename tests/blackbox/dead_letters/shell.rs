//! `trailkeep dead-letters`, without the service and through it.

use std::collections::HashMap;
use std::process::Output;

use serde_json::Value;

use super::rules::{Of, accept, events, refuse};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    letters_are_listed_shown_retried_and_dropped_from_the_shell,
    beside_a_running_service_the_same_is_done_through_it,
);

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
    let service = with_four_letters(&home).await;
    service.terminate().await;
    let ids = ask_of_all(&home).await;
    assert_settled(&Service::start(&home).await, &ids).await;
}

async fn beside_a_running_service_the_same_is_done_through_it(home: Home) {
    let service = with_four_letters(&home).await;
    let ids = ask_of_all(&home).await;
    assert_settled(&service, &ids).await;
}

/// What is printed does not say where it was done.
#[tokio::test]
async fn it_is_the_same_that_is_printed() {
    let home = Home::embedded();
    let service = with_four_letters(&home).await;
    let ask = || {
        let list = says(&home, &["list", "--json"], 0);
        let first: Value =
            serde_json::from_str(list.lines().next().expect("a line")).expect("JSON");
        let id = first["id"].as_str().expect("an id");
        let shown = says(&home, &["show", id], 0);
        let again = says(&home, &["retry", id], 3);
        let none = "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88";
        [list, shown, again, says(&home, &["show", none], 1), says(&home, &["drop", none], 3)]
    };
    // How often it was tried, and when, is another each time.
    let but_for_tries = |texts: [String; 5]| {
        texts.map(|text| {
            let is_same = |word: &&str| !word.contains("tried") && !word.contains("tries");
            text.split([',', '\n']).filter(is_same).collect::<Vec<_>>().join("\n")
        })
    };
    let through_it = but_for_tries(ask());
    service.terminate().await;
    assert_eq!(through_it, but_for_tries(ask()));
}

async fn with_four_letters(home: &Home) -> Service {
    let service = Service::start(home).await;
    refuse(home, Of::Events).await;
    service.post(&events("u", 0..10, &[1, 2, 3, 4])).await.expect(202);
    service.wait_until_flushed().await;
    service
}

/// Ids of letters, by those of their events.
type Ids = HashMap<String, String>;

/// Everything that can be asked of the command, of letters of four events.
async fn ask_of_all(home: &Home) -> Ids {
    let table = says(home, &["list"], 0);
    assert_eq!(table.lines().count(), 4);
    let columns: Vec<_> = table.lines().next().expect("a line").split('\t').collect();
    assert_eq!(columns.len(), 7, "{table}");
    assert_eq!(columns[2..5], ["validation", "1", "u"]);
    let letters: Vec<Value> = says(home, &["list", "--json"], 0)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let text = |letter: &Value, name: &str| letter[name].as_str().expect(name).to_owned();
    let ids: Ids =
        letters.iter().map(|letter| (text(letter, "eventId"), text(letter, "id"))).collect();
    let id = |event_id: &str| &*ids[event_id];
    let shown = says(home, &["show", id("e-2")], 0);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["payload"]["$id"], 2);

    let again = says(home, &["retry", id("e-1"), id("e-2")], 3);
    assert!(again.contains("2 refused again"), "{again}");
    accept(home, Of::Events).await;
    let done = says(home, &["retry", id("e-1")], 0);
    assert!(done.contains("1 stored"), "{done}");
    let gone = says(home, &["retry", id("e-1"), id("e-2")], 3);
    assert!(gone.contains("is no dead letter"), "{gone}");
    assert!(gone.contains("1 stored"), "{gone}");
    let dropped = says(home, &["drop", id("e-3")], 0);
    assert!(dropped.contains("1 dropped"), "{dropped}");
    says(home, &["show", id("e-3")], 1);

    for wrong in [&["retry"][..], &["drop"], &["drop", "x"], &["retry", "--yes"]] {
        says(home, wrong, 2);
    }
    for act in ["retry", "drop"] {
        let unasked = says(home, &[act, "--all"], 1);
        assert!(unasked.contains("--yes"), "{unasked}");
    }
    let done = says(home, &["retry", "--all", "--yes"], 0);
    assert!(done.contains("1 stored"), "{done}");
    assert_eq!(says(home, &["list"], 0), "");
    let none = says(home, &["drop", "--all", "--yes"], 0);
    assert!(none.contains("0 dropped"), "{none}");
    ids
}

/// Of ten events one was dropped, and the trail says who did what.
async fn assert_settled(service: &Service, ids: &Ids) {
    let mut expected = sample::ids("e", 0..10);
    expected.remove(3);
    assert_eq!(service.export_ids("u").await, expected);
    eventually("the trail says so", SOON, || async {
        let trail = service.get("/api/audit?actor=shell&limit=500").await.expect(200).json();
        let entries = trail["entries"].as_array().expect("entries");
        let is_noted = |action: &str, subject: &str| {
            entries.iter().any(|entry| entry["action"] == action && entry["subject"] == subject)
        };
        let all = is_noted("dead-letter.retry", &ids["e-1"])
            && is_noted("dead-letter.drop", &ids["e-3"])
            && is_noted("dead-letter.retry", "all");
        all.then_some(())
    })
    .await;
}
