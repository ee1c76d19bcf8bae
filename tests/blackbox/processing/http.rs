//! `/processors` and what is below: what is told, who may ask, and what is refused.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::asks::{ask, ask_of, commands, wait_until_stuck};
use super::double::{Double, Switch, status, taken};
use super::stored::{A_WHILE, Stored};
use super::{seen, start, wait_until};
use crate::eventually::eventually;
use crate::home::Home;
use crate::sample;
use crate::service::Service;
use crate::staff::{PASSWORD, token_of};

on_both_stores!(
    how_a_processor_is_doing_is_told,
    a_processor_of_nobodys_settings_is_removed_and_one_of_ours_is_not,
    no_more_than_a_hundred_commands_wait,
);

/// Waits until what is told is so.
async fn told(service: &Service, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    eventually(what, A_WHILE, || async {
        let seen = seen(service).await;
        is(&seen).then_some(seen)
    })
    .await
}

async fn how_a_processor_is_doing_is_told(home: Home) {
    let is_at_work = Switch::on();
    let at_work = is_at_work.clone();
    let double = Double::start(move |asked| {
        let at_work = at_work.clone();
        async move {
            match asked.user() {
                "ann" => status(500),
                "ben" => {
                    at_work.off().await;
                    taken()
                }
                _ => taken(),
            }
        }
    })
    .await;
    let service = start(&home, &double.url, &[("PROCESSORS_DEFAULT_MAX_ATTEMPTS", "1000")]).await;
    let fresh = wait_until(&service, "running").await;
    assert_eq!(fresh["durationMs"], json!({ "p50": null, "p95": null }), "{fresh}");
    assert_eq!(fresh["lag"]["events"], 0, "{fresh}");

    service.post(&sample::events("ann", "e", 0..3)).await.expect(202);
    service.post(&sample::events("ben", "e", 0..10)).await.expect(202);
    service.post(&sample::event("cat", "e")).await.expect(202);

    let seen = told(&service, "ann is stuck and ben waits", |seen| {
        // What is stuck is in memory too.
        seen["stuckUsers"] == 1
            && seen["inFlight"].as_u64() >= Some(1)
            && seen["lag"]["events"] == 13
    })
    .await;
    assert_eq!(seen["state"], "running", "{seen}");
    let user = wait_until_stuck(&service, "ann", "e-0", "retrying").await;
    assert!(user["attempts"].as_u64() >= Some(1), "{user}");
    assert_eq!(user["lastError"], "answered 500 Internal Server Error", "{user}");
    assert_eq!(user["waiting"], 2, "{user}");
    // It grows with what waits longest and is not stuck.
    told(&service, "the lag in seconds", |seen| seen["lag"]["seconds"].as_u64() >= Some(1)).await;
    is_at_work.turn(false);
    Stored::of(&home).await.wait_for("default", 11).await;
    let seen = told(&service, "ben is done", |seen| seen["lag"]["events"] == 3).await;
    assert_eq!((&seen["lag"]["seconds"], &seen["stuckUsers"]), (&json!(0), &json!(1)), "{seen}");
    for name in ["durationMs", "waitMs"] {
        let (p50, p95) = (seen[name]["p50"].as_u64(), seen[name]["p95"].as_u64());
        assert!(p50.is_some() && p50 <= p95, "{seen}");
    }
}

async fn a_processor_of_nobodys_settings_is_removed_and_one_of_ours_is_not(home: Home) {
    let double = Double::start(|_| async { taken() }).await;
    let url = format!("processors.billing.url={}", double.url);
    let default = [("PROCESSOR_URL", &*double.url)];
    let service = Service::start_with_flags(&home, &["--set", &url], &default).await;
    service.post(&sample::event("ann", "e-1")).await.expect(202);
    let stored = Stored::of(&home).await;
    stored.wait_for("billing", 1).await;
    stored.wait_for("default", 1).await;
    eventually("nothing is pending", A_WHILE, || async {
        (stored.fed("billing").await == 0).then_some(())
    })
    .await;
    let remove = async |service: &Service, name: &str| {
        let request = service.request(Method::DELETE, &format!("/processors/{name}"));
        service.send(request).await
    };
    for name in ["default", "billing"] {
        let problem = remove(&service, name).await.problem(409);
        let detail = problem["detail"].as_str().expect("words");
        assert!(detail.contains("settings"), "{problem}");
    }
    remove(&service, "nobody").await.problem(404);
    assert_eq!(service.terminate().await.code, Some(0));

    let service = start(&home, &double.url, &[]).await;
    // It is fed all the same.
    service.post(&sample::event("ann", "e-2")).await.expect(202);
    eventually("it waits", A_WHILE, || async { (stored.fed("billing").await > 0).then_some(()) })
        .await;
    let one = service.get("/processors/billing").await.expect(200).json();
    assert_eq!((&one["name"], &one["concurrency"]), (&json!("billing"), &Value::Null), "{one}");

    remove(&service, "billing").await.expect(204);

    service.get("/processors/billing").await.problem(404);
    remove(&service, "billing").await.problem(404);
    service.post_to("/processors/billing/pause", &json!({})).await.problem(404);
    let listed = service.get("/processors").await.expect(200).json();
    assert_eq!(listed.as_array().expect("a list").len(), 1, "{listed}");
    eventually("nobody feeds for it", A_WHILE, || async {
        service.post(&sample::event("ann", "e-3")).await.expect(202);
        (stored.fed("billing").await == 0).then_some(())
    })
    .await;
    stored.wait_for("default", 3).await;
    assert_eq!(stored.done("billing").await, 1, "what became of events stays");
}

