//! `GET /users/{userId}/export`: all that is known of a user, as a file.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::{StreamExt as _, stream};
use trailkeep_store::StoreError;

use super::guard::Privacy;
use super::path::PathText;
use super::problem::Problem;
use super::problem::answers::{DatabaseUnavailable, InvalidParameters, NoCredentials, NotAdmin};
use super::query::Parameters;
use super::state::Service;
use crate::access::audit::action;
use crate::privacy::export::Export;

/// All that is known of a user
///
/// A file that a person can be sent, a JSON object a line, each with a `kind`: `export` with
/// whose ids it is of; a `person` for each of them, with traits, addresses and links; each
/// `event`, as a journey has it, the oldest first, and behind every 200 of them each
/// `outcome` that a processor had; each `dead-letter`; each `look`, which is who looked at
/// the user, or did something about them, when and why; and `end`, with how many there were
/// of each. A file that does not end with that one is not whole.
///
/// Linked ids are in it up to where their links end. Of one of whom nothing is known there
/// is a file that says so. For administrators, and for a token with the scope `privacy`.
#[utoipa::path(
    get,
    operation_id = "export_user",
    path = "/users/{userId}/export",
    tag = "Privacy",
    security(("session" = []), ("token" = [])),
    params(("userId" = String, Path, description = "1 to 256 bytes.", example = "test123")),
    responses(
        (status = 200, description = "The file.", body = String,
            content_type = "application/x-ndjson"),
        InvalidParameters, NoCredentials, NotAdmin, DatabaseUnavailable,
    ),
)]
pub async fn export(
    State(service): State<Arc<Service>>,
    Privacy(actor): Privacy,
    PathText(user_id): PathText,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    parameters.check_id("userId", &user_id);
    parameters.finish()?;
    service.access.audit.note(&actor, action::EXPORT_USER, Some(&user_id));
    let mut export = Export::of(Arc::clone(&service.exports), &user_id).await?;
    // So that a database that is away can still be said with a status. One that goes away
    // later cuts the file, which shows.
    let first = export.more().await?;
    let rest = stream::try_unfold(export, |mut export| async move {
        Ok::<_, StoreError>(export.more().await?.map(|lines| (lines, export)))
    });
    let lines = stream::iter(first.map(Ok)).chain(rest);
    let mut response = Response::new(Body::from_stream(lines));
    let headers = response.headers_mut();
    let ndjson = HeaderValue::from_static("application/x-ndjson");
    headers.insert(header::CONTENT_TYPE, ndjson);
    let file = HeaderValue::from_static("attachment; filename=\"user.ndjson\"");
    headers.insert(header::CONTENT_DISPOSITION, file);
    Ok(response)
}
