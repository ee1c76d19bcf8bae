//! `GET /processors`: how those are doing who are sent events.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::guard::Monitor;
use super::path::PathText;
use super::problem::Problem;
use super::problem::answers::{InvalidParameters, NoCredentials};
use super::state::Service;
use crate::processing::Seen;

/// A processor, as this instance sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "name": "default",
    "state": "running",
    "inFlight": 3,
    "concurrency": 128,
    "pendingInMemory": 12,
    "parkedUsers": 0,
    "processed": 1042,
    "failed": 1,
    "skipped": 0,
    "deadLetters": 4
}))]
pub struct ProcessorBody {
    /// Its name in the settings.
    name: String,
    /// `running`; `away`: it does not answer, or with errors alone; `refused`: all that it
    /// answers is that it will not (a wrong URL or a wrong key); `standing-by`: another
    /// instance delivers.
    state: &'static str,
    /// What it answered last, where it is away or refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// Requests in flight from this instance.
    in_flight: i64,
    /// Requests that may be in flight.
    concurrency: usize,
    /// Events of the feed in this instance's memory that are not done.
    pending_in_memory: i64,
    /// Users whose pending events are read from the database as they are needed: one of
    /// theirs fails again and again, or there are too many for the memory.
    parked_users: i64,
    /// Events that it took, since the start of this instance.
    processed: u64,
    /// Events that it refused for good, or so often that they were given up, since then.
    failed: u64,
    /// Events that were not sent, for they are gone, since then.
    skipped: u64,
    /// Events in the database that it refused for good; null while it does not answer.
    dead_letters: Option<u64>,
}

/// The processors of this instance's settings
#[utoipa::path(
    get,
    operation_id = "list_processors",
    path = "/processors",
    tag = "Monitoring",
    responses((status = 200, description = "By name.", body = [ProcessorBody]), NoCredentials),
    security(("session" = []), ("token" = [])),
)]
pub async fn list(State(service): State<Arc<Service>>, _monitor: Monitor) -> Response {
    let mut bodies = Vec::new();
    for (name, concurrency, seen) in service.processing.seen() {
        bodies.push(body(&service, name, concurrency, seen).await);
    }
    Json(bodies).into_response()
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
        InvalidParameters, NoCredentials,
        (status = 404, description = "The settings have no processor of that name.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("session" = []), ("token" = [])),
)]
pub async fn get(
    State(service): State<Arc<Service>>,
    _monitor: Monitor,
    PathText(name): PathText,
) -> Result<Json<ProcessorBody>, Problem> {
    let found = service.processing.seen().find(|(found, ..)| *found == name);
    let (name, concurrency, seen) = found.ok_or_else(Problem::not_found)?;
    Ok(Json(body(&service, name, concurrency, seen).await))
}

async fn body(service: &Service, name: &str, concurrency: usize, seen: Seen) -> ProcessorBody {
    ProcessorBody {
        name: name.to_owned(),
        state: seen.state.word(),
        problem: seen.problem.map(|problem| problem.to_string()),
        in_flight: seen.in_flight,
        concurrency,
        pending_in_memory: seen.pending,
        parked_users: seen.parked_users,
        processed: seen.processed,
        failed: seen.failed,
        skipped: seen.skipped,
        dead_letters: service.processing.dead_letters(name).await.ok(),
    }
}
