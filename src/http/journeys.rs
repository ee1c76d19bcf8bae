//! `GET /users/{userId}/journey`.

mod processing;

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use trailkeep_event::json_writer::write_string;
use trailkeep_store::{Id, JourneyRange, Order, StoreError, StoredEvent};
use utoipa::ToSchema;

use super::guard::MayRead;
use super::path::PathText;
use super::problem::Problem;
use super::problem::answers::{DatabaseUnavailable, InvalidParameters, NoCredentials};
use super::query::Parameters;
use super::state::Service;
use crate::access::audit::action;
use crate::journeys::{Page, cursor, export};
use processing::ProcessingBody;

/// A page of a journey.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", as = Journey)]
#[allow(dead_code)] // describes what `page_body` writes
struct JourneyBody {
    /// The user.
    user_id: String,
    /// Events on this page.
    count: usize,
    /// The events, in the order asked for.
    events: Vec<JourneyEventBody>,
    /// Hand it back as `cursor` for the next page; null on the last one.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// One event of a journey. What the event does not have is left out.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", as = JourneyEvent)]
#[allow(dead_code)] // describes what `export::write_json` writes
pub(super) struct JourneyEventBody {
    event_id: String,
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
pub(super) const MAX_LIMIT: usize = 1000;
/// Events that an export has in memory at once.
const EXPORT_PAGE: usize = 200;
/// Says that accepted events of the user may be missing.
const INCOMPLETE: HeaderName = HeaderName::from_static("x-trailkeep-incomplete");

/// What one user did, in order
///
/// Ordered by `occurredAt`; events of one millisecond in order of arrival. A page
/// ends at `limit` or at 4 MiB, whichever comes first.
/// Accepted events are here at once, while no more than 5,000 events, or 64 MiB,
/// wait for the database. Where the backlog may hold more, what is beyond that is
/// here once it is read back from the journal, and until then the answer has the
/// header `x-trailkeep-incomplete: true`. With `Accept: application/x-ndjson` or
/// `text/csv` the whole range is streamed, and `limit` counts only if given.
/// A cell of the CSV form that a spreadsheet would take for a formula begins
/// with an apostrophe.
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
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before."),
        ("processing" = Option<bool>, Query,
            description = "`true` tells what became of each event at the processors. Not with CSV."),
    ),
    responses(
        (status = 200, description = "The journey; empty for a user without events.", content(
            (JourneyBody = "application/json", example = json!({
                "userId": "test123", "count": 1, "nextCursor": null,
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
        (status = 403, description = "A token that is not good for journeys.",
            body = Problem, content_type = "application/problem+json"),
        DatabaseUnavailable,
    ),
)]
pub async fn journey(
    State(service): State<Arc<Service>>,
    MayRead(reader): MayRead,
    PathText(user_id): PathText,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let format = Format::wanted(&headers);
    let request = JourneyRequest::read(user_id, query.as_deref(), format)?;
    let user_id = Some(&*request.range.ids[0].id);
    service.access.audit.note(&reader, action::READ_JOURNEY, user_id);
    match format {
        Format::Json => {
            let limit = request.limit.unwrap_or(DEFAULT_LIMIT);
            let told = request.read_page(&service, limit).await?;
            let body = page_body(&request.range, &told);
            let json = (header::CONTENT_TYPE, "application/json");
            let mut response = ([json], body).into_response();
            tell_incomplete(&told.page, &mut response);
            Ok(response)
        }
        format => stream_export(service, request, format).await,
    }
}

struct JourneyRequest {
    range: JourneyRange,
    limit: Option<usize>,
    with_processing: bool,
}

/// A page, and what became of its events where that is asked for.
struct Told {
    page: Page,
    processing: Vec<String>,
}

impl Told {
    /// Appends the event at this place.
    fn write_json(&self, index: usize, event: &StoredEvent, out: &mut Vec<u8>) {
        export::write_json(event, out);
        if let Some(processing) = self.processing.get(index) {
            out.pop();
            out.extend_from_slice(b",\"processing\":");
            out.extend_from_slice(processing.as_bytes());
            out.push(b'}');
        }
    }
}

impl JourneyRequest {
    /// What is to come of it, of at most so many events.
    async fn read_page(&self, service: &Service, limit: usize) -> Result<Told, StoreError> {
        let mut page = service.journeys.page(&self.range, limit).await?;
        let processing = match self.with_processing {
            true => processing::of_page(service, &mut page).await?,
            false => Vec::new(),
        };
        Ok(Told { page, processing })
    }

    fn read(user_id: String, query: Option<&str>, format: Format) -> Result<Self, Problem> {
        let mut parameters = Parameters::parse(query);
        parameters.check_id("userId", &user_id);
        let order = match parameters.text("order").as_deref() {
            None | Some("desc") => Order::Descending,
            Some("asc") => Order::Ascending,
            Some(_) => {
                parameters.fault("order", "must be desc or asc");
                Order::Descending
            }
        };
        let after = parameters.text("cursor").and_then(|text| {
            cursor::decode(&text, order)
                .map_err(|fault| parameters.fault("cursor", fault.to_string()))
                .ok()
        });
        let range = JourneyRange {
            ids: vec![Id::whole(user_id)],
            from: parameters.time("from"),
            to: parameters.time("to"),
            after,
            order,
            types: parameters.all("type"),
            session_id: parameters.text("sessionId"),
        };
        for kind in &range.types {
            parameters.check_id("type", kind);
        }
        if let Some(session_id) = &range.session_id {
            parameters.check_id("sessionId", session_id);
        }
        if let (Some(from), Some(to)) = (range.from, range.to)
            && from > to
        {
            parameters.fault("from", "must not be later than \"to\"");
        }
        let limit = parameters.number("limit", 1..=MAX_LIMIT);
        let with_processing = match parameters.text("processing").as_deref() {
            None | Some("false") => false,
            Some("true") if format == Format::Csv => {
                parameters.fault("processing", "has no place in the CSV form; ask for NDJSON");
                false
            }
            Some("true") => true,
            Some(_) => {
                parameters.fault("processing", "must be true or false");
                false
            }
        };
        parameters.finish()?;
        Ok(Self { range, limit, with_processing })
    }
}

/// Tells it of an export once, by its first page: what comes to lie beyond the
/// head later was accepted after the export began.
pub(super) fn tell_incomplete(page: &Page, response: &mut Response) {
    if page.may_be_incomplete {
        let yes = HeaderValue::from_static("true");
        response.headers_mut().insert(INCOMPLETE, yes);
    }
}

fn page_body(range: &JourneyRange, told: &Told) -> Vec<u8> {
    let page = &told.page;
    let mut out = Vec::with_capacity(expected_bytes(told));
    out.extend_from_slice(b"{\"userId\":");
    write_string(&range.ids[0].id, &mut out);
    out.extend_from_slice(format!(",\"count\":{},\"events\":[", page.events.len()).as_bytes());
    for (index, event) in page.events.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        told.write_json(index, event, &mut out);
    }
    out.extend_from_slice(b"],\"nextCursor\":");
    match page.next {
        Some(position) => write_string(&cursor::encode(position, range.order), &mut out),
        None => out.extend_from_slice(b"null"),
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Ndjson,
    Csv,
}

impl Format {
    /// The first of our formats that the client names; JSON where it names none.
    fn wanted(headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        accept
            .unwrap_or_default()
            .split(',')
            .find_map(|range| match range.split(';').next().unwrap_or_default().trim() {
                "application/json" => Some(Self::Json),
                "application/x-ndjson" => Some(Self::Ndjson),
                "text/csv" => Some(Self::Csv),
                _ => None,
            })
            .unwrap_or(Self::Json)
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    fn write(self, told: &Told, out: &mut Vec<u8>) -> std::io::Result<()> {
        for (index, event) in told.page.events.iter().enumerate() {
            if self == Self::Csv {
                export::write_csv(event, out)?;
            } else {
                told.write_json(index, event, out);
                out.push(b'\n');
            }
        }
        Ok(())
    }
}

/// An export on its way to a client: what is still to come.
struct Export {
    service: Arc<Service>,
    request: JourneyRequest,
    format: Format,
    left: usize,
    next: Option<Told>,
}

/// Sends the whole range page by page. The first page is read before the
/// answer begins, so that a database that is away can still be said with a
/// status; when it goes away later, the connection is cut, and the client sees
/// that the export is not whole.
async fn stream_export(
    service: Arc<Service>,
    request: JourneyRequest,
    format: Format,
) -> Result<Response, Problem> {
    let left = request.limit.unwrap_or(usize::MAX);
    let first = request.read_page(&service, left.min(EXPORT_PAGE)).await?;
    let mut response = Response::default();
    tell_incomplete(&first.page, &mut response);
    let export = Export { service, request, format, left, next: Some(first) };
    let head = match format {
        Format::Csv => export::csv_head().map_err(|_| Problem::internal())?,
        _ => Vec::new(),
    };
    let pages = stream::unfold((export, head), |(mut export, out)| async move {
        let page = export.next.take()?;
        let chunk = export.send(page, out).await;
        Some((chunk, (export, Vec::new())))
    });
    *response.body_mut() = Body::from_stream(pages);
    let media_type = HeaderValue::from_static(format.media_type());
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    Ok(response)
}

impl Export {
    /// Writes a page behind what `out` holds and reads the one after it.
    async fn send(&mut self, told: Told, mut out: Vec<u8>) -> std::io::Result<Vec<u8>> {
        self.format.write(&told, &mut out)?;
        let page = told.page;
        self.left -= page.events.len().min(self.left);
        if let (Some(position), 1..) = (page.next, self.left) {
            self.request.range.after = Some(position);
            let limit = self.left.min(EXPORT_PAGE);
            let next = self.request.read_page(&self.service, limit).await;
            self.next = Some(next.map_err(std::io::Error::other)?);
        }
        Ok(out)
    }
}
