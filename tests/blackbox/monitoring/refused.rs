//! GET /refused.

use reqwest::Method;
use serde_json::{Value, json};

use crate::home::Home;
use crate::sample;
use crate::service::Service;

on_both_stores!(
    requests_that_are_refused_alike_are_told_together,
    nothing_that_was_sent_in_an_event_is_told,
);

async fn groups(service: &Service) -> Vec<Value> {
    let body = service.get("/refused").await.expect(200).json();
    body["refused"].as_array().expect("a list").clone()
}

async fn post(service: &Service, headers: &[(&str, &str)], body: String) -> u16 {
    let mut request = service.request(Method::POST, "/events").body(body);
    request = request.header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    service.send_as_it_is(request).await.status
}

async fn requests_that_are_refused_alike_are_told_together(home: Home) {
    let keys = [("ACCESS_WRITE_KEYS", "shop:wk-9f8e7d6c5b4a3210")];
    let service = Service::start_with(&home, &keys).await;
    let key = ("x-write-key", "wk-9f8e7d6c5b4a3210");
    let long_agent = "shop-tracker/1.4 ".repeat(20);
    let agent = ("user-agent", long_agent.as_str());
    for _ in 0..3 {
        let faulty = json!({"type": "page_view", "sesionId": "s"}).to_string();
        assert_eq!(post(&service, &[key, agent], faulty).await, 400);
    }
    assert_eq!(post(&service, &[agent], sample::event("u", "e").to_string()).await, 401);
    assert_eq!(post(&service, &[key, agent], sample::event("u", "e").to_string()).await, 202);

    let groups = groups(&service).await;

    let told: Vec<_> = groups.iter().map(|group| (&group["reason"], &group["count"])).collect();
    assert_eq!(told, [(&json!("unauthorized"), &json!(1)), (&json!("invalid"), &json!(3))]);
    let [unknown, faulty] = &groups[..] else { panic!("{groups:?}") };
    assert_eq!(unknown["client"]["network"], "127.0.0.0/24");
    assert_eq!(unknown["client"]["userAgent"], long_agent[..80]);
    assert_eq!(unknown["problem"], "urn:trailkeep:problem:write-key-required");
    assert_eq!(faulty["client"]["writeKey"], "shop");
    assert!(faulty["client"]["network"].is_null());
    let fields = faulty["faults"].as_array().expect("faults").iter().map(|fault| &fault["field"]);
    let fields: Vec<_> = fields.collect();
    assert_eq!(fields, ["sesionId", "userId"]);
    assert!(faulty["firstAt"].as_str() <= faulty["lastAt"].as_str());
    assert_eq!(service.stats().await["refused"]["invalid"], 3);
}

/// What no answer may have: in every place of an event, each wrong in its own way.
const SECRET: &str = "5ecret";

async fn nothing_that_was_sent_in_an_event_is_told(home: Home) {
    let settings = [
        ("EVENTS_TYPES", "page_view"),
        ("EVENTS_MAX_PAYLOAD_BYTES", "300"),
        ("ACCESS_TRUSTED_PROXIES", "127.0.0.1"),
    ];
    let service = Service::start_with(&home, &settings).await;
    let long = SECRET.repeat(60);
    let control = format!("{SECRET}\u{1}");
    let scalars = ["userId", "anonymousId", "type", "sessionId", "accountId", "eventId"];
    let mut bodies = Vec::new();
    for field in scalars.into_iter().chain(["occurredAt", "payload", "data"]) {
        for value in [json!(long), json!(control), json!([SECRET]), json!({"a": SECRET, "b": long})]
        {
            let mut event = json!({"userId": "u", "type": "page_view"});
            event[field] = value;
            bodies.push(event.to_string());
        }
    }
    bodies.extend([
        json!({"userId": "u", "type": SECRET}).to_string(),
        json!({"userId": " nan ", "type": "page_view"}).to_string(),
        json!({"userId": "u", "type": "page_view", "occurredAt": "2923-01-01T00:00:00Z"})
            .to_string(),
        json!({"userId": "u", "type": "page_view", "ts": 253_402_300_799_999_u64}).to_string(),
        json!({"userId": "u", "type": "page_view", "5ecret@example.com": 1}).to_string(),
        json!({"events": [{"userId": "u", "type": SECRET}], "sentAt": SECRET}).to_string(),
        json!({"events": SECRET}).to_string(),
        json!([SECRET, [SECRET]]).to_string(),
        json!(SECRET).to_string(),
        format!(
            r#"{{"userId": "u", "type": "page_view", "payload": {{"{SECRET}": 1, "{SECRET}": 2}}}}"#
        ),
        format!(r#"{{"userId": "u", "user_id": "{SECRET}", "type": "page_view"}}"#),
        format!(r#"{{"userId": "{SECRET}", {SECRET}}}"#),
        format!(r#"{{"userId": "{SECRET}\ud800"}}"#),
        SECRET.to_owned(),
    ]);
    for (n, body) in bodies.iter().enumerate() {
        // A network of its own, so that it is the example of its group.
        let client = format!("10.0.{n}.1");
        let status = post(&service, &[("x-forwarded-for", client.as_str())], body.clone()).await;
        assert_eq!(status, 400, "{body}");
        let told = groups(&service).await.remove(0);
        assert_eq!(told["client"]["network"], format!("10.0.{n}.0/24"));
        assert!(!told["faults"].as_array().expect("faults").is_empty(), "{body}");
        for sent in [SECRET, "nan", "2923", "253402300799999"] {
            assert!(!told.to_string().contains(sent), "{body} told as {told}");
        }
    }
}
