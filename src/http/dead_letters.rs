//! `/dead-letters`: events that the database refused for good, for
//! administrators.

mod bodies;

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use serde_json::value::RawValue;
use trailkeep_event::{StoreId, Timestamp};
use trailkeep_store::dead_letters::{DeadLetter, LetterHead, LetterPlace};
use uuid::Uuid;

use super::guard::Admin;
use super::paging::Paging;
use super::path::PathId;
use super::problem::Problem;
use super::problem::answers::{
    DatabaseUnavailable, InvalidParameters, NotAdmin, NotAdminOrCrossSite, NotSignedIn,
    UnknownLetter,
};
use super::query::Parameters;
use super::state::Service;
use crate::access::audit::{Actor, action};
use crate::dead_letters::{Retried, RetriedAll};
use bodies::{DroppedBody, LetterBody, LettersBody, RetriedAllBody, RetriedBody, WholeLetterBody};

/// What the audit trail says of something that was done to all letters.
const ALL: &str = "all";

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
        InvalidParameters, NotSignedIn, NotAdmin, DatabaseUnavailable,
    ),
)]
pub async fn list(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    RawQuery(query): RawQuery,
) -> Result<Json<LettersBody>, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let paging = page_asked(&mut parameters);
    parameters.finish()?;
    let (letters, next_cursor) = read(&service, &admin, &paging).await?;
    Ok(Json(LettersBody {
        dead_letters: letters.into_iter().map(LetterBody::from).collect(),
        next_cursor,
    }))
}

/// Which page of them is asked for.
pub fn page_asked(parameters: &mut Parameters) -> Paging<LetterPlace> {
    Paging::read(parameters, read_cursor)
}

/// A page of them, newest first, and where the next one begins.
pub async fn read(
    service: &Service,
    admin: &Actor,
    paging: &Paging<LetterPlace>,
) -> Result<(Vec<LetterHead>, Option<String>), Problem> {
    let found = service.dead_letters.page(paging.after, paging.wanted()).await?;
    note(service, admin, action::LIST_DEAD_LETTERS, None);
    Ok(paging.cut(found, |letter| cursor(letter.place())))
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
        NotSignedIn, NotAdmin, UnknownLetter, DatabaseUnavailable,
    ),
)]
pub async fn get(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    PathId(id): PathId,
) -> Result<Json<WholeLetterBody>, Problem> {
    let letter = look(&service, &admin, id).await?;
    let payload = RawValue::from_string(letter.accepted.event.payload.to_json());
    Ok(Json(WholeLetterBody {
        head: letter.head().into(),
        payload: payload.map_err(|_| Problem::internal())?,
    }))
}

/// One of them, with its payload.
pub async fn look(service: &Service, admin: &Actor, id: Uuid) -> Result<DeadLetter, Problem> {
    let letter = service.dead_letters.get(letter_id(id)).await?.ok_or_else(Problem::unknown_id)?;
    note(service, admin, action::READ_DEAD_LETTER, Some(&letter.accepted.event.user_id));
    Ok(letter)
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
        NotSignedIn, NotAdminOrCrossSite, UnknownLetter,
        (status = 409, description = "It is refused again; its letter stays and says why.",
            body = Problem, content_type = "application/problem+json"),
        DatabaseUnavailable,
    ),
)]
pub async fn retry(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    PathId(id): PathId,
) -> Result<Json<RetriedBody>, Problem> {
    let outcome = match retry_one(&service, &admin, id).await? {
        Retried::Stored => "stored",
        Retried::Duplicate => "duplicate",
        Retried::Refused(refusal) => return Err(Problem::refused_again(refusal.reason.word())),
    };
    Ok(Json(RetriedBody { outcome }))
}

/// Tries to store one of them again.
pub async fn retry_one(service: &Service, admin: &Actor, id: Uuid) -> Result<Retried, Problem> {
    let retried = service.dead_letters.retry(letter_id(id)).await?;
    let retried = retried.ok_or_else(Problem::unknown_id)?;
    note(service, admin, action::RETRY_DEAD_LETTER, Some(&id.to_string()));
    Ok(retried)
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
        NotSignedIn, NotAdminOrCrossSite, DatabaseUnavailable,
    ),
)]
pub async fn retry_all(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
) -> Result<Json<RetriedAllBody>, Problem> {
    Ok(Json(retry_each(&service, &admin).await?.into()))
}

/// Tries to store all of them again.
pub async fn retry_each(service: &Service, admin: &Actor) -> Result<RetriedAll, Problem> {
    note(service, admin, action::RETRY_DEAD_LETTER, Some(ALL));
    let mut retried = RetriedAll::default();
    service.dead_letters.retry_all(&mut retried).await?;
    Ok(retried)
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
        NotSignedIn, NotAdminOrCrossSite, UnknownLetter, DatabaseUnavailable,
    ),
)]
pub async fn drop_one(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    PathId(id): PathId,
) -> Result<StatusCode, Problem> {
    drop_this(&service, &admin, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Drops the one with this id.
pub async fn drop_this(service: &Service, admin: &Actor, id: Uuid) -> Result<(), Problem> {
    if !service.dead_letters.remove(letter_id(id)).await? {
        return Err(Problem::unknown_id());
    }
    note(service, admin, action::DROP_DEAD_LETTER, Some(&id.to_string()));
    Ok(())
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
        NotSignedIn, NotAdminOrCrossSite, DatabaseUnavailable,
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
    Ok(Json(DroppedBody { dropped: drop_each(&service, &admin).await? }))
}

/// Drops all of them; answers how many there were.
pub async fn drop_each(service: &Service, admin: &Actor) -> Result<u64, Problem> {
    note(service, admin, action::DROP_DEAD_LETTER, Some(ALL));
    let mut dropped = 0;
    service.dead_letters.remove_all(&mut dropped).await?;
    Ok(dropped)
}

fn note(service: &Service, admin: &Actor, action: &'static str, subject: Option<&str>) {
    service.access.audit.note(admin, action, subject);
}

fn letter_id(id: Uuid) -> StoreId {
    StoreId::from_bytes(id.into_bytes())
}

fn cursor(place: LetterPlace) -> String {
    format!("{}_{}", place.set_aside_at.as_millis(), place.id)
}

fn read_cursor(text: &str) -> Option<LetterPlace> {
    let (millis, id) = text.split_once('_')?;
    Some(LetterPlace {
        set_aside_at: Timestamp::from_millis(millis.parse().ok()?)?,
        id: letter_id(id.parse().ok()?),
    })
}
