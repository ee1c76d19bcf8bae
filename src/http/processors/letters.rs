//! Events that a processor did not take, and that were given up.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use trailkeep_event::{StoreId, Timestamp};
use trailkeep_store::processing::Processed;
use uuid::Uuid;

use super::bodies::{CommandedBody, LetterBody, LettersBody};
use super::known;
use super::steering::ask;
use crate::access::audit::{Actor, action};
use crate::http::guard::Admin;
use crate::http::paging::Paging;
use crate::http::path::{PathText, PathTexts};
use crate::http::problem::Problem;
use crate::http::problem::answers::{
    DatabaseUnavailable, InvalidParameters, NotAdmin, NotAdminOrCrossSite, NotSignedIn,
    TooManyCommands, UnknownLetter,
};
use crate::http::query::Parameters;
use crate::http::state::Service;
use crate::processing::orders::Order;

const WAITS: &str = "it is carried out by whoever delivers for this processor";

/// Events that were given up
///
/// Newest first. `POST /processors/{name}/replay {"state": "failed"}` sends all again.
#[utoipa::path(
    get,
    operation_id = "list_processing_letters",
    path = "/processors/{name}/dead-letters",
    tag = "Administration",
    security(("session" = []), ("token" = [])),
    params(
        ("name" = String, Path, description = "The processor's name", example = "default"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500,
            description = "Events on a page; 100 by default."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before."),
    ),
    responses(
        (status = 200, description = "The events.", body = LettersBody),
        InvalidParameters, NotSignedIn, NotAdmin, UnknownLetter, DatabaseUnavailable,
    ),
)]
pub async fn letters(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    PathText(name): PathText,
    RawQuery(query): RawQuery,
) -> Result<Json<LettersBody>, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let paging = page_asked(&mut parameters);
    parameters.finish()?;
    let (outcomes, next_cursor) = read(&service, &admin, &name, &paging).await?;
    let dead_letters = outcomes.into_iter().map(LetterBody::from).collect();
    Ok(Json(LettersBody { dead_letters, next_cursor }))
}

/// Where a page of them ended.
type Place = (Timestamp, StoreId);

/// Which page of them is asked for.
pub fn page_asked(parameters: &mut Parameters) -> Paging<Place> {
    Paging::read(parameters, read_cursor)
}

/// A page of them, newest first, and where the next one begins.
pub async fn read(
    service: &Service,
    admin: &Actor,
    name: &str,
    paging: &Paging<Place>,
) -> Result<(Vec<Processed>, Option<String>), Problem> {
    known(service, name).await?;
    let store = service.processing.store();
    let found = store.failed_outcomes(name, paging.after, paging.wanted()).await?;
    service.access.audit.note(admin, action::LIST_DEAD_LETTERS, Some(name));
    let cursor = |one: &Processed| format!("{}_{}", one.processed_at.as_millis(), one.id);
    Ok(paging.cut(found, cursor))
}

/// Send one of them again
#[utoipa::path(
    post,
    operation_id = "retry_processing_letter",
    path = "/processors/{name}/dead-letters/{id}/retry",
    tag = "Administration",
    params(
        ("name" = String, Path, description = "The processor's name", example = "default"),
        ("id" = String, Path, format = Uuid, description = "The event's `_id`."),
    ),
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "It is pending again.", body = CommandedBody),
        (status = 202, description = "It will be, by whoever delivers.", body = CommandedBody),
        InvalidParameters, NotSignedIn, NotAdminOrCrossSite, UnknownLetter,
        (status = 409, description = "It did not fail for good.", body = Problem,
            content_type = "application/problem+json"),
        TooManyCommands, DatabaseUnavailable,
    ),
)]
pub async fn retry_letter(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    PathTexts(name, id): PathTexts,
) -> Result<Response, Problem> {
    let order = Order::RetryLetter { event: letter(&id)? };
    ask(&service, &admin, (&name, action::RETRY_DEAD_LETTER, Some(&id)), &order, WAITS).await
}

/// Drop one of them
///
/// The event stays in its journey, and counts as skipped.
#[utoipa::path(
    delete,
    operation_id = "drop_processing_letter",
    path = "/processors/{name}/dead-letters/{id}",
    tag = "Administration",
    params(
        ("name" = String, Path, description = "The processor's name", example = "default"),
        ("id" = String, Path, format = Uuid, description = "The event's `_id`."),
    ),
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "It counts as skipped.", body = CommandedBody),
        (status = 202, description = "It will, by whoever delivers.", body = CommandedBody),
        InvalidParameters, NotSignedIn, NotAdminOrCrossSite, UnknownLetter,
        (status = 409, description = "It did not fail for good.", body = Problem,
            content_type = "application/problem+json"),
        TooManyCommands, DatabaseUnavailable,
    ),
)]
pub async fn drop_letter(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    PathTexts(name, id): PathTexts,
) -> Result<Response, Problem> {
    let order = Order::DropLetter { event: letter(&id)? };
    ask(&service, &admin, (&name, action::DROP_DEAD_LETTER, Some(&id)), &order, WAITS).await
}

fn letter(id: &str) -> Result<Uuid, Problem> {
    id.parse().map_err(|_| Problem::unknown_id())
}

fn read_cursor(text: &str) -> Option<Place> {
    let (millis, id) = text.split_once('_')?;
    let id: Uuid = id.parse().ok()?;
    Some((Timestamp::from_millis(millis.parse().ok()?)?, StoreId::from_bytes(id.into_bytes())))
}
