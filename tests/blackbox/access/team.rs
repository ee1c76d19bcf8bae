//! What the pages show for the whole team.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::control::Shell;
use crate::eventually::eventually;
use crate::home::Home;
use crate::mongod::Mongod;
use crate::service::Service;
use crate::staff::{ADMIN, PASSWORD, token_of};

on_both_stores!(
    what_an_administrator_sets_is_what_everybody_gets,
    everybody_on_the_staff_may_look_and_administrators_alone_set,
    what_was_answered_is_there_after_kill_9,
    each_change_is_in_the_trail_and_no_look,
);

/// In this time, what one instance sets is in force on every other.
const IN_FORCE: Duration = Duration::from_secs(5);

async fn try_to_set(service: &Service, body: &Value) -> Answer {
    service.send(service.request(Method::PUT, "/api/team").json(body)).await
}

async fn set(service: &Service, body: &Value) -> Value {
    try_to_set(service, body).await.expect(200).json()
}

async fn team(service: &Service) -> Value {
    service.get("/api/team").await.expect(200).json()
}

/// As it is answered before anything was set.
fn nothing() -> Value {
    json!({ "sentences": {}, "hiddenTypes": [], "pinnedKeys": {}, "asksForReason": false })
}

/// One of everything.
fn full() -> Value {
    json!({
        "sentences": {
            "order_placed": "Placed order {orderId} for {cart.total} {{EUR}}",
            "$pageview": "Looked at {$current_url}",
            "bestellung.ж": "ж",
        },
        "hiddenTypes": ["$pageleave", "page_leave"],
        "pinnedKeys": { "order_placed": ["total", "cart.currency", "$lib"], "a.b": [] },
        "asksForReason": true,
    })
}

/// Without when it was.
fn undated(mut team: Value) -> Value {
    team.as_object_mut().expect("an object").remove("updatedAt");
    team
}

async fn what_an_administrator_sets_is_what_everybody_gets(home: Home) {
    let service = Service::start(&home).await;
    assert_eq!(team(&service).await, nothing());

    let before = chrono::Utc::now() - chrono::Duration::milliseconds(1);
    let kept = set(&service, &full()).await;
    let at: chrono::DateTime<chrono::Utc> =
        kept["updatedAt"].as_str().and_then(|text| text.parse().ok()).expect("a time");
    assert!((before..=chrono::Utc::now()).contains(&at), "{at}");
    assert_eq!(team(&service).await, kept);
    assert_eq!(undated(kept.clone()), full());

    // What was answered may be sent back, and is the whole of it.
    let again = set(&service, &kept).await;
    assert_eq!(undated(again), full());
    let hidden = json!({ "hiddenTypes": ["b", "a", "b"], "sentences": null });
    let kept = set(&service, &hidden).await;
    let mut expected = nothing();
    expected["hiddenTypes"] = json!(["a", "b"]);
    assert_eq!(undated(kept.clone()), expected);
    assert_eq!(team(&service).await, kept);
    assert_eq!(undated(set(&service, &json!({})).await), nothing());
    assert!(team(&service).await["updatedAt"].is_string());
}

async fn everybody_on_the_staff_may_look_and_administrators_alone_set(home: Home) {
    let service = Service::start(&home).await;
    let kept = set(&service, &full()).await;
    let call = async |method: Method, token: &str| {
        let request = service.request(method, "/api/team").bearer_auth(token);
        service.send_as_it_is(request.json(&json!({}))).await
    };
    for role in ["support", "staff"] {
        let email = format!("{role}@example.com");
        let body = json!({ "email": email, "password": PASSWORD, "name": "Kim", "role": role });
        let request = service.request(Method::POST, "/api/staff").json(&body);
        service.send(request).await.expect(201);
        let session = token_of(&service.sign_in(&email, PASSWORD).await.expect(200));
        assert_eq!(call(Method::GET, &session).await.expect(200).json(), kept, "{role}");
        let refused = call(Method::PUT, &session).await.problem(403);
        assert_eq!(refused["type"], "urn:trailkeep:problem:admins-only", "{role}");
    }
    let body = json!({ "name": "export", "scope": "read" });
    let request = service.request(Method::POST, "/api/tokens").json(&body);
    let made = service.send(request).await.expect(201).json();
    let machine = made["token"].as_str().expect("a token");
    for method in [Method::GET, Method::PUT] {
        assert_eq!(
            call(method, machine).await.problem(403)["type"],
            "urn:trailkeep:problem:wrong-scope"
        );
    }
    assert_eq!(team(&service).await, kept);

    let shell = Shell::of(&home);
    let get = shell.request(Method::GET, "/api/team");
    assert_eq!(shell.send(get).await.expect(200).json(), kept);
    let put = shell.request(Method::PUT, "/api/team").json(&json!({}));
    shell.send(put).await.expect(200);
    assert_eq!(undated(team(&service).await), nothing());
}

