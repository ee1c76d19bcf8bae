//! Around every request: its id, its log line, and a net for panics.

use std::any::Any;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tracing::{Instrument as _, Level, debug, error, event, info_span};
use uuid::Uuid;

use super::problem::Problem;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives a request its id, which the answer and every log line of it carry,
/// and logs how it ended: what failed with us as an error, what the client got
/// wrong and what is turned away as information, the rest for debugging only,
/// since a line for each event would cost more than the event.
pub async fn trace(request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let method = request.method().clone();
    let path = path_of(&request);
    let started = Instant::now();
    let span = info_span!("request", id = id.to_str().unwrap_or_default());
    let mut response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    let took_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    span.in_scope(|| match status {
        503 | 504 | 400..500 => event!(Level::INFO, %method, path, status, took_us, "answered"),
        500.. => error!(%method, path, status, took_us, "answered"),
        _ => debug!(%method, path, status, took_us, "answered"),
    });
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// The path as it is logged: of a known route its pattern, since the path
/// itself may hold a user's id.
fn path_of(request: &Request) -> String {
    match request.extensions().get::<MatchedPath>() {
        Some(pattern) => pattern.as_str().to_owned(),
        None => request.uri().path().chars().take(MAX_PATH).collect(),
    }
}

/// Characters of an unknown path that are logged.
const MAX_PATH: usize = 200;

/// The id that the client sent, where it is harmless, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    const MAX_LENGTH: usize = 64;
    let is_harmless = |value: &&HeaderValue| {
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
        (1..=MAX_LENGTH).contains(&value.len()) && value.as_bytes().iter().all(allowed)
    };
    match headers.get(REQUEST_ID).filter(is_harmless) {
        Some(id) => id.clone(),
        None => new_id(),
    }
}

fn new_id() -> HeaderValue {
    let mut text = Uuid::encode_buffer();
    let text = Uuid::now_v7().hyphenated().encode_lower(&mut text);
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("unknown"))
}

/// The answer to a request whose handler panicked.
#[allow(clippy::needless_pass_by_value)] // the layer's signature
pub fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    error!(panic = message, "a request handler panicked");
    Problem::internal().into_response()
}
