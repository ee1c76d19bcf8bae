//! GET /events.schema.json.

use serde_json::{Value, json};

use crate::home::Home;
use crate::service::Service;

async fn schema(service: &Service) -> Value {
    let request = service.request(reqwest::Method::GET, "/events.schema.json");
    // Nobody has to be known, and a page of any origin may ask.
    let answer = request.header("origin", "https://shop.example").send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/schema+json");
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    answer.json().await.expect("JSON")
}

#[tokio::test]
async fn the_schema_is_that_of_the_settings() {
    let home = Home::embedded();
    let service = Service::start(&home).await;
    let open = schema(&service).await;
    assert_eq!(open["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(open["properties"]["type"]["maxLength"], 64);
    assert_eq!(open["additionalProperties"], false);
    let need_a_user = open["allOf"].as_array().expect("rules").len();
    assert_eq!(service.terminate().await.code, Some(0));

    let settings = [("EVENTS_TYPES", "search"), ("EVENTS_DEFAULT_USER", "nobody")];
    let service = Service::start_with(&home, &settings).await;
    let narrow = schema(&service).await;
    let types = narrow["properties"]["type"]["enum"].as_array().expect("types");
    assert!(types.contains(&json!("search")) && types.contains(&json!("identify")));
    assert!(!types.contains(&json!("purchase")));
    assert_eq!(narrow["allOf"].as_array().expect("rules").len(), need_a_user - 1);
    service.get("/events.schema.json/").await.expect(200);
}
