//! `/api/auth/sessions`: where somebody is signed in, and how they end it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use trailkeep_event::Timestamp;
use trailkeep_store::access::SecretHash;
use utoipa::ToSchema;
use uuid::Uuid;

use super::guard::{Session, Staff};
use super::path::PathId;
use super::problem::Problem;
use super::problem::answers::{DatabaseUnavailable, NoPerson, NoPersonOrCrossSite, NotSignedIn};
use super::state::Service;
use crate::access::audit::action;
use crate::access::hash_secret;
use crate::access::open_sessions::OpenSession;

/// A session of one's own.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OwnSession)]
pub struct OwnSessionBody {
    /// By which it is ended. It opens nothing.
    #[schema(format = Uuid)]
    id: String,
    /// Whether it is that of this request.
    current: bool,
    /// Null for one that an older version opened.
    #[schema(format = DateTime)]
    started_at: Option<String>,
    /// To five minutes.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    /// Unless it is used again.
    #[schema(format = DateTime)]
    expires_at: String,
    /// From which address it was opened.
    client: Option<String>,
    /// With which program, in its own words: the first 200 characters.
    user_agent: Option<String>,
}

/// All sessions of one's own.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnSessions, example = json!({"sessions": [{
    "id": "5f0f6b9e-8a57-2b1c-9a43-0c8f2f6e4d11", "current": true,
    "startedAt": "2025-12-15T10:30:00.000Z", "lastUsedAt": "2025-12-15T11:30:00.000Z",
    "expiresAt": "2025-12-22T11:30:00.000Z", "client": "192.0.2.7",
    "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
}]}))]
pub struct OwnSessionsBody {
    /// The one that was used last first; at most 500.
    sessions: Vec<OwnSessionBody>,
}

/// Where one is signed in
#[utoipa::path(
    get,
    operation_id = "own_sessions",
    path = "/api/auth/sessions",
    tag = "Staff",
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "The sessions.", body = OwnSessionsBody),
        NotSignedIn, NoPerson, DatabaseUnavailable,
    ),
)]
pub async fn list(
    State(service): State<Arc<Service>>,
    staff: Staff,
    session: Session,
) -> Result<Json<OwnSessionsBody>, Problem> {
    let sessions = own(&service, &staff, &session).await?;
    Ok(Json(OwnSessionsBody { sessions: sessions.into_iter().map(body).collect() }))
}

/// Somebody's sessions, each with whether it is that of the request.
pub async fn own(
    service: &Service,
    staff: &Staff,
    session: &Session,
) -> Result<Vec<(OpenSession, bool)>, Problem> {
    let current = current(session)?;
    let found = service.access.open_sessions.of(staff.account.id).await?;
    let sessions = found.into_iter().map(|found| {
        let is_current = found.hash == current;
        (found, is_current)
    });
    Ok(sessions.collect())
}

/// End a session of one's own
#[utoipa::path(
    delete,
    operation_id = "end_own_session",
    path = "/api/auth/sessions/{id}",
    tag = "Staff",
    params(("id" = String, Path, format = Uuid, description = "The session's id.")),
    security(("session" = []), ("token" = [])),
    responses(
        (status = 204, description = "The session is gone, everywhere."),
        NotSignedIn, NoPersonOrCrossSite,
        (status = 404, description = "There is no such session.",
            body = Problem, content_type = "application/problem+json"),
        DatabaseUnavailable,
    ),
)]
pub async fn end(
    State(service): State<Arc<Service>>,
    staff: Staff,
    PathId(id): PathId,
) -> Result<StatusCode, Problem> {
    end_one(&service, &staff, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the one of somebody's sessions that has this id.
pub async fn end_one(service: &Service, staff: &Staff, id: Uuid) -> Result<(), Problem> {
    let access = &service.access;
    let ended = access.open_sessions.end(staff.account.id, id).await?;
    access.remembered.bad(&ended.hash);
    access.audit.note(&staff.actor, action::END_SESSION, Some(&staff.account.email));
    Ok(())
}

/// End all sessions of one's own but the one of this request
#[utoipa::path(
    delete,
    operation_id = "end_other_sessions",
    path = "/api/auth/sessions",
    tag = "Staff",
    security(("session" = []), ("token" = [])),
    responses(
        (status = 204, description = "All others are gone, everywhere."),
        NotSignedIn, NoPersonOrCrossSite, DatabaseUnavailable,
    ),
)]
pub async fn end_others(
    State(service): State<Arc<Service>>,
    staff: Staff,
    session: Session,
) -> Result<StatusCode, Problem> {
    end_but_this(&service, &staff, &session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all of somebody's sessions but that of the request.
pub async fn end_but_this(
    service: &Service,
    staff: &Staff,
    session: &Session,
) -> Result<(), Problem> {
    let access = &service.access;
    let kept = current(session)?;
    for ended in access.open_sessions.end_others(staff.account.id, &kept).await? {
        access.remembered.bad(&ended.hash);
    }
    access.audit.note(&staff.actor, action::END_OTHER_SESSIONS, Some(&staff.account.email));
    Ok(())
}

/// The hash of the session that a request came with.
fn current(session: &Session) -> Result<SecretHash, Problem> {
    let id = session.session.id().ok_or_else(Problem::unauthorized)?;
    Ok(hash_secret(&id.to_string()))
}

fn body((session, current): (OpenSession, bool)) -> OwnSessionBody {
    let written = |time: Option<Timestamp>| time.map(|time| time.to_string());
    OwnSessionBody {
        id: session.id.to_string(),
        current,
        started_at: written(session.started_at),
        last_used_at: written(session.last_used_at),
        expires_at: session.expires_at.to_string(),
        client: session.client,
        user_agent: session.user_agent,
    }
}
