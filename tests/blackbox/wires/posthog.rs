//! PostHog's wire.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use super::{journey, post, request, types};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(a_batch_of_each_sdk_is_in_journeys_once_with_its_fields);

fn gzip(text: &str) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text.as_bytes()).expect("memory");
    out.finish().expect("memory")
}

async fn a_batch_of_each_sdk_is_in_journeys_once_with_its_fields(home: Home) {
    let service = Service::start(&home).await;
    for (sdk, batch) in [
        ("python", include_str!("fixtures/posthog-python.json")),
        ("node", include_str!("fixtures/posthog-node.json")),
    ] {
        let (user, visitor) = (format!("ann-{sdk}"), format!("visitor-{sdk}"));
        let batch = batch.replace("\"ann\"", &format!("\"{user}\"")).replace("visitor-1", &visitor);
        for _ in 0..2 {
            let sent =
                request(&service, "/batch/", gzip(&batch)).header("content-encoding", "gzip");
            let answer = service.send_as_it_is(sent).await.expect(200);
            assert_eq!(answer.json(), json!({"status": 1}));
        }

        let events = journey(&service, &user).await;
        assert_eq!(types(&events), ["Order Placed", "identify", "alias", "page_view"], "{sdk}");
        assert_eq!(events[0]["accountId"], "acme");
        assert_eq!(events[0]["payload"]["total"], 12.5);
        assert_eq!(events[1]["payload"]["traits"]["email"], "ann@shop.example");
        assert_eq!(events[3]["userId"], visitor, "{sdk}: the alias joins");
        assert_eq!(events[3]["payload"]["current_url"], "https://shop.example/docs");
        assert!(!events.iter().any(|event| event.to_string().contains("$lib")));
    }
}

#[tokio::test]
async fn events_come_by_every_name_and_in_every_packing() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let event = |id: &str| json!({"event": "e", "distinct_id": "ann", "uuid": id}).to_string();
    let mut sent = 0;
    for path in ["/e", "/e/", "/i/v0/e", "/i/v0/e/", "/capture", "/track/", "/batch", "/engage"] {
        post(&service, path, event(path)).await.expect(200);
        sent += 1;
    }
    let form = |value: &str| {
        form_urlencoded::Serializer::new(String::new()).append_pair("data", value).finish()
    };
    let base64 = |bytes: &[u8]| STANDARD.encode(bytes);
    let packed: Vec<(&str, Vec<u8>)> = vec![
        ("/e/?compression=gzip-js", gzip(&event("gzip-js"))),
        ("/e/?compression=base64", form(&base64(event("form").as_bytes())).into()),
        ("/e/", form(&event("json form")).into()),
        ("/e/", base64(event("base64").as_bytes()).into()),
        ("/e/", base64(&gzip(&event("gzip in base64"))).into()),
    ];
    for (path, body) in packed {
        post(&service, path, body).await.expect(200);
        sent += 1;
    }
    let query = form(&base64(event("query").as_bytes()));
    let get = service.request(Method::GET, &format!("/e/?{query}"));
    service.send_as_it_is(get).await.expect(200);
    sent += 1;
    assert_eq!(journey(&service, "ann").await.len(), sent);
}

#[tokio::test]
async fn lz64_is_refused_by_its_name() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let answer = post(&service, "/e/?compression=lz64", "data=abc").await.expect(400).json();
    let detail = answer["detail"].as_str().expect("a detail");
    assert!(detail.contains("lz64"), "{detail}");
}

#[tokio::test]
async fn what_nobody_wants_is_left_out_and_counted() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let events: Vec<Value> = ["$snapshot", "$web_vitals", "e"]
        .iter()
        .map(|event| json!({"event": event, "distinct_id": "ann", "properties": {}}))
        .collect();
    post(&service, "/batch", json!({"batch": events}).to_string()).await.expect(200);
    assert_eq!(types(&journey(&service, "ann").await), ["e"]);
    let stats = service.stats().await;
    assert_eq!(stats["leftOut"]["posthog"]["unwanted"], 2);
    assert_eq!(stats["refused"]["leftOut"], 0);
}
