//! `POST /events`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::decompression::RequestDecompressionLayer;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::body::{self, BodyError, Form};
use super::guard::Client;
use super::problem::Problem;
use super::sessions::bearer;
use super::{Options, Service};
use crate::access::{AccessError, limits};
use crate::event::wire;
use crate::pipeline::statistics::RefusedBecause;

const WRITE_KEY: HeaderName = HeaderName::from_static("x-write-key");

/// The route, with what only it needs: bodies in every encoding, and pages of
/// other origins.
pub fn routes(options: &Options) -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(post_events))
        .layer(RequestDecompressionLayer::new().pass_through_unaccepted(true))
        .layer(cors(options))
}

fn cors(options: &Options) -> CorsLayer {
    let origins = match &options.allowed_origins {
        None => AllowOrigin::any(),
        Some(list) => AllowOrigin::list(
            list.iter()
                .filter_map(|origin| HeaderValue::from_str(origin).ok()),
        ),
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::POST])
        .allow_headers([
            header::CONTENT_TYPE,
            header::CONTENT_ENCODING,
            header::AUTHORIZATION,
            WRITE_KEY,
            HeaderName::from_static("x-request-id"),
        ])
        .expose_headers([header::RETRY_AFTER, HeaderName::from_static("x-request-id")])
        .max_age(std::time::Duration::from_secs(24 * 60 * 60))
}

/// The answer to events that were accepted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "message": "Events accepted for processing",
    "count": 2,
    "eventIds": ["0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88", "evt_002"]
}))]
pub struct AcceptedBody {
    message: &'static str,
    /// How many events were accepted.
    count: usize,
    /// Their ids, in the order in which they were sent.
    event_ids: Vec<Box<str>>,
}

/// One event as it is sent. Each field has other names under which it is
/// taken as well; any further field is refused.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", as = Event)]
#[allow(dead_code)] // describes the wire; `event::wire` reads it
pub struct EventBody {
    /// Whose event it is: 1 to 256 bytes. Also `user_id`, `patientId`,
    /// `patient_id`, `distinctId`, `distinct_id`. May be left out where a
    /// default user is configured.
    #[schema(min_length = 1, max_length = 256, example = "test123")]
    user_id: String,
    /// What happened, one of the configured types: 1 to 64 bytes. Also `event`.
    #[schema(min_length = 1, max_length = 64, example = "page_view")]
    r#type: String,
    /// The visit: 1 to 256 bytes. Also `session_id`.
    #[schema(min_length = 1, max_length = 256, example = "s-42")]
    session_id: Option<String>,
    /// The business account: 1 to 256 bytes. Also `account_id`.
    #[schema(min_length = 1, max_length = 256)]
    account_id: Option<String>,
    /// Your own data: at most 32 KiB as JSON and 32 levels deep. Also `data`,
    /// `metadata`, `properties`.
    #[schema(value_type = Option<Object>, example = json!({"path": "/pricing"}))]
    payload: Option<()>,
    /// When it happened: RFC 3339 with any offset, or whole milliseconds since
    /// the epoch; the time of receipt when left out. Also `timestamp`, `ts`.
    #[schema(value_type = Option<String>, format = DateTime, example = "2025-12-15T10:30:00.000Z")]
    occurred_at: Option<()>,
    /// Your id for the event, unique within its user: 1 to 128 bytes, best a
    /// UUID of version 7; made by the service when left out. An event sent
    /// again with the same id is stored once. Also `event_id`, `messageId`.
    #[schema(min_length = 1, max_length = 128)]
    event_id: Option<String>,
}

/// Events with the time at which they were sent.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", as = Envelope)]
#[allow(dead_code)] // describes the wire; `event::wire` reads it
pub struct EnvelopeBody {
    /// 1 to 1,000 events.
    events: Vec<EventBody>,
    /// When the envelope was sent; checked and not used.
    #[schema(value_type = Option<String>, format = DateTime)]
    sent_at: Option<()>,
}

/// What a request may hold.
#[derive(ToSchema)]
#[schema(as = Events)]
#[serde(untagged)]
#[allow(dead_code)] // describes the wire; `event::wire` reads it
pub enum EventsBody {
    /// One event.
    One(EventBody),
    /// 1 to 1,000 events.
    Many(Vec<EventBody>),
    /// 1 to 1,000 events in an envelope.
    Envelope(EnvelopeBody),
}

