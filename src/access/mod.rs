//! Who may read and who may write: staff accounts, their passwords and
//! sessions, machines' tokens, trackers' write keys, and the record of who did
//! what. The rules are here, what is kept is in
//! [`store::access`](trailkeep_store::access), status codes are in `http`.
//!
//! - [`accounts`]: who is on the staff, and signing in.
//! - [`password`]: hashing, bounded in memory and in parallel;
//!   [`password_rules`]: what a password must be.
//! - [`sessions`]: `axum-login` on our own stores.
//! - [`tokens`]: what machines carry; [`write_keys`]: what trackers carry.
//! - [`remembered`]: who may watch the service while the database is away.
//! - [`limits`]: how often something may be tried; [`client`]: by whom.
//! - [`audit`]: who did what, written behind the scenes.

pub mod accounts;
pub mod audit;
pub mod client;
pub mod email;
pub mod limits;
pub mod password;
pub mod password_rules;
pub mod remembered;
pub mod sessions;
pub mod tokens;
pub mod write_keys;

#[cfg(test)]
mod memory_store;

use std::time::Duration;

use sha2::{Digest, Sha256};

use trailkeep_store::StoreError;
use trailkeep_store::access::SecretHash;

/// All that decides who may do what.
pub struct Access {
    /// The staff.
    pub accounts: accounts::Accounts,
    /// Where sessions are kept.
    pub sessions: sessions::Sessions,
    /// Machines' tokens.
    pub tokens: tokens::Tokens,
    /// Who was seen while the database could be asked.
    pub remembered: remembered::Remembered,
    /// Where what is done is noted.
    pub audit: audit::Audit,
    /// Which clients may post events.
    pub write_keys: write_keys::WriteKeys,
    /// Whose word about client addresses counts.
    pub proxies: client::Proxies,
    /// How often what may be tried.
    pub limits: limits::Limits,
}

/// One value that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The field, as it is called on the wire.
    pub field: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Flaw {
    /// A flaw of a field.
    pub fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Too many passwords wait to be hashed.
    #[error("too many passwords wait to be checked")]
    Busy,
    /// Tried too often; worth another try after this time.
    #[error("tried too often; again in {0:?}")]
    TooOften(Duration),
    /// Values that break their rules.
    #[error("{}", summary(.0))]
    Invalid(Vec<Flaw>),
    /// No enabled account has this address and this password.
    #[error("the address or the password is wrong")]
    WrongCredentials,
    /// There is an account already, and sign-up is not open.
    #[error("sign-up is closed")]
    SignUpClosed,
    /// The address has an account.
    #[error("the address has an account already")]
    EmailTaken,
    /// Nobody could administer the service any more.
    #[error("the last enabled administrator can neither be disabled nor demoted")]
    LastAdmin,
    /// There is no such account or token.
    #[error("there is none")]
    Unknown,
    /// A defect of ours.
    #[error("{0}")]
    Defect(String),
}

fn summary(flaws: &[Flaw]) -> String {
    let lines: Vec<String> =
        flaws.iter().map(|flaw| format!("{} {}", flaw.field, flaw.message)).collect();
    lines.join("; ")
}

/// What of a secret is kept: long random secrets need no slow hash.
pub fn hash_secret(secret: &str) -> SecretHash {
    Sha256::digest(secret.as_bytes()).into()
}
