//! Why nothing, or not all, was written.

use std::time::Duration;

use trailkeep_event::Timestamp;
use trailkeep_journal as journal;
use trailkeep_store::{StoreError, embedded};

use crate::app::StartError;
use crate::cli::control::ControlError;
use crate::seed::PlanFault;

/// How long the database may take to answer for the first time.
pub const FIRST_ANSWER: Duration = Duration::from_secs(30);

/// Why nothing, or not all, was written.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error(transparent)]
    Plan(#[from] PlanFault),
    #[error("--until {0} is in the future")]
    Future(Timestamp),
    #[error(
        "events.types lacks {0}, which the service would refuse; add them, or leave the list \
         empty"
    )]
    Types(String),
    #[error("the data folder is in use by another process")]
    InUse,
    #[error(transparent)]
    Start(StartError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("the database does not answer within {} s", FIRST_ANSWER.as_secs())]
    NoAnswer,
    #[error(
        "--via-http takes the address of a service in plain HTTP, such as http://localhost:3000, \
         not {0:?}"
    )]
    Address(String),
    #[error("the write key holds characters that no write key has")]
    WriteKey,
}

impl SeedError {
    /// Whether another command line would help, and nothing else.
    pub fn is_of_arguments(&self) -> bool {
        matches!(
            self,
            Self::Plan(_) | Self::Future(_) | Self::Types(_) | Self::Address(_) | Self::WriteKey
        )
    }
}

impl From<StartError> for SeedError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Embedded(embedded::OpenError::Locked { .. })
            | StartError::Journal { source: journal::OpenError::Locked, .. } => Self::InUse,
            error => Self::Start(error),
        }
    }
}
