//! GET /search by what events have in their payloads.

use std::time::Duration;

use bson::{Document, doc};
use mongodb::Client;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::search::{found, hit, search};
use super::{NEVER_WRITTEN, identify, store};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::mongod::Mongod;
use crate::sample::event_at;
use crate::service::Service;

/// The embedded store is asked again after ten seconds.
const A_WHILE: Duration = Duration::from_secs(60);

const KEYS: (&str, &str) = ("SEARCH_PAYLOAD_KEYS", "orderId,invoice no");

on_both_stores!(
    a_user_is_found_by_the_number_of_an_order,
    those_whose_events_are_newest_come_first,
    what_was_accepted_a_moment_ago_is_found,
    a_linked_visitors_order_leads_to_the_user,
    an_event_is_stored_whatever_it_has_at_a_key,
    keys_come_and_go_with_the_settings,
);

async fn start(home: &Home) -> Service {
    let service = Service::start_with(home, &[KEYS]).await;
    wait_until_searched(&service).await;
    service
}

async fn not_searched(service: &Service) -> Value {
    service.get("/search?q=x").await.expect(200).json()["notSearched"].take()
}

/// The indexes are made after the start.
async fn wait_until_searched(service: &Service) {
    eventually("the keys are searched", A_WHILE, || async {
        not_searched(service).await.is_null().then_some(())
    })
    .await;
}

/// At a second of a minute.
fn bought(user: &str, second: u32, payload: &Value) -> Value {
    let time = format!("2025-12-15T10:00:{second:02}.000Z");
    let mut event = event_at(user, &format!("e{second}"), &time);
    event["payload"] = payload.clone();
    event
}

async fn a_user_is_found_by_the_number_of_an_order(home: Home) {
    let service = start(&home).await;
    let events = json!([
        identify("ann", &json!({ "name": "Ann Miller" })),
        bought("ann", 1, &json!({ "orderId": "A-1001", "invoice no": 77 })),
        bought("ben", 2, &json!({ "orderId": 1234, "other": "A-1001" })),
        bought("cem", 3, &json!({ "orderId": "1234", "nested": { "orderId": "A-1001" } })),
        bought("dan", 4, &json!({ "orderId": "0042" })),
        bought("eve", 5, &json!({ "orderId": ["A-1001", 1234, 42], "invoice no": { "no": 77 } })),
        bought("fay", 6, &json!({ "orderId": true, "invoice no": null })),
        bought("gus", 7, &json!({ "orderId": "x".repeat(300) })),
    ]);
    store(&service, &events).await;
    let by = |id: &str, key: &str| hit("user", id, &format!("payload.{key}"));
    for q in ["A-1001", " A-1001\n"] {
        assert_eq!(found(&service, q).await, [by("ann", "orderId")], "{q:?}");
    }
    assert_eq!(found(&service, "77").await, [by("ann", "invoice no")]);
    assert_eq!(found(&service, "1234").await, [by("cem", "orderId"), by("ben", "orderId")]);
    assert_eq!(found(&service, "0042").await, [by("dan", "orderId")]);
    for q in ["A-100", "a-1001", "42", "1", "true", "null", "[1234]", "A-1001*", &"x".repeat(256)] {
        assert_eq!(found(&service, q).await, [], "{q}");
    }
    let results = search(&service, "A-1001").await;
    assert_eq!(results[0]["label"], "Ann Miller");
    assert!(results[0]["lastSeen"].is_string());
    // An id that is wholly it comes first, and each user once.
    store(
        &service,
        &json!([
            event_at("1234", "e", "2025-12-15T10:00:09.000Z"),
            bought("1234", 10, &json!({"orderId": 1234}))
        ]),
    )
    .await;
    let expected = [hit("user", "1234", "userId"), by("cem", "orderId"), by("ben", "orderId")];
    assert_eq!(found(&service, "1234").await, expected);
}

async fn those_whose_events_are_newest_come_first(home: Home) {
    let service = start(&home).await;
    let order = json!({ "orderId": 7 });
    let users = ["u0", "u1", "u2", "u3", "u4"];
    let mut events: Vec<Value> = Vec::new();
    for second in 0..50 {
        events.push(bought(users[second % 5], u32::try_from(second).unwrap(), &order));
    }
    events.reverse();
    store(&service, &json!(events)).await;
    let ids = async |limit: usize| {
        let body = service.get(&format!("/search?q=7&limit={limit}")).await.expect(200).json();
        let results = body["results"].as_array().expect("results").clone();
        results.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(20).await, ["u4", "u3", "u2", "u1", "u0"]);
    assert_eq!(ids(2).await, ["u4", "u3"]);
}

