//! Problems as they are told to the SDKs of other collectors.
//!
//! Some of these read members `code` and `message`, and fail on an answer that has neither.
//! Most throw away what is answered 4xx, so what is worth sending again is 503 here.

use std::borrow::Cow;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use super::{MEDIA_TYPE, Problem, kinds};

/// Seconds that an SDK waits at the least. That of PostHog for Python tries four times in all,
/// and then gives up what it has: so the pause decides how long an outage it outlasts, which
/// is 15 s.
const SDKS_TRY_AGAIN_AFTER: u32 = 5;

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

/// Why the events of an SDK were not taken, as the OpenAPI document has it.
#[derive(IntoResponses)]
pub enum NotTaken {
    /// What was sent is no JSON, or does not have this form.
    #[response(status = 400, content_type = MEDIA_TYPE)]
    Unreadable(SdkProblem),
    /// There are write keys, and none that is taken was sent.
    #[response(status = 401, content_type = MEDIA_TYPE)]
    WithoutKey(SdkProblem),
    /// The write key is not for pages of this origin.
    #[response(status = 403, content_type = MEDIA_TYPE)]
    OtherOrigin(SdkProblem),
    /// There is no such call, or these SDKs are not served.
    #[response(status = 404, content_type = MEDIA_TYPE)]
    NotServed(SdkProblem),
    /// Too many events or bytes.
    #[response(status = 413, content_type = MEDIA_TYPE)]
    TooMuch(SdkProblem),
    /// Another encoding.
    #[response(status = 415, content_type = MEDIA_TYPE)]
    OtherEncoding(SdkProblem),
    /// Nothing was taken; send it again: the backlog or the disk is full, a limit of requests is
    /// reached, or the body came too slowly.
    #[response(status = 503, content_type = MEDIA_TYPE,
        headers(("Retry-After" = u32, description = "Seconds to wait.")))]
    NotNow(SdkProblem),
}

/// The path is not UTF-8.
#[derive(IntoResponses)]
#[response(status = 400, content_type = MEDIA_TYPE)]
pub struct UndecodablePath(pub SdkProblem);

/// These SDKs are not served.
#[derive(IntoResponses)]
#[response(status = 404, content_type = MEDIA_TYPE)]
pub struct NotServed(pub SdkProblem);

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
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            self.try_again_no_sooner();
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

    /// What has a reason to be told a longer pause keeps it.
    fn try_again_no_sooner(&mut self) {
        let is_told = |(name, _): &(HeaderName, _)| name == header::RETRY_AFTER;
        let told = self.headers.iter().find(|header| is_told(header));
        let told = told.and_then(|(_, seconds)| seconds.to_str().ok()?.parse().ok());
        if told.is_none_or(|seconds: u32| seconds < SDKS_TRY_AGAIN_AFTER) {
            self.headers.retain(|header| !is_told(header));
            self.headers.push((header::RETRY_AFTER, SDKS_TRY_AGAIN_AFTER.into()));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use super::*;

    fn pause_told(problem: Problem) -> (StatusCode, String) {
        let answer = problem.for_sdks();
        let mut told = answer.headers().get_all(header::RETRY_AFTER).iter();
        let pause = told.next().unwrap().to_str().unwrap().to_owned();
        assert_eq!(told.next(), None);
        (answer.status(), pause)
    }

    #[test]
    fn an_sdk_waits_as_long_as_the_problem_says_and_five_seconds_at_the_least() {
        let too_often = |seconds| Problem::too_often(Duration::from_secs(seconds));
        for (problem, pause) in [
            (too_often(30), "30"),
            (too_often(1), "5"),
            (Problem::buffer_full(), "5"),
            (Problem::body_timeout(), "5"),
        ] {
            let kind = problem.kind();
            let told = (StatusCode::SERVICE_UNAVAILABLE, pause.to_owned());
            assert_eq!(pause_told(problem), told, "{kind}");
        }
    }
}
