//! Trackers live in pages of other origins.

use reqwest::Method;

use crate::answer::Answer;
use crate::home::Home;
use crate::sample;
use crate::service::Service;

const ORIGIN: &str = "https://shop.example";

async fn preflight(service: &Service, origin: &str) -> Answer {
    let request = service
        .request(Method::OPTIONS, "/events")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,content-encoding");
    service.send(request).await
}

async fn beacon(service: &Service, origin: &str, body: String) -> Answer {
    let request = service
        .request(Method::POST, "/events")
        .header("origin", origin)
        .header("content-type", "text/plain;charset=UTF-8")
        .body(body);
    service.send(request).await
}

#[tokio::test]
async fn a_preflight_from_any_origin_is_allowed_without_credentials() {
    let home = Home::embedded();
    let service = Service::start(&home).await;

    let answer = preflight(&service, ORIGIN).await;

    assert!(matches!(answer.status, 200 | 204), "{}", answer.status);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(answer.header("access-control-allow-methods").contains("POST"));
    let headers = answer.header("access-control-allow-headers").to_lowercase();
    for header in ["content-type", "content-encoding"] {
        assert!(headers.contains(header), "{headers}");
    }
    assert_eq!(answer.header("access-control-allow-credentials"), "");
}

#[tokio::test]
async fn answers_may_be_read_by_any_origin_also_when_they_are_errors() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for (body, status) in [(sample::event("u", "e").to_string(), 202), ("{".to_owned(), 400)] {
        let answer = beacon(&service, ORIGIN, body).await.expect(status);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
    }
}

#[tokio::test]
async fn a_list_of_origins_keeps_the_others_out() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[("HTTP_ALLOWED_ORIGINS", ORIGIN)]).await;

    let listed = preflight(&service, ORIGIN).await;
    assert_eq!(listed.header("access-control-allow-origin"), ORIGIN);
    let other = preflight(&service, "https://other.example").await;
    assert_ne!(other.header("access-control-allow-origin"), "*");
    let allowed = other.header("access-control-allow-origin");
    assert_ne!(allowed, "https://other.example");
}
