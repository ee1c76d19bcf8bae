//! What a folder had is the same in MongoDB, to whoever asks, and goes on there.

use std::collections::BTreeMap;

use bson::{Document, doc};
use reqwest::Method;
use serde_json::{Value, json};

use super::{count, database, move_to, told};
use crate::dead_letters::rules::{Of, refuse};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::privacy::erase::{erase, receipt, wait_until_done};
use crate::privacy::export;
use crate::processing::asks::{pause, resume};
use crate::processing::double::{Double, Switch, status, taken};
use crate::sample;
use crate::service::Service;
use crate::staff::PASSWORD;

const ELSEWHERE: &str = "6f3f4c3e-6d0f-4f0a-9a53-3f1d0a1f2b3c";

/// Of two events of the device, 40 of ann and one since, 31 of ben, 151 of who is stuck, and the bad
/// one.
const OUTCOMES: u64 = 2 + 41 + 31 + 151 + 1;

/// What is read before and after, and has to be the same to the byte.
const READ: [&str; 15] = [
    "/users/ann/journey?limit=1000",
    "/users/ann/journey?limit=1000&order=asc",
    "/users/device/journey?limit=1000",
    "/users/ben/journey?limit=7",
    "/users/ann",
    "/users/ben",
    "/search?q=ann@example.com",
    "/accounts/acme/events?limit=100",
    "/dead-letters?limit=500",
    "/processors/default/dead-letters",
    "/processors/default/commands",
    "/api/staff",
    "/api/tokens",
    "/api/write-keys",
    "/api/team",
];

/// All of it, by the path.
async fn read(service: &Service) -> BTreeMap<&'static str, String> {
    let mut read = BTreeMap::new();
    for path in READ {
        read.insert(path, service.get(path).await.expect(200).text());
    }
    read
}

/// What is known of somebody, without who looked.
async fn exported(service: &Service, user: &str) -> Vec<Value> {
    let text = service.get(&format!("/users/{user}/export")).await.expect(200).text();
    let lines = export::read(&text);
    let of = |kind: &str| lines.get(kind).cloned().unwrap_or_default();
    ["person", "event", "outcome", "dead-letter"].into_iter().flat_map(of).collect()
}

/// The trail, oldest first.
async fn trail(service: &Service) -> Vec<Value> {
    let page = service.get("/api/audit?limit=500").await.expect(200).json();
    let mut entries = page["entries"].as_array().expect("entries").clone();
    entries.reverse();
    entries
}

/// Some of everything that there is.
async fn fill(home: &Home, service: &Service) {
    refuse(home, Of::Events).await;
    let payload = json!({ "$id": 1, "a.b": [1.0, -0.0, 9_007_199_254_740_993_i64, "ä"],
                          "e": 1e300, "n": null, "o": {} });
    let event = |user: &str, id: String, kind: &str| {
        json!({ "userId": user, "eventId": id, "type": kind, "sessionId": format!("{user}-visit"),
                "accountId": "acme", "payload": payload })
    };
    let before = json!({ "anonymousId": "device", "type": "page_view", "eventId": "before" });
    let who = json!({ "userId": "ann", "anonymousId": "device", "type": "identify",
        "eventId": "who", "payload": { "traits": { "email": "ann@example.com", "name": "Ann" } } });
    service.post(&json!([before, who])).await.expect(202);
    let of_ann = (0..40).map(|n| event("ann", format!("a-{n}"), "page_view"));
    service.post(&of_ann.collect()).await.expect(202);
    service.post(&json!([event("ann", "refused".to_owned(), "purchase")])).await.expect(202);
    service.post(&sample::events("ben", "b", 0..30)).await.expect(202);
    service.post(&json!([event("eve", "bad".to_owned(), "bad")])).await.expect(202);
    service.post(&sample::events("gone", "g", 0..5)).await.expect(202);
    service.post(&sample::events("blocked", "x", 0..5)).await.expect(202);
    service.post(&json!([event("stuck", "s-0".to_owned(), "stuck")])).await.expect(202);
    // So many behind it that the user is parked.
    service.post(&sample::events("stuck", "s", 1..151)).await.expect(202);
    service.post(&sample::events("fading", "f", 0..5)).await.expect(202);
    service.wait_until_flushed().await;
    eventually("an event has failed, and a user is parked", 6 * SOON, || async {
        let seen = service.get("/processors/default").await.expect(200).json();
        (seen["deadLetters"] == 1 && seen["parkedUsers"] == 1).then_some(())
    })
    .await;
    let staff = json!({ "email": "kim@example.com", "password": PASSWORD, "name": "Kim",
                        "role": "support" });
    service.post_to("/api/staff", &staff).await.expect(201);
    let team = json!({ "sentences": { "order.placed": "Placed {id}" }, "hiddenTypes": ["$x"],
                       "pinnedKeys": { "a.b": ["$lib"] }, "asksForReason": false });
    let request = service.request(Method::PUT, "/api/team").json(&team);
    service.send(request).await.expect(200);
    let link = json!({ "id": "tablet" });
    service.post_to("/users/ben/links", &link).await.expect(200);
}

