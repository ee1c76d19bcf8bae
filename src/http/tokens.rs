//! `/api/tokens`: what machines carry, for administrators.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use trailkeep_event::{Fault, Timestamp};
use trailkeep_store::access::{Scope, TokenRecord};
use utoipa::ToSchema;
use uuid::Uuid;

use super::guard::Admin;
use super::input::Input;
use super::path::PathId;
use super::problem::Problem;
use super::problem::answers::{
    DatabaseUnavailable, InvalidFields, NotAdmin, NotAdminOrCrossSite, NotSignedIn, UnreadableBody,
};
use super::state::Service;
use crate::access::audit::{Actor, action};
use crate::access::tokens::{self, Ending, NewToken};

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Scope)]
pub enum ScopeBody {
    /// `/health`, `/stats` and `/metrics`.
    Monitor,
    /// These, and journeys.
    Read,
    /// What has to do with a person's rights to their data, and nothing else.
    Privacy,
}

impl From<Scope> for ScopeBody {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Monitor => Self::Monitor,
            Scope::Read => Self::Read,
            Scope::Privacy => Self::Privacy,
        }
    }
}

impl From<ScopeBody> for Scope {
    fn from(scope: ScopeBody) -> Self {
        match scope {
            ScopeBody::Monitor => Self::Monitor,
            ScopeBody::Read => Self::Read,
            ScopeBody::Privacy => Self::Privacy,
        }
    }
}

/// A token that is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewToken, example = json!({"name": "prometheus", "scope": "monitor"}))]
pub struct NewTokenInput {
    /// What it is for: 1 to 100 bytes.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    scope: ScopeBody,
    /// When it ends (RFC 3339); in 90 days when left out. `never` makes one that does not
    /// end.
    #[schema(example = "2026-12-31T00:00:00Z")]
    expires_at: Option<String>,
}

/// A token, without its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Token)]
pub struct TokenBody {
    #[schema(format = Uuid)]
    id: String,
    name: String,
    scope: ScopeBody,
    /// The account that made it; null for one that was made from the shell.
    #[schema(format = Uuid)]
    created_by: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    /// Null for one that does not end.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// To the minute; null for one that was never used.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
}

impl From<TokenRecord> for TokenBody {
    fn from(token: TokenRecord) -> Self {
        let made_by = tokens::maker(&token);
        let written = |time: Option<Timestamp>| time.map(|time| time.to_string());
        Self {
            id: token.id.to_string(),
            name: token.name,
            scope: token.scope.into(),
            created_by: made_by.map(|id| id.to_string()),
            created_at: token.created_at.to_string(),
            expires_at: written(token.expires_at),
            last_used_at: written(token.last_used_at),
        }
    }
}

/// A token that was made just now.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "token": "tkp_6P3fVq0tXo2mC8sJr4Lw1yZb7Nd5Ke9GhUiOaQxSvTM",
    "id": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88", "name": "prometheus", "scope": "monitor",
    "createdBy": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88",
    "createdAt": "2025-12-15T10:30:00.000Z", "expiresAt": "2026-03-15T10:30:00.000Z",
    "lastUsedAt": null
}))]
pub struct MadeTokenBody {
    /// What the machine sends as `Authorization: Bearer`. Shown this once.
    token: String,
    #[serde(flatten)]
    record: TokenBody,
}

/// All tokens.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"tokens": [{
    "id": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88", "name": "prometheus", "scope": "monitor",
    "createdBy": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88",
    "createdAt": "2025-12-15T10:30:00.000Z", "expiresAt": "2026-03-15T10:30:00.000Z",
    "lastUsedAt": "2025-12-15T10:31:00.000Z"
}]}))]
pub struct TokensBody {
    /// Oldest first.
    tokens: Vec<TokenBody>,
}

/// All tokens that have not ended
#[utoipa::path(
    get,
    operation_id = "list_tokens",
    path = "/api/tokens",
    tag = "Administration",
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "The tokens.", body = TokensBody),
        NotSignedIn, NotAdmin, DatabaseUnavailable,
    ),
)]
pub async fn list(
    State(service): State<Arc<Service>>,
    _admin: Admin,
) -> Result<Json<TokensBody>, Problem> {
    let tokens = service.access.tokens.list().await?;
    Ok(Json(TokensBody { tokens: tokens.into_iter().map(TokenBody::from).collect() }))
}

/// Make a token for a machine
#[utoipa::path(
    post,
    operation_id = "create_token",
    path = "/api/tokens",
    tag = "Administration",
    request_body = NewTokenInput,
    security(("session" = []), ("token" = [])),
    responses(
        (status = 201, description = "The token; it is not shown again.", body = MadeTokenBody),
        InvalidFields, UnreadableBody, NotSignedIn, NotAdminOrCrossSite, DatabaseUnavailable,
    ),
)]
pub async fn create(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    Input(input): Input<NewTokenInput>,
) -> Result<(StatusCode, Json<MadeTokenBody>), Problem> {
    let ending = input.expires_at.as_deref().map_or(Ok(Ending::Usual), ending)?;
    let new = NewToken { name: input.name, scope: input.scope.into(), ending };
    let (token, record) = make(&service, &admin, new).await?;
    let record = record.into();
    Ok((StatusCode::CREATED, Json(MadeTokenBody { token, record })))
}

/// Makes a token: its secret, and what is kept.
pub async fn make(
    service: &Service,
    admin: &Actor,
    new: NewToken,
) -> Result<(String, TokenRecord), Problem> {
    let access = &service.access;
    let (token, record) = access.tokens.create(new, admin.id).await?;
    access.audit.note(admin, action::CREATE_TOKEN, Some(&record.name));
    Ok((token, record))
}

fn ending(text: &str) -> Result<Ending, Problem> {
    if text == "never" {
        return Ok(Ending::Never);
    }
    Timestamp::parse_rfc3339(text).map(Ending::At).ok_or_else(|| {
        let rule = "must be an RFC 3339 time such as 2025-12-15T10:30:00.000Z, or never";
        Problem::invalid_fields(vec![Fault::of("expiresAt", rule)])
    })
}

/// Revoke a token
#[utoipa::path(
    delete,
    operation_id = "revoke_token",
    path = "/api/tokens/{id}",
    tag = "Administration",
    params(("id" = String, Path, format = Uuid, description = "The token's id.")),
    security(("session" = []), ("token" = [])),
    responses(
        (status = 204, description = "The token opens nothing any more, anywhere."),
        NotSignedIn, NotAdminOrCrossSite,
        (status = 404, description = "There is no such token.",
            body = Problem, content_type = "application/problem+json"),
        DatabaseUnavailable,
    ),
)]
pub async fn revoke(
    State(service): State<Arc<Service>>,
    Admin(admin): Admin,
    PathId(id): PathId,
) -> Result<StatusCode, Problem> {
    end(&service, &admin, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revokes the token with this id.
pub async fn end(service: &Service, admin: &Actor, id: Uuid) -> Result<(), Problem> {
    let access = &service.access;
    let token = access.tokens.revoke(id).await?;
    access.remembered.bad(&token.hash);
    access.audit.note(admin, action::REVOKE_TOKEN, Some(&token.name));
    Ok(())
}
