//! `GET /metrics`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus::{Encoder as _, TextEncoder};

use super::guard::Monitor;
use super::problem::Problem;
use super::problem::answers::{CallerUnverified, NoCredentials};
use super::state::Service;
use crate::monitoring::memory;

/// Counters and gauges for Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "Monitoring",
    security(("session" = []), ("token" = [])),
    responses(
        (
            status = 200,
            description = "The Prometheus text format, version 0.0.4.",
            body = String,
            content_type = "text/plain; version=0.0.4",
            example = "# TYPE trailkeep_events_accepted_total counter\ntrailkeep_events_accepted_total 42\n"
        ),
        NoCredentials, CallerUnverified,
    ),
)]
pub async fn metrics(
    State(service): State<Arc<Service>>,
    _monitor: Monitor,
) -> Result<Response, Problem> {
    let is_ready = service.health.readiness().is_ok();
    service.statistics.process_is(memory::usage().rss, is_ready);
    let mut body = Vec::new();
    let encoder = TextEncoder::new();
    encoder.encode(&service.statistics.registry.gather(), &mut body).map_err(|error| {
        tracing::error!(%error, "the metrics cannot be written");
        Problem::internal()
    })?;
    Ok(([(header::CONTENT_TYPE, encoder.format_type().to_owned())], body).into_response())
}
