//! The life of a session.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bson::{Document, doc};
use mongodb::Client;
use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::sample;
use crate::service::Service;
use crate::staff::{ADMIN, PASSWORD, token_of};

on_both_stores!(
    a_session_is_told_as_the_contract_says,
    every_sign_in_has_an_id_of_its_own,
    a_changed_password_ends_every_session_but_the_new_one,
    a_hash_that_is_renewed_at_another_cost_ends_no_session,
    a_used_session_lasts_longer,
    no_answer_to_a_page_has_the_token_of_its_session,
);

async fn session(service: &Service, token: &str) -> Answer {
    let request = service.request(Method::GET, "/session").bearer_auth(token);
    service.send_as_it_is(request).await
}

async fn with_cookie(service: &Service, method: Method, path: &str, cookie: &str) -> Answer {
    let request = service.request(method, path).header("cookie", cookie);
    service.send_as_it_is(request).await
}

/// The name and value of the cookie that an answer sets.
fn cookie_of(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie");
    cookie.split(';').next().expect("a cookie").to_owned()
}

async fn a_session_is_told_as_the_contract_says(home: Home) {
    let service = Service::start(&home).await;
    let answer = service.sign_in(ADMIN, PASSWORD).await.expect(200);
    let signed_in = answer.json();
    let cookie = answer.header("set-cookie");
    let token = token_of(&answer);
    assert_eq!(cookie_of(&answer), format!("trailkeep={token}"));
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=604800"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains("Domain"), "{cookie}");
    assert_eq!(signed_in["user"].as_object().expect("a user").len(), 3);

    for path in ["/session", "/api/auth/get-session"] {
        let by_cookie = with_cookie(&service, Method::GET, path, &cookie_of(&answer)).await;
        let request = service.request(Method::GET, path).bearer_auth(&token);
        let by_bearer = service.send_as_it_is(request).await.expect(200);
        let mut told = by_bearer.json();
        assert_eq!(told["session"]["token"], token);
        let session = told["session"].as_object_mut().expect("a session");
        session.remove("token");
        assert_eq!(by_cookie.expect(200).json(), told);
        assert_eq!(told["user"], signed_in["user"]);
        assert_eq!(told["session"]["userId"], signed_in["user"]["id"]);
        assert_eq!(told["session"]["expiresAt"], signed_in["session"]["expiresAt"]);
    }

    let out = with_cookie(&service, Method::POST, "/api/auth/sign-out", &cookie_of(&answer)).await;
    assert!(out.expect(200).header("set-cookie").contains("Max-Age=0"));
    session(&service, &token).await.problem(401);
}

#[tokio::test]
async fn beyond_loopback_the_cookie_is_for_https_and_this_host_alone() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[("ACCESS_SECURE_COOKIE", "always")]).await;
    let answer = service.sign_in(ADMIN, PASSWORD).await.expect(200);
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-trailkeep="), "{cookie}");
    assert!(cookie.contains("; Secure") && cookie.contains("Path=/"), "{cookie}");
    assert!(!cookie.contains("Domain"), "{cookie}");
    let out = with_cookie(&service, Method::POST, "/api/auth/sign-out", &cookie_of(&answer)).await;
    let removal = out.expect(200).header("set-cookie").to_owned();
    assert!(removal.starts_with("__Host-trailkeep=;"), "{removal}");
    assert!(removal.contains("Max-Age=0") && removal.contains("; Secure"), "{removal}");
}

async fn every_sign_in_has_an_id_of_its_own(home: Home) {
    let service = Service::start(&home).await;
    // One that a stranger made up and put into somebody's browser.
    let planted = "AAAAAAAAAAAAAAAAAAAAAA";
    let body = json!({ "email": ADMIN, "password": PASSWORD });
    let mut seen = vec![planted.to_owned()];
    for _ in 0..3 {
        let before = seen.last().expect("one").clone();
        let request = service
            .request(Method::POST, "/api/auth/sign-in/email")
            .header("cookie", format!("trailkeep={before}"))
            .json(&body);
        let token = token_of(&service.send_as_it_is(request).await.expect(200));
        assert!(!seen.contains(&token));
        session(&service, &token).await.expect(200);
        session(&service, &before).await.problem(401);
        seen.push(token);
    }
}

