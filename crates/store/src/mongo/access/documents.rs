//! The documents of the collections. What does not fit them is an error
//! to the reader: of what decides about access, nothing is guessed.

use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime};
use serde::{Deserialize, Serialize};
use trailkeep_event::Timestamp;
use uuid::Uuid;

use crate::access::{
    AuditEntry, Role, Scope, SecretHash, SessionRecord, StaffAccount, TokenRecord,
};

/// A document of `accounts`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StaffDocument {
    #[serde(rename = "_id")]
    id: bson::Uuid,
    email: String,
    name: String,
    role: RoleField,
    password_hash: String,
    is_disabled: bool,
    /// Older documents have none.
    #[serde(default)]
    session_epoch: i64,
    /// Older documents have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    places: Vec<HashField>,
    created_at: DateTime,
    /// On the account that was made when there was none; its unique index
    /// lets no two have it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    first: bool,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RoleField {
    Admin,
    Staff,
    Support,
}

/// A document of `sessions`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionDocument {
    #[serde(rename = "_id")]
    id_hash: HashField,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account_id: Option<bson::Uuid>,
    data: Binary,
    expires_at: DateTime,
}

/// A document of `tokens`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenDocument {
    #[serde(rename = "_id")]
    id: bson::Uuid,
    name: String,
    hash: HashField,
    scope: ScopeField,
    created_by: bson::Uuid,
    created_at: DateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_used_at: Option<DateTime>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ScopeField {
    Monitor,
    Read,
    Privacy,
}

/// A document of `audit`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditDocument {
    #[serde(rename = "_id")]
    id: bson::Uuid,
    at: DateTime,
    actor: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actor_id: Option<bson::Uuid>,
    action: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// A document of `setUpCodes`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SetUpDocument {
    #[serde(rename = "_id")]
    hash: HashField,
    created_at: DateTime,
}

impl SetUpDocument {
    pub fn new(hash: &SecretHash, now: Timestamp) -> Self {
        Self { hash: HashField(*hash), created_at: date(now) }
    }

    pub fn hash(&self) -> SecretHash {
        self.hash.0
    }
}

/// A hash as a BSON binary of 32 bytes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "Binary", into = "Binary")]
pub struct HashField(pub SecretHash);

/// Why a binary is none.
#[derive(Debug, thiserror::Error)]
#[error("a hash has {0} bytes")]
pub struct HashLength(usize);

impl TryFrom<Binary> for HashField {
    type Error = HashLength;

    fn try_from(binary: Binary) -> Result<Self, HashLength> {
        SecretHash::try_from(binary.bytes).map(Self).map_err(|bytes| HashLength(bytes.len()))
    }
}

impl From<HashField> for Binary {
    fn from(HashField(hash): HashField) -> Self {
        generic(hash.to_vec())
    }
}

impl StaffDocument {
    /// The document of an account that is, or is not, the first one.
    pub fn new(account: &StaffAccount, first: bool) -> Self {
        Self {
            id: uuid(account.id),
            email: account.email.clone(),
            name: account.name.clone(),
            role: account.role.into(),
            password_hash: account.password_hash.clone(),
            is_disabled: account.is_disabled,
            session_epoch: account.session_epoch,
            places: account.places.iter().copied().map(HashField).collect(),
            created_at: date(account.created_at),
            first,
        }
    }
}

impl From<StaffDocument> for StaffAccount {
    fn from(document: StaffDocument) -> Self {
        Self {
            id: own_uuid(document.id),
            email: document.email,
            name: document.name,
            role: document.role.into(),
            password_hash: document.password_hash,
            is_disabled: document.is_disabled,
            session_epoch: document.session_epoch,
            places: document.places.into_iter().map(|place| place.0).collect(),
            created_at: moment(document.created_at),
        }
    }
}

impl From<&SessionRecord> for SessionDocument {
    fn from(session: &SessionRecord) -> Self {
        Self {
            id_hash: HashField(session.id_hash),
            account_id: session.account_id.map(uuid),
            data: generic(session.data.clone()),
            expires_at: date(session.expires_at),
        }
    }
}

