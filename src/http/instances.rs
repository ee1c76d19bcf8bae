//! `DELETE /api/instances/{id}`: an instance whose data folder is lost is not waited for.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use super::guard::Privacy;
use super::path::PathId;
use super::problem::Problem;
use super::problem::answers::{DatabaseUnavailable, NoCredentials, NotAdminOrCrossSite};
use super::state::Service;
use crate::access::audit::action;

/// Give up an instance
///
/// No erasure waits for it any more: receipts name it as `missing`. That is for a data folder
/// that is lost. Where it is started all the same, it does its part before it writes anything;
/// one that runs is seen again within half a minute, and does its part then.
#[utoipa::path(
    delete,
    operation_id = "lose_instance",
    path = "/api/instances/{id}",
    tag = "Privacy",
    security(("session" = []), ("token" = [])),
    params(("id" = String, Path, format = Uuid,
        description = "As the receipt of an erasure names it.")),
    responses(
        (status = 204, description = "It is not waited for."),
        NoCredentials, NotAdminOrCrossSite,
        (status = 404, description = "There is no such instance.", body = Problem,
            content_type = "application/problem+json"),
        DatabaseUnavailable,
    ),
)]
pub async fn lose(
    State(service): State<Arc<Service>>,
    Privacy(actor): Privacy,
    PathId(id): PathId,
) -> Result<StatusCode, Problem> {
    if !service.erasing.lose_instance(id).await? {
        return Err(Problem::unknown_id());
    }
    service.access.audit.note(&actor, action::LOSE_INSTANCE, Some(&id.to_string()));
    Ok(StatusCode::NO_CONTENT)
}
