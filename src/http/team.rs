//! `/api/team`: what the console's pages show for the whole team.

mod given;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::guard::{Admin, StaffOrShell};
use super::input::Input;
use super::problem::Problem;
use super::problem::answers::{
    DatabaseUnavailable, InvalidFields, NotAdminOrCrossSite, NotSignedIn, WrongScope,
};
use super::state::Service;
use super::to_its_end::to_its_end;
use crate::access::audit::{Actor, action};
use crate::access::team::settings::TeamSettings;
use given::Given;

/// Bytes of all settings together, as they are sent: every page needs them.
const MAX_BYTES: usize = 64 * 1024;

/// What the pages show for the whole team. A type is 1 to 64 bytes without control
/// characters. A key is one of the payload's outermost object, or the path to one that lies
/// deeper, with dots: keys of 1 to 64 bytes, 256 in all, without control characters, braces,
/// and blanks at their ends.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TeamSettings, example = json!({
    "sentences": {"order_placed": "Placed order {orderId} for {total}"},
    "hiddenTypes": ["page_leave"],
    "pinnedKeys": {"order_placed": ["total", "currency"]},
    "asksForReason": false,
    "updatedAt": "2025-12-15T10:30:00.000Z"
}))]
pub struct TeamBody {
    /// What is said of an event, by its type, at most 500: 1 to 200 characters without control
    /// characters, in which `{key}` stands for the payload's value, and `{{` and `}}` for
    /// braces. Where the payload has no such value, the page says what it says without.
    #[schema(required = false)]
    sentences: BTreeMap<String, String>,
    /// Types that a journey does not show at first: it says how many there are. At most 500,
    /// each once, in order.
    #[schema(required = false, max_items = 500)]
    hidden_types: Vec<String>,
    /// Values of the payload that stand beside an event, by its type, at most 500: up to 3 keys.
    #[schema(required = false)]
    pinned_keys: BTreeMap<String, Vec<String>>,
    /// Whether the pages ask why before somebody looks at a user: a ticket's number, which is in
    /// the audit trail then.
    #[schema(required = false)]
    asks_for_reason: bool,
    /// When they were set last; left out where they never were. Not looked at where they are
    /// sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    updated_at: Option<String>,
}

impl From<&TeamSettings> for TeamBody {
    fn from(settings: &TeamSettings) -> Self {
        let sentences = settings.sentences.iter();
        let pinned_keys = settings.pinned_keys.iter();
        Self {
            sentences: sentences.map(|(kind, said)| (kind.to_string(), said.to_string())).collect(),
            hidden_types: settings.hidden_types.iter().map(ToString::to_string).collect(),
            pinned_keys: pinned_keys
                .map(|(kind, keys)| {
                    (kind.to_string(), keys.iter().map(ToString::to_string).collect())
                })
                .collect(),
            asks_for_reason: settings.asks_for_reason,
            updated_at: settings.updated_at.map(|time| time.to_string()),
        }
    }
}

/// What the pages show for the whole team
///
/// For everybody on the staff. Before anything was set, nothing is in it.
#[utoipa::path(
    get,
    operation_id = "get_team",
    path = "/api/team",
    tag = "Administration",
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "The settings of the team.", body = TeamBody),
        NotSignedIn, WrongScope, DatabaseUnavailable,
    ),
)]
pub async fn get(
    State(service): State<Arc<Service>>,
    _caller: StaffOrShell,
) -> Result<Json<TeamBody>, Problem> {
    let settings = service.access.team.read().await?;
    Ok(Json(TeamBody::from(&*settings)))
}

/// Set what the pages show for the whole team
///
/// All of it: what is left out is empty from then on. It is in force at once on the instance
/// that answers, and within five seconds on all. Of two who set it at once, the last one's
/// stands.
#[utoipa::path(
    put,
    operation_id = "set_team",
    path = "/api/team",
    tag = "Administration",
    request_body = TeamBody,
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "The settings of the team, as they are kept.",
            body = TeamBody),
        InvalidFields, NotSignedIn, NotAdminOrCrossSite,
        (status = 408, description = "The body did not arrive in time.",
            body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "More than 64 KiB.",
            body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "Another media type than `application/json`.",
            body = Problem, content_type = "application/problem+json"),
        DatabaseUnavailable,
    ),
)]
pub async fn set(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    Input(given): Input<Given, MAX_BYTES>,
) -> Result<Json<TeamBody>, Problem> {
    let wanted = given.into_settings().map_err(Problem::invalid_fields)?;
    let kept = keep(service, admin, wanted).await?;
    Ok(Json(TeamBody::from(&*kept)))
}

/// Has the settings kept, and notes who set them.
pub async fn keep(
    service: Arc<Service>,
    admin: Actor,
    wanted: TeamSettings,
) -> Result<Arc<TeamSettings>, Problem> {
    to_its_end(async move {
        let access = &service.access;
        let kept = access.team.set(wanted).await?;
        access.audit.note(&admin, action::CHANGE_TEAM, None);
        Ok(kept)
    })
    .await
}
