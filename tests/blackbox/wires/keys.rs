//! Who may write: decided by the head, and else by the body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{KEY, WITH_KEY, journey, post, request};
use crate::home::Home;
use crate::service::Service;

fn track(key: Option<&str>) -> String {
    let call = json!({"type": "track", "event": "e", "userId": "ann"});
    json!({"batch": [call], "writeKey": key}).to_string()
}

fn captured(key: Option<&str>) -> Value {
    json!({"event": "e", "distinct_id": "ann", "properties": {"token": key}})
}

#[tokio::test]
async fn a_key_may_be_in_the_head_or_in_the_body() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[WITH_KEY]).await;
    let basic = format!("Basic {}", STANDARD.encode(format!("{KEY}:")));
    let by_basic = request(&service, "/v1/batch", track(None)).header("authorization", basic);
    service.send_as_it_is(by_basic).await.expect(200);
    let by_header = request(&service, "/e", captured(None).to_string()).header("x-write-key", KEY);
    service.send_as_it_is(by_header).await.expect(200);
    let mut sent = 2;
    for (path, body) in [
        ("/v1/batch", track(Some(KEY))),
        (&*format!("/beacon/v1/batch?writeKey={KEY}"), track(None)),
        ("/e", captured(Some(KEY)).to_string()),
        ("/e", json!([captured(Some(KEY))]).to_string()),
        ("/batch", json!({"api_key": KEY, "batch": [captured(None)]}).to_string()),
        ("/batch", json!({"batch": [captured(None)], "token": KEY}).to_string()),
    ] {
        post(&service, path, body).await.expect(200);
        sent += 1;
    }
    assert_eq!(journey(&service, "ann").await.len(), sent);
}

#[tokio::test]
async fn without_a_key_or_with_a_wrong_one_nothing_is_taken() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[WITH_KEY]).await;
    for key in [None, Some("wk-another")] {
        for (path, body) in [
            ("/v1/batch", track(key)),
            ("/e", captured(key).to_string()),
            ("/batch", json!({"api_key": key, "batch": [captured(None)]}).to_string()),
        ] {
            let answer = post(&service, path, body).await.problem(401);
            assert_eq!(answer["code"], "write-key-required");
        }
    }
    // The head decides where it has one.
    let wrong = request(&service, "/v1/batch", track(Some(KEY))).header("x-write-key", "wk-other");
    service.send_as_it_is(wrong).await.problem(401);
    assert!(journey(&service, "ann").await.is_empty());
    let refused = service.stats().await["refused"]["unauthorized"].clone();
    assert_eq!(refused, 7);
}
