//! What people ask of a processor's deliverer: pause, replay, check.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use trailkeep_event::{Fault, Timestamp};
use trailkeep_store::processing::Command;

use super::bodies::{CheckInput, CommandBody, CommandedBody, CommandsBody, ReplayInput};
use super::known;
use crate::access::audit::{Actor, action};
use crate::http::guard::Admin;
use crate::http::input::Input;
use crate::http::path::PathText;
use crate::http::problem::Problem;
use crate::http::problem::answers::{
    DatabaseUnavailable, InvalidBody, InvalidParameters, NotAdmin, NotAdminOrCrossSite,
    NotSignedIn, TooManyCommands, UnknownProcessor, UnreadableBody,
};
use crate::http::state::Service;
use crate::processing::Asked;
use crate::processing::orders::{Became, Order, Range};

/// What is told where nobody has answered yet.
const WAITS: &str = "it is carried out by whoever delivers for this processor";

/// Pause a processor
///
/// Nothing is sent until it is resumed, whatever is restarted meanwhile. What is in
/// flight is waited for, and events go on to be accepted and stored.
#[utoipa::path(
    post,
    operation_id = "pause_processor",
    path = "/processors/{name}/pause",
    tag = "Administration",
    params(("name" = String, Path, description = "Its name", example = "default")),
    security(("session" = []), ("token" = [])),
    responses(
        (status = 202, description = "Whoever delivers pauses within a second.", body = CommandedBody),
        InvalidParameters, NotSignedIn, NotAdminOrCrossSite, UnknownProcessor, TooManyCommands,
        DatabaseUnavailable,
    ),
)]
pub async fn pause(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    PathText(name): PathText,
) -> Result<Response, Problem> {
    let waits = "whoever delivers pauses within a second";
    ask(&service, &admin, (&name, action::PAUSE_PROCESSOR, None), &Order::Pause, waits).await
}

/// Let a processor go on that is paused
#[utoipa::path(
    post,
    operation_id = "resume_processor",
    path = "/processors/{name}/resume",
    tag = "Administration",
    params(("name" = String, Path, description = "Its name", example = "default")),
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "Sending goes on.", body = CommandedBody),
        (status = 202, description = "Nobody delivers just now; it goes on with whoever does.",
            body = CommandedBody),
        InvalidParameters, NotSignedIn, NotAdminOrCrossSite, UnknownProcessor,
        (status = 409, description = "It is not paused.", body = Problem,
            content_type = "application/problem+json"),
        TooManyCommands, DatabaseUnavailable,
    ),
)]
pub async fn resume(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    PathText(name): PathText,
) -> Result<Response, Problem> {
    ask(&service, &admin, (&name, action::RESUME_PROCESSOR, None), &Order::Resume, WAITS).await
}

/// Send events again
///
/// Each with the next run, which its `webhook-id` tells, in each user's order. Long ones
/// are told of under `/commands`.
#[utoipa::path(
    post,
    operation_id = "replay_events",
    path = "/processors/{name}/replay",
    tag = "Administration",
    params(("name" = String, Path, description = "Its name", example = "default")),
    request_body = ReplayInput,
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "All of them are pending, or counted.", body = CommandedBody),
        (status = 202, description = "It is under way.", body = CommandedBody),
        InvalidBody, UnreadableBody, NotSignedIn, NotAdminOrCrossSite, UnknownProcessor,
        TooManyCommands, DatabaseUnavailable,
    ),
)]
pub async fn replay(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    PathText(name): PathText,
    Input(input): Input<ReplayInput>,
) -> Result<Response, Problem> {
    let user_id = input.user_id.clone();
    let order = Order::Replay(range(input)?);
    let what = (name.as_str(), action::REPLAY, user_id.as_deref());
    ask(&service, &admin, what, &order, "it is under way; /commands tells how far").await
}

