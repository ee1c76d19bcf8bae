//! `/dead-letters`: events that the database refused for good, for
//! administrators.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Service;
use super::guard::Admin;
use super::problem::Problem;
use super::query::Parameters;
use crate::access::audit::action;
use crate::event::{StoreId, Timestamp};
use crate::pipeline::dead_letters::{Retried, RetriedAll};
use crate::store::dead_letters::{LetterHead, LetterPlace};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 500;

/// What the audit trail says of something that was done to all letters.
const ALL: &str = "all";

/// An event that was refused, without its payload.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetter)]
pub struct LetterBody {
    /// The event's `_id` in the database, had it been stored.
    #[schema(format = Uuid)]
    id: String,
    user_id: Box<str>,
    event_id: Box<str>,
    r#type: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<Box<str>>,
    #[schema(format = DateTime)]
    occurred_at: String,
    #[schema(format = DateTime)]
    received_at: String,
    /// `too_large`, `validation`, `unique_index` or `unknown`.
    reason: &'static str,
    /// The database's own words.
    error: String,
    /// When it was set aside.
    #[schema(format = DateTime)]
    set_aside_at: String,
    /// When it was last tried.
    #[schema(format = DateTime)]
    tried_at: String,
    /// How often it was refused.
    tries: u32,
}

impl From<LetterHead> for LetterBody {
    fn from(head: LetterHead) -> Self {
        Self {
            id: head.id.to_string(),
            user_id: head.user_id,
            event_id: head.event_id,
            r#type: head.kind,
            session_id: head.session_id,
            account_id: head.account_id,
            occurred_at: head.occurred_at.to_string(),
            received_at: head.received_at.to_string(),
            reason: head.refusal.reason.word(),
            error: head.refusal.error,
            set_aside_at: head.set_aside_at.to_string(),
            tried_at: head.tried_at.to_string(),
            tries: head.tries,
        }
    }
}

/// An event that was refused, whole.
#[derive(Serialize, ToSchema)]
#[schema(as = WholeDeadLetter, example = json!({
    "id": "0193c9a0-7b1c-8d9e-8f4a-2b6c1d0e9f88", "userId": "test123", "eventId": "evt_001",
    "type": "page_view", "occurredAt": "2025-12-15T10:30:00.000Z",
    "receivedAt": "2025-12-15T10:30:00.120Z", "reason": "validation",
    "error": "Document failed validation (code 121)",
    "setAsideAt": "2025-12-15T10:30:01.000Z", "triedAt": "2025-12-15T10:30:01.000Z",
    "tries": 1, "payload": {"path": "/pricing"}
}))]
pub struct WholeLetterBody {
    #[serde(flatten)]
    head: LetterBody,
    /// What the tracker sent with it.
    #[schema(value_type = Object)]
    payload: Box<RawValue>,
}