async fn what_was_accepted_a_moment_ago_is_found(home: Home) {
    let service = Service::start_with(&home, &[KEYS, NEVER_WRITTEN]).await;
    wait_until_searched(&service).await;
    let mut on_device = bought("dev-1", 2, &json!({ "orderId": "A-2" }));
    on_device["type"] = "purchase".into();
    let mut signed_in = event_at("ann", "s", "2025-12-15T10:00:03.000Z");
    signed_in["anonymousId"] = "dev-1".into();
    let by = |id: &str| hit("user", id, "payload.orderId");
    service.post(&bought("ben", 1, &json!({ "orderId": "A-1" }))).await.expect(202);
    assert_eq!(found(&service, "A-1").await, [by("ben")]);
    service.post(&on_device).await.expect(202);
    assert_eq!(found(&service, "A-2").await, [by("dev-1")]);
    service.post(&signed_in).await.expect(202);
    assert_eq!(found(&service, "A-2").await, [by("ann")]);
    assert_eq!(service.buffered().await, 3);
}

async fn a_linked_visitors_order_leads_to_the_user(home: Home) {
    let service = start(&home).await;
    let mut signed_in = event_at("ann", "s", "2025-12-15T10:00:30.000Z");
    signed_in["anonymousId"] = "dev-1".into();
    let events = json!([
        bought("dev-1", 1, &json!({ "orderId": "A-1" })),
        identify("ann", &json!({ "name": "Ann" })),
        signed_in,
    ]);
    store(&service, &events).await;
    let results = search(&service, "A-1").await;
    assert_eq!(found(&service, "A-1").await, [hit("user", "ann", "payload.orderId")]);
    assert_eq!(results[0]["label"], "Ann");
    super::join(&service, "ben", "ann").await.expect(200);
    assert_eq!(found(&service, "A-1").await, [hit("user", "ben", "payload.orderId")]);
    super::separate(&service, "ben", "ann").await.expect(200);
    assert_eq!(found(&service, "A-1").await, [hit("user", "ann", "payload.orderId")]);
}

async fn an_event_is_stored_whatever_it_has_at_a_key(home: Home) {
    let service = start(&home).await;
    let numbers: Vec<u32> = (0..1_000).collect();
    let values = [
        json!("ä\n".repeat(8_000)),
        json!(numbers),
        json!([numbers, [[1], { "orderId": [2] }]]),
        json!({ "$a": { "": null, "a.b": [] } }),
        json!(null),
        json!("NaN"),
        json!(1e300),
        json!(-0.0),
        json!(""),
    ];
    let both = |value: &Value| json!({ "orderId": value, "invoice no": "I-1" });
    let events: Value =
        (0..).zip(&values).map(|(second, value)| bought("ann", second, &both(value))).collect();
    store(&service, &events).await;
    assert_eq!(service.journey_ids("ann", "").await.len(), values.len());
    assert_eq!(service.stats().await["deadLetters"], 0);
    assert_eq!(found(&service, "I-1").await, [hit("user", "ann", "payload.invoice no")]);
}

async fn keys_come_and_go_with_the_settings(home: Home) {
    let service = Service::start(&home).await;
    store(&service, &bought("ann", 1, &json!({ "orderId": "A-1" }))).await;
    assert_eq!(found(&service, "A-1").await, []);
    assert!(not_searched(&service).await.is_null());
    service.terminate().await;
    let service = start(&home).await;
    assert_eq!(found(&service, "A-1").await, [hit("user", "ann", "payload.orderId")]);
    let log = service.log();
    assert!(log.contains("payload keys can be searched"), "{log}");
    service.terminate().await;

    let said = std::process::Command::output(&mut home.shell("doctor")).expect("the binary");
    let said = String::from_utf8(said.stdout).expect("text");
    assert!(said.contains("payload keys that the settings do not name"), "{said}");
    let service = Service::start(&home).await;
    eventually("the indexes go", SOON, || async {
        service.log().contains("that no setting names was dropped").then_some(())
    })
    .await;
    assert_eq!(found(&service, "A-1").await, []);
}

/// What is asked and answered while a start is still at the index.
async fn works_without(service: &Service) {
    assert_eq!(not_searched(service).await, json!(["orderId", "invoice no"]));
    assert_eq!(found(service, "ann").await, [hit("user", "ann", "userId")]);
    service.post(&bought("ben", 2, &json!({ "orderId": "A-2" }))).await.expect(202);
    let by_order = hit("user", "ben", "payload.orderId");
    assert_eq!(found(service, "A-2").await, [by_order], "what waits needs no index");
    assert!(service.log().contains("not there yet: searched without"), "{}", service.log());
}

