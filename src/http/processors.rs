//! `/processors`: how those are doing who are sent events, and what people ask of them.

pub mod bodies;
pub mod letters;
pub mod steering;
pub mod users;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::guard::{Admin, Monitor};
use super::path::PathText;
use super::problem::Problem;
use super::problem::answers::{
    DatabaseUnavailable, InvalidParameters, NoCredentials, NotAdminOrCrossSite, NotSignedIn,
    UnknownProcessor,
};
use super::state::Service;
use crate::access::audit::{Actor, action};
use crate::processing::status::{Status, is_new};
use bodies::{Local, ProcessorBody};

/// All processors
///
/// Those of this instance's settings, and those that other instances deliver for.
#[utoipa::path(
    get,
    operation_id = "list_processors",
    path = "/processors",
    tag = "Monitoring",
    responses((status = 200, description = "By name.", body = [ProcessorBody]), NoCredentials),
    security(("session" = []), ("token" = [])),
)]
pub async fn list(
    State(service): State<Arc<Service>>,
    _monitor: Monitor,
) -> Json<Vec<ProcessorBody>> {
    Json(all(&service).await)
}

/// All of them, by name.
pub async fn all(service: &Service) -> Vec<ProcessorBody> {
    let mut names: Vec<String> =
        service.processing.seen().map(|(name, ..)| name.to_owned()).collect();
    // While the database is away, this instance's own are all that is known.
    for other in service.processing.store().processors().await.unwrap_or_default() {
        if !names.iter().any(|name| *name == *other.name) {
            names.push(other.name.into());
        }
    }
    names.sort_unstable();
    let mut bodies = Vec::with_capacity(names.len());
    for name in names {
        bodies.push(body(service, name).await);
    }
    bodies
}

/// One of them
#[utoipa::path(
    get,
    operation_id = "get_processor",
    path = "/processors/{name}",
    tag = "Monitoring",
    params(("name" = String, Path, description = "Its name in the settings", example = "default")),
    responses(
        (status = 200, description = "How it is doing.", body = ProcessorBody),
        InvalidParameters, NoCredentials, UnknownProcessor,
    ),
    security(("session" = []), ("token" = [])),
)]
pub async fn get(
    State(service): State<Arc<Service>>,
    _monitor: Monitor,
    PathText(name): PathText,
) -> Result<Json<ProcessorBody>, Problem> {
    one(&service, &name).await.map(Json)
}

/// The one of this name.
pub async fn one(service: &Service, name: &str) -> Result<ProcessorBody, Problem> {
    known(service, name).await?;
    Ok(body(service, name.to_owned()).await)
}

/// Remove a processor that is in nobody's settings
///
/// What is pending for it is not sent any more. What became of events stays. One that is
/// in nobody's settings is removed after seven days without this.
#[utoipa::path(
    delete,
    operation_id = "remove_processor",
    path = "/processors/{name}",
    tag = "Administration",
    params(("name" = String, Path, description = "Its name", example = "old-billing")),
    responses(
        (status = 204, description = "It is gone."),
        InvalidParameters, NotSignedIn, NotAdminOrCrossSite, UnknownProcessor,
        (status = 409, description = "It is in this instance's settings.", body = Problem,
            content_type = "application/problem+json"),
        DatabaseUnavailable,
    ),
    security(("session" = []), ("token" = [])),
)]
pub async fn remove(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    PathText(name): PathText,
) -> Result<StatusCode, Problem> {
    take_away(&service, &admin, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes the one of this name.
pub async fn take_away(service: &Service, admin: &Actor, name: &str) -> Result<(), Problem> {
    if is_own(service, name) {
        return Err(Problem::conflict(
            "It is in this instance's settings: take it out of them, and start the service again.",
        ));
    }
    known(service, name).await?;
    service.access.audit.note(admin, action::REMOVE_PROCESSOR, Some(name));
    service.processing.store().remove_processor(name).await?;
    Ok(())
}

/// Whether this instance's settings have a processor of that name.
fn is_own(service: &Service, name: &str) -> bool {
    service.processing.seen().any(|(own, ..)| own == name)
}

/// Whether any instance knows a processor of that name. Its own are known from the start,
/// before the store has them.
async fn known(service: &Service, name: &str) -> Result<(), Problem> {
    if is_own(service, name) {
        return Ok(());
    }
    let processors = service.processing.store().processors().await?;
    let is_known = processors.iter().any(|processor| *processor.name == *name);
    if is_known { Ok(()) } else { Err(Problem::unknown_processor()) }
}

async fn body(service: &Service, name: String) -> ProcessorBody {
    let now = service.clock.now();
    let local = service.processing.seen().find(|(own, ..)| *own == name);
    let local = local.map(|(_, concurrency, seen)| Local { concurrency, seen });
    let status = service.processing.status(&name, now).await.ok().flatten();
    let dead_letters = service.processing.store().failed(&name).await.ok();
    ProcessorBody::of(name, local, status, dead_letters, now)
}

/// How a processor is doing, where anybody has told lately.
async fn status(service: &Service, name: &str) -> Result<Option<Status>, Problem> {
    let now = service.clock.now();
    let status = service.processing.status(name, now).await?;
    Ok(status.filter(|(at, _)| is_new(*at, now)).map(|(_, status)| status))
}