/// A page of dead letters.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetters, example = json!({
    "deadLetters": [{
        "id": "0193c9a0-7b1c-8d9e-8f4a-2b6c1d0e9f88", "userId": "test123", "eventId": "evt_001",
        "type": "page_view", "occurredAt": "2025-12-15T10:30:00.000Z",
        "receivedAt": "2025-12-15T10:30:00.120Z", "reason": "validation",
        "error": "Document failed validation (code 121)",
        "setAsideAt": "2025-12-15T10:30:01.000Z", "triedAt": "2025-12-15T10:30:01.000Z",
        "tries": 1
    }],
    "nextCursor": null
}))]
pub struct LettersBody {
    /// Newest first, without their payloads.
    dead_letters: Vec<LetterBody>,
    /// Hand it back as `cursor` for the next page; null on the last one.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// What became of an event that was tried again.
#[derive(Serialize, ToSchema)]
#[schema(as = RetriedDeadLetter, example = json!({"outcome": "stored"}))]
pub struct RetriedBody {
    /// `stored`, or `duplicate`: it had been stored meanwhile.
    outcome: &'static str,
}

/// What became of all that were tried again.
#[derive(Serialize, ToSchema)]
#[schema(as = RetriedDeadLetters, example = json!({"stored": 12, "duplicates": 0, "refused": 1}))]
pub struct RetriedAllBody {
    /// Stored.
    stored: u64,
    /// Stored meanwhile by another request.
    duplicates: u64,
    /// Refused again; their letters stay.
    refused: u64,
}

impl From<RetriedAll> for RetriedAllBody {
    fn from(retried: RetriedAll) -> Self {
        let RetriedAll {
            stored,
            duplicates,
            refused,
        } = retried;
        Self {
            stored,
            duplicates,
            refused,
        }
    }
}

/// How many were dropped.
#[derive(Serialize, ToSchema)]
#[schema(as = DroppedDeadLetters, example = json!({"dropped": 13}))]
pub struct DroppedBody {
    dropped: u64,
}

/// Events that the database refused for good
///
/// Newest first, without their payloads.
#[utoipa::path(
    get,
    operation_id = "list_dead_letters",
    path = "/dead-letters",
    tag = "Administration",
    security(("session" = []), ("token" = [])),
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500,
            description = "Letters on a page; 100 by default."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before."),
    ),
    responses(
        (status = 200, description = "The letters.", body = LettersBody),
        (status = 400, description = "A parameter is out of its rule.",
            body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Nobody is signed in.",
            body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an administrator.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The database cannot be reached.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait."))),
    ),
)]
pub async fn list(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    RawQuery(query): RawQuery,
) -> Result<Json<LettersBody>, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let limit = parameters
        .number("limit", 1..=MAX_LIMIT)
        .unwrap_or(DEFAULT_LIMIT);
    let after = parameters.cursor(read_cursor);
    parameters.finish()?;
    // One more, to know whether there is a next page.
    let mut found = service.dead_letters.page(after, limit + 1).await?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| has_more);
    note(&service, &admin, action::LIST_DEAD_LETTERS, None);
    Ok(Json(LettersBody {
        next_cursor: last.map(|letter| cursor(letter.place())),
        dead_letters: found.into_iter().map(LetterBody::from).collect(),
    }))
}

/// One of them, whole
#[utoipa::path(
    get,
    operation_id = "get_dead_letter",
    path = "/dead-letters/{id}",
    tag = "Administration",
    params(("id" = String, Path, format = Uuid, description = "The letter's id.")),
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "The letter.", body = WholeLetterBody),
        (status = 401, description = "Nobody is signed in.",
            body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an administrator.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such letter.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The database cannot be reached.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait."))),
    ),
)]
pub async fn get(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    Path(id): Path<String>,
) -> Result<Json<WholeLetterBody>, Problem> {
    let letter = service
        .dead_letters
        .get(read_id(&id)?)
        .await?
        .ok_or_else(Problem::unknown_id)?;
    let event = &letter.accepted.event;
    note(
        &service,
        &admin,
        action::READ_DEAD_LETTER,
        Some(&event.user_id),
    );
    let payload = RawValue::from_string(event.payload.to_json().into());
    Ok(Json(WholeLetterBody {
        head: letter.head().into(),
        payload: payload.map_err(|_| Problem::internal())?,
    }))
}

/// Try to store one of them again
///
/// With the identity and the place in the order of arrival that it had.
#[utoipa::path(
    post,
    operation_id = "retry_dead_letter",
    path = "/dead-letters/{id}/retry",
    tag = "Administration",
    params(("id" = String, Path, format = Uuid, description = "The letter's id.")),
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "It is stored, and its letter is gone.", body = RetriedBody),
        (status = 401, description = "Nobody is signed in.",
            body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an administrator, or a page of another site.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such letter.",
            body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is refused again; its letter stays and says why.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The database cannot be reached.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait."))),
    ),
)]
pub async fn retry(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    Path(id): Path<String>,
) -> Result<Json<RetriedBody>, Problem> {
    let retried = service
        .dead_letters
        .retry(read_id(&id)?)
        .await?
        .ok_or_else(Problem::unknown_id)?;
    note(&service, &admin, action::RETRY_DEAD_LETTER, Some(&id));
    let outcome = match retried {
        Retried::Stored => "stored",
        Retried::Duplicate => "duplicate",
        Retried::Refused(refusal) => return Err(Problem::refused_again(refusal.reason.word())),
    };
    Ok(Json(RetriedBody { outcome }))
}

