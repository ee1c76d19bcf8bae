//! Staff accounts and what belongs to them, as a store keeps them.
//!
//! The rules (who may do what, how long a session lasts, what a password must
//! be) are in `access`; here is only what has to be kept, and what the database
//! has to decide because several instances share it: that an address has one
//! account, and that there is one first account.
//!
//! Nothing that opens a session is kept: of passwords an Argon2 hash, of
//! session ids and tokens a SHA-256 hash.

use async_trait::async_trait;
use trailkeep_event::Timestamp;
use uuid::Uuid;

use super::StoreError;

/// The SHA-256 hash of a session's id, of a token, of a set-up code or of a place.
pub type SecretHash = [u8; 32];

/// Places from which an account was signed in to that are kept: the last ones.
pub const MAX_PLACES: usize = 10;

/// Set-up codes that are kept: the last ones.
pub const MAX_SET_UP_CODES: usize = 100;

/// What a member of the staff may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything, accounts and tokens included.
    Admin,
    /// Look at journeys, and take them along as files.
    Staff,
    /// Look at journeys.
    Support,
}

/// A member of the staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffAccount {
    /// Made once, never changed.
    pub id: Uuid,
    /// The address in its normalized form: unique.
    pub email: String,
    /// How the person is called.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// The Argon2 hash in its PHC form.
    pub password_hash: String,
    /// Whether the person may not sign in.
    pub is_disabled: bool,
    /// Which sessions count: those that were opened at this number. What ends
    /// all sessions of an account raises it; 0 where none is kept.
    pub session_epoch: i64,
    /// From where it was signed in to, as hashes: at most [`MAX_PLACES`], the last one last.
    pub places: Vec<SecretHash>,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// What of an account changes; `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StaffChange {
    /// The Argon2 hash of another password.
    pub password_hash: Option<String>,
    /// Another role.
    pub role: Option<Role>,
    /// Disabled or enabled.
    pub is_disabled: Option<bool>,
    /// Whether all sessions of the account end with this change: its session
    /// epoch is raised by one, in the same write.
    pub ends_sessions: bool,
}

/// Which account may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Only if there is no account yet. Of two that come at the same moment,
    /// on whatever instances, one is made.
    First,
    /// In any case.
    Any,
}

/// What became of an account that was to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It is there now.
    Created,
    /// Its address has an account already.
    EmailTaken,
    /// It had to be the first one, and there is one.
    NotFirst,
}

/// A session on a browser or at a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// The hash of its id.
    pub id_hash: SecretHash,
    /// Whose it is, once somebody has signed in.
    pub account_id: Option<Uuid>,
    /// What the session holds; opaque here.
    pub data: Vec<u8>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What a machine's token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// `/health`, `/stats` and `/metrics`.
    Monitor,
    /// These, and journeys.
    Read,
    /// What has to do with a person's rights to their data, and nothing else.
    Privacy,
}

/// A long-lived token of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// By which it is listed and revoked.
    pub id: Uuid,
    /// What it is for, in its maker's words.
    pub name: String,
    /// The hash of the token: unique.
    pub hash: SecretHash,
    /// What it is good for.
    pub scope: Scope,
    /// The account that made it.
    pub created_by: Uuid,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if ever.
    pub expires_at: Option<Timestamp>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// One line of the audit trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// A UUID of version 7: unique, and in order of time.
    pub id: Uuid,
    /// When it was done.
    pub at: Timestamp,
    /// Who did it: an account's address, a token's name, `shell`, or `anonymous`.
    pub actor: String,
    /// The account or token of the actor, where there is one.
    pub actor_id: Option<Uuid>,
    /// What was done, such as `journey.read` or `account.create`.
    pub action: String,
    /// To whom or what: a user's id, an account's address, a token's name.
    pub subject: Option<String>,
    /// From which address.
    pub client: Option<String>,
    /// Why, in the words of whoever did it: a ticket's number.
    pub reason: Option<String>,
}

/// Which part of the audit trail is wanted, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditRange {
    /// Only entries older than this one.
    pub before: Option<Uuid>,
    /// Only entries of this actor.
    pub actor: Option<String>,
    /// Only entries with this subject.
    pub subject: Option<String>,
}

/// What of the audit trail has had its time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrailAges {
    /// Entries from before this go; `None` keeps all.
    pub entries_since: Option<Timestamp>,
    /// The addresses of clients in entries from before this go, and the entries stay; `None`
    /// keeps all.
    pub addresses_since: Option<Timestamp>,
}

