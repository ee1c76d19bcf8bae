//! What SDKs of Segment and RudderStack for browsers ask for before they send anything. No
//! key is asked for: the answers hold nothing that is not here.

use axum::Json;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::http::on_terms::OnTerms;
use crate::http::path::PathText;
use crate::http::problem::Problem;
use crate::http::problem::sdks::SdkProblem;

/// Tell an SDK of Segment where to send to
///
/// Without integrations other than this one.
#[utoipa::path(
    get,
    path = "/v1/projects/{key}/settings",
    tag = "Segment and RudderStack",
    security(()),
    params(("key" = String, Path, description = "The write key of the SDK.")),
    responses(
        (status = 200, description = "The settings.", body = Object,
            example = json!({"integrations": {"Segment.io": {"apiKey": "wk-9f8e7d6c5b4a3210",
                "apiHost": "events.example/v1", "protocol": "https",
                "deliveryStrategy": {"strategy": "batching"}}}, "plan": {}, "edgeFunction": {}})),
        (status = 400, description = "The path is not UTF-8.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "These SDKs are not served.",
            body = SdkProblem, content_type = "application/problem+json"),
    ),
)]
pub async fn settings(
    OnTerms(terms): OnTerms,
    PathText(key): PathText,
    headers: HeaderMap,
) -> Response {
    if !terms.wires.segment {
        return Problem::not_found().for_sdks();
    }
    let host = text(&headers, header::HOST.as_str()).unwrap_or("localhost");
    Json(json!({
        "integrations": {"Segment.io": {
            "apiKey": key,
            "apiHost": format!("{host}/v1"),
            "protocol": protocol(&headers),
            "deliveryStrategy": {"strategy": "batching"},
        }},
        "plan": {},
        "edgeFunction": {},
    }))
    .into_response()
}

/// Tell an SDK of RudderStack that its source is there
///
/// Without destinations: events stay here.
#[utoipa::path(
    get,
    path = "/sourceConfig",
    tag = "Segment and RudderStack",
    security(()),
    responses(
        (status = 200, description = "The source.", body = Object,
            example = json!({"source": {"id": "trailkeep", "name": "Trailkeep",
                "workspaceId": "trailkeep", "enabled": true, "config": {}, "destinations": []}})),
        (status = 404, description = "These SDKs are not served.",
            body = SdkProblem, content_type = "application/problem+json"),
    ),
)]
pub async fn source_config(OnTerms(terms): OnTerms) -> Response {
    if !terms.wires.segment {
        return Problem::not_found().for_sdks();
    }
    Json(source()).into_response()
}

fn source() -> Value {
    json!({"source": {
        "id": "trailkeep",
        "name": "Trailkeep",
        "workspaceId": "trailkeep",
        "enabled": true,
        "config": {},
        "destinations": [],
    }})
}

/// By which the page can reach us: a browser keeps a page that came by HTTPS from sending by
/// HTTP, and the proxy in front of us knows what it was asked by.
fn protocol(headers: &HeaderMap) -> &'static str {
    let of_proxy = text(headers, "x-forwarded-proto");
    let of_page = [header::ORIGIN, header::REFERER]
        .iter()
        .filter_map(|name| text(headers, name.as_str()))
        .any(|address| address.starts_with("https://"));
    if of_proxy.is_some_and(|proto| proto.starts_with("https")) || of_page {
        "https"
    } else {
        "http"
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
