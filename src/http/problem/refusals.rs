//! The problems of whoever may not, and of values that people typed.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{HeaderValue, header};
use trailkeep_event::Fault;

use super::{Problem, kinds};
use crate::access::AccessError;

impl Problem {
    /// 401: nobody is signed in, or what was sent opens nothing (any more).
    pub fn unauthorized() -> Self {
        let detail = "Sign in, or send the token of a session or of a machine as \
                      \"Authorization: Bearer\". What was sent, if anything, is not good or not \
                      good any more.";
        Self::new(kinds::UNAUTHORIZED, detail)
    }

    /// 401: the same for an unknown address as for a wrong password.
    pub fn wrong_credentials() -> Self {
        let detail = "The address or the password is wrong.";
        Self::new(kinds::WRONG_CREDENTIALS, detail)
    }

    /// 403: for administrators alone.
    pub fn admins_only() -> Self {
        let detail = "This is for administrators.";
        Self::new(kinds::ADMINS_ONLY, detail)
    }

    /// 403: a machine's token that is not good for this.
    pub fn wrong_scope() -> Self {
        let detail = "The token is good, but not for this route.";
        Self::new(kinds::WRONG_SCOPE, detail)
    }

    /// 403: whoever may look, and not take along.
    pub fn no_export() -> Self {
        let detail = "With the role support one looks at pages (application/json); exports are \
                      for staff and administrators.";
        Self::new(kinds::NO_EXPORT, detail)
    }

    /// 403: on the control socket nobody is signed in.
    pub fn no_person() -> Self {
        let detail = "This is about the session of a person, and on the control socket there is \
                      none; send it to the address that the service listens on.";
        Self::new(kinds::NO_PERSON, detail)
    }

    /// 403: a page of another site sent it.
    pub fn cross_site() -> Self {
        let detail = "This was sent by a page of another site.";
        Self::new(kinds::CROSS_SITE, detail)
    }

    /// 400: a header X-Reason that is none.
    pub fn invalid_reason() -> Self {
        let detail = "X-Reason must be sent once, and be UTF-8 of at most 200 bytes without control \
                      characters: a ticket's number, or a few words.";
        Self::new(kinds::INVALID_REASON, detail)
    }

    /// 503: what was asked is not in the audit trail, so nothing is told of it.
    pub fn not_noted() -> Self {
        let detail = "The audit trail cannot be written at the moment, and without it nothing is \
                      told. What was to be changed may be changed.";
        Self::new(kinds::NOT_NOTED, detail)
    }

    /// 404: no account, token, write key or dead letter has this id.
    pub fn unknown_id() -> Self {
        let detail = "There is none with this id.";
        Self::new(kinds::UNKNOWN_ID, detail)
    }

    /// 409: the database refuses the event of a dead letter again.
    pub fn refused_again(reason: &str) -> Self {
        let detail =
            format!("The database refuses the event again ({reason}); its letter says why.");
        Self::new(kinds::REFUSED_AGAIN, detail)
    }

    /// 415: these routes take JSON alone.
    pub fn json_only() -> Self {
        let detail = "Send application/json.";
        Self::new(kinds::JSON_ONLY, detail)
    }

    /// 415: these routes take the fields of a form.
    pub fn forms_only() -> Self {
        let detail = "Send application/x-www-form-urlencoded, in UTF-8.";
        Self::new(kinds::JSON_ONLY, detail)
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
        Self::new(kinds::INVALID_BODY, detail)
    }

    /// 400: values of the body break their rules.
    pub fn invalid_fields(faults: Vec<Fault>) -> Self {
        let detail = "One or more values break their rules.";
        Self::new(kinds::INVALID_FIELDS, detail).with_errors(faults)
    }

    /// 429: tried too often.
    pub fn too_often(wait: Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        let detail = format!("Too many requests of this kind; try again in {seconds} s.");
        let mut problem = Self::new(kinds::TOO_MANY_REQUESTS, detail);
        let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
        problem.headers.push((header::RETRY_AFTER, HeaderValue::from(seconds)));
        problem
    }

    /// 403: there is no account yet, and whoever makes the first one has to show that the
    /// machine is theirs.
    fn set_up_code(detail: &'static str) -> Self {
        Self::new(kinds::SET_UP_CODE, detail)
    }

    fn busy() -> Self {
        let detail = "Too many people sign in at this moment; try again.";
        Self::new(kinds::SIGN_IN_BUSY, detail)
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
            AccessError::NoSetUpCode => Self::set_up_code(
                "The first account needs the set-up code, as \"setupCode\": the log of the service \
                 has it, and the file set-up-code in its data folder.",
            ),
            AccessError::WrongSetUpCode => Self::set_up_code(
                "This is not the set-up code: the log of the service has it, and the file \
                 set-up-code in its data folder.",
            ),
            AccessError::SignUpClosed => {
                let detail = "Sign-up is closed; an administrator can make an account.";
                Self::new(kinds::SIGN_UP_CLOSED, detail)
            }
            AccessError::EmailTaken => {
                Self::new(kinds::EMAIL_TAKEN, "This address has an account already.")
            }
            AccessError::LastAdmin => Self::new(
                kinds::LAST_ADMINISTRATOR,
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
