//! A template as an answer.

use askama::Template;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use crate::http::problem::Problem;

/// What a page may do: nothing from elsewhere, no script but ours, and no text that
/// becomes markup in it but what came from our own templates.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      connect-src 'self'; img-src 'self' data:; base-uri 'none'; \
                      form-action 'self'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types fragment";

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// A rendered template; a fragment of a page is one too.
pub struct Page<T>(pub T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(html) => (guarded(), Html(html)).into_response(),
            Err(error) => {
                tracing::error!(%error, "a page cannot be made");
                Problem::internal().into_response()
            }
        }
    }
}

impl<T: Template> Page<T> {
    /// The page under another status than 200.
    pub fn with(self, status: StatusCode) -> Response {
        let mut response = self.into_response();
        if response.status().is_success() {
            *response.status_mut() = status;
        }
        response
    }
}

fn guarded() -> [(HeaderName, HeaderValue); 4] {
    [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (OPENER_POLICY, "same-origin"),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)))
}
