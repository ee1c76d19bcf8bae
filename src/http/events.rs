//! `POST /events`.

mod check;
pub mod cors;
pub mod published;
mod schema;
mod wish;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::time::timeout;
use trailkeep_event::{Event, wire};
use utoipa::ToSchema;

use super::body::{self, Encoding, Form};
use super::browser::Browser;
use super::budget::Charge;
use super::on_terms::OnTerms;
use super::posting::{self, Refused, at_fault, not_admitted, unread};
use super::problem::Problem;
use super::refused::{self, Caller};
use super::state::Service;
use super::terms::Terms;
use super::trace::OneOfMany;
use super::writing;
use crate::ingest::waiter::{Waited, Waiter};
use crate::ingest::{Patience, Posted};
use crate::monitoring::statistics::RefusedBecause;
use check::CheckedBody;
use schema::EventsBody;
use wish::Wish;

/// The answer to events that were accepted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "message": "Events accepted for processing",
    "count": 2,
    "eventIds": ["0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88", "evt_002"]
}))]
pub struct AcceptedBody<'a> {
    message: &'static str,
    /// How many events were accepted.
    count: usize,
    /// Their ids, in the order in which they were sent.
    event_ids: Vec<&'a str>,
}

/// The answer to events that are in the database.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "message": "Events stored",
    "count": 2,
    "eventIds": ["0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88", "evt_002"],
    "duplicates": 1
}))]
pub struct StoredBody {
    message: &'static str,
    /// How many events were accepted.
    count: usize,
    /// Their ids, in the order in which they were sent.
    event_ids: Vec<Box<str>>,
    /// How many of them were accepted before.
    duplicates: usize,
}

/// What is answered 200.
#[derive(ToSchema)]
#[serde(untagged)]
#[allow(dead_code)] // describes two answers
enum AnswerAtOnce {
    /// With `wait=stored`.
    Stored(StoredBody),
    /// With `check=true`.
    Checked(CheckedBody),
}

/// Post one event or a batch
///
/// A batch is taken whole or not at all. An accepted event is visible in its
/// user's journey at once (past the first 5,000 that wait, once it is read back)
/// and written to the database within a second. An
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
    params(
        ("wait" = Option<String>, Query,
            description = "`stored` answers 200 once the events are in the database."),
        ("check" = Option<bool>, Query,
            description = "`true` answers 200 with what is wrong with the request, and keeps \
                nothing of it; `wait` then has no meaning."),
    ),
    responses(
        (status = 200, description = "With `wait=stored`: all events are in the database. With \
            `check=true`: what is wrong, if anything.",
            body = inline(AnswerAtOnce), examples(
                ("stored" = (summary = "With wait=stored", value = json!({
                    "message": "Events stored", "count": 1, "eventIds": ["evt_002"],
                    "duplicates": 0
                }))),
                ("checked" = (summary = "With check=true", value = json!({
                    "valid": false, "count": 1,
                    "errors": [{"index": 0, "field": "type", "message": "is missing"}]
                }))))),
        (status = 202, description = "All events were accepted.", body = AcceptedBody),
        (status = 400, description = "Broken JSON or faulty events; nothing was taken.",
            body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "There are write keys, and none that is taken was sent.",
            body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The write key is not for pages of the `Origin` that the request \
            has (`urn:trailkeep:problem:origin-not-allowed`); nothing was taken.",
            body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "The body did not arrive in time, or went without a byte while \
            others needed its room; nothing was taken.",
            body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too many events or bytes, also for the share that an account or \
            write key may have of the backlog; nothing was taken.",
            body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Another media type or encoding.",
            body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Over the configured rate, or over the share that an account or \
            write key may have of the backlog (`urn:trailkeep:problem:over-share`); nothing was taken.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait."))),
        (status = 503, description = "The backlog has no room for 300 ms, or the disk has none, or too \
            many bodies are being read, or it is not known yet which write keys there are; nothing was \
            taken. While others wait for room, bodies are refused \
            unread, also those that would be refused for good and those of events that were accepted before.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait."))),
        (status = 504, description = "With `wait=stored`: it takes longer; the events of \
            `eventIds` stay accepted.",
            body = Problem, content_type = "application/problem+json"),
    ),
)]
pub async fn post_events(
    State(service): State<Arc<Service>>,
    OnTerms(terms): OnTerms,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let mut caller = Caller::of(&head, &service);
    match accept(&service, &terms, head, body, &mut caller).await {
        Ok(answer) => answer,
        Err((reason, problem)) => {
            refused::note(&service, reason, &problem, caller);
            let mut answer = problem.into_response();
            if reason.comes_in_floods() {
                answer.extensions_mut().insert(OneOfMany);
            }
            answer
        }
    }
}