/// Keeps accounts, sessions, tokens and the audit trail.
///
/// As with [`Store`](super::Store), any call may be made at any time and ends in
/// time, and a database that is away is [`StoreError::Unavailable`].
#[async_trait]
pub trait AccessStore: Send + Sync + 'static {
    /// Makes an account. The same one again, with its id and its address, is
    /// there already, which counts as made: the first answer may have been lost.
    async fn create_account(
        &self,
        account: &StaffAccount,
        admission: Admission,
    ) -> Result<Created, StoreError>;

    /// The account with this normalized address.
    async fn account_by_email(&self, email: &str) -> Result<Option<StaffAccount>, StoreError>;

    /// The account with this id.
    async fn account(&self, id: Uuid) -> Result<Option<StaffAccount>, StoreError>;

    /// Changes an account; answers it as it is then, `None` if there is none.
    async fn change_account(
        &self,
        id: Uuid,
        change: &StaffChange,
    ) -> Result<Option<StaffAccount>, StoreError>;

    /// Puts another hash of the same password in the place of the one that was
    /// verified, if that is still the one in force; says whether it was. The
    /// password may have been changed since it was verified, and stays changed.
    async fn renew_password_hash(
        &self,
        id: Uuid,
        verified: &str,
        renewed: &str,
    ) -> Result<bool, StoreError>;

    /// The accounts in order of their addresses, from the one after `after`.
    async fn accounts(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StaffAccount>, StoreError>;

    /// Notes from where an account was signed in to: it is the last of its places then,
    /// and what is more than [`MAX_PLACES`] goes. Nothing where there is no such account.
    async fn note_place(&self, id: Uuid, place: &SecretHash) -> Result<(), StoreError>;

    /// Keeps the hash of a set-up code, of whatever instance. Beyond
    /// [`MAX_SET_UP_CODES`] the oldest go.
    async fn add_set_up_code(&self, hash: &SecretHash, now: Timestamp) -> Result<(), StoreError>;

    /// The hashes of all set-up codes.
    async fn set_up_codes(&self) -> Result<Vec<SecretHash>, StoreError>;

    /// Forgets all set-up codes.
    async fn clear_set_up_codes(&self) -> Result<(), StoreError>;

    /// Keeps a new session; false if there is one with this id.
    async fn create_session(&self, session: &SessionRecord) -> Result<bool, StoreError>;

    /// Keeps what a session is now, if it is still there.
    async fn save_session(&self, session: &SessionRecord) -> Result<(), StoreError>;

    /// The session with this id, unless it has ended by `now`.
    async fn session(
        &self,
        id_hash: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<SessionRecord>, StoreError>;

    /// Ends a session.
    async fn delete_session(&self, id_hash: &SecretHash) -> Result<(), StoreError>;

    /// The sessions of an account that have not ended by `now`, the one that ends last
    /// first.
    async fn sessions_of(
        &self,
        account_id: Uuid,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<SessionRecord>, StoreError>;

    /// Ends all sessions of an account, but for the one to be kept.
    async fn delete_sessions_of(
        &self,
        account_id: Uuid,
        kept: Option<&SecretHash>,
    ) -> Result<(), StoreError>;

    /// Keeps a new token. The same one again, with its id and its hash, is
    /// fine; one that shares only one of them is [`StoreError::Denied`].
    async fn create_token(&self, token: &TokenRecord) -> Result<(), StoreError>;

    /// The token with this hash, whether or not it has ended.
    async fn token_by_hash(&self, hash: &SecretHash) -> Result<Option<TokenRecord>, StoreError>;

    /// All tokens, oldest first.
    async fn tokens(&self) -> Result<Vec<TokenRecord>, StoreError>;

    /// Ends a token for good; answers it, `None` if there is none.
    async fn delete_token(&self, id: Uuid) -> Result<Option<TokenRecord>, StoreError>;

    /// Notes when a token was used, unless it was used later.
    async fn touch_token(&self, id: Uuid, now: Timestamp) -> Result<(), StoreError>;

    /// Adds to the audit trail. Entries that are there already stay as they
    /// are, so all of them may be sent again after an error.
    async fn record(&self, entries: &[AuditEntry]) -> Result<(), StoreError>;

    /// A part of the audit trail, newest first.
    async fn audit(&self, range: &AuditRange, limit: usize) -> Result<Vec<AuditEntry>, StoreError>;

    /// Removes sessions and tokens that have ended, and what of the audit trail has had its
    /// time. Called from time to time, and goes on the next time where it takes too long;
    /// what a database does by itself it does not do here.
    async fn sweep(&self, now: Timestamp, ages: TrailAges) -> Result<(), StoreError>;
}

/// Puts a place behind the others, where it was or not.
pub fn with_place(places: &[SecretHash], place: &SecretHash) -> Vec<SecretHash> {
    let others = places.iter().filter(|other| *other != place);
    let mut places: Vec<SecretHash> = others.chain([place]).copied().collect();
    places.drain(..places.len().saturating_sub(MAX_PLACES));
    places
}

/// The answer to a new token that shares its id or its hash with another one.
pub(super) fn token_is_taken() -> StoreError {
    StoreError::Denied("there is another token with this id or this hash".to_owned())
}
