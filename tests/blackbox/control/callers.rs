//! Who comes by the socket is the shell, and nobody else is.

use reqwest::Method;
use serde_json::json;

use super::Shell;
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::mongod::Mongod;
use crate::sample;
use crate::service::Service;
use crate::staff::{PASSWORD, token_of};

on_both_stores!(
    the_shell_may_do_what_an_administrator_may_and_the_trail_says_who_did_it,
    the_shell_is_held_by_no_rule_against_strangers,
    nothing_that_is_sent_over_a_network_makes_a_caller_the_shell,
);

/// Each of its entries, as action and subject, oldest first.
async fn trail(service: &Service) -> Vec<(String, String)> {
    let page = service.get("/api/audit?actor=shell&limit=500").await.expect(200).json();
    let entries = page["entries"].as_array().expect("entries").iter().rev();
    entries
        .map(|entry| {
            assert!(entry["actorId"].is_null() && entry["client"].is_null(), "{entry}");
            let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            (text("action"), text("subject"))
        })
        .collect()
}

async fn the_shell_may_do_what_an_administrator_may_and_the_trail_says_who_did_it(home: Home) {
    let service = Service::start(&home).await;
    let shell = Shell::of(&home);
    for route in [
        "/health",
        "/stats",
        "/metrics",
        "/processors",
        "/users/u/journey",
        "/accounts/a/summary",
        "/accounts/sample",
        "/users",
        "/users/",
        "/api/staff",
        "/api/audit",
        "/livez",
        "/api-docs.json",
    ] {
        shell.get(route).await.expect(200);
    }
    let body = json!({ "email": "kim@example.com", "password": PASSWORD, "name": "Kim" });
    let kim = shell.call(Method::POST, "/api/staff", &body).await.expect(201).json();
    let path = format!("/api/staff/{}", kim["id"].as_str().expect("an id"));
    let session = token_of(&service.sign_in("kim@example.com", PASSWORD).await.expect(200));
    let change = json!({ "password": "another one of hers", "role": "admin" });
    let changed = shell.call(Method::PATCH, &path, &change).await.expect(200).json();
    assert_eq!(changed["role"], "admin");
    let request = service.request(Method::GET, "/session").bearer_auth(session);
    service.send_as_it_is(request).await.problem(401);
    service.sign_in("kim@example.com", "another one of hers").await.expect(200);

    let body = json!({ "name": "prometheus", "scope": "monitor" });
    let made = shell.call(Method::POST, "/api/tokens", &body).await.expect(201).json();
    assert!(made["createdBy"].is_null(), "{made}");
    let token = made["token"].as_str().expect("a token");
    let request = service.request(Method::GET, "/metrics").bearer_auth(token);
    service.send_as_it_is(request).await.expect(200);
    let tokens = shell.get("/api/tokens").await.expect(200).json();
    assert!(tokens["tokens"][0]["createdBy"].is_null(), "{tokens}");

    let expected = [
        ("journey.read", "u"),
        ("account.create", "kim@example.com"),
        ("account.reset-password", "kim@example.com"),
        ("account.make-admin", "kim@example.com"),
        ("token.create", "prometheus"),
    ]
    .map(|(action, subject)| (action.to_owned(), subject.to_owned()));
    eventually("the trail says so", SOON, || async {
        (trail(&service).await == expected).then_some(())
    })
    .await;
}

async fn the_shell_is_held_by_no_rule_against_strangers(home: Home) {
    let settings = [
        ("ACCESS_WRITE_KEYS", "shop:wk-9f8e7d6c5b4a3210"),
        ("ACCESS_EVENTS_PER_CLIENT", "1"),
        ("ACCESS_ATTEMPTS_PER_CLIENT", "1"),
        ("ACCESS_ATTEMPTS_PER_ADDRESS", "1"),
    ];
    let service = Service::start_with(&home, &settings).await;
    let shell = Shell::of(&home);
    for number in 0..5 {
        let event = sample::event("u", &format!("e-{number}"));
        shell.call(Method::POST, "/events", &event).await.expect(202);
        let wrong = json!({ "email": "no@example.com", "password": "wrong" });
        shell.call(Method::POST, "/api/auth/sign-in/email", &wrong).await.problem(401);
    }
    service.post(&sample::event("u", "without a key")).await.problem(401);
    let body = json!({ "name": "a page", "scope": "read" });
    let request = shell.request(Method::POST, "/api/tokens").json(&body);
    let request = request.header("origin", "https://elsewhere.example");
    shell.send(request.header("sec-fetch-site", "cross-site")).await.expect(201);
}

/// Also with the session of a person, it is the shell's request.
#[tokio::test]
async fn what_is_about_a_persons_session_is_not_for_the_shell() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let shell = Shell::of(&home);
    for (method, route) in [
        (Method::GET, "/session"),
        (Method::GET, "/api/auth/get-session"),
        (Method::GET, "/api/auth/sessions"),
        (Method::DELETE, "/api/auth/sessions"),
        (Method::POST, "/api/auth/sign-out"),
        (Method::POST, "/api/auth/change-password"),
    ] {
        for session in [None, Some(service.admin().await)] {
            let mut request = shell.request(method.clone(), route);
            if let Some(session) = session {
                request = request.bearer_auth(session);
            }
            let problem = shell.send(request).await.problem(403);
            assert_eq!(problem["type"], "urn:trailkeep:problem:no-person", "{route}");
        }
    }
    let request = shell.request(Method::GET, "/users/u/journey");
    shell.send(request.bearer_auth(service.admin().await)).await.expect(200);
    service.terminate().await;
    let service = Service::start(&home).await;
    assert_eq!(trail(&service).await, [("journey.read".to_owned(), "u".to_owned())]);
}

async fn nothing_that_is_sent_over_a_network_makes_a_caller_the_shell(home: Home) {
    let service = Service::start_with(&home, &[("ACCESS_TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    for (name, value) in [
        ("forwarded", "for=unix:"),
        ("forwarded", "for=_shell;by=control.sock"),
        ("x-forwarded-for", "unix:"),
        ("x-forwarded-for", "shell"),
        ("x-forwarded-for", ""),
        ("x-real-ip", "unix:"),
        ("host", "localhost"),
        ("host", "control.sock"),
        ("authorization", "Bearer shell"),
        ("cookie", "trailkeep=shell"),
        ("x-actor", "shell"),
    ] {
        for route in ["/users", "/api/tokens", "/dead-letters", "/stats", "/users/u/journey"] {
            let request = service.request(Method::GET, route).header(name, value);
            service.send_as_it_is(request).await.problem(401);
        }
        let request = service.request(Method::POST, "/api/staff").header(name, value);
        service.send_as_it_is(request.json(&json!({}))).await.problem(401);
    }
}

#[tokio::test]
async fn while_the_database_is_away_the_shell_is_told_how_the_service_is() {
    let server = Mongod::start();
    let home = Home::on(&server);
    let service = Service::start(&home).await;
    server.kill();
    let shell = Shell::of(&home);
    shell.get("/stats").await.expect(200);
    eventually("the database is known to be away", SOON, || async {
        (shell.get("/health").await.status == 503).then_some(())
    })
    .await;
    shell.get("/stats").await.expect(200);
    drop(service);
}