async fn works_with(service: &Service) {
    wait_until_searched(service).await;
    service.wait_until_flushed().await;
    for (q, user) in [("A-1", "ann"), ("A-2", "ben")] {
        assert_eq!(found(service, q).await, [hit("user", user, "payload.orderId")]);
    }
}

#[tokio::test]
async fn a_start_does_not_wait_for_an_index_of_the_embedded_store() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    store(&service, &bought("ann", 1, &json!({ "orderId": "A-1" }))).await;
    let session = service.admin().await.to_owned();
    service.terminate().await;
    let other: Connection = home.sqlite();
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock of who writes");
    let service = Service::start_unready(&home, &[KEYS, NEVER_WRITTEN]).await;
    // Signing in would have to be written.
    service.admin.set(session).expect("nobody is signed in yet");
    eventually("it is ready", A_WHILE, || async {
        let ready = service.send_as_it_is(service.request(reqwest::Method::GET, "/readyz")).await;
        (ready.text() == "ok").then_some(())
    })
    .await;
    // Whoever looks at people is noted, and nobody can write that: it is not told.
    service.post(&bought("ben", 2, &json!({ "orderId": "A-2" }))).await.expect(202);
    let refused = service.get("/search?q=A-2").await.problem(503);
    assert_eq!(refused["type"], "urn:trailkeep:problem:not-noted");
    assert!(service.log().contains("not there yet: searched without"), "{}", service.log());
    other.execute_batch("ROLLBACK").expect("given back");
    wait_until_searched(&service).await;
    service.terminate().await;
    works_with(&Service::start_with(&home, &[KEYS]).await).await;
}

#[tokio::test]
async fn a_start_does_not_wait_for_an_index_of_a_mongodb_and_others_write_meanwhile() {
    let server = Mongod::start_with(&["--setParameter", "enableTestCommands=1"]);
    let home = Home::on(&server);
    let service = Service::start(&home).await;
    store(&service, &bought("ann", 1, &json!({ "orderId": "A-1" }))).await;
    service.terminate().await;
    let client = Client::with_uri_str(home.mongodb_uri().expect("a URI")).await.expect("a client");
    let hang = async |mode: &str| {
        let hang = doc! { "configureFailPoint": "hangAfterStartingIndexBuild", "mode": mode };
        client.database("admin").run_command(hang).await.expect("test commands are on");
    };
    hang("alwaysOn").await;
    let service = Service::start_with(&home, &[KEYS]).await;
    let building = doc! { "aggregate": 1, "cursor": {}, "pipeline": [
        { "$currentOp": {} }, { "$match": { "command.createIndexes": "events" } },
    ] };
    eventually("the index is being built", SOON, || async {
        let found = client.database("admin").run_command(building.clone()).await.expect("answered");
        let found = found.get_document("cursor").expect("a cursor").get_array("firstBatch");
        (!found.expect("a batch").is_empty()).then_some(())
    })
    .await;
    works_without(&service).await;
    service.wait_until_flushed().await;
    assert_eq!(found(&service, "A-2").await, [], "it is stored, and not searched yet");
    hang("off").await;
    works_with(&service).await;
    let events = client.default_database().expect("a database").collection::<Document>("events");
    let names = events.list_index_names().await.expect("indexes");
    assert!(names.contains(&"payload_key.orderId".to_owned()), "{names:?}");
    service.terminate().await;
}

/// Of two instances with other settings, the one that was started last has its way, and the
/// other goes on without.
#[tokio::test]
async fn an_index_that_another_instance_drops_is_done_without_until_the_next_start() {
    let home = Home::mongodb();
    let elsewhere = home.on_another_machine();
    let first = start(&home).await;
    store(&first, &bought("ann", 1, &json!({ "orderId": "A-1" }))).await;
    let second = Service::start_with(&elsewhere, &[("SEARCH_PAYLOAD_KEYS", "invoice no")]).await;
    eventually("the index is gone", SOON, || async {
        (not_searched(&first).await == json!(["orderId"])).then_some(())
    })
    .await;
    assert_eq!(found(&first, "A-1").await, []);
    first.terminate().await;
    let first = start(&home).await;
    assert_eq!(found(&first, "A-1").await, [hit("user", "ann", "payload.orderId")]);
    assert!(not_searched(&second).await.is_null());
}