/// Try to store all of them again
///
/// Answered when all were tried. Should the connection or the database break
/// off, what was not tried yet is still there.
#[utoipa::path(
    post,
    operation_id = "retry_dead_letters",
    path = "/dead-letters/retry",
    tag = "Administration",
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "What became of them.", body = RetriedAllBody),
        (status = 401, description = "Nobody is signed in.",
            body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an administrator, or a page of another site.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The database cannot be reached.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait."))),
    ),
)]
pub async fn retry_all(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
) -> Result<Json<RetriedAllBody>, Problem> {
    note(&service, &admin, action::RETRY_DEAD_LETTER, Some(ALL));
    let mut retried = RetriedAll::default();
    service.dead_letters.retry_all(&mut retried).await?;
    Ok(Json(retried.into()))
}

/// Drop one of them, and its event with it
#[utoipa::path(
    delete,
    operation_id = "drop_dead_letter",
    path = "/dead-letters/{id}",
    tag = "Administration",
    params(("id" = String, Path, format = Uuid, description = "The letter's id.")),
    security(("session" = []), ("token" = [])),
    responses(
        (status = 204, description = "It is gone for good."),
        (status = 401, description = "Nobody is signed in.",
            body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an administrator, or a page of another site.",
            body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such letter.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The database cannot be reached.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait."))),
    ),
)]
pub async fn drop_one(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    if !service.dead_letters.remove(read_id(&id)?).await? {
        return Err(Problem::unknown_id());
    }
    note(&service, &admin, action::DROP_DEAD_LETTER, Some(&id));
    Ok(StatusCode::NO_CONTENT)
}

/// Drop all of them, and their events with them
#[utoipa::path(
    delete,
    operation_id = "drop_dead_letters",
    path = "/dead-letters",
    tag = "Administration",
    security(("session" = []), ("token" = [])),
    params(("all" = bool, Query, description = "`true`, so that nobody does it by mistake.")),
    responses(
        (status = 200, description = "They are gone for good.", body = DroppedBody),
        (status = 400, description = "`all=true` is missing.",
            body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Nobody is signed in.",
            body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not an administrator, or a page of another site.",
            body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The database cannot be reached.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait."))),
    ),
)]
pub async fn drop_all(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    RawQuery(query): RawQuery,
) -> Result<Json<DroppedBody>, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    if parameters.text("all").as_deref() != Some("true") {
        parameters.fault("all", "must be true, or nothing is dropped");
    }
    parameters.finish()?;
    note(&service, &admin, action::DROP_DEAD_LETTER, Some(ALL));
    let mut dropped = 0;
    service.dead_letters.remove_all(&mut dropped).await?;
    Ok(Json(DroppedBody { dropped }))
}

fn note(
    service: &Service,
    admin: &super::guard::Staff,
    action: &'static str,
    subject: Option<&str>,
) {
    service.access.audit.note(&admin.actor, action, subject);
}

fn read_id(text: &str) -> Result<StoreId, Problem> {
    let id = text.parse::<Uuid>().map_err(|_| Problem::unknown_id())?;
    Ok(StoreId::from_bytes(id.into_bytes()))
}

fn cursor(place: LetterPlace) -> String {
    format!("{}_{}", place.set_aside_at.as_millis(), place.id)
}

fn read_cursor(text: &str) -> Option<LetterPlace> {
    let (millis, id) = text.split_once('_')?;
    Some(LetterPlace {
        set_aside_at: Timestamp::from_millis(millis.parse().ok()?)?,
        id: read_id(id).ok()?,
    })
}
