//! `DELETE /users/{userId}`: a user is erased, with all that is linked; and the receipt of it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use trailkeep_event::{Fault, Timestamp};
use trailkeep_store::erasures::Instance;
use utoipa::ToSchema;
use uuid::Uuid;

use super::guard::Privacy;
use super::input::Input;
use super::path::{PathId, PathText};
use super::problem::Problem;
use super::problem::answers::{
    DatabaseUnavailable, InvalidFields, InvalidParameters, NoCredentials, NotAdminOrCrossSite,
    UnreadableBody,
};
use super::query::Parameters;
use super::state::Service;
use crate::access::audit::{Actor, action};
use crate::privacy::erase::{Counted, Planned, Receipt, Wanted, name_of};

/// What is to be erased.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EraseUser, example = json!({"confirm": "test123"}))]
pub struct EraseInput {
    /// The user's id once more, so that nobody is erased by mistake. Not needed for a dry run.
    #[serde(default)]
    confirm: String,
    /// Whether all ids go that are linked to it; each up to where its link ends.
    #[serde(default = "yes")]
    #[schema(default = true)]
    linked: bool,
    /// Whether what is posted of these ids later is left out: it is answered as accepted.
    #[serde(default)]
    block: bool,
}

fn yes() -> bool {
    true
}

/// An erasure that is under way.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ErasureAsked, example = json!({
    "erasureId": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88", "ids": ["test123", "anon-7"],
    "more": false
}))]
pub struct AskedBody {
    /// By which there is a receipt: `GET /api/erasures/{id}`.
    erasure_id: String,
    /// Whose data goes.
    ids: Vec<Box<str>>,
    /// Whether more ids are linked than one erasure takes: erase the user once more, after this
    /// one is done. The user's own id goes with the last of them.
    more: bool,
}

/// What an erasure would take.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ErasurePlanned, example = json!({
    "ids": ["test123", "anon-7"], "more": false, "events": 12, "moreEvents": false, "backlog": 0
}))]
pub struct PlannedBody {
    /// Whose data would go.
    ids: Vec<Box<str>>,
    /// Whether more ids are linked than one erasure takes: then the user's own id goes later.
    more: bool,
    /// Stored events; of an id no more than 10,000 are counted.
    events: usize,
    /// Whether there are more of them.
    more_events: bool,
    /// Accepted and not stored, as far as they are in memory.
    backlog: usize,
}

impl PlannedBody {
    fn of(planned: Planned, counted: Counted) -> Self {
        Self {
            more: planned.is_cut,
            ids: names(&planned),
            events: counted.events,
            more_events: counted.are_more,
            backlog: counted.backlog,
        }
    }
}

/// How far an erasure is, without the ids.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ErasureReceipt, example = json!({
    "erasureId": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88", "state": "done",
    "requestedAt": "2025-12-15T10:30:00.000Z", "verifiedAt": "2025-12-15T10:30:04.210Z",
    "places": [{"place": "events", "deleted": 12}, {"place": "people", "deleted": 2}],
    "instances": [{
        "id": "1f0e5c52-6b1c-4d9e-8f4a-2b6c1d0e9f88", "state": "done",
        "verifiedAt": "2025-12-15T10:30:04.201Z", "lastSeen": "2025-12-15T10:30:00.100Z"
    }]
}))]
pub struct ReceiptBody {
    erasure_id: String,
    state: ErasureState,
    #[schema(format = DateTime)]
    requested_at: String,
    /// When the last instance had read again that nothing is left; null while it is running.
    #[schema(required, format = DateTime)]
    verified_at: Option<String>,
    /// How much went of each. What is not here had nothing.
    places: Vec<PlaceBody>,
    instances: Vec<InstanceBody>,
}

/// `running` or `done`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ErasureState {
    /// Somebody has not taken part yet.
    Running,
    /// It is verified.
    Done,
}

/// A place in which something was.
#[derive(Serialize, ToSchema)]
#[schema(as = ErasedPlace)]
pub struct PlaceBody {
    /// `events`, `backlog`, `outcomes`, `deadLetters`, `feed`, `people`, `sessions`; and
    /// `auditTrail`, whose entries stay and name a hash.
    place: &'static str,
    /// As far as it was counted: a crash may come between a deletion and its count.
    deleted: u64,
}

