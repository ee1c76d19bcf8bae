//! Segment's and RudderStack's wire.

use serde_json::json;

use super::{journey, post, types};
use crate::home::Home;
use crate::service::Service;

on_both_stores!(a_batch_of_each_sdk_is_in_journeys_once_with_its_fields);

async fn a_batch_of_each_sdk_is_in_journeys_once_with_its_fields(home: Home) {
    let service = Service::start(&home).await;
    for (sdk, batch) in [
        ("python", include_str!("fixtures/segment-python.json")),
        ("node", include_str!("fixtures/segment-node.json")),
    ] {
        let user = format!("ann-{sdk}");
        let visitor = format!("visitor-{sdk}");
        let batch = batch.replace("\"ann\"", &format!("\"{user}\"")).replace("visitor-1", &visitor);
        // An SDK that got no answer sends again.
        for _ in 0..2 {
            let answer = post(&service, "/v1/batch", batch.clone()).await.expect(200);
            assert_eq!(answer.json(), json!({"success": true}));
        }

        let events = journey(&service, &user).await;
        let kinds = ["Order Placed", "identify", "page_view", "group", "alias", "Viewed"];
        assert_eq!(types(&events), kinds, "{sdk}");
        let (order, page, group, viewed) = (&events[0], &events[2], &events[3], &events[5]);
        assert_eq!(order["payload"]["total"], 12.5);
        assert!(order["payload"]["library"]["name"].is_string());
        assert_eq!(page["payload"]["url"], "https://shop.example/docs");
        assert_eq!(
            (&page["payload"]["name"], &page["payload"]["category"]),
            (&json!("Home"), &json!("Docs"))
        );
        assert_eq!(group["accountId"], "acme");
        assert_eq!(viewed["userId"], visitor, "{sdk}: the alias joins");
        assert!(!events.iter().any(|event| event.to_string().contains("192.0.2.7")));
        if sdk == "python" {
            let device = ["$browser", "$os", "$device"].map(|key| &order["payload"][key]);
            assert_eq!(device, [&json!("Safari"), &json!("iOS"), &json!("phone")]);
        }
        let profile = service.get(&format!("/users/{user}")).await.expect(200).json();
        assert_eq!(profile["traits"]["email"], "ann@shop.example");
        // Times are of our clock: two seconds before the request was sent.
        let [at, received] = ["occurredAt", "receivedAt"].map(|field| {
            chrono::DateTime::parse_from_rfc3339(order[field].as_str().expect("a time"))
                .expect("RFC 3339")
        });
        assert_eq!((received - at).num_milliseconds() / 100, 20, "{sdk}");
    }
}

#[tokio::test]
async fn each_call_has_a_route_of_its_own_and_a_short_form() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let paths = [
        "/v1/track",
        "/v1/t",
        "/v1/identify",
        "/v1/i/",
        "/v1/page",
        "/v1/p",
        "/v1/screen",
        "/v1/s/",
        "/v1/group/",
        "/v1/g",
        "/v1/alias",
        "/v1/a",
        "/v1/merge",
    ];
    for path in paths {
        let body = json!({"event": "Viewed", "userId": "ann", "messageId": path});
        post(&service, path, body.to_string()).await.expect(200);
    }
    for path in ["/v1/batch/", "/v1/b", "/v1/import", "/beacon/v1/batch?writeKey=any"] {
        let call = json!({"type": "track", "event": "Viewed", "userId": "ann", "messageId": path});
        post(&service, path, json!({"batch": [call]}).to_string()).await.expect(200);
    }
    assert_eq!(journey(&service, "ann").await.len(), paths.len() + 4);
    post(&service, "/v1/nothing", "{}").await.expect(404);
}