async fn accept(
    service: &Service,
    terms: &Terms,
    head: Parts,
    body: Body,
    caller: &mut Caller,
) -> Result<Response, Refused> {
    let key = match writing::may_write(service, terms, &head) {
        Ok(key) => key,
        Err(refusal) => {
            let (reason, problem) = refusal.into();
            return Err((reason, unread(terms, body, problem).await));
        }
    };
    if let Some(key) = &key {
        caller.has_key(key);
    }
    let wish = Wish::of(head.uri.query())
        .map_err(|problem| (RefusedBecause::Invalid, problem.closing()))?;
    let kind = Encoding::of(&head.headers)
        .and_then(|encoding| Ok((encoding, body::form_of(&head.headers)?)));
    let browser = Browser::of(&head, service, terms);
    // It keeps the buffer that it came in.
    drop(head);
    let (encoding, form) = match kind {
        Ok(kind) => kind,
        Err(problem) => {
            let problem = unread(terms, body, problem).await;
            return Err((RefusedBecause::Unsupported, problem));
        }
    };
    // From the head on: a body that comes slowly has had its time.
    let patience = service.ingest.patience();
    // What takes no room waits for none.
    if wish != Wish::Check
        && let Err(refusal) = service.ingest.turn(patience).await
    {
        let (reason, problem) = not_admitted(service, &refusal);
        return Err((reason, unread(terms, body, problem).await));
    }
    let mut body = posting::read(service, terms, body, encoding).await?;
    let most_bytes = wire::most_bytes(&body.bytes, &terms.rules);
    posting::room_for(terms, &mut body, most_bytes).await?;

    let now = service.clock.now();
    let events = match form {
        Form::Json => wire::read_json(&body.bytes, &terms.rules, now),
        Form::Ndjson => wire::read_ndjson(&body.bytes, &terms.rules, now),
    };
    let mut events = match events {
        Ok(events) => events,
        Err(refusal) if wish == Wish::Check => {
            return CheckedBody::of(refusal).map(IntoResponse::into_response).map_err(at_fault);
        }
        Err(refusal) => return Err(at_fault(refusal)),
    };
    browser.sender().mark(&mut events);
    terms.minimise.apply(&mut events);
    // Each event, and its record in the journal. Held until they are handed on.
    let size: usize = events.iter().map(Event::size).sum();
    let held = body.turned_into(2 * size);

    let posted = Posted { events, key };
    if wish == Wish::Check {
        service.ingest.could_take(&posted).map_err(|refusal| not_admitted(service, &refusal))?;
        return Ok(CheckedBody::valid(posted.events.len()).into_response());
    }
    if wish == Wish::Stored {
        return store(service, terms, posted, patience, held).await;
    }
    let answer = accepted(&posted.events);
    service
        .ingest
        .admit(posted, patience, None)
        .await
        .map_err(|refusal| not_admitted(service, &refusal))?;
    drop(held);
    Ok(answer)
}

/// The answer to these events. Made before they are handed on, so that their
/// ids need not be copied for it.
fn accepted(events: &[Event]) -> Response {
    const USUAL_ID: usize = 40;
    let answer = AcceptedBody {
        message: "Events accepted for processing",
        count: events.len(),
        event_ids: events.iter().map(|event| &*event.event_id).collect(),
    };
    let mut body = Vec::with_capacity((events.len() + 2) * USUAL_ID);
    if serde_json::to_writer(&mut body, &answer).is_err() {
        return Problem::internal().into_response();
    }
    let json = HeaderValue::from_static("application/json");
    (StatusCode::ACCEPTED, [(header::CONTENT_TYPE, json)], body).into_response()
}

/// Takes the events and answers when they are in the database.
async fn store(
    service: &Service,
    terms: &Terms,
    posted: Posted,
    patience: Patience,
    held: Charge,
) -> Result<Response, Refused> {
    let ids = posted.events.iter().map(|event| event.event_id.clone());
    let event_ids: Vec<Box<str>> = ids.collect();
    let (waiter, waited) = Waiter::new();
    service
        .ingest
        .admit(posted, patience, Some(waiter))
        .await
        .map_err(|refusal| not_admitted(service, &refusal))?;
    drop(held);
    Ok(match timeout(terms.wait_timeout, waited).await {
        Ok(Ok(Waited { duplicates, refused: 0 })) => axum::Json(StoredBody {
            message: "Events stored",
            count: event_ids.len(),
            event_ids,
            duplicates,
        })
        .into_response(),
        Ok(Ok(Waited { refused, .. })) => {
            Problem::not_all_stored(refused, event_ids).into_response()
        }
        Ok(Err(_)) => Problem::lost(event_ids).into_response(),
        Err(_) => Problem::not_stored_in_time(event_ids).into_response(),
    })
}
