//! Whose pages may send a key.

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::{assert_problem, make, make_with, post};
use crate::answer::Answer;
use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(a_key_with_origins_is_taken_from_their_pages_alone_and_from_servers);

const SHOP: &str = "https://shop.example";
const APP: &str = "http://localhost:5173";
const SETTING: &str = "https://setting.example";

async fn preflight(service: &Service, origin: &str) -> String {
    let request = service
        .request(Method::OPTIONS, "/events")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,x-write-key");
    let answer = service.send_as_it_is(request).await.expect(200);
    answer.header("access-control-allow-origin").to_owned()
}

async fn from(service: &Service, origin: &str, key: &str) -> Answer {
    let with = |request: RequestBuilder| request.header("origin", origin).bearer_auth(key);
    let request = service.request(Method::POST, "/events").json(&sample::event("u", "e"));
    service.send_as_it_is(with(request)).await
}

async fn a_key_with_origins_is_taken_from_their_pages_alone_and_from_servers(home: Home) {
    let service = Service::start(&home).await;
    let shop = make_with(&service, &json!({ "name": "shop", "origins": [SHOP, APP] })).await;
    let any = make(&service, "any").await;
    for origin in [SHOP, APP] {
        let taken = from(&service, origin, &shop.key).await.expect(202);
        assert_eq!(taken.header("access-control-allow-origin"), "*");
    }
    for origin in ["null", "https://other.example", "https://shop.example:8443", "shop.example"] {
        let refused = from(&service, origin, &shop.key).await;
        assert_problem(&refused, 403, "origin-not-allowed");
        assert_eq!(refused.header("access-control-allow-origin"), "*", "its page may read why");
        from(&service, origin, &any.key).await.expect(202);
        assert_eq!(preflight(&service, origin).await, "*");
    }
    // A beacon needs no preflight, and so does a form of a stranger's page.
    let request = service
        .request(Method::POST, &format!("/events?writeKey={}", shop.key))
        .header("origin", "null")
        .header("content-type", "text/plain")
        .body(sample::event("u", "e").to_string());
    service.send_as_it_is(request).await.problem(403);
    post(&service, &shop.key).await.expect(202);
    assert_eq!(service.stats().await["refused"]["otherOrigin"], 5);
}

#[tokio::test]
async fn a_preflight_is_answered_for_the_origins_of_the_setting_and_of_any_key() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[("HTTP_ALLOWED_ORIGINS", SETTING)]).await;
    assert_eq!(preflight(&service, SHOP).await, "");
    let shop = make_with(&service, &json!({ "name": "shop", "origins": [SHOP] })).await;
    let app = make_with(&service, &json!({ "name": "app", "origins": [APP] })).await;
    let any = make(&service, "any").await;
    for origin in [SETTING, SHOP, APP] {
        assert_eq!(preflight(&service, origin).await, origin);
    }
    for origin in ["null", "https://other.example"] {
        assert_eq!(preflight(&service, origin).await, "", "a key that is for any adds none");
    }
    from(&service, SHOP, &shop.key).await.expect(202);
    from(&service, APP, &app.key).await.expect(202);
    from(&service, SETTING, &any.key).await.expect(202);
    for (origin, key) in [(APP, &shop.key), (SHOP, &app.key), (SETTING, &shop.key)] {
        let refused = from(&service, origin, key).await;
        assert_problem(&refused, 403, "origin-not-allowed");
        assert_eq!(refused.header("access-control-allow-origin"), origin);
    }
    super::revoke(&service, &shop.id).await.expect(204);
    assert_eq!(preflight(&service, SHOP).await, "");
}

#[tokio::test]
async fn a_key_may_name_a_hundred_origins() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let origins: Vec<_> = (0..100).map(|number| format!("https://shop-{number}.example")).collect();
    let shop = make_with(&service, &json!({ "name": "shop", "origins": origins })).await;
    for origin in [&origins[0], &origins[99]] {
        from(&service, origin, &shop.key).await.expect(202);
    }
    from(&service, "https://shop-100.example", &shop.key).await.problem(403);
}
