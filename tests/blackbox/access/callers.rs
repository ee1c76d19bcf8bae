//! Every route, called by everybody.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::service::Service;
use crate::staff::{ADMIN, PASSWORD, token_of};

on_both_stores!(
    everybody_gets_what_is_theirs_and_nothing_more,
    what_has_ended_opens_nothing,
    pages_of_other_sites_change_nothing,
);

/// Whom a route is for. Each is for all of the later ones too.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
enum For {
    Monitors,
    Readers,
    Staff,
    Admins,
}

const ID: &str = "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88";

fn routes() -> Vec<(Method, String, For)> {
    let (get, post) = (Method::GET, Method::POST);
    let mut routes = vec![
        (get.clone(), "/health".to_owned(), For::Monitors),
        (get.clone(), "/stats".to_owned(), For::Monitors),
        (get.clone(), "/metrics".to_owned(), For::Monitors),
        (get.clone(), "/processors".to_owned(), For::Monitors),
        (get.clone(), "/processors/default".to_owned(), For::Monitors),
        (get.clone(), "/processors/default/users".to_owned(), For::Readers),
        (get.clone(), "/users/u/journey".to_owned(), For::Readers),
        (get.clone(), "/users/u".to_owned(), For::Readers),
        (post.clone(), "/users/u/links".to_owned(), For::Admins),
        (Method::DELETE, "/users/u/links/a".to_owned(), For::Admins),
        (get.clone(), "/search?q=u".to_owned(), For::Readers),
        (get.clone(), "/accounts/a/summary".to_owned(), For::Readers),
        (get.clone(), "/accounts/a/events".to_owned(), For::Readers),
        (get.clone(), "/accounts/sample".to_owned(), For::Readers),
        (get.clone(), "/session".to_owned(), For::Staff),
        (get.clone(), "/api/auth/get-session".to_owned(), For::Staff),
        (post.clone(), "/api/auth/change-password".to_owned(), For::Staff),
        (get.clone(), "/api/auth/sessions".to_owned(), For::Staff),
        (Method::DELETE, format!("/api/auth/sessions/{ID}"), For::Staff),
        (get.clone(), "/users".to_owned(), For::Admins),
        (get.clone(), "/api/staff".to_owned(), For::Admins),
        (post.clone(), "/api/staff".to_owned(), For::Admins),
        (Method::PATCH, format!("/api/staff/{ID}"), For::Admins),
        (get.clone(), "/api/tokens".to_owned(), For::Admins),
        (post.clone(), "/api/tokens".to_owned(), For::Admins),
        (Method::DELETE, format!("/api/tokens/{ID}"), For::Admins),
        (get.clone(), "/api/write-keys".to_owned(), For::Admins),
        (post.clone(), "/api/write-keys".to_owned(), For::Admins),
        (Method::DELETE, format!("/api/write-keys/{ID}"), For::Admins),
        (get.clone(), "/api/audit".to_owned(), For::Admins),
        (get.clone(), "/dead-letters".to_owned(), For::Admins),
        (Method::DELETE, "/dead-letters".to_owned(), For::Admins),
        (post.clone(), "/dead-letters/retry".to_owned(), For::Admins),
        (get.clone(), format!("/dead-letters/{ID}"), For::Admins),
        (Method::DELETE, format!("/dead-letters/{ID}"), For::Admins),
        (post.clone(), format!("/dead-letters/{ID}/retry"), For::Admins),
        (Method::DELETE, "/processors/default".to_owned(), For::Admins),
        (get.clone(), "/processors/default/commands".to_owned(), For::Admins),
        (get, "/processors/default/dead-letters".to_owned(), For::Admins),
        (Method::DELETE, format!("/processors/default/dead-letters/{ID}"), For::Admins),
    ];
    let steering = ["pause", "resume", "replay", "check"].map(str::to_owned);
    let users = ["retry", "skip", "release"].map(|what| format!("users/u/{what}"));
    let letter = format!("dead-letters/{ID}/retry");
    for what in steering.into_iter().chain(users).chain([letter]) {
        routes.push((post.clone(), format!("/processors/default/{what}"), For::Admins));
    }
    let slashed: Vec<_> = routes
        .iter()
        .map(|(method, path, whom)| (method.clone(), format!("{path}/"), *whom))
        .collect();
    routes.extend(slashed);
    routes
}

