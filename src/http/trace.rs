//! Around every request: its id, its log line, and a net for panics.

mod ration;

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tower::layer::layer_fn;
use tower::{Layer, Service};
use tracing::{Instrument as _, debug, error, info, info_span};
use uuid::Uuid;

use self::ration::Ration;
use super::problem::Problem;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Put into an answer of which there may be very many in a short time: it is
/// logged for debugging only. Whoever puts it in sees to it that the log says
/// how many there are.
#[derive(Debug, Clone, Copy)]
pub struct OneOfMany;

/// Gives a request its id, which the answer and every log line of it carry,
/// and logs how it ended. What failed with us is an error; what the client got
/// wrong, and what is turned away, is information, of which there is a
/// [ration](Ration). The rest is for debugging only, and so is what is
/// [one of many](OneOfMany): a line for each event would cost more than the event.
/// A handler that panics is answered for.
///
/// A service and not a function around the routes: those are boxed and cloned
/// for each request, which costs more than all that is done here.
#[derive(Debug, Clone)]
pub struct Trace<S> {
    routes: S,
    ration: Arc<Ration>,
}

/// Puts [`Trace`] around routes; all of them share one ration.
pub fn layer<S>() -> impl Layer<S, Service = Trace<S>> + Clone {
    let ration = Arc::new(Ration::default());
    layer_fn(move |routes| Trace { routes, ration: Arc::clone(&ration) })
}

impl<S> Service<Request> for Trace<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.routes.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let id = request_id(request.headers());
        let method = request.method().clone();
        let path = LoggedPath::of(&request);
        let started = Instant::now();
        // As it stands (%): a text would be searched for what has to be escaped.
        let span = info_span!("request", id = %id.to_str().unwrap_or_default());
        // Whatever a panic left half-done is dropped with its request.
        let answered = AssertUnwindSafe(self.routes.call(request)).catch_unwind();
        let ration = Arc::clone(&self.ration);
        Box::pin(async move {
            let answered = answered.instrument(span.clone()).await;
            span.in_scope(|| {
                let mut response = answered.unwrap_or_else(|panic| Ok(panicked(&*panic)))?;
                let (path, status) = (path.as_str(), response.status().as_u16());
                let took_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
                let is_one_of_many = response.extensions().get::<OneOfMany>().is_some();
                match status {
                    _ if is_one_of_many => {
                        debug!(%method, path, status, took_us, "answered");
                    }
                    503 | 504 | 400..500 => match ration.take(status, Instant::now()) {
                        Some(left_out) => {
                            let left_out = (left_out > 0).then_some(left_out);
                            info!(%method, path, status, took_us, left_out, "answered");
                        }
                        None => debug!(%method, path, status, took_us, "answered"),
                    },
                    500.. => error!(%method, path, status, took_us, "answered"),
                    _ => debug!(%method, path, status, took_us, "answered"),
                }
                response.headers_mut().insert(REQUEST_ID, id);
                Ok(response)
            })
        })
    }
}

/// The path as it is logged: of a known route its pattern, since the path
/// itself may hold a user's id.
enum LoggedPath {
    Pattern(MatchedPath),
    Unknown(String),
}

impl LoggedPath {
    fn of(request: &Request) -> Self {
        match request.extensions().get::<MatchedPath>() {
            Some(pattern) => Self::Pattern(pattern.clone()),
            None => Self::Unknown(request.uri().path().chars().take(MAX_PATH).collect()),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Pattern(pattern) => pattern.as_str(),
            Self::Unknown(path) => path,
        }
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
fn panicked(panic: &(dyn Any + Send)) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    error!(panic = message, "a request handler panicked");
    Problem::internal().into_response()
}
