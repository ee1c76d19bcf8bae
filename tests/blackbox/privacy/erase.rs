//! `DELETE /users/{userId}`: nothing that was accepted before is left, or comes back.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::marked::{self, Fate, MARKER, places, user};
use crate::dead_letters::rules::{Of, accept, refuse};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    of_an_erased_user_no_byte_and_no_document_is_left_whatever_became_of_the_events,
    what_is_posted_while_a_user_is_erased_is_either_gone_or_new_and_what_it_says_counts,
    an_id_that_is_shared_or_linked_is_erased_up_to_where_its_link_ends,
    nobody_is_erased_by_mistake,
    of_a_blocked_user_nothing_is_kept_until_the_block_ends,
    two_who_erase_the_same_user_have_a_receipt_each,
);

/// How long an erasure may take here: a processor's retry is waited for.
const LIMIT: Duration = SOON.saturating_mul(4);

/// Has a user erased; answers what the request was answered.
pub async fn erase(service: &Service, user: &str, wanted: Value) -> Value {
    let mut body = json!({ "confirm": user });
    let fields = wanted.as_object().expect("fields").clone();
    body.as_object_mut().expect("fields").extend(fields);
    let request = service.request(Method::DELETE, &format!("/users/{user}")).json(&body);
    service.send(request).await.expect(202).json()
}

pub async fn receipt(service: &Service, asked: &Value) -> Value {
    let id = asked["erasureId"].as_str().expect("an id");
    service.get(&format!("/api/erasures/{id}")).await.expect(200).json()
}

/// The receipt, once it is final.
pub async fn wait_until_done(service: &Service, asked: &Value) -> Value {
    eventually("the user is erased", LIMIT, || async {
        let receipt = receipt(service, asked).await;
        (receipt["state"] == "done").then_some(receipt)
    })
    .await
}

pub fn deleted(receipt: &Value, place: &str) -> u64 {
    let places = receipt["places"].as_array().expect("places").iter();
    let place = places.filter(|found| found["place"] == place);
    place.map(|found| found["deleted"].as_u64().expect("a number")).sum()
}

async fn of_an_erased_user_no_byte_and_no_document_is_left_whatever_became_of_the_events(
    home: Home,
) {
    let double = marked::processor().await;
    let settings = [
        ("PROCESSOR_URL", double.url.as_str()),
        ("PROCESSORS_DEFAULT_BACKOFF_MIN_MS", "10"),
        ("PROCESSORS_DEFAULT_BACKOFF_MAX_MS", "50"),
        ("PROCESSORS_DEFAULT_MAX_ATTEMPTS", "1000"),
        // What has expired is looked for by its type then.
        ("STORE_RETENTION_DAYS", "400"),
        ("STORE_RETENTION_DAYS_BY_TYPE", "page_view=300, order=0"),
    ];
    let service = Service::start_with(&home, &settings).await;
    refuse(&home, Of::Events).await;
    // Witnesses, without whom nothing fails for good.
    service.post(&sample::events("ben", "e", 0..20)).await.expect(202);
    service.post(&marked::events()).await.expect(202);
    service.wait_until_flushed().await;
    let look = service.request(Method::GET, &format!("/users/{}/journey", user()));
    service.send(look).await.expect(200);
    service.get(&format!("/accounts/account-{MARKER}/summary?window=last_24h")).await.expect(200);
    eventually("an event is stuck, and another failed", LIMIT, || async {
        service.post(&sample::event("ben", "witness")).await.expect(202);
        let stuck = service.get("/processors/default/users").await.expect(200).text();
        let failed = service.get("/processors/default").await.expect(200).json();
        (stuck.contains(MARKER) && failed["deadLetters"] == 1).then_some(())
    })
    .await;
    assert!(!service.dead_letters().await.is_empty());
    // Some are accepted and not stored at this moment.
    let waiting: Vec<_> =
        (100..120).map(|number| marked::event(&user(), number, Fate::Stored)).collect();
    service.post(&json!(waiting)).await.expect(202);
    assert!(!places(&home).await.is_empty());
    let of_ben = service.journey("ben", "?limit=1000").await;

    let asked = erase(&service, &user(), json!({})).await;
    let receipt = wait_until_done(&service, &asked).await;

    let left = places(&home).await;
    assert!(left.is_empty(), "{left:#?}\n{receipt:#}\n{}", service.log());
    assert_eq!(asked["ids"], json!([user(), format!("device-{MARKER}")]));
    let is_counted = |place| deleted(&receipt, place) > 0;
    for place in ["events", "deadLetters", "outcomes", "people", "sessions", "auditTrail"] {
        assert!(is_counted(place), "{place}: {receipt:#}");
    }
    let events = deleted(&receipt, "events") + deleted(&receipt, "backlog");
    assert_eq!(events, 27, "{receipt:#}");
    assert!(receipt.to_string().find(MARKER).is_none());
    assert_eq!(service.journey("ben", "?limit=1000").await, of_ben);
    // Whoever erased whom is found by the id, and the id is not there.
    accept(&home, Of::Events).await;
    let trail = service.get(&format!("/api/audit?subject={}", user())).await.expect(200).json();
    let entries = trail["entries"].as_array().expect("entries").iter();
    let actions: Vec<_> = entries.map(|entry| entry["action"].as_str().expect("one")).collect();
    for action in ["user.erased", "user.erase", "journey.read"] {
        assert!(actions.contains(&action), "{action}: {trail:#}");
    }
    // A start brings nothing back.
    service.terminate().await;
    let service = Service::start_with(&home, &settings).await;
    service.post(&sample::event("ben", "last")).await.expect(202);
    service.wait_until_flushed().await;
    assert_eq!(places(&home).await, Vec::<String>::new());
    // Only now: who looks for the user has named it.
    service.get(&format!("/users/{}", user())).await.expect(404);
    assert_eq!(service.journey(&user(), "").await["count"], 0);
}

