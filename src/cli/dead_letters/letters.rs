//! What can be done about dead letters from the shell, wherever it is done.

use std::io;

use serde_json::Value;
use trailkeep_store::StoreError;
use uuid::Uuid;

use crate::cli::control::ControlError;
use crate::cli::place::PlaceError;
use crate::dead_letters::RetriedAll;

/// The dead letters, by whoever has them. What is done is in the audit trail, as the
/// shell's. A letter is as `/dead-letters` has it.
pub trait Letters {
    /// All letters without their payloads, newest first.
    async fn all(&self) -> Result<Vec<Value>, LettersError>;

    /// One letter, whole.
    async fn get(&self, id: Uuid) -> Result<Option<Value>, LettersError>;

    /// How many there are, or were a moment ago.
    async fn count(&self) -> Result<u64, LettersError>;

    /// Tries to store an event again; `None` if there is no such letter.
    async fn retry(&self, id: Uuid) -> Result<Option<Tried>, LettersError>;

    /// Tries to store all of them again, and counts what became of them, as far as that
    /// is known where an error ends it.
    async fn retry_all(&self, tried: &mut RetriedAll) -> Result<(), LettersError>;

    /// Drops a letter; answers whether there was one.
    async fn remove(&self, id: Uuid) -> Result<bool, LettersError>;

    /// Drops all of them, and counts them, as far as that is known where an error ends
    /// it.
    async fn remove_all(&self, removed: &mut u64) -> Result<(), LettersError>;
}

/// What became of an event that was tried again.
pub enum Tried {
    Stored,
    Duplicate,
    /// For this reason, in the database's words.
    Refused(String),
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum LettersError {
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("no dead letter has this id; `trailkeep dead-letters list` prints all")]
    Unknown,
    #[error("there is nobody to ask; with --yes, nobody is asked")]
    NobodyToAsk,
    #[error("nothing was done")]
    Declined,
    #[error("the answer cannot be read: {0}")]
    Terminal(io::Error),
}
