//! Why something was not done, and which values were at fault.

use std::time::Duration;

use trailkeep_event::Fault;
use trailkeep_store::StoreError;

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
    Invalid(Vec<Fault>),
    /// No enabled account has this address and this password.
    #[error("the address or the password is wrong")]
    WrongCredentials,
    /// There is no account, and no set-up code was sent.
    #[error("the first account needs the set-up code")]
    NoSetUpCode,
    /// There is no account, and this is none of the set-up codes.
    #[error("this is not the set-up code")]
    WrongSetUpCode,
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

fn summary(faults: &[Fault]) -> String {
    let lines: Vec<String> =
        faults.iter().map(|fault| format!("{} {}", fault.field, fault.message)).collect();
    lines.join("; ")
}