async fn what_was_answered_is_there_after_kill_9(home: Home) {
    for round in 0..3 {
        let service = Service::start(&home).await;
        let mut wanted = full();
        wanted["sentences"]["round"] = json!(format!("Round {round} {{{{}}}}"));
        let kept = set(&service, &wanted).await;
        service.crash().await;
        let service = Service::start(&home).await;
        assert_eq!(team(&service).await, kept);
        service.crash().await;
    }
}

async fn each_change_is_in_the_trail_and_no_look(home: Home) {
    let service = Service::start(&home).await;
    team(&service).await;
    try_to_set(&service, &json!({ "sentences": { "a": "{" } })).await.problem(400);
    for reason in [None, Some("T-17")] {
        let request = service.request(Method::PUT, "/api/team").json(&full());
        let request = reason.into_iter().fold(request, |it, why| it.header("x-reason", why));
        service.send(request).await.expect(200);
    }
    service.crash().await;
    let service = Service::start(&home).await;
    let trail = service.get("/api/audit?limit=500").await.expect(200).json();
    let entries = trail["entries"].as_array().expect("entries").iter();
    let of_team = entries
        .filter(|entry| entry["action"].as_str().is_some_and(|action| action.starts_with("team.")));
    let told: Vec<_> =
        of_team.map(|entry| (&entry["action"], &entry["actor"], &entry["reason"])).collect();
    let (action, admin) = (json!("team.change"), json!(ADMIN));
    assert_eq!(told, [(&action, &admin, &json!("T-17")), (&action, &admin, &Value::Null)]);
}

#[tokio::test]
async fn what_one_instance_sets_is_in_force_on_another_within_five_seconds() {
    let home = Home::mongodb();
    let elsewhere = home.on_another_machine();
    let (here, there) = (Service::start(&home).await, Service::start(&elsewhere).await);
    assert_eq!(team(&there).await, nothing());
    for (one, other, wanted) in
        [(&here, &there, full()), (&there, &here, json!({ "asksForReason": true }))]
    {
        let kept = set(one, &wanted).await;
        assert_eq!(team(one).await, kept, "at once where it was set");
        let since = Instant::now();
        eventually("it is in force there", IN_FORCE, || async {
            (team(other).await == kept).then_some(())
        })
        .await;
        eprintln!("in force after {:?}", since.elapsed());
    }
}

#[tokio::test]
async fn while_the_database_is_away_what_was_known_last_is_shown() {
    const IMPATIENT: [(&str, &str); 1] = [("STORE_READ_TIMEOUT_MS", "1000")];
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start_with(&home, &IMPATIENT).await;
    let kept = set(&service, &full()).await;
    server.pause();
    let shell = Shell::of(&home);
    let get = || shell.send(shell.request(Method::GET, "/api/team"));
    for _ in 0..3 {
        assert_eq!(get().await.expect(200).json(), kept);
    }
    service.crash().await;
    // One that was never told says so.
    let service = Service::start_unready(&home, &IMPATIENT).await;
    let refused = get().await.problem(503);
    assert_eq!(refused["type"], "urn:trailkeep:problem:database-unavailable");
    server.resume();
    eventually("it is told", IN_FORCE, || async {
        let answer = get().await;
        (answer.status == 200).then(|| assert_eq!(answer.json(), kept))
    })
    .await;
    drop(service);
}

