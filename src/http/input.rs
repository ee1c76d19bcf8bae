//! What people's requests carry: small JSON of a known form, or the fields of a page's form.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::header;
use serde::de::DeserializeOwned;

use super::body::{self, BodyError, Encoding, Held};
use super::on_terms::look;
use super::problem::Problem;
use super::query::Parameters;
use super::state::Service;

/// Far more than almost any of these bodies has.
const USUAL_MAX_BYTES: usize = 16 * 1024;

/// A body as a value, or the problem that it has.
pub struct Input<T, const MAX_BYTES: usize = USUAL_MAX_BYTES>(pub T);

impl<T: DeserializeOwned, const MAX_BYTES: usize> FromRequest<Arc<Service>>
    for Input<T, MAX_BYTES>
{
    type Rejection = Problem;

    async fn from_request(request: Request, service: &Arc<Service>) -> Result<Self, Problem> {
        // A form of another site could send any other media type unasked.
        if !is(&request, "application/json") {
            return Err(Problem::json_only());
        }
        let held = read(request, service, MAX_BYTES).await?;
        // Of a list, serde would take the fields of a value in their order.
        if held.bytes.trim_ascii_start().first() != Some(&b'{') {
            return Err(Problem::not_an_object());
        }
        serde_json::from_slice(&held.bytes)
            .map(Self)
            .map_err(|error| Problem::unreadable_body(&error))
    }
}

/// The fields of a form, as a page without scripts sends them.
pub struct Form<const MAX_BYTES: usize = USUAL_MAX_BYTES>(pub Parameters);

impl<const MAX_BYTES: usize> FromRequest<Arc<Service>> for Form<MAX_BYTES> {
    type Rejection = Problem;

    async fn from_request(request: Request, service: &Arc<Service>) -> Result<Self, Problem> {
        if !is(&request, "application/x-www-form-urlencoded") {
            return Err(Problem::forms_only());
        }
        let held = read(request, service, MAX_BYTES).await?;
        let fields = std::str::from_utf8(&held.bytes).map_err(|_| Problem::forms_only())?;
        Ok(Self(Parameters::parse(Some(fields))))
    }
}

async fn read(request: Request, service: &Service, max_bytes: usize) -> Result<Held, Problem> {
    let timeout = look(request.extensions(), service, |terms| terms.receive_timeout);
    let limits = body::BodyLimits { max_bytes, timeout, budget: &service.bodies };
    let body = request.into_body();
    body::read(body, Encoding::Identity, limits).await.map_err(|error| match error {
        BodyError::TooLarge => Problem::body_too_large(max_bytes),
        BodyError::TimedOut | BodyError::GaveWay => Problem::body_timeout().closing(),
        BodyError::NoRoom => Problem::too_many_bodies().closing(),
        BodyError::Broken(reason) => Problem::broken_body(&reason),
    })
}

fn is(request: &Request, wanted: &str) -> bool {
    let media_type = request.headers().get(header::CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let essence = media_type.unwrap_or_default().split(';').next();
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(wanted))
}
