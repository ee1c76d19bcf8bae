//! What can be done about accounts from the shell, wherever it is done.

use std::io;

use trailkeep_store::StoreError;
use trailkeep_store::access::Role;

use crate::access::AccessError;
use crate::access::accounts::NewStaff;
use crate::app::StartError;
use crate::cli::control::ControlError;
use crate::cli::place::PlaceError;

/// An account, as it is told.
pub struct Account {
    pub email: String,
    pub name: String,
    pub role: Role,
    pub is_disabled: bool,
    pub created_at: String,
}

/// The staff, by whoever has the accounts. What is done is in the audit trail, as the
/// shell's.
pub trait Staff {
    /// Makes an account.
    async fn create(&self, new: NewStaff, role: Role) -> Result<Account, AdminError>;

    /// Sets another password for the account with this address, and ends its sessions.
    async fn reset_password(&self, email: &str, password: String) -> Result<Account, AdminError>;

    /// All accounts, in order of their addresses.
    async fn all(&self) -> Result<Vec<Account>, AdminError>;
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("no account has this address; `trailkeep admin list` prints all")]
    NoAccount,
    #[error("the password cannot be read: {0}")]
    Terminal(io::Error),
    #[error("there is no password on standard input; pipe one in, or use --generate")]
    NoPassword,
    #[error("the two passwords are not the same")]
    Different,
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        Self::Access(error.into())
    }
}