/// Post one event or a batch
///
/// A batch is taken whole or not at all. An accepted event is visible in its
/// user's journey at once and written to the database within a second. An
/// event that was accepted before, by its user and `eventId`, is accepted
/// again and stored once. Bodies may be encoded with gzip, deflate, br or zstd.
#[utoipa::path(
    post,
    path = "/events",
    tag = "Events",
    security((), ("writeKey" = []), ("writeKeyHeader" = []), ("writeKeyParameter" = [])),
    params(("writeKey" = Option<String>, Query,
        description = "A write key, for beacons, which have no headers.")),
    request_body(
        description = "One event, an array, or an envelope; as NDJSON one event a line.",
        content(
            (EventsBody = "application/json", example = json!([
                {"userId": "test123", "type": "page_view", "payload": {"path": "/pricing"}}
            ])),
            (EventsBody = "text/plain"),
            (String = "application/x-ndjson",
                example = "{\"userId\": \"test123\", \"type\": \"search\"}\n"),
        ),
    ),
    responses(
        (status = 202, description = "All events were accepted.", body = AcceptedBody),
        (status = 400, description = "Broken JSON or faulty events; nothing was taken.",
            body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Write keys are configured, and none that is taken was sent.",
            body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not arrive in time; nothing was taken.",
            body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too many events or bytes; nothing was taken.",
            body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Another media type or encoding.",
            body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Over the configured rate; nothing was taken.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait."))),
        (status = 503, description = "The buffer is full; nothing was taken.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait."))),
    ),
)]
async fn post_events(
    State(service): State<Arc<Service>>,
    request: Request,
) -> Result<Response, Problem> {
    accept(&service, request)
        .await
        .map_err(|(reason, problem)| {
            service.statistics.refused(reason);
            problem
        })
}

type Refused = (RefusedBecause, Problem);

async fn accept(service: &Service, request: Request) -> Result<Response, Refused> {
    let full = |_| (RefusedBecause::BufferFull, Problem::buffer_full());
    let (parts, body) = request.into_parts();
    may_write(service, &parts)?;
    if service.pipeline.is_full() {
        // Before the body is read: refusing must cost little when it counts.
        return Err(full(()));
    }
    let form =
        body::form_of(&parts.headers).map_err(|problem| (RefusedBecause::Unsupported, problem))?;
    let max_bytes = service.options.max_body_bytes;
    let bytes = body::read(body, max_bytes, service.options.body_timeout)
        .await
        .map_err(|error| unread(error, max_bytes))?;

    let now = service.clock.now();
    let events = match form {
        Form::Json => wire::read_json(&bytes, &service.rules, now),
        Form::Ndjson => wire::read_ndjson(&bytes, &service.rules, now),
    };
    let events = events.map_err(|refusal| (reason_of(&refusal), Problem::from(refusal)))?;

    let event_ids: Vec<Box<str>> = events.iter().map(|event| event.event_id.clone()).collect();
    service.pipeline.admit(events).map_err(|_| full(()))?;
    let answer = AcceptedBody {
        message: "Events accepted for processing",
        count: event_ids.len(),
        event_ids,
    };
    Ok((StatusCode::ACCEPTED, axum::Json(answer)).into_response())
}

/// Whether the sender may post, and may post now. Decided by the head alone.
fn may_write(service: &Service, parts: &Parts) -> Result<(), Refused> {
    let access = &service.access;
    let too_often = |error: AccessError| (RefusedBecause::TooOften, error.into());
    if let Some(limit) = &access.limits.events_by_client {
        let Client(client) = Client::of(parts, service);
        limits::check(Some(limit), &limits::network(client)).map_err(too_often)?;
    }
    if !access.write_keys.is_required() {
        return Ok(());
    }
    let sent = sent_write_key(parts);
    let name = sent.and_then(|key| access.write_keys.name_of(&key));
    let Some(name) = name else {
        return Err((RefusedBecause::Unauthorized, Problem::write_key_required()));
    };
    limits::check(access.limits.events_by_key.as_ref(), name).map_err(too_often)
}

/// The key, as a bearer, in a header of its own, or, for beacons, which have
/// no headers, in the query.
fn sent_write_key(parts: &Parts) -> Option<String> {
    if let Some(bearer) = bearer(&parts.headers) {
        return Some(bearer.to_owned());
    }
    if let Some(header) = parts.headers.get(WRITE_KEY) {
        return header.to_str().ok().map(str::to_owned);
    }
    form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
        .find(|(name, _)| name == "writeKey")
        .map(|(_, key)| key.into_owned())
}

fn unread(error: BodyError, max_bytes: usize) -> Refused {
    match error {
        BodyError::TooLarge => (RefusedBecause::TooLarge, Problem::body_too_large(max_bytes)),
        BodyError::TimedOut => (RefusedBecause::Incomplete, Problem::body_timeout()),
        BodyError::Broken(reason) => (RefusedBecause::Incomplete, Problem::broken_body(&reason)),
    }
}

fn reason_of(refusal: &wire::Refusal) -> RefusedBecause {
    match refusal {
        wire::Refusal::TooMany { .. } => RefusedBecause::TooLarge,
        wire::Refusal::Syntax { .. } | wire::Refusal::Faulty(_) => RefusedBecause::Invalid,
    }
}