impl From<SessionDocument> for SessionRecord {
    fn from(document: SessionDocument) -> Self {
        Self {
            id_hash: document.id_hash.0,
            account_id: document.account_id.map(own_uuid),
            data: document.data.bytes,
            expires_at: moment(document.expires_at),
        }
    }
}

impl From<&TokenRecord> for TokenDocument {
    fn from(token: &TokenRecord) -> Self {
        Self {
            id: uuid(token.id),
            name: token.name.clone(),
            hash: HashField(token.hash),
            scope: token.scope.into(),
            created_by: uuid(token.created_by),
            created_at: date(token.created_at),
            expires_at: token.expires_at.map(date),
            last_used_at: token.last_used_at.map(date),
        }
    }
}

impl From<TokenDocument> for TokenRecord {
    fn from(document: TokenDocument) -> Self {
        Self {
            id: own_uuid(document.id),
            name: document.name,
            hash: document.hash.0,
            scope: document.scope.into(),
            created_by: own_uuid(document.created_by),
            created_at: moment(document.created_at),
            expires_at: document.expires_at.map(moment),
            last_used_at: document.last_used_at.map(moment),
        }
    }
}

impl From<&AuditEntry> for AuditDocument {
    fn from(entry: &AuditEntry) -> Self {
        Self {
            id: uuid(entry.id),
            at: date(entry.at),
            actor: entry.actor.clone(),
            actor_id: entry.actor_id.map(uuid),
            action: entry.action.clone(),
            subject: entry.subject.clone(),
            client: entry.client.clone(),
            reason: entry.reason.clone(),
        }
    }
}

impl From<AuditDocument> for AuditEntry {
    fn from(document: AuditDocument) -> Self {
        Self {
            id: own_uuid(document.id),
            at: moment(document.at),
            actor: document.actor,
            actor_id: document.actor_id.map(own_uuid),
            action: document.action,
            subject: document.subject,
            client: document.client,
            reason: document.reason,
        }
    }
}

impl From<Role> for RoleField {
    fn from(role: Role) -> Self {
        match role {
            Role::Admin => Self::Admin,
            Role::Staff => Self::Staff,
            Role::Support => Self::Support,
        }
    }
}

impl From<RoleField> for Role {
    fn from(role: RoleField) -> Self {
        match role {
            RoleField::Admin => Self::Admin,
            RoleField::Staff => Self::Staff,
            RoleField::Support => Self::Support,
        }
    }
}

impl From<Scope> for ScopeField {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Monitor => Self::Monitor,
            Scope::Read => Self::Read,
            Scope::Privacy => Self::Privacy,
        }
    }
}

impl From<ScopeField> for Scope {
    fn from(scope: ScopeField) -> Self {
        match scope {
            ScopeField::Monitor => Self::Monitor,
            ScopeField::Read => Self::Read,
            ScopeField::Privacy => Self::Privacy,
        }
    }
}

/// A role as a filter or an update says it.
pub fn role(role: Role) -> Bson {
    let name = match role {
        Role::Admin => "admin",
        Role::Staff => "staff",
        Role::Support => "support",
    };
    name.into()
}

/// A hash as a filter says it.
pub fn hash(hash: &SecretHash) -> Binary {
    HashField(*hash).into()
}

pub fn uuid(id: Uuid) -> bson::Uuid {
    bson::Uuid::from_bytes(id.into_bytes())
}

pub fn own_uuid(id: bson::Uuid) -> Uuid {
    Uuid::from_bytes(id.bytes())
}

pub fn date(moment: Timestamp) -> DateTime {
    DateTime::from_millis(moment.as_millis())
}

pub fn moment(date: DateTime) -> Timestamp {
    Timestamp::from_millis_clamped(date.timestamp_millis())
}

fn generic(bytes: Vec<u8>) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes }
}