/// Who takes part.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ErasingInstance)]
pub struct InstanceBody {
    /// The identity of its data folder.
    id: String,
    state: PartState,
    /// When it had read again that nothing is left.
    #[schema(required, format = DateTime)]
    verified_at: Option<String>,
    /// To half a minute; 1970 where somebody said that its folder is lost.
    #[schema(required, format = DateTime)]
    last_seen: Option<String>,
}

/// What an instance has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PartState {
    /// It has done its part.
    Done,
    /// It is waited for.
    Waiting,
    /// It was not seen for 30 days and is not waited for. It does its part before it writes
    /// anything, should it come back.
    Missing,
}

impl From<Receipt> for ReceiptBody {
    fn from(receipt: Receipt) -> Self {
        let Receipt { erasure, instances } = receipt;
        let seen = |id: &Uuid| instances.iter().find(|instance| instance.id == *id);
        let body = |id: &Uuid, state, at: Option<&Timestamp>| InstanceBody {
            id: id.to_string(),
            state,
            verified_at: at.map(Timestamp::to_string),
            last_seen: seen(id).map(|instance| instance.seen.to_string()),
        };
        let done = erasure.parts.iter().map(|(id, at)| body(id, PartState::Done, Some(at)));
        // It may have come back since.
        let missing = erasure.missing.iter().filter(|id| !erasure.parts.contains_key(id));
        let missing = missing.map(|id| body(id, PartState::Missing, None));
        let is_running = erasure.verified_at.is_none();
        let waiting = instances
            .iter()
            .filter(|Instance { id, .. }| is_running && !erasure.parts.contains_key(id));
        let waiting = waiting.map(|instance| body(&instance.id, PartState::Waiting, None));
        let places = erasure.deleted.iter();
        Self {
            erasure_id: erasure.id.to_string(),
            state: if is_running { ErasureState::Running } else { ErasureState::Done },
            requested_at: erasure.requested_at.to_string(),
            verified_at: erasure.verified_at.map(|at| at.to_string()),
            places: places
                .map(|(place, deleted)| PlaceBody { place: place.word(), deleted: *deleted })
                .collect(),
            instances: done.chain(missing).chain(waiting).collect(),
        }
    }
}