/// Look for events that are neither done nor pending
///
/// Hand-written documents make some, and a power cut where the journal is not synced.
#[utoipa::path(
    post,
    operation_id = "check_processing",
    path = "/processors/{name}/check",
    tag = "Administration",
    params(("name" = String, Path, description = "Its name", example = "default")),
    request_body = CheckInput,
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "What was found.", body = CommandedBody),
        (status = 202, description = "It is under way.", body = CommandedBody),
        InvalidBody, UnreadableBody, NotSignedIn, NotAdminOrCrossSite, UnknownProcessor,
        (status = 409, description = "More than 200,000 events have no outcome.", body = Problem,
            content_type = "application/problem+json"),
        TooManyCommands, DatabaseUnavailable,
    ),
)]
pub async fn check(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    PathText(name): PathText,
    Input(input): Input<CheckInput>,
) -> Result<Response, Problem> {
    let order = Order::Check { repair: input.repair };
    let what = (name.as_str(), action::CHECK_PROCESSING, None);
    ask(&service, &admin, what, &order, "it is under way; /commands tells how far").await
}

/// What was asked of a processor
///
/// What is open, and what was answered within the last hour.
#[utoipa::path(
    get,
    operation_id = "list_commands",
    path = "/processors/{name}/commands",
    tag = "Administration",
    params(("name" = String, Path, description = "Its name", example = "default")),
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "The commands.", body = CommandsBody),
        InvalidParameters, NotSignedIn, NotAdmin, UnknownProcessor, DatabaseUnavailable,
    ),
)]
pub async fn commands(
    State(service): State<Arc<Service>>,
    Admin(_admin): Admin,
    PathText(name): PathText,
) -> Result<Json<CommandsBody>, Problem> {
    let commands = asked_of(&service, &name).await?;
    Ok(Json(CommandsBody { commands: commands.into_iter().map(CommandBody::from).collect() }))
}

/// What was asked of a processor: what is open, and what was answered within the last hour.
pub async fn asked_of(service: &Service, name: &str) -> Result<Vec<Command>, Problem> {
    known(service, name).await?;
    Ok(service.processing.store().commands(name).await?)
}

/// Asks for something that the audit trail names so, about a user or not.
pub async fn order(
    service: &Service,
    admin: &Actor,
    (name, action, user_id): (&str, &'static str, Option<&str>),
    order: &Order,
) -> Result<Asked, Problem> {
    known(service, name).await?;
    service.access.audit.note(admin, action, user_id.or(Some(name)));
    Ok(service.processing.ask(name, order, service.clock.now()).await?)
}

/// The same, as it is answered.
pub(super) async fn ask(
    service: &Service,
    admin: &Actor,
    what: (&str, &'static str, Option<&str>),
    wanted: &Order,
    waits: &str,
) -> Result<Response, Problem> {
    let asked = order(service, admin, what, wanted).await?;
    let (is_done, body) =
        CommandedBody::of(asked, waits).map_err(|text| Problem::conflict(&text))?;
    let status = if is_done { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(body)).into_response())
}

fn range(input: ReplayInput) -> Result<Range, Problem> {
    let mut faults = Vec::new();
    let mut moment = |name: &'static str, text: Option<String>| {
        let text = text?;
        let moment = Timestamp::parse_rfc3339(&text);
        if moment.is_none() {
            let rule = "must be an RFC 3339 time such as 2025-12-15T10:30:00.000Z";
            faults.push(Fault::of(name, rule));
        }
        moment.map(Timestamp::as_millis)
    };
    let (from, to) = (moment("from", input.from), moment("to", input.to));
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        faults.push(Fault::of("from", "must not be later than \"to\""));
    }
    let state = input.state.as_deref().and_then(|word| match word {
        "processed" => Some(Became::Processed),
        "failed" => Some(Became::Failed),
        "skipped" => Some(Became::Skipped),
        _ => {
            faults.push(Fault::of("state", "must be processed, failed or skipped"));
            None
        }
    });
    if !faults.is_empty() {
        return Err(Problem::invalid_fields(faults));
    }
    Ok(Range {
        from,
        to,
        user_id: input.user_id.map(Into::into),
        types: input.types.into_iter().map(Into::into).collect(),
        state,
        dry_run: input.dry_run,
    })
}
