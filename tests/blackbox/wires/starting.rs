//! What SDKs of browsers ask for before they send anything.

use reqwest::Method;
use serde_json::json;

use super::{WITH_KEY, post};
use crate::home::Home;
use crate::service::Service;

#[tokio::test]
async fn segments_sdk_is_told_where_to_send_to() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[WITH_KEY]).await;
    let asks = service
        .request(Method::GET, "/v1/projects/some-key/settings")
        .header("host", "events.example")
        .header("origin", "https://shop.example");
    let settings = service.send_as_it_is(asks).await.expect(200).json();
    assert_eq!(
        settings["integrations"]["Segment.io"],
        json!({"apiKey": "some-key", "apiHost": "events.example/v1", "protocol": "https",
            "deliveryStrategy": {"strategy": "batching"}})
    );
    assert_eq!((&settings["plan"], &settings["edgeFunction"]), (&json!({}), &json!({})));
    let source = service.get("/sourceConfig/?p=web").await.expect(200).json();
    assert_eq!(source["source"]["enabled"], true);
    assert_eq!(source["source"]["destinations"], json!([]));
}

#[tokio::test]
async fn posthogs_sdk_is_told_what_is_not_here() {
    let home = Home::embedded();
    let service = Service::start_with(&home, &[WITH_KEY]).await;
    for path in ["/flags/?v=2", "/flags", "/decide/?v=3"] {
        let flags = post(&service, path, r#"{"token": "k"}"#).await.expect(200).json();
        assert_eq!(flags["featureFlags"], json!({}), "{path}");
        assert_eq!(flags["errorsWhileComputingFlags"], false);
        assert!(flags["requestId"].is_string());
    }
    let config = service.get("/array/some-key/config").await.expect(200).json();
    assert_eq!(config["supportedCompression"], json!(["gzip", "gzip-js"]));
    assert_eq!(config["defaultIdentifiedOnly"], true);
    let script = service.get("/array/some-%22key/config.js").await.expect(200);
    assert_eq!(script.header("content-type"), "text/javascript");
    assert!(script.text().contains(r#"_POSTHOG_REMOTE_CONFIG["some-\"key"] = {config: {"#));
    let recordings = post(&service, "/s/?compression=gzip-js", vec![0x1f; 100_000]).await;
    assert_eq!(
        recordings.expect(200).json(),
        json!({"status": 1, "quota_limited": ["recordings"]})
    );
}