/// Of one that nobody delivers for, they stay open.
async fn no_more_than_a_hundred_commands_wait(home: Home) {
    let double = Double::start(|_| async { taken() }).await;
    let service = start(&home, &double.url, &[]).await;
    service.post(&sample::event("ann", "e")).await.expect(202);
    Stored::of(&home).await.wait_for("default", 1).await;
    assert_eq!(service.terminate().await.code, Some(0));
    let service = Service::start(&home).await;
    for _ in 0..2 {
        let asked = (0..50).map(|_| ask_of(&service, "ann", "retry", "e"));
        join_all(asked).await.into_iter().for_each(|answer| drop(answer.expect(202)));
    }
    assert_eq!(commands(&service).await.len(), 100);

    let answer = ask(&service, "check", json!({})).await;

    assert_eq!(answer.header("retry-after"), "5");
    let problem = answer.problem(429);
    assert_eq!(problem["type"], "urn:trailkeep:problem:too-many-commands");
    assert_eq!(commands(&service).await.len(), 100);
    assert_eq!(service.terminate().await.code, Some(0));
    // Whoever delivers answers all of them: nothing failed.
    let service = start(&home, &double.url, &[]).await;
    eventually("all are answered", A_WHILE, || async {
        let commands = commands(&service).await;
        commands.iter().all(|command| command["state"] == "conflict").then_some(())
    })
    .await;
    ask(&service, "check", json!({})).await.expect(200);
}

const STEERING: [&str; 7] = [
    "pause",
    "resume",
    "replay",
    "check",
    "users/ann/retry",
    "users/ann/skip",
    "users/ann/release",
];

#[tokio::test]
async fn an_unknown_name_is_404_on_every_route() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for what in ["", "/users", "/commands", "/dead-letters"] {
        let problem = service.get(&format!("/processors/nobody{what}")).await.problem(404);
        assert_eq!(problem["type"], "urn:trailkeep:problem:unknown-processor", "{what}");
    }
    for what in STEERING {
        let body = if what.starts_with("users") { json!({ "eventId": "e" }) } else { json!({}) };
        let answer = service.post_to(&format!("/processors/nobody/{what}"), &body).await;
        let problem = answer.problem(404);
        assert_eq!(problem["type"], "urn:trailkeep:problem:unknown-processor", "{what}");
    }
    let letter = "/processors/nobody/dead-letters/0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88";
    service.post_to(&format!("{letter}/retry"), &json!({})).await.problem(404);
    service.send(service.request(Method::DELETE, letter)).await.problem(404);
    service.send(service.request(Method::DELETE, "/processors/nobody")).await.problem(404);
}

#[tokio::test]
async fn administrators_alone_steer_and_all_of_it_is_in_the_audit_trail() {
    let (home, double) = (Home::embedded(), Double::start(|_| async { taken() }).await);
    let service = start(&home, &double.url, &[]).await;
    let body = json!({ "email": "kim@example.com", "password": PASSWORD, "name": "Kim" });
    service.post_to("/api/staff", &body).await.expect(201);
    let kim = token_of(&service.sign_in("kim@example.com", PASSWORD).await.expect(200));
    for what in STEERING {
        let request = service.request(Method::POST, &format!("/processors/default/{what}"));
        let request = request.bearer_auth(&kim).json(&json!({ "eventId": "e" }));
        let problem = service.send_as_it_is(request).await.problem(403);
        assert_eq!(problem["type"], "urn:trailkeep:problem:admins-only", "{what}");
    }
    for (path, expected) in [
        ("/processors", 200),
        ("/processors/default", 200),
        ("/processors/default/users", 200),
        ("/processors/default/commands", 403),
        ("/processors/default/dead-letters", 403),
    ] {
        let request = service.request(Method::GET, path).bearer_auth(&kim);
        assert_eq!(service.send_as_it_is(request).await.status, expected, "{path}");
    }
    assert_eq!(commands(&service).await, [Value::Null; 0]);

    ask(&service, "resume", json!({})).await.problem(409);
    ask_of(&service, "ann", "skip", "e").await.problem(409);

    let trail = eventually("it is in the trail", A_WHILE, || async {
        let trail = service.get("/api/audit").await.expect(200).text();
        (trail.contains("skip") && trail.contains("resume")).then_some(trail)
    })
    .await;
    assert!(trail.contains("ann"), "{trail}");
}

#[tokio::test]
async fn a_replay_that_cannot_be_meant_is_refused_with_each_fault() {
    let (home, double) = (Home::embedded(), Double::start(|_| async { taken() }).await);
    let service = start(&home, &double.url, &[]).await;
    for (body, fields) in [
        (json!({ "from": "yesterday", "to": 7.5 }), None),
        (json!({ "from": "yesterday", "to": "2026-13-01T00:00:00Z" }), Some(vec!["from", "to"])),
        (
            json!({ "from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z" }),
            Some(vec!["from"]),
        ),
        (json!({ "state": "pending" }), Some(vec!["state"])),
        (json!({ "state": "done", "from": "" }), Some(vec!["from", "state"])),
        (json!({ "user": "ann" }), None),
        (json!({ "types": "purchase" }), None),
        (json!([]), None),
        (json!("all"), None),
    ] {
        let answer = ask(&service, "replay", body.clone()).await;
        let Some(fields) = fields else {
            answer.problem(400);
            continue;
        };
        let mut faults: Vec<_> = answer.faults().into_iter().map(|fault| fault.field).collect();
        faults.sort();
        assert_eq!(faults, fields, "{body}");
    }
    let request = service.request(Method::POST, "/processors/default/replay");
    let form = request.header("content-type", "text/csv").body("a,b");
    service.send(form).await.problem(415);
    ask(&service, "check", json!({ "repairs": true })).await.problem(400);
    assert_eq!(commands(&service).await, [Value::Null; 0]);
}
