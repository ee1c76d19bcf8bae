//! `GET /health` for monitors, `GET /livez` and `GET /readyz` for load balancers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use trailkeep_event::Timestamp;
use utoipa::ToSchema;

use super::guard::Monitor;
use super::problem::answers::NoCredentials;
use super::state::Service;
use crate::monitoring::memory::{self, Memory};
use crate::monitoring::version;

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "status": "ok",
    "version": "0.1.0",
    "commit": "0123456789ab",
    "timestamp": "2025-12-15T10:30:00.000Z",
    "uptime": 86400.5,
    "memory": {"rss": 20971520, "heapTotal": 31457280, "heapUsed": 12582912},
    "database": "connected",
    "bufferSize": 42
}))]
pub struct HealthBody {
    /// `ok`, or `degraded` when the service is not ready for traffic, or writes to the
    /// database or to the feed of processors fail.
    status: &'static str,
    /// The version of the program.
    version: &'static str,
    /// The commit that it was built from.
    commit: &'static str,
    /// Now.
    timestamp: String,
    /// Seconds since the start.
    uptime: f64,
    memory: Memory,
    /// `connected`, or `disconnected`: the database did not answer when it was
    /// last asked, or refuses us.
    database: &'static str,
    /// Since when the database has not answered, or has taken nothing; left out where it
    /// does both.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    failing_since: Option<String>,
    /// Accepted events that are not stored yet.
    buffer_size: usize,
    /// What a person has to mend; left out where there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    problem: Option<&'static str>,
    /// The processors of this instance's settings; left out where there are none. One
    /// that is away degrades nothing: what it is to be sent waits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    processors: Vec<ProcessorHealth>,
}

/// How a processor is, as this instance sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessorHealth {
    /// Its name in the settings.
    #[schema(example = "default")]
    name: String,
    /// `running`, `away`, `refused` or `standing-by`.
    #[schema(example = "running")]
    state: &'static str,
    /// What it answered last, where it is away or refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// How the service is, for monitors
#[utoipa::path(
    get,
    path = "/health",
    tag = "Monitoring",
    responses(
        (status = 200, description = "The database answers.", body = HealthBody),
        NoCredentials,
        (status = 503, description = "The database does not answer, or refuses us. A caller who is not known \
            from before gets a problem instead.", body = HealthBody),
    ),
    security(("session" = []), ("token" = [])),
)]
pub async fn health(State(service): State<Arc<Service>>, _monitor: Monitor) -> Response {
    let health = &service.health;
    let is_connected = health.is_connected() && !health.is_refused();
    let is_well = health.is_well();
    let body = HealthBody {
        status: if is_well { "ok" } else { "degraded" },
        version: version::VERSION,
        commit: version::COMMIT,
        timestamp: service.clock.now().to_string(),
        uptime: (service.started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
        memory: memory::usage(),
        database: if is_connected { "connected" } else { "disconnected" },
        failing_since: failing_since(&service).map(|since| since.to_string()),
        buffer_size: service.statistics.held_events(),
        problem: health.problem(),
        processors: processors(&service),
    };
    let status = if is_connected { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}

/// Since when the database has not answered, or has taken nothing.
pub fn failing_since(service: &Service) -> Option<Timestamp> {
    let failing = i64::try_from(service.health.failing_for()?.as_millis()).unwrap_or(i64::MAX);
    Some(service.clock.now().plus_millis(failing.saturating_neg()))
}

fn processors(service: &Service) -> Vec<ProcessorHealth> {
    let processors = service.processing.seen();
    let health = processors.map(|(name, _, seen)| ProcessorHealth {
        name: name.to_owned(),
        state: seen.state.word(),
        problem: seen.problem.map(|problem| problem.to_string()),
    });
    health.collect()
}

/// Whether the process answers
#[utoipa::path(
    get,
    path = "/livez",
    tag = "Monitoring",
    responses((status = 200, description = "`ok`", body = String, content_type = "text/plain")),
)]
pub async fn livez() -> &'static str {
    "ok"
}

/// Whether the service should get traffic
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "Monitoring",
    responses(
        (status = 200, description = "`ok`", body = String, content_type = "text/plain"),
        (status = 503, description = "`starting`, `draining`, `full`, or `journal`: the disk is \
            full or broken, or what is left of it is needed to write the backlog to the database",
            body = String, content_type = "text/plain"),
    ),
)]
pub async fn readyz(State(service): State<Arc<Service>>) -> Response {
    match service.health.readiness() {
        Ok(()) => "ok".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason.word()).into_response(),
    }
}
