//! What SDKs of PostHog ask for beside sending events: flags, what is recorded, and where to
//! put recordings. There is none of it here, and the answers say so. No key is asked for: they
//! hold nothing.

use axum::Json;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{CONNECTION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::http::body::pass_over;
use crate::http::on_terms::OnTerms;
use crate::http::problem::Problem;
use crate::http::problem::sdks::{NotServed, UndecodablePath};
use crate::http::terms::Terms;
use crate::http::wires::path::SdkPath;

/// Answer that there are no feature flags
///
/// `/decide` is what older SDKs ask.
#[utoipa::path(
    post,
    path = "/flags",
    tag = "PostHog",
    security(()),
    responses(
        (status = 200, description = "No flags.", body = Object,
            example = json!({"flags": {}, "featureFlags": {}, "featureFlagPayloads": {},
                "errorsWhileComputingFlags": false,
                "requestId": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88"})),
        NotServed,
    ),
)]
pub async fn flags(OnTerms(terms): OnTerms, request: Request) -> Response {
    answer(&terms, Some(request), || {
        json!({
            "flags": {},
            "featureFlags": {},
            "featureFlagPayloads": {},
            "errorsWhileComputingFlags": false,
            "requestId": Uuid::now_v7(),
        })
    })
    .await
}

/// Tell an SDK what it is to do without
#[utoipa::path(
    get,
    path = "/array/{token}/config",
    tag = "PostHog",
    security(()),
    params(("token" = String, Path, description = "The write key of the SDK.")),
    responses(
        (status = 200, description = "The settings.", body = Object,
            example = json!({"supportedCompression": ["gzip", "gzip-js"], "hasFeatureFlags": false})),
        UndecodablePath,
        NotServed,
    ),
)]
pub async fn config(OnTerms(terms): OnTerms, _token: SdkPath) -> Response {
    answer(&terms, None, remote_config).await
}

/// Tell an SDK what it is to do without, as a script
#[utoipa::path(
    get,
    path = "/array/{token}/config.js",
    tag = "PostHog",
    security(()),
    params(("token" = String, Path, description = "The write key of the SDK.")),
    responses(
        (status = 200, description = "A script that puts the settings where the SDK looks.",
            body = String, content_type = "text/javascript"),
        UndecodablePath,
        NotServed,
    ),
)]
pub async fn config_script(OnTerms(terms): OnTerms, SdkPath(token): SdkPath) -> Response {
    if !terms.wires.posthog {
        return Problem::not_found().for_sdks();
    }
    // JSON is JavaScript, so the token is a text in it whatever it has in it.
    let (token, config) = (Value::from(token), remote_config());
    let script = format!(
        "window._POSTHOG_REMOTE_CONFIG = window._POSTHOG_REMOTE_CONFIG || {{}};\n\
         window._POSTHOG_REMOTE_CONFIG[{token}] = {{config: {config}, siteApps: []}};\n"
    );
    ([(CONTENT_TYPE, "text/javascript"), (X_CONTENT_TYPE_OPTIONS, "nosniff")], script)
        .into_response()
}

/// Throw recordings away
#[utoipa::path(
    post,
    path = "/s",
    tag = "PostHog",
    security(()),
    responses(
        (status = 200, description = "Nothing was kept, and nothing more is to be sent.",
            body = Object, example = json!({"status": 1, "quota_limited": ["recordings"]})),
        NotServed,
    ),
)]
pub async fn recordings(OnTerms(terms): OnTerms, request: Request) -> Response {
    answer(&terms, Some(request), || json!({"status": 1, "quota_limited": ["recordings"]})).await
}

/// Answers, when a body that nobody looks at was read away.
async fn answer(terms: &Terms, request: Option<Request>, body: impl FnOnce() -> Value) -> Response {
    let is_read = match request {
        Some(request) => pass_over(&mut request.into_body(), terms.max_body_bytes).await,
        None => true,
    };
    let mut answer = if terms.wires.posthog {
        Json(body()).into_response()
    } else {
        Problem::not_found().for_sdks()
    };
    if !is_read {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

fn remote_config() -> Value {
    json!({
        "supportedCompression": ["gzip", "gzip-js"],
        "hasFeatureFlags": false,
        "sessionRecording": false,
        "surveys": false,
        "heatmaps": false,
        "siteApps": [],
        "capturePerformance": false,
        "autocapture_opt_out": false,
        "defaultIdentifiedOnly": true,
    })
}
