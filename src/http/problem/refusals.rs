//! The problems of whoever may not, and of values that people typed.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use trailkeep_event::Fault;

use super::Problem;
use crate::access::AccessError;

impl Problem {
    /// 401: nobody is signed in, or what was sent opens nothing (any more).
    pub fn unauthorized() -> Self {
        let detail = "Sign in, or send the token of a session or of a machine as \
                      \"Authorization: Bearer\". What was sent, if anything, is not good or not \
                      good any more.";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Unauthorized", detail)
            .with_header(header::WWW_AUTHENTICATE, "Bearer realm=\"trailkeep\"")
    }

    /// 401: the same for an unknown address as for a wrong password.
    pub fn wrong_credentials() -> Self {
        let detail = "The address or the password is wrong.";
        let status = StatusCode::UNAUTHORIZED;
        Self::new(status, "wrong-credentials", "Wrong credentials", detail)
            .with_header(header::WWW_AUTHENTICATE, "Bearer realm=\"trailkeep\"")
    }

    /// 401: write keys are configured, and none of them was sent.
    pub fn write_key_required() -> Self {
        let detail = "Send a write key as \"Authorization: Bearer\", as \"X-Write-Key\", or as \
                      the parameter writeKey.";
        let status = StatusCode::UNAUTHORIZED;
        Self::new(status, "write-key-required", "Write key required", detail)
            .with_header(header::WWW_AUTHENTICATE, "Bearer realm=\"trailkeep events\"")
    }

    /// 403: for administrators alone.
    pub fn admins_only() -> Self {
        let detail = "This is for administrators.";
        Self::new(StatusCode::FORBIDDEN, "admins-only", "Forbidden", detail)
    }

    /// 403: a machine's token that is not good for this.
    pub fn wrong_scope() -> Self {
        let detail = "The token is good, but not for this route.";
        Self::new(StatusCode::FORBIDDEN, "wrong-scope", "Forbidden", detail).with_header(
            header::WWW_AUTHENTICATE,
            "Bearer realm=\"trailkeep\", error=\"insufficient_scope\"",
        )
    }

    /// 403: a page of another site sent it.
    pub fn cross_site() -> Self {
        let detail = "This was sent by a page of another site.";
        Self::new(StatusCode::FORBIDDEN, "cross-site", "Forbidden", detail)
    }

    /// 404: no account, token or dead letter has this id.
    pub fn unknown_id() -> Self {
        let detail = "There is none with this id.";
        Self::new(StatusCode::NOT_FOUND, "unknown-id", "Not found", detail)
    }

    /// 409: the database refuses the event of a dead letter again.
    pub fn refused_again(reason: &str) -> Self {
        let detail =
            format!("The database refuses the event again ({reason}); its letter says why.");
        Self::new(StatusCode::CONFLICT, "refused-again", "Conflict", detail)
    }

    /// 415: these routes take JSON alone.
    pub fn json_only() -> Self {
        let detail = "Send application/json.";
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Self::new(status, "unsupported-media-type", "Unsupported media type", detail)
    }

    /// 400: the body is something else than an object.
    pub fn not_an_object() -> Self {
        Self::invalid_body("The body must be one JSON object.")
    }

    /// 400: the body is not JSON, or not of the form that the route takes.
    pub fn unreadable_body(error: &serde_json::Error) -> Self {
        Self::invalid_body(format!("The body cannot be read: {error}."))
    }

    fn invalid_body(detail: impl Into<Cow<'static, str>>) -> Self {
        let status = StatusCode::BAD_REQUEST;
        Self::new(status, "invalid-body", "Invalid body", detail)
    }

    /// 400: values of the body break their rules.
    pub fn invalid_fields(faults: Vec<Fault>) -> Self {
        let detail = "One or more values break their rules.";
        let status = StatusCode::BAD_REQUEST;
        Self::new(status, "invalid-fields", "Invalid fields", detail).with_errors(faults)
    }

    /// 429: tried too often.
    pub fn too_often(wait: Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        let status = StatusCode::TOO_MANY_REQUESTS;
        let detail = format!("Too many requests of this kind; try again in {seconds} s.");
        let mut problem = Self::new(status, "too-many-requests", "Too many requests", detail);
        let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
        problem.headers.push((header::RETRY_AFTER, HeaderValue::from(seconds)));
        problem
    }

    fn conflict(kind: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, kind, "Conflict", detail)
    }

    fn busy() -> Self {
        let detail = "Too many people sign in at this moment; try again.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Busy", detail)
            .with_header(header::RETRY_AFTER, "1")
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Store(error) => error.into(),
            AccessError::Busy => Self::busy(),
            AccessError::TooOften(wait) => Self::too_often(wait),
            AccessError::Invalid(faults) => Self::invalid_fields(faults),
            AccessError::WrongCredentials => Self::wrong_credentials(),
            AccessError::SignUpClosed => {
                let detail = "Sign-up is closed; an administrator can make an account.";
                Self::new(StatusCode::FORBIDDEN, "sign-up-closed", "Forbidden", detail)
            }
            AccessError::EmailTaken => {
                Self::conflict("email-taken", "This address has an account already.")
            }
            AccessError::LastAdmin => Self::conflict(
                "last-administrator",
                "The last enabled administrator can neither be disabled nor demoted.",
            ),
            AccessError::Unknown => Self::unknown_id(),
            AccessError::Defect(reason) => {
                tracing::error!(reason, "a defect of the access rules");
                Self::internal()
            }
        }
    }
}
