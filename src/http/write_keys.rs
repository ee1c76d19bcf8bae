//! `/api/write-keys`: what trackers send with their events, for administrators.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use trailkeep_event::{Fault, Timestamp};
use trailkeep_store::write_keys::WriteKeyRecord;
use utoipa::ToSchema;
use uuid::Uuid;

use super::guard::Admin;
use super::input::Input;
use super::on_terms::OnTerms;
use super::path::PathText;
use super::problem::Problem;
use super::problem::answers::{
    DatabaseUnavailable, InvalidFields, InvalidParameters, NoMoreWriteKeys, NotAdmin,
    NotAdminOrCrossSite, NotKept, NotSignedIn, UnreadableBody, WriteKeyOfSettings,
};
use super::state::Service;
use super::terms::Terms;
use super::to_its_end::to_its_end;
use crate::access::audit::{Actor, action};
use crate::access::write_keys::NewWriteKey;

/// What the id of a key of the settings begins with, before its name.
pub const OF_SETTINGS: &str = "settings:";

/// Where a write key is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// In the settings: changed there, and listed here.
    Settings,
    /// In the database: made and revoked here.
    Store,
}

/// A write key that is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewWriteKey, example = json!({
    "name": "shop", "origins": ["https://shop.example"], "expiresAt": "2027-01-01T00:00:00Z"
}))]
pub struct NewWriteKeyInput {
    /// By what people know it: 1 to 64 letters, digits, `-`, `_` and `.`. No two keys have
    /// one name.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    name: String,
    /// Whose pages may send it: origins as browsers send them, at most 100; any when left
    /// out or empty. What is no page, and sends no `Origin`, may send it in any case.
    #[serde(default)]
    #[schema(max_items = 100)]
    origins: Vec<String>,
    /// From when on it is not taken (RFC 3339); never when left out.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// A write key, without its text.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WriteKey)]
pub struct WriteKeyBody {
    /// A UUID; of a key of the settings `settings:` and its name.
    id: String,
    name: String,
    source: Source,
    /// The key's last characters; null for one of the settings.
    hint: Option<String>,
    /// Whose pages may send it; empty for any.
    origins: Vec<String>,
    /// Whether it is not taken any more, because its time is over. It stays, and one has to
    /// be sent, until it is revoked.
    expired: bool,
    /// The account that made it; null for one that was made from the shell, or is of the
    /// settings.
    #[schema(format = Uuid)]
    created_by: Option<String>,
    /// Null for one of the settings.
    #[schema(format = DateTime)]
    created_at: Option<String>,
    /// Null for one that does not end.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// To the minute; null for one that was never used, or is of the settings.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
}

impl WriteKeyBody {
    /// A key of the store, as it is at a moment.
    pub fn of(key: WriteKeyRecord, now: Timestamp) -> Self {
        let written = |time: Option<Timestamp>| time.map(|time| time.to_string());
        Self {
            id: key.id.to_string(),
            name: key.name,
            source: Source::Store,
            hint: Some(key.hint),
            origins: key.origins,
            expired: key.expires_at.is_some_and(|end| end <= now),
            created_by: key.created_by.map(|id| id.to_string()),
            created_at: Some(key.created_at.to_string()),
            expires_at: written(key.expires_at),
            last_used_at: written(key.last_used_at),
        }
    }

    /// A key of the settings.
    pub fn of_settings(name: &str) -> Self {
        Self {
            id: format!("{OF_SETTINGS}{name}"),
            name: name.to_owned(),
            source: Source::Settings,
            hint: None,
            origins: Vec::new(),
            expired: false,
            created_by: None,
            created_at: None,
            expires_at: None,
            last_used_at: None,
        }
    }
}

/// A write key that was made just now.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "key": "wk_6P3fVq0tXo2mC8sJr4Lw1yZb7Nd5Ke9GhUiOaQxSvTM",
    "id": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88", "name": "shop", "source": "store",
    "hint": "SvTM", "origins": ["https://shop.example"], "expired": false,
    "createdBy": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88",
    "createdAt": "2025-12-15T10:30:00.000Z", "expiresAt": null, "lastUsedAt": null
}))]
pub struct MadeWriteKeyBody {
    /// What trackers send. Shown this once.
    key: String,
    #[serde(flatten)]
    record: WriteKeyBody,
}

/// All write keys.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"writeKeys": [
    {
        "id": "settings:app", "name": "app", "source": "settings", "hint": null, "origins": [],
        "expired": false, "createdBy": null, "createdAt": null, "expiresAt": null,
        "lastUsedAt": null
    },
    {
        "id": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88", "name": "shop", "source": "store",
        "hint": "SvTM", "origins": ["https://shop.example"], "expired": false,
        "createdBy": "0193c9a0-7b1c-7d9e-8f4a-2b6c1d0e9f88",
        "createdAt": "2025-12-15T10:30:00.000Z", "expiresAt": null,
        "lastUsedAt": "2025-12-15T10:31:00.000Z"
    }
]}))]
pub struct WriteKeysBody {
    /// Those of the settings of this instance, then those of the database, oldest first, at
    /// most 10,000. Keys whose time is over are there until they are revoked.
    write_keys: Vec<WriteKeyBody>,
}

