//! Why something was not done, and which values were at fault.

use std::time::Duration;

use trailkeep_store::StoreError;

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
