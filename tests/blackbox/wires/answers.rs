//! What SDKs are answered that they understand.

use reqwest::Method;
use serde_json::json;

use super::{FIREFOX, journey, post, request, types};
use crate::home::Home;
use crate::service::Service;

#[tokio::test]
async fn a_bad_event_is_left_out_counted_and_told_and_the_others_are_taken() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let batch = json!({"batch": [
        {"type": "track", "event": "one", "userId": "ann"},
        {"type": "track", "event": "bad", "userId": {"secret": "5ecret"}},
        {"type": "track", "event": "large", "userId": "ann", "properties": {"a": "x".repeat(50_000)}},
        {"type": "track", "event": "two", "userId": "ann"},
    ]});
    post(&service, "/v1/batch", batch.to_string()).await.expect(200);

    assert_eq!(types(&journey(&service, "ann").await), ["one", "two"]);
    let stats = service.stats().await;
    assert_eq!(stats["leftOut"]["segment"], json!({"invalid": 1, "tooLarge": 1, "unwanted": 0}));
    assert_eq!(stats["refused"]["leftOut"], 1);
    let refused = service.get("/refused").await.expect(200).json();
    let group = &refused["refused"][0];
    assert_eq!(group["reason"], "leftOut");
    assert_eq!(
        group["faults"],
        json!([
            {"field": "userId", "message": "must be a string, not an object"},
            {"field": "properties", "message": "is larger than 32768 bytes"},
        ])
    );
    assert!(!refused.to_string().contains("5ecret"));
    let metrics = service.get("/metrics").await.expect(200).text().to_owned();
    let line = r#"trailkeep_events_left_out_total{dialect="segment",reason="invalid"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn an_error_has_what_sdks_read_of_one() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for (path, body) in
        [("/v1/batch", "{"), ("/v1/batch", "{}"), ("/v1/track", "[]"), ("/e", "7"), ("/batch", "[")]
    {
        let answer = post(&service, path, body).await.problem(400);
        assert!(answer["code"].is_string(), "{path} {body}: {answer}");
        assert_eq!(answer["message"], answer["detail"], "{path} {body}");
    }
    let many = json!({"batch": vec![json!({}); 1001]}).to_string();
    for path in ["/v1/batch", "/batch"] {
        let answer = post(&service, path, many.clone()).await.problem(413);
        assert_eq!(answer["code"], "too-many-events");
    }
}

#[tokio::test]
async fn over_the_rate_it_is_503_to_be_sent_again_and_never_429() {
    let home = Home::embedded();
    let limits = [("ACCESS_EVENTS_PER_CLIENT", "1")];
    let service = Service::start_with(&home, &limits).await;
    let event = json!({"event": "e", "distinct_id": "ann"}).to_string();
    let mut refused = None;
    for _ in 0..50 {
        let answer = post(&service, "/e/", event.clone()).await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    let answer = refused.expect("one is too many");
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(answer.problem(503)["code"], "too-many-requests");
}

#[tokio::test]
async fn a_page_of_any_origin_may_send_with_the_headers_of_its_sdk() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    for path in ["/v1/batch", "/beacon/v1/batch", "/e/", "/flags/", "/sourceConfig/"] {
        let asks = service
            .request(Method::OPTIONS, path)
            .header("origin", "https://shop.example")
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,content-type,anonymousid,x-sdk-version",
            );
        let answer = service.send_as_it_is(asks).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "https://shop.example");
        let allowed = answer.header("access-control-allow-headers").to_ascii_lowercase();
        for name in ["authorization", "content-type", "anonymousid", "x-sdk-version"] {
            assert!(allowed.contains(name), "{path}: {allowed}");
        }
    }
}

#[tokio::test]
async fn a_wire_that_is_switched_off_is_not_there() {
    let home = Home::embedded();
    let off = [("WIRES_SEGMENT", "false"), ("WIRES_POSTHOG", "false")];
    let service = Service::start_with(&home, &off).await;
    for path in ["/v1/batch", "/v1/track", "/beacon/v1/batch", "/e", "/batch", "/flags", "/s"] {
        assert_eq!(post(&service, path, "{}").await.problem(404)["code"], "not-found");
    }
    for path in ["/v1/projects/k/settings", "/sourceConfig", "/array/k/config"] {
        service.get(path).await.problem(404);
    }
}

#[tokio::test]
async fn what_a_browser_is_is_told_on_our_own_wire_too_and_of_a_program_nothing() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let event = json!({"userId": "ann", "type": "page_view", "eventId": "e-1"});
    let sent = request(&service, "/events", event.to_string())
        .header("content-type", "application/json")
        .header("user-agent", FIREFOX);
    service.send_as_it_is(sent).await.expect(202);
    service.post(&json!({"userId": "bob", "type": "page_view"})).await.expect(202);

    let told = &journey(&service, "ann").await[0]["payload"];
    assert_eq!(told, &json!({"$browser": "Firefox", "$os": "Linux", "$device": "desktop"}));
    assert_eq!(journey(&service, "bob").await[0]["payload"], json!({}));
}
