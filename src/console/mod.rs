//! The console: pages for the staff, rendered by the service.
//!
//! One file a page, its template beside it. A page reads what the API reads, by the same
//! services, with the same rights ([`guard`](crate::http::guard)) and the same audit. It
//! works without scripts, but for what comes live; with them, the script of
//! `web/console/` fetches *fragments*, which the same templates make.
//!
//! - [`frame`]: what stands around every page. [`page`]: a template as an answer, with the
//!   policy that no page may leave.
//! - [`failure`]: each [`Problem`](crate::http::problem::Problem) that a handler or a guard
//!   answers with becomes a page, and 401 leads to signing in and back.
//! - [`sight`]: whose eyes a page is for: zone, colours, what time it is.
//! - [`assets`]: style, script and icons, as they are served for good.
//!
//! Whatever comes from an event, a trait or an account is a stranger's text: templates
//! escape it, and nothing here writes HTML by hand.

mod account;
mod administrator;
mod assets;
mod audit;
mod business;
mod chart;
mod connect;
mod ending;
mod failure;
mod find;
mod frame;
mod journey;
mod keys;
pub mod links;
mod live;
mod marked;
mod notice;
mod numbered;
mod numbers;
mod page;
mod preferences;
mod privacy;
mod processors;
mod question;
mod refusal;
mod refused;
mod set_aside;
mod set_up;
pub mod sight;
mod sign_in;
mod staff;
mod system;
mod team;
mod user;
mod watcher;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Redirect;
use axum::routing::{get, post};

use crate::http::guard::while_away;
use crate::http::{self, Service, with_sessions};

/// Every page, with what is around them.
pub fn router(service: &Arc<Service>) -> Router {
    let gate = Router::new()
        .route("/console/sign-in", get(sign_in::page).post(sign_in::enter))
        .route("/console/enter", get(sign_in::by_link))
        .route("/console/sign-out", post(sign_in::leave))
        .route("/console/set-up", get(set_up::page).post(set_up::make));
    let pages = Router::new()
        .route("/console", get(find::page))
        .route("/console/system", get(system::page))
        .route("/console/preferences", post(preferences::keep))
        .route("/console/live", get(live::page))
        .route("/console/live/rows", get(live::rows))
        .route("/console/connect", get(connect::page).post(connect::make))
        .route("/console/connect/rows", get(connect::rows))
        .route("/console/users/{userId}", get(user::page))
        .route("/console/users/{userId}/reason", post(user::give_reason))
        .route("/console/users/{userId}/activity", get(user::activity))
        .route("/console/users/{userId}/event", get(user::event))
        .route("/console/users/{userId}/ticket", get(user::ticket))
        .route("/console/users/{userId}/journey.csv", get(user::csv))
        .route("/console/users/{userId}/journey.ndjson", get(user::ndjson))
        .route("/console/users/{userId}/everything.ndjson", get(http::privacy::export))
        .route("/console/accounts/{accountId}", get(business::page))
        .route("/console/account", get(account::page))
        .route("/console/account/password", post(account::change_password))
        .route("/console/account/sessions/end-others", post(account::end_others))
        .route("/console/account/sessions/{id}/end", post(account::end))
        .route("/console/processors", get(processors::page))
        .route("/console/processors/{name}", get(processors::one))
        .merge(administration());
    let pages =
        with_sessions(service, pages).layer(from_fn_with_state(Arc::clone(service), while_away));
    with_sessions(service, gate)
        .merge(pages)
        .layer(from_fn(failure::as_page))
        .route("/", get(async || Redirect::to(links::HOME)))
        .route("/console/assets/{file}", get(assets::asset))
        .with_state(Arc::clone(service))
}

/// What administrators do.
fn administration() -> Router<Arc<Service>> {
    Router::new()
        .route("/console/staff", get(staff::page).post(staff::add))
        .route("/console/staff/{id}", get(staff::person::page).post(staff::person::change))
        .route("/console/staff/tokens", get(staff::to_page).post(staff::make_token))
        .route(
            "/console/staff/tokens/{id}/revoke",
            get(staff::tokens::ask).post(staff::tokens::revoke),
        )
        .route("/console/keys", get(keys::page).post(keys::make))
        .route("/console/keys/{id}/revoke", get(keys::ask).post(keys::revoke))
        .route("/console/team", get(team::page).post(team::set))
        .route("/console/audit", get(audit::page))
        .route("/console/privacy", get(privacy::page).post(privacy::erase))
        .route("/console/privacy/unblock", post(privacy::unblock))
        .route("/console/privacy/{id}", get(privacy::receipt::page))
        .route("/console/set-aside", get(set_aside::page))
        .route("/console/set-aside/retry", post(set_aside::retry_all))
        .route("/console/set-aside/drop", get(set_aside::ask_all).post(set_aside::drop_all))
        .route("/console/set-aside/{id}", get(set_aside::letter::page))
        .route("/console/set-aside/{id}/retry", post(set_aside::letter::retry))
        .route(
            "/console/set-aside/{id}/drop",
            get(set_aside::letter::ask).post(set_aside::letter::drop_it),
        )
        .merge(steering())
}

/// What they ask of processors.
fn steering() -> Router<Arc<Service>> {
    Router::new()
        .route("/console/processors/{name}/pause", post(processors::pause))
        .route("/console/processors/{name}/resume", post(processors::resume))
        .route("/console/processors/{name}/stuck", post(processors::stuck))
        .route("/console/processors/{name}/skip", get(processors::ask_to_skip))
        .route("/console/processors/{name}/letters", post(processors::letter))
        .route("/console/processors/{name}/letters/{id}/drop", get(processors::ask_to_drop))
        .route(
            "/console/processors/{name}/replay",
            get(processors::ask_to_replay).post(processors::replay),
        )
        .route(
            "/console/processors/{name}/remove",
            get(processors::ask_to_remove).post(processors::remove),
        )
}
