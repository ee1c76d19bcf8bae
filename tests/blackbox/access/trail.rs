//! The audit trail.

use reqwest::Method;
use serde_json::{Value, json};

use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::sample;
use crate::service::Service;
use crate::staff::{ADMIN, PASSWORD, token_of};

on_both_stores!(
    who_did_what_to_whom_is_told_to_administrators,
    what_was_done_before_a_stop_is_in_the_trail,
    what_was_answered_before_a_kill_is_in_the_trail,
    the_reason_of_a_look_or_a_change_is_in_the_trail,
);

async fn trail(service: &Service, query: &str) -> Vec<Value> {
    let page = service.get(&format!("/api/audit{query}")).await.expect(200).json();
    page["entries"].as_array().expect("entries").clone()
}

/// Waits for an entry, which is written behind the scenes.
async fn entry(service: &Service, action: &str, subject: &str) -> Value {
    eventually(action, SOON, || async {
        let entries = trail(service, "?limit=500").await;
        entries.into_iter().find(|entry| entry["action"] == action && entry["subject"] == subject)
    })
    .await
}

async fn who_did_what_to_whom_is_told_to_administrators(home: Home) {
    let service = Service::start(&home).await;
    let read = service.request(Method::GET, "/users/ann%20b/journey?limit=3");
    service.send(read).await.expect(200);
    let seen = entry(&service, "journey.read", "ann b").await;
    assert_eq!(seen["actor"], ADMIN);
    assert_eq!(seen["client"], "127.0.0.1");
    assert!(seen["at"].is_string() && seen["actorId"].is_string());

    service.get("/accounts/acme/events?limit=3").await.expect(200);
    let seen = entry(&service, "account-events.read", "acme").await;
    assert_eq!((&seen["actor"], &seen["client"]), (&json!(ADMIN), &json!("127.0.0.1")));

    let body = json!({ "name": "export", "scope": "read" });
    let request = service.request(Method::POST, "/api/tokens").json(&body);
    let made = service.send(request).await.expect(201).json();
    let read = service
        .request(Method::GET, "/users/ben/journey")
        .bearer_auth(made["token"].as_str().expect("a token"));
    service.send_as_it_is(read).await.expect(200);
    let seen = entry(&service, "journey.read", "ben").await;
    assert_eq!((&seen["actor"], &seen["actorId"]), (&json!("export"), &made["id"]));
    let path = format!("/api/tokens/{}", made["id"].as_str().expect("an id"));
    service.send(service.request(Method::DELETE, &path)).await.expect(204);

    let body = json!({ "email": "kim@example.com", "password": PASSWORD, "name": "Kim" });
    let request = service.request(Method::POST, "/api/staff").json(&body);
    let kim = service.send(request).await.expect(201).json();
    let path = format!("/api/staff/{}", kim["id"].as_str().expect("an id"));
    for change in [json!({ "role": "admin" }), json!({ "role": "staff", "disabled": true })] {
        let request = service.request(Method::PATCH, &path).json(&change);
        service.send(request).await.expect(200);
    }
    service.sign_in("kim@example.com", PASSWORD).await.problem(401);
    let session = token_of(&service.sign_in(ADMIN, PASSWORD).await.expect(200));
    let request = service.request(Method::POST, "/api/auth/sign-out").bearer_auth(session);
    service.send_as_it_is(request).await.expect(200);

    for (action, subject) in [
        ("account.sign-up", ADMIN),
        ("token.create", "export"),
        ("token.revoke", "export"),
        ("account.create", "kim@example.com"),
        ("account.make-admin", "kim@example.com"),
        ("account.make-staff", "kim@example.com"),
        ("account.disable", "kim@example.com"),
    ] {
        assert_eq!(entry(&service, action, subject).await["actor"], ADMIN, "{action}");
    }
    let failed = entry(&service, "session.sign-in-failed", "kim@example.com").await;
    assert_eq!(failed["actor"], "anonymous");
    // Signing out came last, so that with it all is there.
    for action in ["session.sign-in", "session.sign-out"] {
        eventually(action, SOON, || async {
            let all = trail(&service, "").await;
            all.into_iter().find(|entry| entry["action"] == action)
        })
        .await;
    }

    let of_kim = trail(&service, "?subject=kim%40example.com").await;
    assert!(of_kim.iter().all(|entry| entry["subject"] == "kim@example.com"));
    let of_machine = trail(&service, "?actor=export").await;
    assert_eq!(of_machine.len(), 1);
    let first = service.get("/api/audit?limit=2").await.expect(200).json();
    let cursor = first["nextCursor"].as_str().expect("a next page");
    let rest = trail(&service, &format!("?limit=500&cursor={cursor}")).await;
    assert_eq!(rest.len(), trail(&service, "?limit=500").await.len() - 2);
    service.get("/api/audit?cursor=x").await.problem(400);
}