#[tokio::test]
async fn everything_of_a_folder_is_the_same_in_mongodb_and_goes_on_there() {
    let is_away = Switch::on();
    let away = is_away.clone();
    let double = Double::start(move |asked| {
        let away = away.clone();
        async move {
            match asked.body["type"].as_str() {
                Some("bad") => status(422),
                Some("stuck") if away.is_on() => status(500),
                _ => taken(),
            }
        }
    })
    .await;
    let settings = [
        ("PROCESSOR_URL", double.url.as_str()),
        ("PROCESSORS_DEFAULT_BACKOFF_MIN_MS", "10"),
        ("PROCESSORS_DEFAULT_BACKOFF_MAX_MS", "50"),
        ("PROCESSORS_DEFAULT_MAX_ATTEMPTS", "1000"),
    ];
    let mut home = Home::embedded();
    let service = Service::start_with(&home, &settings).await;
    fill(&home, &service).await;
    let erased = erase(&service, "gone", json!({})).await;
    let erased_receipt = wait_until_done(&service, &erased).await;
    let blocked = erase(&service, "blocked", json!({ "block": true })).await;
    wait_until_done(&service, &blocked).await;
    // Another instance that has no part of it yet: so this one stays under way.
    home.sqlite()
        .execute(
            "INSERT INTO instances (id, since, seen) VALUES (unhex(replace(?1, '-', '')), 0,
             unixepoch() * 1000)",
            [ELSEWHERE],
        )
        .expect("an instance");
    let running = erase(&service, "fading", json!({})).await;
    eventually("its own part is done", SOON, || async {
        let receipt = receipt(&service, &running).await;
        let instances = receipt["instances"].as_array().expect("instances").clone();
        instances.iter().any(|instance| instance["state"] == "done").then_some(())
    })
    .await;
    pause(&service).await;
    service.post(&sample::event("ben", "while-paused")).await.expect(202);
    wait_until_every_table_has_rows(&home).await;
    let scope = json!({ "name": "export", "scope": "read" });
    let token = service.post_to("/api/tokens", &scope).await.expect(201).json();
    let token = token["token"].as_str().expect("a token").to_owned();
    let key = service.post_to("/api/write-keys", &json!({ "name": "shop" })).await.expect(201);
    let key = key.json()["key"].as_str().expect("a key").to_owned();
    let session = service.admin().await.to_owned();

    let read_before = read(&service).await;
    let exported_before = [exported(&service, "ann").await, exported(&service, "ben").await];
    let cursor = service.journey("ben", "?limit=7").await["nextCursor"].clone();
    let second_page = format!("?limit=7&cursor={}", cursor.as_str().expect("a cursor"));
    let second_before = service.journey("ben", &second_page).await;
    let trail_before = trail(&service).await;
    assert_eq!(service.terminate().await.code, Some(0));
    let epoch: i64 = home
        .sqlite()
        .query_row("SELECT lease_epoch FROM processors", [], |row| row.get(0))
        .expect("a lease");

    let uri = Home::unused_uri();
    let said = told(&move_to(&home, &uri));
    for word in ["the same: 22 tables", "byte for byte", "rm ", "no erasure"] {
        assert!(said.contains(word), "no {word:?} in {said}");
    }

    // By accident nobody starts on what was.
    let refused = Service::refuses_to_start(&home, &settings).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.log.contains("was moved to"), "{}", refused.log);

    home.settle_at(&uri);
    let service = Service::start_unready(&home, &settings).await;
    service.wait_until_ready().await;
    // Who was signed in is signed in, and nobody has signed in since.
    service.admin.set(session).expect("nobody yet");
    assert_eq!(read(&service).await, read_before);
    let exported = [exported(&service, "ann").await, exported(&service, "ben").await];
    assert_eq!(exported, exported_before);
    assert_eq!(service.journey("ben", &second_page).await, second_before);
    let trail_after = trail(&service).await;
    assert!(trail_before.iter().all(|entry| trail_after.contains(entry)), "{trail_after:#?}");
    let by_token = service.request(Method::GET, "/users/ann/journey").bearer_auth(&token);
    service.send_as_it_is(by_token).await.expect(200);
    assert_eq!(service.sign_in("kim@example.com", PASSWORD).await.status, 200);

    // Writing needs the key, and who was blocked is blocked.
    service.post(&sample::event("ann", "keyless")).await.expect(401);
    let with_key = |events: Value| {
        let request = service.request(Method::POST, "/events").header("x-write-key", &key);
        service.send_as_it_is(request.json(&events))
    };
    with_key(json!([sample::event("ann", "new"), sample::event("blocked", "y")])).await.expect(202);
    service.wait_until_flushed().await;
    assert_eq!(service.journey_ids("ann", "?limit=1").await, ["new"]);
    assert_eq!(service.journey("blocked", "").await["count"], 0);

    let erased_receipt_after = receipt(&service, &erased).await;
    for field in ["state", "requestedAt", "verifiedAt", "places"] {
        assert_eq!(erased_receipt_after[field], erased_receipt[field], "{field}");
    }
    assert_eq!(receipt(&service, &running).await["state"], "running");

    // What was pending is processed, by a lease that is above the last one.
    is_away.turn(false);
    resume(&service).await;
    let database = database(&uri).await;
    eventually("each event has an outcome", 6 * SOON, || async {
        (count(&database, "processedEvents").await == OUTCOMES).then_some(())
    })
    .await;
    let processor = database.collection::<Document>("processors").find_one(doc! {}).await;
    let processor = processor.expect("an answer").expect("the processor");
    let lease = processor.get_document("lease").expect("a lease");
    assert!(lease.get_i64("epoch").expect("an epoch") > epoch, "{lease}");
    let sent = |id: &str| double.asked().iter().filter(|asked| asked.event_id() == id).count();
    assert_eq!((sent("a-0"), sent("bad"), sent("s-1"), sent("new")), (1, 1, 1, 1));
    let mark = database.collection::<Document>("moves").find_one(doc! {}).await;
    let mark = mark.expect("an answer").expect("a mark");
    assert_eq!(mark.get_str("stage").expect("a stage"), "complete");
    assert!(!mark.contains_key("after"), "a key may be a user's id: {mark}");
    assert_eq!(service.terminate().await.code, Some(0));

    // Once more it does nothing.
    assert!(told(&move_to(&home, &uri)).contains("there already"));
}

/// Or the test would say nothing of one. Set-up codes go with the first account, and keys for
/// trackers come last.
async fn wait_until_every_table_has_rows(home: &Home) {
    let file = home.sqlite();
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut names = file.prepare(names).expect("tables");
    let names = names.query_map([], |row| row.get::<_, String>(0)).expect("tables");
    let mut names: Vec<String> = names.map(|name| name.expect("a name")).collect();
    names.retain(|name| !["set_up_codes", "tokens", "write_keys"].contains(&&**name));
    names.retain(|name| name != "write_keys_version");
    eventually("every table has rows", 6 * SOON, || {
        let has_rows = |name: &String| {
            let any = format!("SELECT EXISTS (SELECT 1 FROM {name})");
            file.query_row(&any, [], |row| row.get::<_, bool>(0)).expect("an answer")
        };
        let empty: Vec<&String> = names.iter().filter(|name| !has_rows(name)).collect();
        std::future::ready(empty.is_empty().then_some(()))
    })
    .await;
}
