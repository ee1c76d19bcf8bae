//! What can be done about write keys from the shell, wherever it is done.

use serde_json::Value;
use trailkeep_store::StoreError;

use crate::access::write_keys::{NewWriteKey, WriteKeyError};
use crate::cli::control::ControlError;
use crate::cli::place::PlaceError;

/// The write keys, by whoever has them. What is done is in the audit trail, as the shell's.
/// A key is as `/api/write-keys` has it.
pub trait Keys {
    /// All keys.
    async fn all(&self) -> Result<Vec<Value>, KeysError>;

    /// Makes a key: its text, and what is kept.
    async fn create(&self, new: NewWriteKey) -> Result<(String, Value), KeysError>;

    /// Revokes the key with this id.
    async fn revoke(&self, id: &str) -> Result<(), KeysError>;
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error(transparent)]
    Keys(#[from] WriteKeyError),
    #[error("no write key has this name or id; `trailkeep write-keys list` prints all")]
    Unknown,
    #[error(
        "this write key is in the settings (access.write_keys): take it out there, and run \
         `trailkeep reload`"
    )]
    OfSettings,
}
