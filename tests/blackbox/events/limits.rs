//! How much and what kind of body is taken.

use reqwest::Method;
use serde_json::{Value, json};

use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(a_thousand_events_are_accepted_and_one_more_is_too_many);

async fn a_thousand_events_are_accepted_and_one_more_is_too_many(home: Home) {
    let service = Service::start(&home).await;
    let too_many = sample::events("u", "e", 0..1001);
    service.post(&too_many).await.problem(413);
    service.post(&json!({ "events": too_many })).await.problem(413);
    assert_eq!(service.buffered().await, 0);

    let answer = service.post(&sample::events("u", "e", 0..1000)).await;
    assert_eq!(answer.expect(202).json()["count"], 1000);
    service.wait_until_flushed().await;
    assert_eq!(home.stored().await, 1000);
}

#[tokio::test]
async fn more_than_four_mebibytes_are_too_many() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let padded = |bytes: usize| {
        let mut body = sample::event("u", "e").to_string();
        body.push_str(&" ".repeat(bytes - body.len()));
        body
    };
    let limit = 4 * 1024 * 1024;
    let body = padded(limit);
    service.post_as("application/json", body).await.expect(202);
    let body = padded(limit + 1);
    service.post_as("application/json", body).await.problem(413);

    // Without a length that could be looked at first.
    let chunks = std::iter::repeat_n(Ok::<_, std::convert::Infallible>(" ".repeat(limit / 16)), 17);
    let stream = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    service.post_as("application/json", stream).await.problem(413);
}

#[tokio::test]
async fn both_limits_are_settings() {
    let home = Home::embedded();
    let settings = [
        ("EVENTS_MAX_PER_REQUEST", "2"),
        ("HTTP_MAX_BODY_BYTES", "2000"),
        ("EVENTS_MAX_PAYLOAD_BYTES", "2000"),
    ];
    let service = Service::start_with(&home, &settings).await;
    service.post(&sample::events("u", "e", 0..2)).await.expect(202);
    service.post(&sample::events("u", "e", 0..3)).await.problem(413);
    let mut big = sample::event("u", "big");
    big["payload"] = json!({ "text": "x".repeat(2000) });
    service.post(&big).await.problem(413);
}

#[tokio::test]
async fn another_media_type_or_encoding_is_unsupported() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let body = sample::event("u", "e").to_string();
    for media_type in [
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "nonsense",
    ] {
        service.post_as(media_type, body.clone()).await.problem(415);
    }
    let without_type = service.request(Method::POST, "/events").body(body.clone());
    service.send(without_type).await.problem(415);

    for encoding in ["compress", "snappy", "nonsense"] {
        let request = service
            .request(Method::POST, "/events")
            .header("content-type", "application/json")
            .header("content-encoding", encoding)
            .body(body.clone());
        service.send(request).await.problem(415);
    }
    assert_eq!(service.buffered().await, 0);
}

#[tokio::test]
async fn a_payload_may_be_32_kib_and_32_levels_deep_and_no_more() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let with_payload = |payload: Value| {
        let mut event = sample::event("u", "e");
        event["payload"] = payload;
        event
    };
    let sized = |bytes: usize| json!({ "t": "x".repeat(bytes - r#"{"t":""}"#.len()) });
    let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }));

    for fine in [sized(32 * 1024), nested(32)] {
        service.post(&with_payload(fine)).await.expect(202);
    }
    for refused in [sized(32 * 1024 + 1), nested(33), json!([]), json!("text")] {
        let fault = service.post(&with_payload(refused)).await.only_fault();
        assert_eq!(fault.field, "payload");
    }
}
