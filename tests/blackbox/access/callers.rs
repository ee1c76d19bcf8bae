//! Every route, called by everybody.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::table::{For, ROUTES};
use crate::answer::Answer;
use crate::control::Shell;
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::service::Service;
use crate::staff::{ADMIN, PASSWORD, token_of};

on_both_stores!(
    everybody_gets_what_is_theirs_and_nothing_more,
    what_has_ended_opens_nothing,
    pages_of_other_sites_change_nothing,
    the_shell_may_do_all_that_is_about_no_session,
    where_there_are_write_keys_they_alone_let_events_in,
);

/// The routes of the table, with and without a trailing slash, but for those that are for
/// everybody, and the one that ends the session of whoever may call it.
fn routes() -> Vec<(Method, String, For)> {
    let guarded = ROUTES.iter().filter(|route| route.whom > For::Everybody);
    let lasting = guarded.filter(|route| route.path != "/api/auth/sign-out");
    let with_and_without = lasting.flat_map(|route| {
        let (path, query) = (route.called(), route.query);
        [String::new(), "/".to_owned()]
            .map(|slash| (route.method(), format!("{path}{slash}{query}"), route.whom))
    });
    with_and_without.collect()
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
    routes.push((Method::POST, "/api/auth/sign-out".to_owned(), For::People));
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
        // No page of another site could read it.
        assert!(answer.header("access-control-allow-origin").is_empty(), "{method} {path}");
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

/// The scope `privacy` opens the routes that are for it, and no others.
async fn assert_may_what_is_of_privacy_alone(service: &Service) {
    let (privacy, _) = token(service, "privacy", None).await;
    for (method, path, whom) in routes() {
        let answer = call(service, &method, &path, As::Bearer(&privacy)).await;
        let is_refused = matches!(answer.status, 401 | 403 | 500..);
        assert_eq!(is_refused, whom != For::Privacy, "{method} {path}: {}", answer.text());
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

async fn staff(service: &Service, email: &str, role: &str) -> (String, String) {
    let body = json!({ "email": email, "password": PASSWORD, "name": "Kim", "role": role });
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
    assert_may_what_is_of_privacy_alone(&service).await;
    for role in ["staff", "support"] {
        let (session, _) = staff(&service, &format!("{role}@example.com"), role).await;
        assert_may(&service, As::Bearer(&session), For::People).await;
        assert_may(&service, As::Cookie(&session), For::People).await;
    }
    let (session, _) = staff(&service, "kim@example.com", "staff").await;
    let out = As::Bearer(&reader).on(service.request(Method::POST, "/api/auth/sign-out"));
    service.send_as_it_is(out).await.problem(403);
    let out = As::Bearer(&session).on(service.request(Method::POST, "/api/auth/sign-out"));
    service.send_as_it_is(out).await.expect(200);
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

/// What is about a person's session is for no shell; all else is.
async fn the_shell_may_do_all_that_is_about_no_session(home: Home) {
    let service = Service::start(&home).await;
    let shell = Shell::of(&home);
    for route in ROUTES {
        let path = format!("{}{}", route.called(), route.query);
        let answer = shell.send(shell.request(route.method(), &path)).await;
        let is_refused = matches!(answer.status, 401 | 403 | 500..);
        assert_eq!(is_refused, route.whom == For::People, "{} {path}", route.method);
        if is_refused {
            assert_eq!(answer.problem(403)["type"], "urn:trailkeep:problem:no-person");
        }
    }
    drop(service);
}

/// With write keys, none of those who may read may write by that.
async fn where_there_are_write_keys_they_alone_let_events_in(home: Home) {
    let key = "wk-9f8e7d6c5b4a3210";
    let settings = [("ACCESS_WRITE_KEYS", format!("shop:{key}"))];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let service = Service::start_with(&home, &settings).await;
    let (reader, _) = token(&service, "read", None).await;
    let admin = service.admin().await;
    let post = async |caller: As<'_>| {
        let event = json!({ "userId": "u", "type": "page_view" });
        let request = caller.on(service.request(Method::POST, "/events")).json(&event);
        service.send_as_it_is(request.header("origin", "https://shop.example")).await
    };
    for caller in [As::Nobody, As::Bearer(admin), As::Cookie(admin), As::Bearer(&reader)] {
        post(caller).await.problem(401);
    }
    post(As::Bearer(key)).await.expect(202);
    for (method, path, _) in routes() {
        call(&service, &method, &path, As::Bearer(key)).await.problem(401);
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

    let (signed_out, _) = staff(&service, "out@example.com", "staff").await;
    let out = call(&service, &Method::POST, "/api/auth/sign-out", As::Bearer(&signed_out)).await;
    out.expect(200);
    assert_unknown(&service, As::Bearer(&signed_out)).await;
    assert_unknown(&service, As::Cookie(&signed_out)).await;

    let (disabled, id) = staff(&service, "gone@example.com", "staff").await;
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
        changing.push((Method::POST, format!("/api/auth/{path}"), For::People));
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
