//! Where somebody is signed in, and how they end it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::home::Home;
use crate::service::Service;
use crate::staff::{ADMIN, PASSWORD, token_of};

on_both_stores!(
    everybody_sees_their_own_sessions_and_ends_one_or_all_others,
    an_id_of_a_session_opens_nothing_and_is_for_its_owner_alone,
);

const PATH: &str = "/api/auth/sessions";

async fn call(service: &Service, method: Method, path: &str, token: &str) -> Answer {
    let request = service.request(method, path).bearer_auth(token);
    service.send_as_it_is(request).await
}

async fn sessions(service: &Service, token: &str) -> Vec<Value> {
    let told = call(service, Method::GET, PATH, token).await.expect(200).json();
    told["sessions"].as_array().expect("sessions").clone()
}

fn current(sessions: &[Value]) -> &Value {
    let mut current = sessions.iter().filter(|session| session["current"] == true);
    let found = current.next().expect("the one of this request");
    assert!(current.next().is_none(), "{sessions:?}");
    found
}

fn id(session: &Value) -> &str {
    session["id"].as_str().expect("an id")
}

/// Signs in as a browser of a name, from an address that a proxy of ours tells.
async fn sign_in_as(service: &Service, user_agent: &str) -> String {
    let request = service
        .request(Method::POST, "/api/auth/sign-in/email")
        .header("x-forwarded-for", "192.0.2.7")
        .header("user-agent", user_agent)
        .json(&json!({ "email": ADMIN, "password": PASSWORD }));
    token_of(&service.send_as_it_is(request).await.expect(200))
}

async fn everybody_sees_their_own_sessions_and_ends_one_or_all_others(home: Home) {
    let settings = [("ACCESS_TRUSTED_PROXIES", "127.0.0.1")];
    let service = Service::start_with(&home, &settings).await;
    let phone = sign_in_as(&service, &format!("Phone {}", "x".repeat(500))).await;
    let desk = sign_in_as(&service, "Desk").await;
    // With that of the sign-up.
    let told = sessions(&service, &desk).await;
    assert_eq!(told.len(), 3);
    let own = current(&told).clone();
    assert_eq!(own["userAgent"], "Desk");
    assert_eq!(own["client"], "192.0.2.7");
    for time in ["startedAt", "lastUsedAt", "expiresAt"] {
        assert!(own[time].is_string(), "{own}");
    }
    let agents: Vec<_> = told.iter().filter_map(|session| session["userAgent"].as_str()).collect();
    assert!(agents.iter().any(|agent| agent.starts_with("Phone x") && agent.len() == 200));

    let other = current(&sessions(&service, &phone).await).clone();
    let path = format!("{PATH}/{}", id(&other));
    call(&service, Method::DELETE, &path, &desk).await.expect(204);
    call(&service, Method::GET, PATH, &phone).await.problem(401);
    call(&service, Method::DELETE, &path, &desk).await.problem(404);
    assert_eq!(sessions(&service, &desk).await.len(), 2);

    let again = sign_in_as(&service, "Again").await;
    call(&service, Method::DELETE, PATH, &again).await.expect(204);
    for ended in [&desk, &phone] {
        call(&service, Method::GET, "/session", ended).await.problem(401);
    }
    let left = sessions(&service, &again).await;
    assert_eq!(left.len(), 1);

    // One's own, too: as signing out.
    let path = format!("{PATH}/{}", id(&left[0]));
    call(&service, Method::DELETE, &path, &again).await.expect(204);
    call(&service, Method::GET, PATH, &again).await.problem(401);
}

async fn an_id_of_a_session_opens_nothing_and_is_for_its_owner_alone(home: Home) {
    let service = Service::start(&home).await;
    let body = json!({ "email": "kim@example.com", "password": PASSWORD, "name": "Kim" });
    service.send(service.request(Method::POST, "/api/staff").json(&body)).await.expect(201);
    let kim = token_of(&service.sign_in("kim@example.com", PASSWORD).await.expect(200));
    let hers = sessions(&service, &kim).await;
    assert_eq!(hers.len(), 1, "nobody else's");
    let admin = service.admin().await;
    let path = format!("{PATH}/{}", id(&hers[0]));
    call(&service, Method::DELETE, &path, admin).await.problem(404);
    call(&service, Method::DELETE, &format!("{PATH}/none"), admin).await.problem(404);
    assert_ne!(id(&hers[0]), kim);
    for token in [id(&hers[0]).to_owned(), id(&hers[0]).replace('-', "")] {
        call(&service, Method::GET, "/session", &token).await.problem(401);
    }
    // As the cookie of a browser, and not from another site.
    let cookie = format!("trailkeep={kim}");
    for (site, status) in [("cross-site", 403), ("same-site", 403), ("same-origin", 204)] {
        let request = service
            .request(Method::DELETE, &path)
            .header("cookie", &cookie)
            .header("sec-fetch-site", site);
        assert_eq!(service.send_as_it_is(request).await.status, status, "{site}");
    }
    call(&service, Method::GET, "/session", &kim).await.problem(401);
}

#[tokio::test]
async fn what_ends_on_one_instance_ends_on_the_other() {
    let home = Home::mongodb();
    let elsewhere = home.on_another_machine();
    let (one, other) = tokio::join!(Service::start(&home), Service::start(&elsewhere));
    let here = token_of(&one.sign_in(ADMIN, PASSWORD).await.expect(200));
    let there = token_of(&other.sign_in(ADMIN, PASSWORD).await.expect(200));
    call(&one, Method::DELETE, PATH, &here).await.expect(204);
    for instance in [&one, &other] {
        call(instance, Method::GET, "/session", &there).await.problem(401);
        call(instance, Method::GET, "/session", &here).await.expect(200);
    }
}