fn many(entries: usize, value: &Value) -> Value {
    (0..entries)
        .map(|number| (number.to_string(), value.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[tokio::test]
async fn what_is_wrong_about_the_settings_is_named_and_changes_nothing() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let kept = set(&service, &full()).await;
    let sentence = |text: &str| json!({ "sentences": { "order": text } });
    let long = "ж".repeat(33);
    let types: Vec<_> = (0..501).map(|number| number.to_string()).collect();
    for (body, field) in [
        (sentence(""), "sentences.order"),
        (sentence("  "), "sentences.order"),
        (sentence(&"ж".repeat(201)), "sentences.order"),
        (sentence("a\nb"), "sentences.order"),
        (sentence("Placed {orderId for {total}"), "sentences.order"),
        (sentence("Placed orderId}"), "sentences.order"),
        (sentence("{}"), "sentences.order"),
        (sentence("{cart..total}"), "sentences.order"),
        (json!({ "sentences": { "order": 7 } }), "sentences.order"),
        (json!({ "sentences": { "order": null } }), "sentences.order"),
        (json!({ "sentences": { "": "x" } }), "sentences."),
        (json!({ "sentences": { "a\tb": "x" } }), "sentences.a\tb"),
        (json!({ "sentences": { &long: "x" } }), &format!("sentences.{long}")),
        (json!({ "sentences": ["x"] }), "sentences"),
        (json!({ "sentences": many(501, &json!("x")) }), "sentences"),
        (json!({ "hiddenTypes": "a" }), "hiddenTypes"),
        (json!({ "hiddenTypes": ["a", ""] }), "hiddenTypes[1]"),
        (json!({ "hiddenTypes": [["a"]] }), "hiddenTypes[0]"),
        (json!({ "hiddenTypes": types }), "hiddenTypes"),
        (json!({ "pinnedKeys": { "order": "total" } }), "pinnedKeys.order"),
        (json!({ "pinnedKeys": { "order": ["a", "b", "c", "d"] } }), "pinnedKeys.order"),
        (json!({ "pinnedKeys": { "order": ["a", "b", "a"] } }), "pinnedKeys.order[2]"),
        (json!({ "pinnedKeys": { "order": ["a", 7] } }), "pinnedKeys.order[1]"),
        (json!({ "pinnedKeys": { "order": ["a."] } }), "pinnedKeys.order[0]"),
        (json!({ "pinnedKeys": { "order": [&long] } }), "pinnedKeys.order[0]"),
        (json!({ "pinnedKeys": { &long: [] } }), &format!("pinnedKeys.{long}")),
        (json!({ "pinnedKeys": many(501, &json!([])) }), "pinnedKeys"),
        (json!({ "asksForReason": "yes" }), "asksForReason"),
        (json!({ "asks_for_reason": true }), "asks_for_reason"),
    ] {
        assert_eq!(try_to_set(&service, &body).await.only_fault().field, field, "{body}");
    }

    // All at once, also what stands twice.
    let put = |body: String| {
        let request = service.request(Method::PUT, "/api/team").body(body);
        service.send(request.header("content-type", "application/json"))
    };
    let wrong = r#"{"colour": 1, "sentences": {"a": "{", "b": "fine", "b": "fine"},
                    "hiddenTypes": [1], "hiddenTypes": [], "pinnedKeys": {"a": [""]}}"#;
    let told: Vec<_> =
        put(wrong.to_owned()).await.faults().into_iter().map(|it| it.field).collect();
    let expected = [
        "colour",
        "sentences.a",
        "sentences.b",
        "hiddenTypes[0]",
        "hiddenTypes",
        "pinnedKeys.a[0]",
    ];
    assert_eq!(told, expected);

    for body in ["", "[]", "7", "{", "{} {}", r#"{"sentences": {"a": 1e999}}"#] {
        put(body.to_owned()).await.problem(400);
    }
    let nested = format!("{{\"sentences\": {}{}}}", "[".repeat(30_000), "]".repeat(30_000));
    put(nested).await.problem(400);
    put(format!("{{\"colour\": \"{}\"}}", "x".repeat(64 * 1024))).await.problem(413);
    let request = service.request(Method::PUT, "/api/team").body("{}");
    service.send(request.header("content-type", "text/plain")).await.problem(415);
    assert_eq!(team(&service).await, kept);

    // As much as there may be of each, and as large as it may be.
    let types: Vec<_> = (0..500).map(|number| number.to_string()).collect();
    let most = json!({
        "sentences": many(500, &json!(format!("{} {{order}}", "x".repeat(80)))),
        "hiddenTypes": types, "pinnedKeys": many(500, &json!(["a", "b", "c"])),
    });
    assert!((60_000..=64 * 1024).contains(&most.to_string().len()), "{}", most.to_string().len());
    let kept = set(&service, &most).await;
    assert_eq!(kept["sentences"], most["sentences"]);
    assert_eq!(kept["pinnedKeys"], most["pinnedKeys"]);
    assert_eq!(team(&service).await, kept);
}