async fn a_changed_password_ends_every_session_but_the_new_one(home: Home) {
    let service = Service::start(&home).await;
    let first = token_of(&service.sign_in(ADMIN, PASSWORD).await.expect(200));
    let second = token_of(&service.sign_in(ADMIN, PASSWORD).await.expect(200));
    let change = async |current: &str, new: &str| {
        let request = service
            .request(Method::POST, "/api/auth/change-password")
            .bearer_auth(&first)
            .json(&json!({ "currentPassword": current, "newPassword": new }));
        service.send_as_it_is(request).await
    };
    change("not the one in force", "others are as good").await.problem(401);
    assert_eq!(change(PASSWORD, "short").await.faults()[0].field, "newPassword");
    session(&service, &second).await.expect(200);

    let third = token_of(&change(PASSWORD, "others are as good").await.expect(200));

    session(&service, &first).await.problem(401);
    session(&service, &second).await.problem(401);
    session(&service, &third).await.expect(200);
    service.sign_in(ADMIN, PASSWORD).await.problem(401);
    service.sign_in(ADMIN, "others are as good").await.expect(200);
}

async fn a_hash_that_is_renewed_at_another_cost_ends_no_session(home: Home) {
    let service = Service::start(&home).await;
    let token = token_of(&service.sign_in(ADMIN, PASSWORD).await.expect(200));
    service.terminate().await;
    let cheap = cheap_hash(PASSWORD);
    exchange_hash(&home, &cheap).await;
    // Signs the administrator in, which renews the hash.
    let service = Service::start(&home).await;
    session(&service, &token).await.expect(200);
    service.sign_in(ADMIN, PASSWORD).await.expect(200);
    assert_ne!(exchange_hash(&home, &cheap).await, cheap, "it was renewed");
}

/// Puts a hash in the place of the administrator's, and says which one was there.
async fn exchange_hash(home: &Home, hash: &str) -> String {
    let Some(uri) = home.mongodb_uri() else {
        let database = home.sqlite();
        let there = database
            .query_row("SELECT password_hash FROM accounts", [], |row| row.get(0))
            .expect("an account");
        database.execute("UPDATE accounts SET password_hash = ?", [hash]).expect("an account");
        return there;
    };
    let client = Client::with_uri_str(uri).await.expect("a MongoDB URI");
    let database = client.default_database().expect("the URI names a database");
    let accounts = database.collection::<Document>("accounts");
    let update = doc! { "$set": { "passwordHash": hash } };
    let account = accounts.find_one_and_update(doc! {}, update).await.expect("an answer");
    let account = account.expect("an account");
    account.get_str("passwordHash").expect("a hash").to_owned()
}

/// As a service would have kept it that hashes at less cost.
fn cheap_hash(password: &str) -> String {
    let salt = b"sixteen bytes...";
    let mut hash = [0; 32];
    let params = Params::new(8, 1, 1, None).expect("parameters");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, &mut hash)
        .expect("a hash");
    let text = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes);
    format!("$argon2id$v=19$m=8,t=1,p=1${}${}", text(salt), text(&hash))
}

async fn a_used_session_lasts_longer(home: Home) {
    let settings = [("ACCESS_SESSION_LIFETIME_MS", "3000")];
    let service = Service::start_with(&home, &settings).await;
    let answer = service.sign_in(ADMIN, PASSWORD).await.expect(200);
    let token = token_of(&answer);
    let expiry = |answer: &Answer| answer.json()["session"]["expiresAt"].to_string();
    let first = expiry(&answer);
    eventually("the session is used beyond its first end", SOON, || async {
        let answer = session(&service, &token).await.expect(200);
        let now = format!("\"{}\"", chrono::Utc::now().to_rfc3339());
        (expiry(&answer) > first && now > first).then_some(())
    })
    .await;
}

