//! What other collectors' SDKs send and ask for: one file a wire form.
//!
//! Their events go the way of our own ([`delivery`]), with answers as these SDKs understand
//! them: 200 once the journal has the events, 503 with `Retry-After` for all that is worth
//! sending again, and problems that have `code` and `message` besides. What their browser
//! SDKs ask for at their start is answered as far as it lets them start.

mod delivery;
mod names;
mod path;
mod posthog;
mod query;
mod segment;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::names::at_others_too;
use super::events::cors;
use super::problem::Problem;
use super::state::Service;

/// The routes of all wire forms but our own, which pages of other origins may use.
pub fn routes(service: &Arc<Service>) -> OpenApiRouter<Arc<Service>> {
    let segment = OpenApiRouter::new()
        .routes(routes!(segment::post_call))
        .routes(routes!(segment::post_beacon))
        .routes(routes!(segment::starting::settings))
        .routes(routes!(segment::starting::source_config));
    let batch = routes!(posthog::post_batch, posthog::get_batch);
    let posthog = at_others_too(batch, "/batch", &posthog::OTHER_NAMES)
        .merge(at_others_too(routes!(posthog::starting::flags), "/flags", &["/decide"]))
        .routes(routes!(posthog::starting::config))
        .routes(routes!(posthog::starting::config_script))
        .routes(routes!(posthog::starting::recordings));
    let (router, document) = segment.merge(posthog).split_for_parts();
    // Before the layer, so that a preflight, which has another method, meets it.
    let router = router
        .method_not_allowed_fallback(async || Problem::method_not_allowed().for_sdks())
        .layer(cors::layer_for_sdks(service));
    OpenApiRouter::with_openapi(document).merge(OpenApiRouter::from(router))
}