/// The last answers before the kill are those that a trail written in the background
/// would lose.
async fn what_was_answered_before_a_kill_is_in_the_trail(home: Home) {
    for round in 0..3 {
        let service = Service::start(&home).await;
        let looks = (0..40).map(|number| {
            let path = format!("/users/r{round}-u{number}/journey");
            let service = &service;
            async move {
                service.get(&path).await.expect(200);
            }
        });
        futures_util::future::join_all(looks).await;
        service.crash().await;
    }
    let service = Service::start(&home).await;
    let entries = trail(&service, "?limit=500").await;
    let reads = entries.iter().filter(|entry| entry["action"] == "journey.read");
    assert_eq!(reads.count(), 120);
}

async fn the_reason_of_a_look_or_a_change_is_in_the_trail(home: Home) {
    let service = Service::start(&home).await;
    let with = |method: Method, path: &str, reason: &str| {
        let value = reqwest::header::HeaderValue::from_bytes(reason.as_bytes()).expect("a value");
        service.request(method, path).header("x-reason", value)
    };
    let longest = "r".repeat(200);
    for (path, reason) in [
        ("/users/ann/journey", "T-17"),
        ("/users/ben/journey?limit=3", "Zażalenie: gdzie paczka?"),
        ("/users/cid/journey", longest.as_str()),
    ] {
        service.send(with(Method::GET, path, reason)).await.expect(200);
    }
    let body = json!({ "name": "export", "scope": "read" });
    let request = with(Method::POST, "/api/tokens", "T-18").json(&body);
    let made = service.send(request).await.expect(201).json();
    let machine = made["token"].as_str().expect("a token");
    let request = with(Method::GET, "/users/dan/journey", "nightly").bearer_auth(machine);
    service.send_as_it_is(request).await.expect(200);
    for (action, subject, reason) in [
        ("journey.read", "ann", "T-17"),
        ("journey.read", "ben", "Zażalenie: gdzie paczka?"),
        ("journey.read", "cid", longest.as_str()),
        ("journey.read", "dan", "nightly"),
        ("token.create", "export", "T-18"),
    ] {
        assert_eq!(entry(&service, action, subject).await["reason"], reason);
    }
    service.get("/users/eve/journey").await.expect(200);
    assert_eq!(entry(&service, "journey.read", "eve").await["reason"], Value::Null);

    // With one that cannot be kept nothing is looked at, and nothing is noted.
    for wrong in [format!("{longest}r"), "a\u{85}b".to_owned()] {
        let refused = service.send(with(Method::GET, "/users/fay/journey", &wrong)).await;
        assert_eq!(refused.problem(400)["type"], "urn:trailkeep:problem:invalid-reason");
        let request = with(Method::POST, "/api/tokens", &wrong).json(&body);
        service.send(request).await.problem(400);
    }
    assert!(trail(&service, "?subject=fay").await.is_empty());
    // Who is not known is told that first.
    let request = with(Method::GET, "/users/fay/journey", &format!("{longest}r"));
    service.send_as_it_is(request).await.problem(401);
}

/// Nobody is told what nobody will be able to look up.
#[tokio::test]
async fn while_the_trail_cannot_be_written_nothing_is_told() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    service.post(&sample::event("u", "e-1")).await.expect(202);
    service.get("/users/u/journey").await.expect(200);
    let database = home.sqlite();
    let renamed = database.execute_batch("ALTER TABLE audit_trail RENAME TO away");
    renamed.expect("the table is there");
    let refused = service.get("/users/u/journey").await.problem(503);
    assert_eq!(refused["type"], "urn:trailkeep:problem:not-noted");
    database.execute_batch("ALTER TABLE away RENAME TO audit_trail").expect("it is back");
    eventually("it is told again", SOON, || async {
        (service.get("/users/u/journey").await.status == 200).then_some(())
    })
    .await;
    // What was not told is in the trail all the same: it was asked.
    let reads = trail(&service, "?subject=u").await.len();
    assert!(reads >= 3, "{reads} entries");
}

async fn what_was_done_before_a_stop_is_in_the_trail(home: Home) {
    let service = Service::start(&home).await;
    for number in 0..50 {
        service.get(&format!("/users/u{number}/journey")).await.expect(200);
    }
    assert_eq!(service.terminate().await.code, Some(0));
    let service = Service::start(&home).await;
    let entries = trail(&service, "?limit=500").await;
    let reads = entries.iter().filter(|entry| entry["action"] == "journey.read");
    assert_eq!(reads.count(), 50);
}
