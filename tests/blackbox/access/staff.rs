//! Signing up, and what administrators do about accounts.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::home::Home;
use crate::sample;
use crate::service::Service;
use crate::staff::{ADMIN, PASSWORD, token_of};

on_both_stores!(
    of_several_first_sign_ups_one_is_made,
    sign_up_is_closed_until_it_is_opened,
    administrators_make_change_and_list_accounts,
    the_last_administrator_stays,
    support_looks_at_journeys_and_exports_none,
);

async fn as_admin(service: &Service, method: Method, path: &str, body: &Value) -> Answer {
    service.send(service.request(method, path).json(body)).await
}

async fn users(service: &Service, query: &str) -> Value {
    service.get(&format!("/api/staff{query}")).await.expect(200).json()
}

async fn of_several_first_sign_ups_one_is_made(home: Home) {
    let service = Service::start_unready(&home, &[]).await;
    service.wait_until_ready().await;
    let emails: Vec<_> = (0..6).map(|number| format!("a{number}@example.com")).collect();
    let tries = emails.iter().map(|email| service.sign_up(email, PASSWORD));
    let answers = join_all(tries).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(made.len(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.problem(403);
    }
    let admin = token_of(made[0]);
    let request = service.request(Method::GET, "/users").bearer_auth(admin);
    let users = service.send_as_it_is(request).await.expect(200).json();
    assert_eq!(users["users"].as_array().expect("users").len(), 1);
    assert_eq!(users["users"][0]["role"], "admin");
}

#[tokio::test]
async fn of_two_first_sign_ups_on_two_instances_one_is_made() {
    let home = Home::mongodb();
    let elsewhere = home.on_another_machine();
    let (one, other) =
        tokio::join!(Service::start_unready(&home, &[]), Service::start_unready(&elsewhere, &[]));
    tokio::join!(one.wait_until_ready(), other.wait_until_ready());
    let (first, second) = tokio::join!(
        one.sign_up("a@example.com", PASSWORD),
        other.sign_up("b@example.com", PASSWORD)
    );
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403]);
}

async fn sign_up_is_closed_until_it_is_opened(home: Home) {
    let service = Service::start(&home).await;
    service.sign_up("kim@example.com", PASSWORD).await.problem(403);
    service.terminate().await;
    let service = Service::start_with(&home, &[("ACCESS_OPEN_SIGN_UP", "true")]).await;
    // There the administrator signed up again, which its address forbids.
    let answer = service.sign_up("Kim@Example.com ", PASSWORD).await.expect(200);
    let user = answer.json()["user"].take();
    assert_eq!(user["email"], "kim@example.com");
    assert_eq!(user["emailVerified"], false);
    assert!(user["createdAt"].is_string() && user["id"].is_string());
    let request = service.request(Method::GET, "/users").bearer_auth(token_of(&answer));
    service.send_as_it_is(request).await.problem(403);
    service.sign_up("kim@example.com", PASSWORD).await.problem(409);
    let faults = service.sign_up("nobody", "short").await.faults();
    let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["email", "password"]);
}

async fn administrators_make_change_and_list_accounts(home: Home) {
    let service = Service::start(&home).await;
    for name in ["b", "c", "d"] {
        let body = json!({
            "email": format!("{name}@example.com"), "password": PASSWORD, "name": name
        });
        let made = as_admin(&service, Method::POST, "/api/staff", &body).await.expect(201).json();
        assert_eq!(made["role"], "staff");
        assert_eq!(made["disabled"], false);
    }
    let body = json!({ "email": "B@example.com", "password": PASSWORD, "name": "b" });
    as_admin(&service, Method::POST, "/api/staff", &body).await.problem(409);

    let first = users(&service, "?limit=3").await;
    let cursor = first["nextCursor"].as_str().expect("a next page");
    let second = users(&service, &format!("?limit=3&cursor={cursor}")).await;
    assert_eq!(second["nextCursor"], Value::Null);
    let emails: Vec<_> = [&first, &second]
        .iter()
        .flat_map(|page| page["users"].as_array().expect("users"))
        .map(|user| user["email"].as_str().expect("an address").to_owned())
        .collect();
    assert_eq!(emails, [ADMIN, "b@example.com", "c@example.com", "d@example.com"]);
    assert!(!first.to_string().contains("argon2"), "a hash is shown");

    let path = format!("/api/staff/{}", first["users"][1]["id"].as_str().expect("an id"));
    let session = token_of(&service.sign_in("b@example.com", PASSWORD).await.expect(200));
    let disabled = as_admin(&service, Method::PATCH, &path, &json!({ "disabled": true })).await;
    assert_eq!(disabled.expect(200).json()["disabled"], true);
    let request = service.request(Method::GET, "/session").bearer_auth(&session);
    service.send_as_it_is(request).await.problem(401);
    service.sign_in("b@example.com", PASSWORD).await.problem(401);
    let both = json!({ "disabled": false, "role": "admin" });
    as_admin(&service, Method::PATCH, &path, &both).await.expect(200);
    let request = service.request(Method::GET, "/session").bearer_auth(&session);
    service.send_as_it_is(request).await.problem(401);
    let session = token_of(&service.sign_in("b@example.com", PASSWORD).await.expect(200));
    let request = service.request(Method::GET, "/users").bearer_auth(&session);
    service.send_as_it_is(request).await.expect(200);

    let guessed = json!({ "password": "password1", "role": "staff" });
    let faults = as_admin(&service, Method::PATCH, &path, &guessed).await.faults();
    assert_eq!(faults[0].field, "password");
    let password = json!({ "password": "another one of hers" });
    let changed = as_admin(&service, Method::PATCH, &path, &password).await.expect(200).json();
    assert_eq!(changed["role"], "admin", "a change that is refused changes nothing");
    let request = service.request(Method::GET, "/session").bearer_auth(&session);
    service.send_as_it_is(request).await.problem(401);
    service.sign_in("b@example.com", PASSWORD).await.problem(401);
    service.sign_in("b@example.com", "another one of hers").await.expect(200);

    let unknown = as_admin(&service, Method::PATCH, "/api/staff/none", &json!({})).await;
    unknown.problem(404);
    let misspelt = as_admin(&service, Method::PATCH, &path, &json!({ "rôle": "admin" })).await;
    misspelt.problem(400);
    service.get("/api/staff?limit=0&cursor=%21").await.problem(400);
}

