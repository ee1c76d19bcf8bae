//! Problems as they are told to the SDKs of other collectors.
//!
//! Some of these read members `code` and `message`, and fail on an answer that has neither.
//! Most throw away what is answered 4xx, so what is worth sending again is 503 here.

use std::borrow::Cow;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::{MEDIA_TYPE, Problem, kinds};

/// A problem with what SDKs read of one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "urn:trailkeep:problem:invalid-json", "title": "Invalid JSON", "status": 400,
    "detail": "The body is not JSON: expected value at line 1, column 1.",
    "code": "invalid-json",
    "message": "The body is not JSON: expected value at line 1, column 1."
}))]
pub struct SdkProblem {
    #[serde(flatten)]
    problem: Problem,
    /// The end of `type`.
    code: &'static str,
    /// The same as `detail`.
    message: Cow<'static, str>,
}

impl Problem {
    /// 400: a compression that is not taken.
    pub fn unsupported_compression() -> Self {
        let detail = "The compression lz64 is not taken; configure the SDK to send gzip, base64 or \
                      plain JSON.";
        Self::new(kinds::BROKEN_BODY, detail)
    }

    /// The answer to an SDK.
    pub fn for_sdks(mut self) -> Response {
        const FOR_LATER: [StatusCode; 2] =
            [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT];
        if FOR_LATER.contains(&self.status) {
            self.status = StatusCode::SERVICE_UNAVAILABLE;
            if !self.headers.iter().any(|(name, _)| name == header::RETRY_AFTER) {
                self.headers.push((header::RETRY_AFTER, HeaderValue::from_static("1")));
            }
        }
        let headers = std::mem::take(&mut self.headers);
        let (status, code, message) = (self.status, self.kind, self.detail.clone());
        let mut response =
            (status, Json(SdkProblem { problem: self, code, message })).into_response();
        let media_type = HeaderValue::from_static(MEDIA_TYPE);
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        response.headers_mut().extend(headers);
        response
    }
}
