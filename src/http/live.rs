//! `GET /users/{userId}/live` and `GET /live`: accepted events as they come.

mod door;
mod frames;
mod sending;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;

use super::guard::MayRead;
use super::on_terms::OnTerms;
use super::path::PathText;
use super::problem::Problem;
use super::problem::answers::{InvalidParameters, NoCredentials, NoStream, WrongScope};
use super::query::Parameters;
use super::stall::OfAStream;
use super::state::Service;
use crate::access::audit::action;
use crate::live::Place;
use door::Door;
use sending::{Sending, Source};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Says to nginx, and to those that do as it does, that nothing is held back.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The events of a user, as they come
///
/// Server-sent events, as `EventSource` reads them. Each has the event as a journey shows
/// it for its `data`, those of linked ids included: from the moment on in which this
/// instance accepted it, or in which another instance stored it, at most two seconds
/// later. What came in elsewhere is looked for among the newest events of the journey:
/// one whose `occurredAt` is older than that of many others is not shown.
///
/// Open the stream first, and read the journey then: what comes in between is in both.
/// Other events of the stream have a name:
///
/// - `hello` is the first one, and says whose events come.
/// - `gap`: events may be missing, so the journey has to be read again. The `reason` is
///   `behind` (the reader is slower than events come, or came back too late), `unknown-id`
///   (`Last-Event-ID` is of another process, or was never given), `elsewhere` (other
///   instances may have stored events meanwhile) or `linked` (other ids are linked to the
///   user now, or ids are no more).
/// - `end` is the last one. The `reason` is `stopping` (the service), `signed-out`,
///   `forbidden` or `unverified` (for a minute the database could not say whether the
///   caller still may).
///
/// A comment comes every 15 seconds, and then it is asked again whether the caller may
/// still read: a sign-out, a disabled account and a revoked token end the stream. A reader
/// that takes nothing for 15 seconds is cut off.
#[utoipa::path(
    get,
    path = "/users/{userId}/live",
    tag = "Journeys",
    security(("session" = []), ("token" = [])),
    params(
        ("userId" = String, Path, description = "1 to 256 bytes.", example = "test123"),
        ("Last-Event-ID" = Option<String>, Header,
            description = "The `id` of the last event of a stream that broke: what came since \
                then comes first, as far as it is among the 10,000 events (16 MiB) that this \
                instance accepted last. Else a `gap` is told."),
    ),
    responses(
        (status = 200, description = "The stream; it ends with the service, or with the session.",
            body = String, content_type = "text/event-stream",
            headers(
                ("Cache-Control" = String, description = "`no-store`"),
                ("X-Accel-Buffering" = String, description = "`no`"),
            ),
            example = "retry: 2000\nevent: hello\nid: 5f0c6d2a9b31e874-0-19b21f2c3e0\n\
                data: {\"scope\":\"user\",\"userId\":\"test123\",\
                \"instance\":\"5f0c6d2a9b31e874\"}\n\n\
                id: 5f0c6d2a9b31e874-1-19b21f2c5a8\n\
                data: {\"eventId\":\"evt_001\",\"userId\":\"test123\",\"type\":\"page_view\",\
                \"occurredAt\":\"2025-12-15T10:30:00.000Z\",\
                \"receivedAt\":\"2025-12-15T10:30:00.120Z\",\"payload\":{}}\n\n\
                : heartbeat\nid: 5f0c6d2a9b31e874-1-19b21f2fc80\n\n"),
        InvalidParameters, NoCredentials, WrongScope, NoStream,
    ),
)]
pub async fn watch_user(
    State(service): State<Arc<Service>>,
    OnTerms(terms): OnTerms,
    MayRead { reader, .. }: MayRead,
    PathText(user_id): PathText,
    RawQuery(query): RawQuery,
    door: Door,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    parameters.check_id("userId", &user_id);
    parameters.finish()?;
    let place = service.live.place(terms.max_streams)?;
    service.access.audit.note(&reader, action::WATCH_JOURNEY, Some(&user_id));
    let stream = service.live.of_user(&user_id, last_event_id(&headers)).await?;
    let hello = frames::hello_of_user(&stream, &user_id, &service.live.process());
    Ok(answer(Sending::new(service, Source::User(Box::new(stream)), door, hello), place))
}

/// All events that this instance accepts, as they come
///
/// Server-sent events, as of a user (see there): each as a journey shows it. Other
/// instances have streams of their own, which `hello` reminds of. At most 50 events are
/// shown in a second; how many others came in that second is told by an event `skipped`,
/// with a `count`.
#[utoipa::path(
    get,
    path = "/live",
    tag = "Journeys",
    security(("session" = []), ("token" = [])),
    params(
        ("Last-Event-ID" = Option<String>, Header,
            description = "The `id` of the last event of a stream that broke."),
    ),
    responses(
        (status = 200, description = "The stream; it ends with the service, or with the session.",
            body = String, content_type = "text/event-stream",
            headers(
                ("Cache-Control" = String, description = "`no-store`"),
                ("X-Accel-Buffering" = String, description = "`no`"),
            ),
            example = ": events that this instance accepts; others have streams of their own\n\
                retry: 2000\nevent: hello\nid: 5f0c6d2a9b31e874-0-19b21f2c3e0\n\
                data: {\"scope\":\"instance\",\"instance\":\"5f0c6d2a9b31e874\",\
                \"mostPerSecond\":50}\n\n\
                event: skipped\nid: 5f0c6d2a9b31e874-5c8-19b21f2d1a0\n\
                data: {\"count\":1430}\n\n"),
        InvalidParameters, NoCredentials, WrongScope, NoStream,
    ),
)]
pub async fn watch_all(
    State(service): State<Arc<Service>>,
    OnTerms(terms): OnTerms,
    MayRead { reader, .. }: MayRead,
    RawQuery(query): RawQuery,
    door: Door,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Parameters::parse(query.as_deref()).finish()?;
    let place = service.live.place(terms.max_streams)?;
    service.access.audit.note(&reader, action::WATCH_ALL, None);
    let stream = service.live.of_instance(last_event_id(&headers));
    let hello = frames::hello_of_instance(&stream, &service.live.process());
    Ok(answer(Sending::new(service, Source::Instance(stream), door, hello), place))
}

/// What cannot be an id is one that was never given.
fn last_event_id(headers: &HeaderMap) -> Option<&str> {
    headers.get(LAST_EVENT_ID).map(|id| id.to_str().unwrap_or_default())
}

fn answer(sending: Sending, place: Place) -> Response {
    let mut response = Response::new(Body::from_stream(sending.frames(place)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response.extensions_mut().insert(OfAStream);
    response
}
