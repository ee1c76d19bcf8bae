//! The HTTP contract: one file a resource. This layer alone knows status
//! codes; it knows no rule about events.
//!
//! [`server`] accepts connections, [`trace`] gives each request its id and its
//! log line, [`body`] reads what was sent, and [`problem`] is the one shape in
//! which errors are answered.

pub mod body;
pub mod docs;
pub mod events;
pub mod health;
pub mod journey;
pub mod metrics;
pub mod problem;
pub mod query;
pub mod server;
pub mod stats;
pub mod trace;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tower::Layer as _;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::normalize_path::{NormalizePath, NormalizePathLayer};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::event::Rules;
use crate::event::time::Clock;
use crate::journey::Journeys;
use crate::pipeline::Pipeline;
use crate::pipeline::health::Health;
use crate::pipeline::statistics::Statistics;
use problem::Problem;

/// What the handlers work with.
pub struct Service {
    /// Where accepted events go.
    pub pipeline: Arc<Pipeline>,
    /// Where journeys come from.
    pub journeys: Journeys,
    /// Whether the service is well.
    pub health: Arc<Health>,
    /// What is counted.
    pub statistics: Arc<Statistics>,
    /// What events must keep to.
    pub rules: Rules,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// When the process started.
    pub started: std::time::Instant,
    /// Limits of requests.
    pub options: Options,
}

/// Limits of requests.
#[derive(Debug, Clone)]
pub struct Options {
    /// Bytes of a body after decompression.
    pub max_body_bytes: usize,
    /// How long a client may take to send a body.
    pub body_timeout: Duration,
    /// How long a client may wait for its events to be stored.
    pub wait_timeout: Duration,
    /// Origins whose pages may post events; `None` for any.
    pub allowed_origins: Option<Vec<String>>,
}

/// All routes, each with and without a trailing slash.
pub fn router(service: Arc<Service>) -> NormalizePath<Router> {
    let (router, document) = routes(&service.options)
        .with_state(service)
        .split_for_parts();
    let router = router
        .merge(docs::routes(&document))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(CatchPanicLayer::custom(trace::panicked))
        .layer(axum::middleware::from_fn(trace::trace));
    NormalizePathLayer::trim_trailing_slash().layer(router)
}

/// The routes with their documentation.
fn routes(options: &Options) -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(docs::head())
        .merge(events::routes(options))
        .routes(routes!(journey::journey))
        .routes(routes!(health::health))
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(stats::stats))
        .routes(routes!(metrics::metrics))
}