async fn no_answer_to_a_page_has_the_token_of_its_session(home: Home) {
    let service = Service::start_with(&home, &[("ACCESS_OPEN_SIGN_UP", "true")]).await;
    let origin = service.url("");
    let page = [
        ("origin", origin.as_str()),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "none"),
    ];
    let ask = async |path: &str, (name, value): (&str, &str), cookie: &str, body: &Value| {
        let request =
            service.request(Method::POST, path).header(name, value).header("cookie", cookie);
        let answer = service.send_as_it_is(request.json(body)).await.expect(200);
        let cookie = cookie_of(&answer);
        let token = cookie.strip_prefix("trailkeep=").expect("a session");
        assert!(token.len() > 20 && !answer.text().contains(token), "{path}");
        let session = answer.json()["session"].take();
        assert!(session["expiresAt"].is_string(), "{session}");
        assert!(session.get("token").is_none(), "{session}");
        cookie
    };
    for (number, header) in page.into_iter().enumerate() {
        let email = format!("a{number}@example.com");
        let mut body = json!({ "email": email, "password": PASSWORD, "name": "Jo" });
        ask("/api/auth/sign-up/email", header, "a=b", &body).await;
        body.as_object_mut().expect("an object").remove("name");
        let cookie = ask("/api/auth/sign-in/email", header, "a=b", &body).await;
        let body = json!({ "currentPassword": PASSWORD, "newPassword": "others are as good" });
        let cookie = ask("/api/auth/change-password", header, &cookie, &body).await;
        for path in ["/session", "/api/auth/get-session"] {
            // Also where nothing says that a page asks.
            let told = with_cookie(&service, Method::GET, path, &cookie).await;
            let token = &cookie["trailkeep=".len()..];
            assert!(!told.expect(200).text().contains(token));
        }
    }
    // A page that sends a token has it already, and no cookie.
    let token = token_of(&service.sign_in(ADMIN, PASSWORD).await.expect(200));
    let request = service
        .request(Method::POST, "/api/auth/change-password")
        .header("origin", &origin)
        .bearer_auth(&token)
        .json(&json!({ "currentPassword": PASSWORD, "newPassword": "others are as good" }));
    let changed = service.send_as_it_is(request).await.expect(200);
    session(&service, &token_of(&changed)).await.expect(200);
}

#[tokio::test]
async fn a_session_is_one_on_every_instance() {
    let home = Home::mongodb();
    let elsewhere = home.on_another_machine();
    let one = Service::start(&home).await;
    let other = Service::start(&elsewhere).await;
    let token = token_of(&one.sign_in(ADMIN, PASSWORD).await.expect(200));
    session(&other, &token).await.expect(200);
    let request = one.request(Method::POST, "/api/auth/sign-out").bearer_auth(&token);
    one.send_as_it_is(request).await.expect(200);
    session(&other, &token).await.problem(401);

    let token = token_of(&other.sign_in(ADMIN, PASSWORD).await.expect(200));
    session(&one, &token).await.expect(200);
    let request = other
        .request(Method::POST, "/api/auth/change-password")
        .bearer_auth(&token)
        .json(&json!({ "currentPassword": PASSWORD, "newPassword": "others are as good" }));
    other.send_as_it_is(request).await.expect(200);
    session(&one, &token).await.problem(401);
}

#[tokio::test]
async fn an_outage_signs_nobody_out_and_leaves_monitors_their_view() {
    let server = crate::mongod::Mongod::start();
    let home = Home::on(&server);
    let settings = [("STORE_READ_TIMEOUT_MS", "1000"), ("HEALTH_CHECK_INTERVAL_MS", "100")];
    let service = Service::start_with(&home, &settings).await;
    let cookie = cookie_of(&service.sign_in(ADMIN, PASSWORD).await.expect(200));
    with_cookie(&service, Method::GET, "/stats", &cookie).await.expect(200);
    server.pause();

    let answer = with_cookie(&service, Method::GET, "/session", &cookie).await;
    answer.problem(503);
    assert!(answer.header("set-cookie").is_empty(), "the cookie is taken away");
    assert!(!answer.header("retry-after").is_empty());
    with_cookie(&service, Method::GET, "/stats", &cookie).await.expect(200);
    service.post(&sample::event("u", "e")).await.expect(202);
    let stranger = with_cookie(&service, Method::GET, "/stats", "trailkeep=nobody").await;
    assert!(matches!(stranger.status, 401 | 503), "{}", stranger.status);
    service.sign_in(ADMIN, PASSWORD).await.problem(503);

    server.resume();
    eventually("the session is good again", SOON, || async {
        let answer = with_cookie(&service, Method::GET, "/session", &cookie).await;
        (answer.status == 200).then_some(())
    })
    .await;
}
