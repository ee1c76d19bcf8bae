//! `GET /accounts/{accountId}/events`.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use trailkeep_event::json_writer::write_string;
use trailkeep_store::{Order, Position, StoredEvent};
use utoipa::ToSchema;

use crate::access::audit::{Actor, action};
use crate::http::guard::MayRead;
use crate::http::journeys::{DEFAULT_LIMIT, JourneyEventBody, MAX_LIMIT, tell_incomplete};
use crate::http::path::PathText;
use crate::http::problem::Problem;
use crate::http::problem::answers::{
    DatabaseUnavailable, InvalidParameters, NoCredentials, WrongScope,
};
use crate::http::query::Parameters;
use crate::http::state::Service;
use crate::journeys::cursor::{self, Way};
use crate::journeys::{Page, export};

/// A page of an account's events.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", as = AccountEvents)]
#[allow(dead_code)] // describes what `body` writes
struct AccountEventsBody {
    /// The account.
    account_id: String,
    /// Events on this page.
    count: usize,
    /// The events, newest first.
    events: Vec<JourneyEventBody>,
    /// Hand it back as `cursor` for the next page; null on the last one.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// What the users of one account did, newest first
///
/// As a journey tells it, of all users of the account. Ordered by `occurredAt`; events
/// of one millisecond in order of arrival. A page ends at `limit` or at 4 MiB, whichever
/// comes first. Accepted events are here at once, as they are in a journey.
#[utoipa::path(
    get,
    path = "/accounts/{accountId}/events",
    operation_id = "account_events",
    tag = "Accounts",
    security(("session" = []), ("token" = [])),
    params(
        ("accountId" = String, Path, description = "1 to 256 bytes.", example = "acme"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000,
            description = "Events on a page, at most; 100 by default."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before."),
    ),
    responses(
        (status = 200, description = "The events; none for an account without any.", content(
            (AccountEventsBody = "application/json", example = json!({
                "accountId": "acme", "count": 1, "nextCursor": null,
                "events": [{
                    "eventId": "evt_001", "userId": "test123", "accountId": "acme",
                    "type": "page_view", "occurredAt": "2025-12-15T10:30:00.000Z",
                    "receivedAt": "2025-12-15T10:30:00.120Z", "payload": {"path": "/pricing"}
                }]
            })),
        ), headers(("x-trailkeep-incomplete" = String, description = "`true` where accepted events \
            may be missing, as of a journey; left out otherwise."))),
        InvalidParameters, NoCredentials, WrongScope, DatabaseUnavailable,
    ),
)]
pub async fn events(
    State(service): State<Arc<Service>>,
    MayRead { reader, .. }: MayRead,
    PathText(account_id): PathText,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (after, limit) = read(&account_id, query.as_deref())?;
    let page = newest(&service, &reader, &account_id, after, limit).await?;
    let json = (header::CONTENT_TYPE, "application/json");
    let mut response = ([json], body(&account_id, &page)).into_response();
    tell_incomplete(&page, &mut response);
    Ok(response)
}

/// The newest events of an account behind a position, and a note of who looks at them.
pub async fn newest(
    service: &Service,
    reader: &Actor,
    account_id: &str,
    after: Option<Position>,
    limit: usize,
) -> Result<Page, Problem> {
    service.access.audit.note(reader, action::READ_ACCOUNT_EVENTS, Some(account_id));
    Ok(service.account_events.page(account_id, after, limit).await?)
}

/// Behind which position a page is to begin.
pub fn after(parameters: &mut Parameters) -> Option<Position> {
    let text = parameters.text("cursor")?;
    match cursor::decode(&text, Order::Descending) {
        Ok((position, Way::Onwards)) => return Some(position),
        Ok((_, Way::Back)) => {
            parameters.fault("cursor", "leads back, and these pages only go on");
        }
        Err(fault) => parameters.fault("cursor", fault.to_string()),
    }
    None
}

fn read(account_id: &str, query: Option<&str>) -> Result<(Option<Position>, usize), Problem> {
    let mut parameters = Parameters::parse(query);
    parameters.check_id("accountId", account_id);
    let after = after(&mut parameters);
    let limit = parameters.number("limit", 1..=MAX_LIMIT).unwrap_or(DEFAULT_LIMIT);
    parameters.finish()?;
    Ok((after, limit))
}

fn body(account_id: &str, page: &Page) -> Vec<u8> {
    const HEAD: usize = 512;
    let bytes: usize = page.events.iter().map(StoredEvent::bytes).sum();
    let mut out = Vec::with_capacity(bytes + HEAD);
    out.extend_from_slice(b"{\"accountId\":");
    write_string(account_id, &mut out);
    out.extend_from_slice(format!(",\"count\":{},\"events\":[", page.events.len()).as_bytes());
    for (index, event) in page.events.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        export::write_json(event, &mut out);
    }
    out.extend_from_slice(b"],\"nextCursor\":");
    match page.next {
        Some(position) => {
            write_string(&cursor::encode(position, Order::Descending, Way::Onwards), &mut out)
        }
        None => out.extend_from_slice(b"null"),
    }
    out.push(b'}');
    out
}