/// A page is looked at; a file of the whole range would be taken along.
async fn support_looks_at_journeys_and_exports_none(home: Home) {
    let service = Service::start(&home).await;
    service.post(&sample::event("u", "e-1")).await.expect(202);
    let session = async |name: &str, role: &str| {
        let email = format!("{name}@example.com");
        let body = json!({ "email": email, "password": PASSWORD, "name": name, "role": role });
        let made = as_admin(&service, Method::POST, "/api/staff", &body).await.expect(201).json();
        assert_eq!(made["role"], role);
        let path = format!("/api/staff/{}", made["id"].as_str().expect("an id"));
        (token_of(&service.sign_in(&email, PASSWORD).await.expect(200)), path)
    };
    let (support, path) = session("sam", "support").await;
    let (staff, _) = session("kim", "staff").await;
    let read = async |token: &str, accept: &str| {
        let request = service.request(Method::GET, "/users/u/journey").bearer_auth(token);
        service.send_as_it_is(request.header("accept", accept)).await
    };
    for accept in ["application/json", "*/*"] {
        assert_eq!(read(&support, accept).await.expect(200).json()["events"][0]["eventId"], "e-1");
    }
    for accept in ["text/csv", "application/x-ndjson", "text/html, text/csv;q=0.9"] {
        let refused = read(&support, accept).await.problem(403);
        assert_eq!(refused["type"], "urn:trailkeep:problem:no-export", "{accept}");
        read(&staff, accept).await.expect(200);
        read(service.admin().await, accept).await.expect(200);
    }
    for path in ["/users/u", "/search?q=u", "/accounts/sample", "/stats", "/health"] {
        let request = service.request(Method::GET, path).bearer_auth(&support);
        service.send_as_it_is(request).await.expect(200);
    }
    let request = service.request(Method::GET, "/api/audit").bearer_auth(&support);
    service.send_as_it_is(request).await.problem(403);

    // Another role counts from the next request on, with the same session.
    as_admin(&service, Method::PATCH, &path, &json!({ "role": "staff" })).await.expect(200);
    read(&support, "text/csv").await.expect(200);
    as_admin(&service, Method::PATCH, &path, &json!({ "role": "support" })).await.expect(200);
    read(&support, "text/csv").await.problem(403);
    let unknown = json!({ "role": "auditor" });
    as_admin(&service, Method::PATCH, &path, &unknown).await.problem(400);
    assert_eq!(users(&service, "").await, service.get("/users").await.expect(200).json());
}

/// They are about whom events are about.
#[tokio::test]
async fn nothing_below_users_is_about_the_staff() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let listed = users(&service, "").await;
    let id = listed["users"][0]["id"].as_str().expect("an id");
    as_admin(&service, Method::POST, "/users", &json!({})).await.problem(405);
    let path = format!("/users/{id}");
    as_admin(&service, Method::PATCH, &path, &json!({ "disabled": true })).await.problem(405);
}

async fn the_last_administrator_stays(home: Home) {
    let service = Service::start(&home).await;
    let listed = users(&service, "").await;
    let path = format!("/api/staff/{}", listed["users"][0]["id"].as_str().expect("an id"));
    for change in
        [json!({ "disabled": true }), json!({ "role": "staff" }), json!({ "role": "support" })]
    {
        as_admin(&service, Method::PATCH, &path, &change).await.problem(409);
    }
    assert_eq!(users(&service, "").await, listed);
}
