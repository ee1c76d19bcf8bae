//! The parameters in a route's path.
//!
//! Extractors of our own, because axum answers in plain text what it cannot
//! decode, and every error is a [`Problem`].

use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use trailkeep_event::Fault;
use uuid::Uuid;

use super::problem::Problem;

/// A text that somebody else made up, such as a user's id.
pub struct PathText(pub String);

/// Two texts.
pub struct PathTexts(pub String, pub String);

/// An id that we made. What cannot be one is as unknown as one that is not
/// there.
pub struct PathId(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for PathText {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let decoded = Path::<String>::from_request_parts(parts, state).await;
        decoded.map(|Path(text)| Self(text)).map_err(undecodable)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathTexts {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let decoded = Path::<(String, String)>::from_request_parts(parts, state).await;
        decoded.map(|Path((first, second))| Self(first, second)).map_err(undecodable)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let decoded = Path::<String>::from_request_parts(parts, state).await;
        let id = decoded.ok().and_then(|Path(text)| text.parse().ok());
        id.map(Self).ok_or_else(Problem::unknown_id)
    }
}

fn undecodable(rejection: PathRejection) -> Problem {
    if let PathRejection::FailedToDeserializePathParams(error) = rejection
        && let ErrorKind::InvalidUtf8InPathParam { key } = error.into_kind()
    {
        let rule = "must be UTF-8, percent-encoded";
        return Problem::invalid_parameters(vec![Fault::of(key, rule)]);
    }
    // The route has other parameters.
    Problem::internal()
}
