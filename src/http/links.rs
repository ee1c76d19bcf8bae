//! `POST /users/{userId}/links` and `DELETE /users/{userId}/links/{id}`: what
//! administrators say about whose an id is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use trailkeep_event::Fault;
use utoipa::ToSchema;

use super::guard::Admin;
use super::input::Input;
use super::path::{PathText, PathTexts};
use super::problem::Problem;
use super::problem::answers::{
    DatabaseUnavailable, InvalidFields, InvalidParameters, NotAdminOrCrossSite, NotSignedIn,
    UnreadableBody,
};
use super::query::{Parameters, fault_of_id};
use super::state::Service;
use crate::access::audit::{Actor, action};
use crate::journeys::linked::{Circle, LinkedId};

/// An id that is linked to a user.
#[derive(Serialize, ToSchema)]
#[schema(as = LinkedId, example = json!({"id": "anon-7", "since": "2025-12-15T10:30:00.000Z"}))]
pub(super) struct LinkedIdBody {
    id: String,
    /// When it was linked. What it did before is in the user's journey too.
    #[schema(format = DateTime)]
    since: String,
    /// What came from then on is not in the user's journey; left out where the link stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    until: Option<String>,
}

impl From<&LinkedId> for LinkedIdBody {
    fn from(linked: &LinkedId) -> Self {
        Self {
            id: linked.id.to_string(),
            since: linked.since.moment().to_string(),
            until: linked.until.map(|until| until.moment().to_string()),
        }
    }
}

/// The ids of a user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Links, example = json!({
    "userId": "test123",
    "linkedIds": [{"id": "anon-7", "since": "2025-12-15T10:30:00.000Z"}]
}))]
pub struct LinksBody {
    user_id: String,
    /// Those that were linked last come first; 99 at the most.
    linked_ids: Vec<LinkedIdBody>,
}

impl From<Circle> for LinksBody {
    fn from(circle: Circle) -> Self {
        let linked_ids = circle.linked.iter().map(LinkedIdBody::from).collect();
        Self { user_id: circle.person.id.into(), linked_ids }
    }
}

/// Who is to be joined to a user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewLink, example = json!({"id": "anon-7"}))]
pub struct LinkInput {
    /// Another user, or an anonymous id: 1 to 256 bytes.
    #[serde(default)]
    id: String,
}

/// Join an id to a user
///
/// All that the id did is in the user's journey from then on, and so is what the ids did
/// that are linked to it. No event is changed, and the two can be separated again. What an
/// administrator says stands above what events say.
#[utoipa::path(
    post,
    operation_id = "join_users",
    path = "/users/{userId}/links",
    tag = "People",
    params(("userId" = String, Path, description = "1 to 256 bytes.", example = "test123")),
    request_body = LinkInput,
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "The user's ids as they are now.", body = LinksBody),
        InvalidFields, UnreadableBody, NotSignedIn, NotAdminOrCrossSite,
        (status = 409, description = "The user belongs to another, to whom the id is to be joined \
            then; or others are joined to the id.", body = Problem,
            content_type = "application/problem+json"),
        DatabaseUnavailable,
    ),
)]
pub async fn join(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    PathText(user_id): PathText,
    Input(input): Input<LinkInput>,
) -> Result<Json<LinksBody>, Problem> {
    check(&[("userId", &user_id)])?;
    if let Some(fault) = fault_of_id(&input.id) {
        return Err(Problem::invalid_fields(vec![Fault::of("id", fault)]));
    }
    let said = (admin.name.as_str(), service.clock.now());
    let circle = service.links.join(&user_id, &input.id, said).await?;
    note(&service, &admin, action::JOIN_USERS, [&user_id, &input.id]);
    Ok(Json(circle.into()))
}

/// Separate an id from a user
///
/// It is nobody's then, also where events said that it is the user's, until an
/// administrator joins it to somebody.
#[utoipa::path(
    delete,
    operation_id = "separate_users",
    path = "/users/{userId}/links/{id}",
    tag = "People",
    params(
        ("userId" = String, Path, description = "1 to 256 bytes.", example = "test123"),
        ("id" = String, Path, description = "One of the user's `linkedIds`.", example = "anon-7"),
    ),
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "The user's ids as they are now.", body = LinksBody),
        InvalidParameters, NotSignedIn, NotAdminOrCrossSite,
        (status = 404, description = "The id is not linked to the user.", body = Problem,
            content_type = "application/problem+json"),
        DatabaseUnavailable,
    ),
)]
pub async fn separate(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    PathTexts(user_id, id): PathTexts,
) -> Result<Json<LinksBody>, Problem> {
    check(&[("userId", &user_id), ("id", &id)])?;
    let said = (admin.name.as_str(), service.clock.now());
    let circle = service.links.separate(&user_id, &id, said).await?;
    note(&service, &admin, action::SEPARATE_USERS, [&user_id, &id]);
    Ok(Json(circle.into()))
}

fn check(ids: &[(&str, &String)]) -> Result<(), Problem> {
    let mut parameters = Parameters::parse(None);
    ids.iter().for_each(|(name, id)| parameters.check_id(name, id));
    parameters.finish()
}

/// About each of the two, so that whoever asks about one finds it.
fn note(service: &Service, admin: &Actor, action: &'static str, ids: [&String; 2]) {
    for id in ids {
        service.access.audit.note(admin, action, Some(id));
    }
}