/// How somebody makes itself known.
#[derive(Clone, Copy, Debug)]
enum As<'a> {
    Nobody,
    Bearer(&'a str),
    Cookie(&'a str),
    Header(&'a str),
}

impl As<'_> {
    fn on(self, request: RequestBuilder) -> RequestBuilder {
        match self {
            As::Nobody => request,
            As::Bearer(token) => request.bearer_auth(token),
            As::Cookie(token) => request.header("cookie", format!("a=b; trailkeep={token}; c=d")),
            As::Header(value) => request.header("authorization", value),
        }
    }
}

async fn call(service: &Service, method: &Method, path: &str, caller: As<'_>) -> Answer {
    let request = caller.on(service.request(method.clone(), path));
    service.send_as_it_is(request).await
}

/// 401 on every route, with how to be known and without anything of the answer.
async fn assert_unknown(service: &Service, caller: As<'_>) {
    let mut routes = routes();
    routes.push((Method::POST, "/api/auth/sign-out".to_owned(), For::Staff));
    for (method, path, _) in routes {
        let answer = call(service, &method, &path, caller).await;
        assert_eq!(answer.status, 401, "{method} {path} as {caller:?}: {}", answer.text());
        answer.problem(401);
        assert!(answer.header("www-authenticate").starts_with("Bearer "));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

/// Through on the routes that are for one like this, 403 on all others.
async fn assert_may(service: &Service, caller: As<'_>, may: For) {
    for (method, path, whom) in routes() {
        let answer = call(service, &method, &path, caller).await;
        if whom > may {
            assert_eq!(answer.status, 403, "{method} {path} as {caller:?}: {}", answer.text());
            answer.problem(403);
        } else {
            let refused = matches!(answer.status, 401 | 403 | 500..);
            assert!(!refused, "{method} {path} as {caller:?}: {}", answer.text());
            assert!(answer.header("set-cookie").is_empty() || matches!(caller, As::Cookie(_)));
        }
    }
}

async fn admin_posts(service: &Service, path: &str, body: &Value) -> Value {
    let request = service.request(Method::POST, path).json(body);
    service.send(request).await.expect(201).json()
}

async fn token(service: &Service, scope: &str, expires_at: Option<String>) -> (String, String) {
    let body = json!({ "name": scope, "scope": scope, "expiresAt": expires_at });
    let made = admin_posts(service, "/api/tokens", &body).await;
    let text = |field: &str| made[field].as_str().expect(field).to_owned();
    (text("token"), text("id"))
}

async fn staff(service: &Service, email: &str) -> (String, String) {
    let body = json!({ "email": email, "password": PASSWORD, "name": "Kim" });
    let made = admin_posts(service, "/api/staff", &body).await;
    let session = token_of(&service.sign_in(email, PASSWORD).await.expect(200));
    (session, made["id"].as_str().expect("an id").to_owned())
}

async fn everybody_gets_what_is_theirs_and_nothing_more(home: Home) {
    let service = Service::start(&home).await;
    let unknown_token = format!("tkp_{}", "A".repeat(43));
    for caller in [
        As::Nobody,
        As::Bearer("AAAAAAAAAAAAAAAAAAAAAA"),
        As::Cookie("AAAAAAAAAAAAAAAAAAAAAA"),
        As::Cookie(""),
        As::Cookie("%00"),
        As::Bearer("no-session"),
        As::Bearer(&unknown_token),
        As::Cookie(&unknown_token),
        As::Bearer("tkp_"),
        As::Header("Bearer"),
        As::Header("Bearer a; trailkeep=b"),
        As::Header("Basic YWRtaW46YWRtaW4="),
    ] {
        assert_unknown(&service, caller).await;
    }

    let (monitor, _) = token(&service, "monitor", None).await;
    assert_may(&service, As::Bearer(&monitor), For::Monitors).await;
    assert_unknown(&service, As::Cookie(&monitor)).await;
    let (reader, _) = token(&service, "read", None).await;
    assert_may(&service, As::Bearer(&reader), For::Readers).await;
    let (session, _) = staff(&service, "kim@example.com").await;
    assert_may(&service, As::Bearer(&session), For::Staff).await;
    assert_may(&service, As::Cookie(&session), For::Staff).await;
    let admin = service.admin().await;
    assert_may(&service, As::Bearer(admin), For::Admins).await;
    assert_may(&service, As::Cookie(admin), For::Admins).await;
    // Who says two things is taken at the one that is no cookie.
    let request = As::Cookie(admin).on(service.request(Method::GET, "/users"));
    let answer = service.send_as_it_is(request.bearer_auth(&monitor)).await;
    answer.problem(403);

    for path in ["/livez", "/readyz", "/api-docs", "/api-docs.json"] {
        call(&service, &Method::GET, path, As::Nobody).await.expect(200);
        call(&service, &Method::GET, path, As::Bearer("nonsense")).await.expect(200);
    }
}

async fn what_has_ended_opens_nothing(home: Home) {
    let settings = [("ACCESS_SESSION_LIFETIME_MS", "1500")];
    let service = Service::start_with(&home, &settings).await;
    let answer = service.sign_in(ADMIN, PASSWORD).await.expect(200);
    let short = token_of(&answer);
    until(&answer.json()["session"]["expiresAt"]).await;
    assert_unknown(&service, As::Bearer(&short)).await;
    assert_unknown(&service, As::Cookie(&short)).await;
    drop(service);

    let service = Service::start_with(&home, &[]).await;
    let soon = chrono::Utc::now() + chrono::Duration::milliseconds(700);
    let (ending, _) = token(&service, "read", Some(soon.to_rfc3339())).await;
    eventually("the token has ended", SOON, || async {
        let answer = call(&service, &Method::GET, "/stats", As::Bearer(&ending)).await;
        (answer.status == 401).then_some(())
    })
    .await;
    assert_unknown(&service, As::Bearer(&ending)).await;

    let (revoked, id) = token(&service, "read", None).await;
    assert_may(&service, As::Bearer(&revoked), For::Readers).await;
    let request = service.request(Method::DELETE, &format!("/api/tokens/{id}"));
    service.send(request).await.expect(204);
    assert_unknown(&service, As::Bearer(&revoked)).await;

    let (signed_out, _) = staff(&service, "out@example.com").await;
    let out = call(&service, &Method::POST, "/api/auth/sign-out", As::Bearer(&signed_out)).await;
    out.expect(200);
    assert_unknown(&service, As::Bearer(&signed_out)).await;
    assert_unknown(&service, As::Cookie(&signed_out)).await;

    let (disabled, id) = staff(&service, "gone@example.com").await;
    let request = service.request(Method::PATCH, &format!("/api/staff/{id}"));
    service.send(request.json(&json!({ "disabled": true }))).await.expect(200);
    assert_unknown(&service, As::Bearer(&disabled)).await;
    let told = service.sign_in("gone@example.com", PASSWORD).await;
    let unknown = service.sign_in("nobody@example.com", PASSWORD).await;
    assert_eq!(told.problem(401), unknown.problem(401));
}

async fn pages_of_other_sites_change_nothing(home: Home) {
    let service = Service::start(&home).await;
    let admin = service.admin().await.to_owned();
    let mut changing: Vec<_> =
        routes().into_iter().filter(|(method, _, _)| method != Method::GET).collect();
    for path in ["sign-out", "sign-in/email", "sign-up/email"] {
        changing.push((Method::POST, format!("/api/auth/{path}"), For::Staff));
    }
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for (method, path, _) in &changing {
            let request = As::Cookie(&admin).on(service.request(method.clone(), path));
            let answer = service.send_as_it_is(request.header(name, value)).await;
            let problem = answer.problem(403);
            assert_eq!(problem["type"], "urn:trailkeep:problem:cross-site");
        }
    }
    call(&service, &Method::GET, "/session", As::Bearer(&admin)).await.expect(200);
    let ours = service.url("");
    for (name, value) in [("origin", ours.as_str()), ("sec-fetch-site", "same-origin")] {
        let request = As::Cookie(&admin).on(service.request(Method::POST, "/api/tokens"));
        let body = json!({ "name": "ours", "scope": "read" });
        service.send_as_it_is(request.header(name, value).json(&body)).await.expect(201);
    }
}

/// Waits until a moment that was told has passed.
async fn until(moment: &Value) {
    let moment: chrono::DateTime<chrono::Utc> =
        moment.as_str().and_then(|text| text.parse().ok()).expect("a time");
    eventually("the time has come", SOON, || {
        std::future::ready((chrono::Utc::now() > moment).then_some(()))
    })
    .await;
}
