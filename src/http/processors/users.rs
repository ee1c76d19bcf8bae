//! Users who are stuck at a processor, and what people do about it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use trailkeep_event::{Fault, StoreId, Timestamp};
use trailkeep_store::processing::Processed;

use super::bodies::{CommandedBody, EventInput, StuckUserBody, StuckUsersBody};
use super::steering::ask;
use super::{known, status};
use crate::access::audit::{Actor, action};
use crate::http::guard::{Admin, MayRead};
use crate::http::input::Input;
use crate::http::path::{PathText, PathTexts};
use crate::http::problem::Problem;
use crate::http::problem::answers::{
    DatabaseUnavailable, InvalidBody, InvalidParameters, NoCredentials, NotAdminOrCrossSite,
    NotSignedIn, TooManyCommands, UnknownProcessor, UnreadableBody, WrongScope,
};
use crate::http::state::Service;
use crate::processing::orders::{Order, UserEvent};
use crate::processing::status::StuckUser;

const WAITS: &str = "it is carried out by whoever delivers, once the event is not at the processor";

/// Users who are stuck
///
/// Whose event fails again and again, or who wait for a person (`hold`).
#[utoipa::path(
    get,
    operation_id = "list_stuck_users",
    path = "/processors/{name}/users",
    tag = "Journeys",
    params(("name" = String, Path, description = "The processor's name", example = "default")),
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "They, as of two seconds ago.", body = StuckUsersBody),
        InvalidParameters, NoCredentials, WrongScope, UnknownProcessor, DatabaseUnavailable,
    ),
)]
pub async fn users(
    State(service): State<Arc<Service>>,
    MayRead { reader, .. }: MayRead,
    PathText(name): PathText,
) -> Result<Json<StuckUsersBody>, Problem> {
    stuck(&service, &reader, &name).await.map(Json)
}

/// Those who are stuck, as of two seconds ago.
pub async fn stuck(
    service: &Service,
    reader: &Actor,
    name: &str,
) -> Result<StuckUsersBody, Problem> {
    known(service, name).await?;
    service.access.audit.note(reader, action::LIST_STUCK_USERS, Some(name));
    let status = status(service, name).await?.unwrap_or_default();
    // Of those who wait for a person no more may be in memory than which event it is.
    let untold = status.stuck.iter().filter(|stuck| stuck.error.is_none());
    let ids: Vec<StoreId> = untold.map(id).collect();
    let outcomes = service.processing.store().outcomes(name, &ids).await?;
    Ok(StuckUsersBody {
        stuck_users: status.stuck_users,
        users: status.stuck.into_iter().map(|stuck| body(stuck, &outcomes)).collect(),
    })
}

fn id(stuck: &StuckUser) -> StoreId {
    StoreId::from_bytes(stuck.event.into_bytes())
}

fn body(stuck: StuckUser, outcomes: &HashMap<StoreId, Processed>) -> StuckUserBody {
    let outcome = outcomes.get(&id(&stuck));
    let event = outcome.and_then(|outcome| outcome.event.as_ref());
    let text = |known: Option<Box<str>>, found: Option<&Box<str>>| {
        known.or_else(|| found.cloned()).map(String::from)
    };
    StuckUserBody {
        user_id: text(stuck.user_id, event.map(|event| &event.user_id)),
        event_id: text(stuck.event_id, event.map(|event| &event.event_id)),
        state: if stuck.is_held { "held" } else { "retrying" },
        attempts: stuck.attempts.max(outcome.map_or(0, |outcome| outcome.attempts)),
        last_error: text(stuck.error, outcome.and_then(|outcome| outcome.error.as_ref())),
        next_try_at: stuck.next_try_at.map(|ms| Timestamp::from_millis_clamped(ms).to_string()),
        waiting: stuck.waiting,
    }
}

