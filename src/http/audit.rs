//! `GET /api/audit`: who did what, for administrators.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use serde::Serialize;
use trailkeep_store::access::{AuditEntry, AuditRange};
use utoipa::ToSchema;
use uuid::Uuid;

use super::guard::Admin;
use super::paging::Paging;
use super::problem::Problem;
use super::problem::answers::{DatabaseUnavailable, InvalidParameters, NotAdmin, NotSignedIn};
use super::query::Parameters;
use super::state::Service;

/// One thing that was done.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntry)]
pub struct EntryBody {
    #[schema(format = Uuid)]
    id: String,
    #[schema(format = DateTime)]
    at: String,
    /// An account's address, a token's name, `shell` or `anonymous`.
    actor: String,
    /// The account or token, where there is one.
    #[schema(format = Uuid)]
    actor_id: Option<String>,
    /// What was done, such as `journey.read` or `account.create`.
    action: String,
    /// To whom or what: a user's id, an account's address, a token's name.
    subject: Option<String>,
    /// From which address.
    client: Option<String>,
    /// Why, as the header `X-Reason` said.
    reason: Option<String>,
}

impl From<AuditEntry> for EntryBody {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            at: entry.at.to_string(),
            actor: entry.actor,
            actor_id: entry.actor_id.map(|id| id.to_string()),
            action: entry.action,
            subject: entry.subject,
            client: entry.client,
            reason: entry.reason,
        }
    }
}

/// A page of the audit trail.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "entries": [{
        "id": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88", "at": "2025-12-15T10:30:00.000Z",
        "actor": "jo@example.com", "actorId": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88",
        "action": "journey.read", "subject": "test123", "client": "192.0.2.7",
        "reason": "T-1017"
    }],
    "nextCursor": null
}))]
pub struct AuditBody {
    /// Newest first.
    entries: Vec<EntryBody>,
    /// Hand it back as `cursor` for the next page; null on the last one.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// Who did what to whom, when and from where
///
/// What was answered is here: an answer waits for its entry.
#[utoipa::path(
    get,
    path = "/api/audit",
    tag = "Administration",
    security(("session" = []), ("token" = [])),
    params(
        ("actor" = Option<String>, Query, description = "Only what this one did."),
        ("subject" = Option<String>, Query, description = "Only what was done to this one."),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500,
            description = "Entries on a page; 100 by default."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before."),
    ),
    responses(
        (status = 200, description = "The entries.", body = AuditBody),
        InvalidParameters, NotSignedIn, NotAdmin, DatabaseUnavailable,
    ),
)]
pub async fn audit(
    State(service): State<Arc<Service>>,
    _admin: Admin,
    RawQuery(query): RawQuery,
) -> Result<Json<AuditBody>, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let paging = page_asked(&mut parameters);
    let before = paging.after;
    let range =
        AuditRange { before, actor: parameters.text("actor"), subject: parameters.text("subject") };
    parameters.finish()?;
    let (entries, next_cursor) = read(&service, &range, &paging).await?;
    Ok(Json(AuditBody { entries: entries.into_iter().map(EntryBody::from).collect(), next_cursor }))
}

/// Which page of the trail is asked for.
pub fn page_asked(parameters: &mut Parameters) -> Paging<Uuid> {
    Paging::read(parameters, |cursor| cursor.parse().ok())
}

/// A page of the trail, newest first, and where the next one begins.
pub async fn read(
    service: &Service,
    range: &AuditRange,
    paging: &Paging<Uuid>,
) -> Result<(Vec<AuditEntry>, Option<String>), Problem> {
    let mut found = service.access.audit.read(range, paging.wanted()).await?;
    // Entries about a user who was erased since are found by the id as well.
    if let Some(subject) = &range.subject {
        let erased = Some(service.erasing.name_of(subject).await?);
        let range = AuditRange { subject: erased, ..range.clone() };
        found.extend(service.access.audit.read(&range, paging.wanted()).await?);
        found.sort_by_key(|entry| Reverse(entry.id));
    }
    Ok(paging.cut(found, |entry| entry.id.to_string()))
}
