//! `POST /api/reload`: the settings are read again.

pub mod reloader;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::guard::Admin;
use super::problem::Problem;
use super::problem::answers::{DatabaseUnavailable, NotAdminOrCrossSite, NotSignedIn};
use super::state::Service;
use reloader::Reloaded;

/// Read the settings again
///
/// The file, `.env`, and the environment and flags of the start. What needs no restart is put
/// in force, all of it at once: each request is answered by what was in force as its head came.
/// With any mistake nothing changes. SIGHUP does the same.
///
/// It does not wait for the audit trail, so that it can be done while the database is away.
#[utoipa::path(
    post,
    path = "/api/reload",
    tag = "Administration",
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "The settings were read: what is in force now, and what needs a \
            restart. Both are empty where nothing differs.", body = Reloaded),
        NotSignedIn, NotAdminOrCrossSite,
        (status = 409, description = "Something is wrong with the settings \
            (`urn:trailkeep:problem:wrong-settings`), and nothing changed. `errors` has each mistake: \
            the setting, section or file as `field`, and what is wrong, without secrets, as `message`.",
            body = Problem, content_type = "application/problem+json"),
        DatabaseUnavailable,
    ),
)]
pub async fn reload(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
) -> Result<Json<Reloaded>, Problem> {
    Ok(Json(service.reload.reload(admin).await?))
}