/// All write keys, of the settings and of the database
#[utoipa::path(
    get,
    operation_id = "list_write_keys",
    path = "/api/write-keys",
    tag = "Administration",
    security(("session" = []), ("token" = [])),
    responses(
        (status = 200, description = "The write keys, without their texts.", body = WriteKeysBody),
        NotSignedIn, NotAdmin, DatabaseUnavailable,
    ),
)]
pub async fn list(
    State(service): State<Arc<Service>>,
    OnTerms(terms): OnTerms,
    _admin: Admin,
) -> Result<Json<WriteKeysBody>, Problem> {
    let keys = &service.access.write_keys;
    let now = service.clock.now();
    let stored = keys.list().await?;
    let of_settings = terms.write_keys.names().iter().map(|name| WriteKeyBody::of_settings(name));
    let stored = stored.into_iter().map(|key| WriteKeyBody::of(key, now));
    Ok(Json(WriteKeysBody { write_keys: of_settings.chain(stored).collect() }))
}

/// Make a write key
///
/// It is taken at once by the instance that answers, and within five seconds by all. With
/// the first one, events need a key.
#[utoipa::path(
    post,
    operation_id = "create_write_key",
    path = "/api/write-keys",
    tag = "Administration",
    request_body = NewWriteKeyInput,
    security(("session" = []), ("token" = [])),
    responses(
        (status = 201, description = "The write key; it is not shown again.",
            body = MadeWriteKeyBody),
        InvalidFields, UnreadableBody, NotSignedIn, NotAdminOrCrossSite, NoMoreWriteKeys, NotKept,
    ),
)]
pub async fn create(
    State(service): State<Arc<Service>>,
    OnTerms(terms): OnTerms,
    Admin(admin): Admin,
    Input(input): Input<NewWriteKeyInput>,
) -> Result<(StatusCode, Json<MadeWriteKeyBody>), Problem> {
    let expires_at = input.expires_at.as_deref().map(moment).transpose()?;
    let new = NewWriteKey { name: input.name, origins: input.origins, expires_at };
    let (key, record) = make(&service, terms, &admin, new).await?;
    let record = WriteKeyBody::of(record, service.clock.now());
    Ok((StatusCode::CREATED, Json(MadeWriteKeyBody { key, record })))
}

/// Makes a key: its text, and what is kept.
pub async fn make(
    service: &Arc<Service>,
    terms: Arc<Terms>,
    admin: &Actor,
    new: NewWriteKey,
) -> Result<(String, WriteKeyRecord), Problem> {
    let (access, admin) = (Arc::clone(&service.access), admin.clone());
    to_its_end(async move {
        let (key, record) = access.write_keys.create(&terms.write_keys, new, admin.id).await?;
        access.audit.note(&admin, action::CREATE_WRITE_KEY, Some(&record.name));
        Ok((key, record))
    })
    .await
}

fn moment(text: &str) -> Result<Timestamp, Problem> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| {
        let rule = "must be an RFC 3339 time such as 2025-12-15T10:30:00.000Z";
        Problem::invalid_fields(vec![Fault::of("expiresAt", rule)])
    })
}

/// Revoke a write key
///
/// Events that are sent with it are refused, at once by the instance that answers, and
/// within five seconds by all. Without the last one, anybody may post.
#[utoipa::path(
    delete,
    operation_id = "revoke_write_key",
    path = "/api/write-keys/{id}",
    tag = "Administration",
    params(("id" = String, Path, description = "The write key's id, as the list has it.")),
    security(("session" = []), ("token" = [])),
    responses(
        (status = 204, description = "The write key is not taken any more."),
        InvalidParameters, NotSignedIn, NotAdminOrCrossSite,
        (status = 404, description = "There is no such write key.",
            body = Problem, content_type = "application/problem+json"),
        WriteKeyOfSettings, NotKept,
    ),
)]
pub async fn revoke(
    State(service): State<Arc<Service>>,
    OnTerms(terms): OnTerms,
    Admin(admin): Admin,
    PathText(id): PathText,
) -> Result<StatusCode, Problem> {
    end(&service, &terms, &admin, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revokes the key with this id, as the list has it.
pub async fn end(
    service: &Arc<Service>,
    terms: &Terms,
    admin: &Actor,
    id: &str,
) -> Result<(), Problem> {
    if let Some(name) = id.strip_prefix(OF_SETTINGS) {
        let is_there = terms.write_keys.names().iter().any(|own| **own == *name);
        return Err(if is_there {
            Problem::write_key_of_settings()
        } else {
            Problem::unknown_id()
        });
    }
    let id: Uuid = id.parse().map_err(|_| Problem::unknown_id())?;
    let (access, admin) = (Arc::clone(&service.access), admin.clone());
    to_its_end(async move {
        let revoked = access.write_keys.revoke(id).await?;
        access.audit.note(&admin, action::REVOKE_WRITE_KEY, Some(&revoked.name));
        Ok(())
    })
    .await
}
