//! What SDKs of Segment and RudderStack for browsers ask for before they send anything. No
//! key is asked for: the answers hold nothing that is not here.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::http::on_terms::OnTerms;
use crate::http::own_address::OwnAddress;
use crate::http::problem::Problem;
use crate::http::problem::sdks::{NotServed, UndecodablePath};
use crate::http::wires::path::SdkPath;

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
        UndecodablePath,
        NotServed,
    ),
)]
pub async fn settings(
    OnTerms(terms): OnTerms,
    SdkPath(key): SdkPath,
    OwnAddress { scheme, host }: OwnAddress,
) -> Response {
    if !terms.wires.segment {
        return Problem::not_found().for_sdks();
    }
    Json(json!({
        "integrations": {"Segment.io": {
            "apiKey": key,
            "apiHost": format!("{host}/v1"),
            "protocol": scheme,
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
        NotServed,
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
