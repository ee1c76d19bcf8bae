//! The HTTP contract: one file a resource. This layer alone knows status
//! codes; it knows no rule about events.
//!
//! [`server`] accepts connections, [`trace`] gives each request its id and its
//! log line, [`path`] and [`body`] read what was sent, and [`problem`] is the one
//! shape in which errors are answered. Who may call a route stands in its handler's
//! signature, by the extractors of [`guard`].

pub mod accounts;
pub mod audit;
pub mod auth;
pub mod body;
pub mod budget;
pub mod dead_letters;
pub mod docs;
pub mod etag;
pub mod events;
pub mod guard;
pub mod health;
pub mod input;
pub mod journeys;
pub mod metrics;
pub mod path;
pub mod problem;
pub mod query;
pub mod same_origin;
pub mod server;
pub mod sessions;
pub mod staff;
pub mod stall;
pub mod stats;
pub mod tokens;
pub mod trace;
pub mod writing;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use tower::Layer as _;
use tower_http::normalize_path::{NormalizePath, NormalizePathLayer};
use trailkeep_event::Rules;
use trailkeep_event::time::Clock;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Access;
use crate::dead_letters::DeadLetters;
use crate::ingest::Ingest;
use crate::journeys::Journeys;
use crate::monitoring::health::Health;
use crate::monitoring::statistics::Statistics;
use crate::summaries::Summaries;
use budget::Budget;
use problem::Problem;

/// What the handlers work with.
pub struct Service {
    /// Where accepted events go.
    pub ingest: Arc<Ingest>,
    /// Where journeys come from.
    pub journeys: Journeys,
    /// Where summaries of business accounts come from.
    pub summaries: Arc<Summaries>,
    /// What the database refused for good.
    pub dead_letters: Arc<DeadLetters>,
    /// Whether the service is well.
    pub health: Arc<Health>,
    /// Who may do what.
    pub access: Arc<Access>,
    /// The memory of bodies until their events are in the backlog.
    pub bodies: Budget,
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
    /// How sessions are kept by clients.
    pub session: sessions::SessionOptions,
    /// Whether the documentation is served.
    pub api_docs: bool,
}

/// All routes, each with and without a trailing slash.
pub fn router(service: Arc<Service>) -> NormalizePath<Router> {
    let has_docs = service.options.api_docs;
    let (mut router, document) = routes(&service).with_state(service).split_for_parts();
    if has_docs {
        router = router.merge(docs::routes(&document));
    }
    let router = router
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(trace::layer());
    NormalizePathLayer::trim_trailing_slash().layer(router)
}

/// The routes with their documentation.
fn routes(service: &Arc<Service>) -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(docs::head(&service.options.session))
        .merge(events::routes(&service.options))
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .merge(for_known_callers(service))
}

/// The routes that are for somebody: their requests have a session, signed in
/// or not.
fn for_known_callers(service: &Arc<Service>) -> OpenApiRouter<Arc<Service>> {
    let with = |router: OpenApiRouter<Arc<Service>>| {
        router
            .layer(sessions::layer(service))
            .layer(from_fn_with_state(Arc::clone(service), sessions::around))
    };
    let monitors = OpenApiRouter::new()
        .routes(routes!(health::health))
        .routes(routes!(stats::stats))
        .routes(routes!(metrics::metrics));
    let people = OpenApiRouter::new()
        .routes(routes!(journeys::journey))
        .routes(routes!(accounts::summary))
        .routes(routes!(accounts::sample))
        .routes(routes!(auth::sign_up))
        .routes(routes!(auth::sign_in))
        .routes(routes!(auth::sign_out))
        .routes(routes!(auth::change_password))
        .routes(routes!(auth::get_session))
        .routes(routes!(auth::session))
        .routes(routes!(staff::list, staff::create))
        .routes(routes!(staff::change))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(audit::audit))
        .routes(routes!(dead_letters::list, dead_letters::drop_all))
        .routes(routes!(dead_letters::retry_all))
        .routes(routes!(dead_letters::get, dead_letters::drop_one))
        .routes(routes!(dead_letters::retry));
    with(monitors)
        .layer(from_fn_with_state(Arc::clone(service), guard::while_away))
        .merge(with(people))
}