/// Send the event at which a user is stuck again, now
///
/// One that rests between two attempts does not rest any longer; one that was given up is
/// sent again, and its user goes on with it.
#[utoipa::path(
    post,
    operation_id = "retry_user",
    path = "/processors/{name}/users/{userId}/retry",
    tag = "Administration",
    params(
        ("name" = String, Path, description = "The processor's name", example = "default"),
        ("userId" = String, Path, description = "The user", example = "test123"),
    ),
    request_body = EventInput,
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "It is sent.", body = CommandedBody),
        (status = 202, description = "It will be, by whoever delivers.", body = CommandedBody),
        InvalidBody, UnreadableBody, NotSignedIn, NotAdminOrCrossSite, UnknownProcessor,
        (status = 409, description = "The user is not stuck at that event.", body = Problem,
            content_type = "application/problem+json"),
        TooManyCommands, DatabaseUnavailable,
    ),
)]
pub async fn retry(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    PathTexts(name, user_id): PathTexts,
    Input(input): Input<EventInput>,
) -> Result<Response, Problem> {
    let order = Order::Retry(event(&user_id, input)?);
    ask(&service, &admin, (&name, action::RETRY_USER, Some(&user_id)), &order, WAITS).await
}

/// Skip the event at which a user is stuck
///
/// It is not sent any more, and its user goes on behind it.
#[utoipa::path(
    post,
    operation_id = "skip_user",
    path = "/processors/{name}/users/{userId}/skip",
    tag = "Administration",
    params(
        ("name" = String, Path, description = "The processor's name", example = "default"),
        ("userId" = String, Path, description = "The user", example = "test123"),
    ),
    request_body = EventInput,
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "It counts as skipped.", body = CommandedBody),
        (status = 202, description = "It will, unless the processor takes it before.",
            body = CommandedBody),
        InvalidBody, UnreadableBody, NotSignedIn, NotAdminOrCrossSite, UnknownProcessor,
        (status = 409, description = "The user is not stuck at that event.", body = Problem,
            content_type = "application/problem+json"),
        TooManyCommands, DatabaseUnavailable,
    ),
)]
pub async fn skip(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    PathTexts(name, user_id): PathTexts,
    Input(input): Input<EventInput>,
) -> Result<Response, Problem> {
    let order = Order::Skip(event(&user_id, input)?);
    ask(&service, &admin, (&name, action::SKIP_USER, Some(&user_id)), &order, WAITS).await
}

/// Let a user go on who waits for a person
///
/// The event stays a dead letter.
#[utoipa::path(
    post,
    operation_id = "release_user",
    path = "/processors/{name}/users/{userId}/release",
    tag = "Administration",
    params(
        ("name" = String, Path, description = "The processor's name", example = "default"),
        ("userId" = String, Path, description = "The user", example = "test123"),
    ),
    request_body = EventInput,
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "The user goes on.", body = CommandedBody),
        (status = 202, description = "They will, by whoever delivers.", body = CommandedBody),
        InvalidBody, UnreadableBody, NotSignedIn, NotAdminOrCrossSite, UnknownProcessor,
        (status = 409, description = "The user does not wait at that event.", body = Problem,
            content_type = "application/problem+json"),
        TooManyCommands, DatabaseUnavailable,
    ),
)]
pub async fn release(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    PathTexts(name, user_id): PathTexts,
    Input(input): Input<EventInput>,
) -> Result<Response, Problem> {
    let order = Order::Release(event(&user_id, input)?);
    ask(&service, &admin, (&name, action::RELEASE_USER, Some(&user_id)), &order, WAITS).await
}

fn event(user_id: &str, input: EventInput) -> Result<UserEvent, Problem> {
    if input.event_id.is_empty() {
        let fault = Fault::of("eventId", "is missing: the event at which the user is stuck");
        return Err(Problem::invalid_fields(vec![fault]));
    }
    Ok(UserEvent { user_id: user_id.into(), event_id: input.event_id.into() })
}
