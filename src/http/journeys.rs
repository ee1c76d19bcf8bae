//! `GET /users/{userId}/journey`.

mod format;
mod processing;
mod request;
mod streaming;

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use trailkeep_event::json_writer::write_string;
use trailkeep_store::StoredEvent;
use utoipa::ToSchema;

use super::guard::MayRead;
use super::path::PathText;
use super::problem::Problem;
use super::problem::answers::{DatabaseUnavailable, InvalidParameters, NoCredentials};
use super::state::Service;
use crate::access::audit::action;
use crate::journeys::cursor::{self, Way};
pub use format::Format;
use processing::ProcessingBody;
use request::JourneyRequest;
use request::Told;
pub(super) use request::{MAX_LIMIT, tell_incomplete};
use streaming::stream_export;

/// A page of a journey.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", as = Journey)]
#[allow(dead_code)] // describes what `page_body` writes
struct JourneyBody {
    /// The user.
    user_id: String,
    /// The user whom this id is linked to; left out where there is none.
    linked_to: Option<String>,
    /// Events on this page.
    count: usize,
    /// The events, in the order asked for.
    events: Vec<JourneyEventBody>,
    /// Hand it back as `cursor` for the next page; null on the last one.
    #[schema(required)]
    next_cursor: Option<String>,
    /// Hand it back as `cursor` for the page that ends where this one begins; null where
    /// nothing is before it.
    #[schema(required)]
    prev_cursor: Option<String>,
}

/// One event of a journey. What the event does not have is left out.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", as = JourneyEvent)]
#[allow(dead_code)] // describes what `export::write_json` writes
pub(super) struct JourneyEventBody {
    event_id: String,
    /// As it was sent: of an event of a linked id, that id.
    user_id: String,
    /// Under which the user was known before; the `userId` again where it was sent alone.
    anonymous_id: Option<String>,
    session_id: Option<String>,
    account_id: Option<String>,
    r#type: String,
    #[schema(value_type = Object)]
    payload: (),
    #[schema(value_type = String, format = DateTime)]
    occurred_at: (),
    #[schema(value_type = String, format = DateTime)]
    received_at: (),
    /// With `processing=true`: what became of it, by the names of processors.
    processing: Option<HashMap<String, ProcessingBody>>,
}

pub(super) const DEFAULT_LIMIT: usize = 100;

/// What one user did, in order
///
/// Ordered by `occurredAt`; events of one millisecond in order of arrival. A page
/// ends at `limit` or at 4 MiB, whichever comes first.
///
/// `nextCursor` leads to the page behind, `prevCursor` to the one before, both in the
/// same order: walked either way, no event is met twice and none is left out. A cursor
/// names a place in the order, so it stays good while events come and ids are linked.
///
/// Accepted events are here at once, while no more than 5,000 events, or 64 MiB,
/// wait for the database. Where the backlog may hold more, what is beyond that is
/// here once it is read back from the journal, and until then the answer has the
/// header `x-trailkeep-incomplete: true`. With `Accept: application/x-ndjson` or
/// `text/csv` the whole range is streamed, and `limit` counts only if given.
/// A cell of the CSV form that a spreadsheet would take for a formula begins
/// with an apostrophe. Whoever has the role `support` reads pages alone.
#[utoipa::path(
    get,
    path = "/users/{userId}/journey",
    tag = "Journeys",
    security(("session" = []), ("token" = [])),
    params(
        ("userId" = String, Path, description = "1 to 256 bytes.", example = "test123"),
        ("from" = Option<String>, Query, format = DateTime,
            description = "Nothing that occurred before this (inclusive)."),
        ("to" = Option<String>, Query, format = DateTime,
            description = "Nothing that occurred after this (inclusive)."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000,
            description = "Events on a page, at most; 100 by default."),
        ("order" = Option<String>, Query,
            description = "`desc`, newest first, the default, or `asc`."),
        ("type" = Option<Vec<String>>, Query,
            description = "Only this type; repeatable."),
        ("sessionId" = Option<String>, Query, description = "Only this session."),
        ("cursor" = Option<String>, Query,
            description = "`nextCursor` or `prevCursor` of another page. An export takes the former."),
        ("around" = Option<String>, Query,
            description = "An `eventId`: the page in whose middle that event is, or the place that \
                it would have where `type`, `sessionId`, `from` or `to` leave it out. The user's \
                own event, else that of the first linked id that has one. Not beside `cursor`, \
                and not for an export. One beyond the backlog's head is not found."),
        ("linked" = Option<bool>, Query,
            description = "`false` leaves out what linked ids did."),
        ("processing" = Option<bool>, Query,
            description = "`true` tells what became of each event at the processors. Not with CSV."),
    ),
    responses(
        (status = 200, description = "The journey; empty for a user without events.", content(
            (JourneyBody = "application/json", example = json!({
                "userId": "test123", "count": 1, "nextCursor": null, "prevCursor": null,
                "events": [{
                    "eventId": "evt_001", "userId": "test123", "type": "page_view",
                    "occurredAt": "2025-12-15T10:30:00.000Z",
                    "receivedAt": "2025-12-15T10:30:00.120Z",
                    "payload": {"path": "/pricing"}
                }]
            })),
            (String = "application/x-ndjson"),
            (String = "text/csv"),
        ), headers(("x-trailkeep-incomplete" = String, description = "`true` where accepted events \
            may be missing, because they lie in the journal alone until the database takes those \
            before them; left out otherwise."))),
        InvalidParameters, NoCredentials,
        (status = 403, description = "A token that is not good for journeys, or an export for \
            somebody with the role `support`.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No event has the id that `around` names.",
            body = Problem, content_type = "application/problem+json"),
        DatabaseUnavailable,
    ),
)]
pub async fn journey(
    State(service): State<Arc<Service>>,
    may_read: MayRead,
    PathText(user_id): PathText,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let format = Format::wanted(&headers);
    read(service, may_read, user_id, query.as_deref(), format).await
}