async fn what_is_posted_while_a_user_is_erased_is_either_gone_or_new_and_what_it_says_counts(
    home: Home,
) {
    let service = Service::start(&home).await;
    let post = async |number: usize| {
        let device = format!("phone-{}", number % 7);
        let event = json!({
            "userId": "ann", "anonymousId": device, "eventId": format!("e-{number}"),
            "type": "identify", "sessionId": format!("s-{}", number % 5),
            "payload": { "traits": { "email": format!("ann{number}@example.com") } },
        });
        service.post(&event).await.expect(202);
    };
    for number in 0..200 {
        post(number).await;
    }

    let asked = erase(&service, "ann", json!({})).await;
    let mut number = 200;
    while receipt(&service, &asked).await["state"] != "done" {
        post(number).await;
        number += 1;
    }
    post(number).await;

    // What was posted after the answer is there, and nothing else.
    let journey = service.journey_ids("ann", "?limit=1000&order=asc&linked=false").await;
    let expected: Vec<_> = (200..=number).map(|number| format!("e-{number}")).collect();
    assert_eq!(journey, expected);
    let ann = service.get("/users/ann").await.expect(200).json();
    assert_eq!(ann["traits"]["email"], format!("ann{number}@example.com"));
    let posted = (200..=number).map(|number| format!("phone-{}", number % 7));
    let posted: std::collections::BTreeSet<_> = posted.collect();
    let linked = ann["linkedIds"].as_array().expect("ids").iter();
    let linked: std::collections::BTreeSet<_> =
        linked.map(|id| id["id"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(linked, posted);
    let found = service.get("/search?q=ann0@example.com").await.expect(200).json();
    assert_eq!(found["results"], json!([]));
    let found = service.get(&format!("/search?q=s-{}", number % 5)).await.expect(200).json();
    assert!(found["results"].to_string().contains("ann"), "{found:#}");
    // Also after the journal is read once more.
    service.crash().await;
    let service = Service::start(&home).await;
    assert_eq!(service.journey_ids("ann", "?limit=1000&order=asc&linked=false").await, expected);
}

async fn an_id_that_is_shared_or_linked_is_erased_up_to_where_its_link_ends(home: Home) {
    let service = Service::start(&home).await;
    let on_kiosk = |user: &str| json!({ "userId": user, "anonymousId": "kiosk", "type": "login" });
    let at_kiosk = |id: &str| json!({ "anonymousId": "kiosk", "eventId": id, "type": "page_view" });
    service.post(&json!([at_kiosk("before"), on_kiosk("ann")])).await.expect(202);
    service.wait_until_flushed().await;
    service.post(&json!([on_kiosk("ben"), at_kiosk("after")])).await.expect(202);
    service.wait_until_flushed().await;

    // The id of a visitor who is known: the user is meant, or this id alone.
    let request = service.request(Method::DELETE, "/users/kiosk");
    let refused = service.send(request.json(&json!({ "confirm": "kiosk" }))).await.problem(409);
    assert!(refused["detail"].as_str().expect("a text").contains("\"ann\""), "{refused}");
    let asked = erase(&service, "ann", json!({})).await;
    assert_eq!(asked["ids"], json!(["ann", "kiosk"]));
    wait_until_done(&service, &asked).await;

    assert_eq!(service.journey_ids("kiosk", "").await, ["after"]);
    assert_eq!(service.journey("ben", "").await["count"], 1);
    let kiosk = service.get("/users/kiosk").await.expect(200).text();
    assert!(!kiosk.contains("ann"), "{kiosk}");
    // It is nobody's: who came second has not become who came first.
    assert!(!kiosk.contains("linkedTo\":\""), "{kiosk}");
    let asked = erase(&service, "kiosk", json!({ "linked": false })).await;
    assert_eq!(asked["ids"], json!(["kiosk"]));
    wait_until_done(&service, &asked).await;
    assert_eq!(service.journey("kiosk", "").await["count"], 0);
    assert_eq!(service.journey("ben", "").await["count"], 1);
}

async fn nobody_is_erased_by_mistake(home: Home) {
    let service = Service::start(&home).await;
    service.post(&sample::events("ann", "e", 0..3)).await.expect(202);
    service.wait_until_flushed().await;
    let asks = async |path: &str, body: Value| {
        service.send(service.request(Method::DELETE, path).json(&body)).await
    };
    for body in [json!({}), json!({ "confirm": "Ann" }), json!({ "confirm": "" })] {
        let answer = asks("/users/ann", body).await;
        assert_eq!(answer.only_fault().field, "confirm");
    }
    asks("/users/ann", json!({ "confirm": "ann", "force": true })).await.expect(400);
    asks("/users/ann?dryrun=true", json!({ "confirm": "ann" })).await.expect(400);
    asks(&format!("/users/{}", "x".repeat(257)), json!({})).await.expect(400);
    let planned = asks("/users/ann?dryRun=true", json!({})).await.expect(200).json();
    assert_eq!(planned["ids"], json!(["ann"]));
    assert_eq!((&planned["events"], &planned["moreEvents"]), (&json!(3), &json!(false)));
    assert_eq!(service.journey("ann", "").await["count"], 3);
    service.get("/api/erasures/0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88").await.expect(404);
    // Of one of whom nothing is known there is nothing to be erased, which is found out.
    let asked = erase(&service, "nobody", json!({})).await;
    let receipt = wait_until_done(&service, &asked).await;
    assert_eq!(deleted(&receipt, "events"), 0);
}

async fn of_a_blocked_user_nothing_is_kept_until_the_block_ends(home: Home) {
    let service = Service::start(&home).await;
    let post = async |id: &str| {
        let both = json!([sample::event("ann", id), sample::event("ben", id)]);
        assert_eq!(service.post(&both).await.expect(202).event_ids(), [id, id]);
    };
    post("before").await;
    let asked = erase(&service, "ann", json!({ "block": true })).await;
    wait_until_done(&service, &asked).await;

    post("blocked").await;
    service.post(&sample::event("ann", "alone")).await.expect(202);
    let stored = service.request(Method::POST, "/events?wait=stored");
    service.send(stored.json(&sample::event("ann", "waited"))).await.expect(200);
    assert_eq!(service.journey("ann", "").await["count"], 0);
    assert_eq!(service.journey("ben", "").await["count"], 2);
    assert_eq!(service.stats().await["events"]["blocked"], 3);
    service.crash().await;
    let service = Service::start(&home).await;
    service.post(&sample::event("ann", "after a start")).await.expect(202);
    assert_eq!(service.journey("ann", "").await["count"], 0);

    let unblock = async || service.send(service.request(Method::DELETE, "/users/ann/block")).await;
    unblock().await.expect(204);
    unblock().await.expect(404);
    eventually("the block ends", SOON, || async {
        service.post(&sample::event("ann", "new")).await.expect(202);
        (service.journey("ann", "").await["count"] == 1).then_some(())
    })
    .await;
}

async fn two_who_erase_the_same_user_have_a_receipt_each(home: Home) {
    let service = Service::start(&home).await;
    service.post(&sample::events("ann", "e", 0..30)).await.expect(202);
    let (first, second) =
        tokio::join!(erase(&service, "ann", json!({})), erase(&service, "ann", json!({})));
    assert_ne!(first["erasureId"], second["erasureId"]);
    let first = wait_until_done(&service, &first).await;
    let second = wait_until_done(&service, &second).await;
    let gone = |receipt| deleted(receipt, "events") + deleted(receipt, "backlog");
    assert_eq!(gone(&first) + gone(&second), 30, "{first:#}\n{second:#}");
}
