//! The JSON that people's requests carry: small, and of a known form.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::header;
use serde::de::DeserializeOwned;

use super::body::{self, BodyError, Encoding};
use super::on_terms::look;
use super::problem::Problem;
use super::state::Service;

/// Far more than any of these bodies has.
const MAX_BYTES: usize = 16 * 1024;

/// A body as a value, or the problem that it has.
pub struct Input<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<Service>> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, service: &Arc<Service>) -> Result<Self, Problem> {
        // A form of another site could send any other media type unasked.
        if !is_json(&request) {
            return Err(Problem::json_only());
        }
        let timeout = look(request.extensions(), service, |terms| terms.receive_timeout);
        let body = request.into_body();
        let limits = body::BodyLimits { max_bytes: MAX_BYTES, timeout, budget: &service.bodies };
        let held =
            body::read(body, Encoding::Identity, limits).await.map_err(|error| match error {
                BodyError::TooLarge => Problem::body_too_large(MAX_BYTES),
                BodyError::TimedOut | BodyError::GaveWay => Problem::body_timeout().closing(),
                BodyError::NoRoom => Problem::too_many_bodies().closing(),
                BodyError::Broken(reason) => Problem::broken_body(&reason),
            })?;
        // Of a list, serde would take the fields of a value in their order.
        if held.bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(Problem::not_an_object());
        }
        serde_json::from_slice(&held.bytes)
            .map(Self)
            .map_err(|error| Problem::unreadable_body(&error))
    }
}

fn is_json(request: &Request) -> bool {
    let media_type = request.headers().get(header::CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let essence = media_type.unwrap_or_default().split(';').next();
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}