/// Erase a user
///
/// The user and all linked ids, wherever they are: stored events, those that are accepted and
/// not stored, dead letters, links, traits, what processors have and had of them, and what was
/// kept in memory. Nothing that was accepted before comes back; what is posted later is new.
/// It survives any crash, and goes on by itself; the receipt says how far it is.
///
/// `?dryRun=true` names the ids and how many events there are, and erases nobody. For
/// administrators, and for a token with the scope `privacy`.
#[utoipa::path(
    delete,
    operation_id = "erase_user",
    path = "/users/{userId}",
    tag = "Privacy",
    security(("session" = []), ("token" = [])),
    params(
        ("userId" = String, Path, description = "1 to 256 bytes.", example = "test123"),
        ("dryRun" = Option<bool>, Query, description = "`true` erases nobody."),
    ),
    request_body = EraseInput,
    responses(
        (status = 202, description = "The erasure is kept, and under way.", body = AskedBody),
        (status = 200, description = "What would go (`dryRun`).", body = PlannedBody),
        InvalidFields, UnreadableBody, NoCredentials, NotAdminOrCrossSite,
        (status = 409, description = "The id is linked to a user: erase that user, or this id \
            alone (`\"linked\": false`).", body = Problem,
            content_type = "application/problem+json"),
        DatabaseUnavailable,
    ),
)]
pub async fn erase(
    State(service): State<Arc<Service>>,
    Privacy(actor): Privacy,
    PathText(user_id): PathText,
    RawQuery(query): RawQuery,
    Input(input): Input<EraseInput>,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    parameters.check_id("userId", &user_id);
    let is_dry = parameters.flag("dryRun") == Some(true);
    parameters.finish()?;
    let EraseInput { confirm, linked, block } = input;
    let wanted = Wanted { linked, block };
    if is_dry {
        let (planned, counted) = plan(&service, &actor, &user_id, wanted).await?;
        return Ok(Json(PlannedBody::of(planned, counted)).into_response());
    }
    let (id, planned) = erase_user(&service, &actor, &user_id, wanted, &confirm).await?;
    let body = AskedBody { erasure_id: id.to_string(), more: planned.is_cut, ids: names(&planned) };
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

/// What would go, for whoever may have it erased.
pub async fn plan(
    service: &Service,
    actor: &Actor,
    user_id: &str,
    wanted: Wanted,
) -> Result<(Planned, Counted), Problem> {
    service.access.audit.note(actor, action::READ_USER, Some(user_id));
    let planned = service.erasing.plan(user_id, wanted).await?;
    let counted = service.erasing.count(&planned).await?;
    Ok((planned, counted))
}

/// Has a user erased whose id was typed once more.
pub async fn erase_user(
    service: &Service,
    actor: &Actor,
    user_id: &str,
    wanted: Wanted,
    confirm: &str,
) -> Result<(Uuid, Planned), Problem> {
    if confirm != user_id {
        let message = "must be the user's id, so that nobody is erased by mistake";
        return Err(Problem::invalid_fields(vec![Fault::of("confirm", message)]));
    }
    let planned = service.erasing.plan(user_id, wanted).await?;
    for erased in &planned.ids {
        service.access.audit.note(actor, action::ERASE_USER, Some(&name_of(erased.hash)));
    }
    let id = service.erasing.ask(planned.clone(), wanted).await?;
    Ok((id, planned))
}

/// The receipt of an erasure
///
/// How much went of each place, and which instances have done their part. Final once its state
/// is `done`: then each place was read again on each instance, and nothing was there.
#[utoipa::path(
    get,
    path = "/api/erasures/{id}",
    tag = "Privacy",
    security(("session" = []), ("token" = [])),
    params(("id" = String, Path, format = Uuid, description = "The `erasureId`.")),
    responses(
        (status = 200, description = "The receipt.", body = ReceiptBody),
        NoCredentials,
        (status = 403, description = "Not an administrator.", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "There is no such erasure.", body = Problem,
            content_type = "application/problem+json"),
        DatabaseUnavailable,
    ),
)]
pub async fn receipt(
    State(service): State<Arc<Service>>,
    _privacy: Privacy,
    PathId(id): PathId,
) -> Result<Json<ReceiptBody>, Problem> {
    let receipt = service.erasing.receipt(id).await?.ok_or_else(Problem::unknown_id)?;
    Ok(Json(receipt.into()))
}

/// End the block of a user
///
/// What is posted of the id from then on is kept again; on other instances within half a minute.
#[utoipa::path(
    delete,
    operation_id = "unblock_user",
    path = "/users/{userId}/block",
    tag = "Privacy",
    security(("session" = []), ("token" = [])),
    params(("userId" = String, Path, description = "1 to 256 bytes.", example = "test123")),
    responses(
        (status = 204, description = "It is not blocked any more."),
        InvalidParameters, NoCredentials, NotAdminOrCrossSite,
        (status = 404, description = "It is not blocked.", body = Problem,
            content_type = "application/problem+json"),
        DatabaseUnavailable,
    ),
)]
pub async fn unblock(
    State(service): State<Arc<Service>>,
    Privacy(actor): Privacy,
    PathText(user_id): PathText,
) -> Result<StatusCode, Problem> {
    let mut parameters = Parameters::parse(None);
    parameters.check_id("userId", &user_id);
    parameters.finish()?;
    end_block(&service, &actor, &user_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keeps again what is posted of a user.
pub async fn end_block(service: &Service, actor: &Actor, user_id: &str) -> Result<(), Problem> {
    if !service.erasing.unblock(user_id).await? {
        return Err(Problem::not_blocked());
    }
    let name = service.erasing.name_of(user_id).await?;
    service.access.audit.note(actor, action::UNBLOCK_USER, Some(&name));
    Ok(())
}

fn names(planned: &Planned) -> Vec<Box<str>> {
    planned.ids.iter().filter_map(|erased| erased.id.clone()).collect()
}
