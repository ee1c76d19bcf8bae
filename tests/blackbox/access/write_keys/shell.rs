//! `trailkeep write-keys`: without the service, and through it.

use std::process::Output;

use serde_json::Value;

use super::{listed, post, post_without};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(
    keys_are_made_listed_and_revoked_without_a_service,
    beside_a_running_service_the_same_is_done_through_it,
);

const SETTINGS: [(&str, &str); 1] = [("ACCESS_WRITE_KEYS", "app:wk-0123456789-app1")];

struct Said {
    out: String,
    err: String,
    is_done: bool,
}

fn keys(home: &Home, arguments: &[&str]) -> Said {
    keys_with(home, arguments, &[])
}

fn keys_with(home: &Home, arguments: &[&str], settings: &[(&str, &str)]) -> Said {
    let mut command = home.shell("write-keys");
    let run = command.args(arguments).envs(settings.iter().copied()).output();
    let Output { status, stdout, stderr } = run.expect("the binary");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Said { out: text(stdout), err: text(stderr), is_done: status.success() }
}

#[track_caller]
fn made(said: &Said, name: &str) -> String {
    assert!(said.is_done, "{}", said.err);
    let told = format!("{name} made\nkey, shown this once: ");
    let rest = said.out.strip_prefix(&told).expect(&told);
    rest.lines().next().expect("a key").to_owned()
}

#[track_caller]
fn assert_refused(said: &Said, why: &str) {
    assert!(!said.is_done && said.err.contains(why), "{}\n{}", said.out, said.err);
}

async fn keys_are_made_listed_and_revoked_without_a_service(home: Home) {
    let first = keys(&home, &["create", "shop", "--origin", "https://shop.example"]);
    let shop = made(&first, "shop");
    assert!(first.out.ends_with("events have to have a key from now on\n"), "{}", first.out);
    let doomed =
        made(&keys(&home, &["create", "doomed", "--expires-at", "2100-01-01T00:00:00Z"]), "doomed");
    assert_refused(&keys(&home, &["create", "shop"]), "another write key has this name");
    assert_refused(&keys(&home, &["create", "a b"]), "name must have");
    assert_refused(&keys(&home, &["create", "x", "--origin", "null"]), "origins[0] must be");
    assert_refused(&keys(&home, &["create", "x", "--expires-at", "soon"]), "expiresAt must be");

    let list = keys_with(&home, &["list"], &SETTINGS).out;
    let rows: Vec<Vec<&str>> = list.lines().map(|row| row.split('\t').collect()).collect();
    assert_eq!(rows.len(), 3, "{list}");
    assert_eq!(rows[0], ["settings:app", "app", "in the settings", "for good", "-", "any origin"]);
    let hint = format!("...{}", &shop[shop.len() - 4..]);
    assert_eq!(rows[1][1..], ["shop", &hint, "for good", "-", "https://shop.example"]);
    assert_eq!(rows[2][3], "until 2100-01-01T00:00:00.000Z");
    let json = keys(&home, &["list", "--json"]).out;
    let json: Vec<Value> = json.lines().map(|line| line.parse().expect("JSON")).collect();

    let refused = keys_with(&home, &["revoke", "app"], &SETTINGS);
    assert_refused(&refused, "is in the settings (access.write_keys)");
    assert_refused(&keys(&home, &["revoke", "app"]), "no write key has this name or id");
    let revoked = keys(&home, &["revoke", "doomed"]);
    assert_eq!(revoked.out, "doomed is not taken any more\n", "{}", revoked.err);

    let service = Service::start(&home).await;
    assert_eq!(listed(&service).await, json[..1]);
    post(&service, &shop).await.expect(202);
    post(&service, &doomed).await.problem(401);
    let trail = service.get("/api/audit?actor=shell").await.expect(200).json();
    let actions = trail["entries"].as_array().expect("entries").iter();
    let actions: Vec<_> = actions.map(|entry| (&entry["action"], &entry["subject"])).collect();
    assert_eq!(actions.len(), 3, "{trail}");
    assert_eq!(actions[0], (&"write-key.revoke".into(), &"doomed".into()));
    assert_eq!(service.terminate().await.code, Some(0));
    let last = keys(&home, &["revoke", json[0]["id"].as_str().expect("an id")]);
    assert!(last.out.ends_with("anybody may post events now\n"), "{}{}", last.out, last.err);
    let service = Service::start(&home).await;
    post_without(&service).await.expect(202);
}

async fn beside_a_running_service_the_same_is_done_through_it(home: Home) {
    let service = Service::start_with(&home, &SETTINGS).await;
    let shop = made(&keys(&home, &["create", "shop"]), "shop");
    post(&service, &shop).await.expect(202);
    assert_refused(&keys(&home, &["create", "app"]), "another write key has this name");
    assert_refused(&keys(&home, &["create", "a b"]), "name must have");
    assert_refused(&keys(&home, &["revoke", "app"]), "is in the settings (access.write_keys)");
    let list = keys(&home, &["list"]).out;
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(list.starts_with("settings:app\tapp\tin the settings\t"), "{list}");
    let json = keys(&home, &["list", "--json"]).out;
    assert_eq!(json.lines().count(), 2);
    let revoked = keys(&home, &["revoke", "shop"]);
    assert_eq!(revoked.out, "shop is not taken any more\n", "{}", revoked.err);
    post(&service, &shop).await.problem(401);
    eventually("the trail says so", SOON, || async {
        let trail = service.get("/api/audit?actor=shell").await.expect(200).json();
        let entries = trail["entries"].as_array().expect("entries");
        (entries.len() == 2 && entries[0]["action"] == "write-key.revoke").then_some(())
    })
    .await;
}
