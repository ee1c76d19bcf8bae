//! What waits for the writing thread.

use std::sync::Arc;

#[cfg(test)]
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use trailkeep_event::Accepted;

use super::file::File;
use crate::{Outcome, StoreError};

/// What the writing thread is asked for.
pub(super) enum Command {
    Insert(Insert),
    Change(Change),
    Ping(oneshot::Sender<Result<(), StoreError>>),
    BeginRetention,
    Stop(oneshot::Sender<()>),
    #[cfg(test)]
    Run(Box<dyn FnOnce(&Connection) + Send>),
}

/// Events of one caller.
pub(super) struct Insert {
    pub(super) events: Vec<Arc<Accepted>>,
    pub(super) answer: oneshot::Sender<Result<Vec<Outcome>, StoreError>>,
    /// In the queue of the thread, until it is answered.
    #[expect(dead_code, reason = "held for as long as this waits")]
    pub(super) room: OwnedSemaphorePermit,
}

/// Carries a change out on the thread, and answers.
pub(super) type Change = Box<dyn FnOnce(&mut File) + Send>;