/// A journey in one of its forms, of which all but JSON are exports.
pub async fn read(
    service: Arc<Service>,
    may_read: MayRead,
    user_id: String,
    query: Option<&str>,
    format: Format,
) -> Result<Response, Problem> {
    if format != Format::Json {
        may_read.check_export()?;
    }
    let mut request = JourneyRequest::read(user_id, query, format)?;
    service.access.audit.note(&may_read.reader, action::READ_JOURNEY, Some(&request.user_id));
    match format {
        Format::Json => {
            let limit = request.limit.unwrap_or(DEFAULT_LIMIT);
            let told = request.linked_page(&service, limit).await?;
            let body = page_body(&request, &told);
            let json = (header::CONTENT_TYPE, "application/json");
            let mut response = ([json], body).into_response();
            tell_incomplete(&told.page, &mut response);
            Ok(response)
        }
        format => {
            request.link(&service).await?;
            stream_export(service, request, format).await
        }
    }
}

fn page_body(request: &JourneyRequest, told: &Told) -> Vec<u8> {
    let page = &told.page;
    let mut out = Vec::with_capacity(expected_bytes(told));
    out.extend_from_slice(b"{\"userId\":");
    write_string(&request.user_id, &mut out);
    if let Some(linked_to) = &request.linked_to {
        out.extend_from_slice(b",\"linkedTo\":");
        write_string(linked_to, &mut out);
    }
    out.extend_from_slice(format!(",\"count\":{},\"events\":[", page.events.len()).as_bytes());
    for (index, event) in page.events.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        told.write_json(index, event, &mut out);
    }
    out.push(b']');
    for (name, position, way) in
        [("nextCursor", page.next, Way::Onwards), ("prevCursor", page.previous, Way::Back)]
    {
        out.extend_from_slice(format!(",\"{name}\":").as_bytes());
        match position {
            Some(position) => {
                write_string(&cursor::encode(position, request.range.order, way), &mut out);
            }
            None => out.extend_from_slice(b"null"),
        }
    }
    out.push(b'}');
    out
}

/// About the bytes of a page, for a buffer that need not grow.
fn expected_bytes(told: &Told) -> usize {
    const HEAD: usize = 512;
    let processing: usize = told.processing.iter().map(|text| text.len() + HEAD / 8).sum();
    told.page.events.iter().map(StoredEvent::bytes).sum::<usize>() + processing + HEAD
}
