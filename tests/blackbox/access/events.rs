//! Who may post events, and how often.

use reqwest::{Method, RequestBuilder};

use crate::answer::Answer;
use crate::home::Home;
use crate::sample;
use crate::service::Service;

const KEYS: &str = "shop:wk-0123456789-shop,app:wk-0123456789-app1";
const SHOP: &str = "wk-0123456789-shop";
const APP: &str = "wk-0123456789-app1";

async fn post(
    service: &Service,
    path: &str,
    with: impl FnOnce(RequestBuilder) -> RequestBuilder,
) -> Answer {
    let request = service.request(Method::POST, path).json(&sample::event("u", "e"));
    service.send_as_it_is(with(request)).await
}

#[tokio::test]
async fn with_write_keys_only_whoever_has_one_may_post() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[("ACCESS_WRITE_KEYS", KEYS)]).await;
    for key in [SHOP, APP] {
        post(&service, "/events", |request| request.bearer_auth(key)).await.expect(202);
        post(&service, "/events", |request| request.header("x-write-key", key)).await.expect(202);
        let beacon = format!("/events?writeKey={key}");
        post(&service, &beacon, |request| request).await.expect(202);
    }
    let refused = [
        post(&service, "/events", |request| request).await,
        post(&service, "/events", |request| request.bearer_auth("shop")).await,
        post(&service, "/events", |request| request.header("x-write-key", "")).await,
        post(&service, "/events?writeKey=wk", |request| request).await,
        post(&service, "/events", |request| request.bearer_auth(service_admin(&service))).await,
    ];
    for answer in refused {
        answer.problem(401);
        assert!(answer.header("www-authenticate").starts_with("Bearer "));
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }
    assert_eq!(service.stats().await["refused"]["unauthorized"], 5);
    assert!(!service.log().contains(SHOP), "a key is in the log");
}

#[tokio::test]
async fn a_body_that_is_not_let_in_is_not_decoded() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[("ACCESS_WRITE_KEYS", KEYS)]).await;
    let request = service
        .request(Method::POST, "/events")
        .header("content-encoding", "gzip")
        .body("this is not gzip");
    let answer = service.send_as_it_is(request).await;
    answer.problem(401);
    assert_eq!(answer.header("connection"), "", "it is read away as it is");
}

fn service_admin(service: &Service) -> String {
    service.admin.get().expect("signed in at the start").clone()
}

#[tokio::test]
async fn without_write_keys_anybody_may_post_whatever_they_send() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    post(&service, "/events?writeKey=x", |request| request.bearer_auth("y")).await.expect(202);
}

#[tokio::test]
async fn a_configured_rate_holds_for_each_client_as_our_proxies_tell_it() {
    let home = Home::embedded();
    let settings = [("ACCESS_EVENTS_PER_CLIENT", "1"), ("ACCESS_TRUSTED_PROXIES", "127.0.0.1")];
    let service = Service::start_with(&home, &settings).await;
    let mut refused = None;
    for _ in 0..20 {
        let answer =
            post(&service, "/events", |request| request.header("x-forwarded-for", "198.51.100.7"))
                .await;
        if answer.status != 202 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a refusal");
    refused.problem(429);
    assert_eq!(refused.header("retry-after"), "1");
    let other = |request: RequestBuilder| request.header("x-forwarded-for", "198.51.100.8");
    post(&service, "/events", other).await.expect(202);
    assert_eq!(service.stats().await["refused"]["tooOften"], 1);
}

#[tokio::test]
async fn a_configured_rate_holds_for_each_write_key() {
    let home = Home::embedded();
    let settings = [("ACCESS_EVENTS_PER_KEY", "1"), ("ACCESS_WRITE_KEYS", KEYS)];
    let service = Service::start_with(&home, &settings).await;
    let mut last = 202;
    for _ in 0..20 {
        last = post(&service, "/events", |request| request.bearer_auth(SHOP)).await.status;
        if last != 202 {
            break;
        }
    }
    assert_eq!(last, 429);
    post(&service, "/events", |request| request.bearer_auth(APP)).await.expect(202);
}
