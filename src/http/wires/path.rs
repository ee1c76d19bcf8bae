//! The parameter in the path of an SDK's route.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;

use crate::http::path::PathText;
use crate::http::problem::Problem;

/// A text that is refused in words for SDKs where it is not UTF-8.
pub struct SdkPath(pub String);

impl<S: Send + Sync> FromRequestParts<S> for SdkPath {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let decoded = PathText::from_request_parts(parts, state).await;
        decoded.map(|PathText(text)| Self(text)).map_err(Problem::for_sdks)
    }
}
