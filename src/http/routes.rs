//! Every route of the service, and what stands around it.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse as _;
use axum::routing::get;
use tower::Layer as _;
use tower_http::normalize_path::{NormalizePath, NormalizePathLayer};
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::Problem;
use super::state::Service;
use super::{
    accounts, audit, auth, dead_letters, docs, erasures, events, guard, health, instances,
    journeys, links, live, metrics, own_sessions, privacy, processors, refused, reload, search,
    sessions, staff, stats, team, tokens, trace, tracker, users, wires, write_keys,
};

/// All routes, each with and without a trailing slash, and the pages beside them.
pub fn router(service: Arc<Service>, pages: Router) -> NormalizePath<Router> {
    let has_docs = service.options.api_docs;
    let script = tracker::router(&service.options.tracker_path);
    let (mut router, document) = routes(&service).with_state(service).split_for_parts();
    if has_docs {
        router = router.merge(documentation(&document));
    }
    let router = router
        .merge(script)
        .merge(pages)
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(trace::layer());
    NormalizePathLayer::trim_trailing_slash().layer(router)
}

/// The routes with their documentation.
fn routes(service: &Arc<Service>) -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::with_openapi(docs::head(&service.options.session))
        .merge(OpenApiRouter::with_openapi(tracker::document(&service.options.tracker_path)))
        .merge(for_trackers(service))
        .merge(wires::routes(service))
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .merge(for_known_callers(service))
}

/// The routes that pages of other origins may use.
fn for_trackers(service: &Arc<Service>) -> OpenApiRouter<Arc<Service>> {
    let (router, document) = OpenApiRouter::new()
        .routes(routes!(events::post_events))
        .routes(routes!(events::published::event_schema))
        .split_for_parts();
    // Before the layers, so that a preflight, which is no POST, meets them.
    let router = router
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(events::cors::layer(service));
    OpenApiRouter::with_openapi(document).merge(OpenApiRouter::from(router))
}

/// The routes that are for somebody: their requests have a session, signed in
/// or not.
fn for_known_callers(service: &Arc<Service>) -> OpenApiRouter<Arc<Service>> {
    let monitors = OpenApiRouter::new()
        .routes(routes!(health::health))
        .routes(routes!(stats::stats))
        .routes(routes!(stats::history::history))
        .routes(routes!(refused::refused))
        .routes(routes!(processors::list))
        .routes(routes!(processors::get, processors::remove))
        .routes(routes!(metrics::metrics));
    let mut people = OpenApiRouter::new()
        .routes(routes!(journeys::journey))
        .routes(routes!(live::watch_user))
        .routes(routes!(live::watch_all))
        .routes(routes!(search::search))
        .routes(routes!(users::user, erasures::erase))
        .routes(routes!(erasures::receipt))
        .routes(routes!(erasures::unblock))
        .routes(routes!(instances::lose))
        .routes(routes!(privacy::export))
        .routes(routes!(links::join))
        .routes(routes!(links::separate))
        .routes(routes!(accounts::summary))
        .routes(routes!(accounts::sample))
        .routes(routes!(accounts::events::events))
        .routes(routes!(auth::sign_up))
        .routes(routes!(auth::sign_in))
        .routes(routes!(auth::sign_out))
        .routes(routes!(auth::change_password))
        .routes(routes!(auth::get_session))
        .routes(routes!(auth::session))
        .routes(routes!(own_sessions::list, own_sessions::end_others))
        .routes(routes!(own_sessions::end))
        .routes(routes!(staff::list, staff::create))
        .routes(routes!(staff::change))
        .routes(routes!(staff::users))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(write_keys::list, write_keys::create))
        .routes(routes!(write_keys::revoke))
        .routes(routes!(team::get, team::set))
        .routes(routes!(audit::audit))
        .routes(routes!(reload::reload))
        .routes(routes!(dead_letters::list, dead_letters::drop_all))
        .routes(routes!(dead_letters::retry_all))
        .routes(routes!(dead_letters::get, dead_letters::drop_one))
        .routes(routes!(dead_letters::retry))
        .routes(routes!(processors::steering::pause))
        .routes(routes!(processors::steering::resume))
        .routes(routes!(processors::steering::replay))
        .routes(routes!(processors::steering::check))
        .routes(routes!(processors::steering::commands))
        .routes(routes!(processors::users::users))
        .routes(routes!(processors::users::retry))
        .routes(routes!(processors::users::skip))
        .routes(routes!(processors::users::release))
        .routes(routes!(processors::letters::letters))
        .routes(routes!(processors::letters::retry_letter))
        .routes(routes!(processors::letters::drop_letter));
    docs::with_reasons(people.get_openapi_mut());
    let (monitors, document) = monitors.split_for_parts();
    let monitors = with_sessions(service, monitors)
        .layer(from_fn_with_state(Arc::clone(service), guard::while_away));
    let (people, document_of_people) = people.split_for_parts();
    let people = with_sessions(service, people);
    OpenApiRouter::with_openapi(document)
        .merge(OpenApiRouter::with_openapi(document_of_people))
        .merge(OpenApiRouter::from(monitors.merge(people)))
}

/// Routes whose requests have a session, signed in or not.
pub fn with_sessions(service: &Arc<Service>, router: Router<Arc<Service>>) -> Router<Arc<Service>> {
    router
        .layer(sessions::layer(service))
        .layer(from_fn_with_state(Arc::clone(service), sessions::around))
}

/// The pages that show the document.
fn documentation(document: &Document) -> Router {
    let json: Arc<str> = document.to_json().unwrap_or_default().into();
    let json = async move || {
        ([(header::CONTENT_TYPE, "application/json")], json.to_string()).into_response()
    };
    Router::new()
        .route("/api-docs", get(docs::page))
        .route("/api-docs/{file}", get(docs::asset))
        .route("/api-docs.json", get(json))
        .layer(from_fn(docs::protect))
}
