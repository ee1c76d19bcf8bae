//! Waiting until the events of one request are stored.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::store::Outcome;

/// Follows the events of one batch until each has left the buffer.
#[derive(Debug, Default)]
pub struct Waiter {
    progress: Mutex<Progress>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Progress {
    left: usize,
    result: Settled,
}

/// What became of the events of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// Events that were in the database, or on their way to it, before.
    pub duplicates: usize,
    /// Events that the database refuses for good.
    pub refused: usize,
}

/// Whether an event came with the batch or was in the buffer before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    Own,
    Repeated,
}

impl Waiter {
    /// Follows one more event.
    pub(super) fn follow(&self) {
        self.progress.lock().left += 1;
    }

    /// Ends a [`follow`](Self::follow) that stood for events still to come.
    pub(super) fn unhold(&self) {
        let mut progress = self.progress.lock();
        progress.left -= 1;
        if progress.left == 0 {
            self.changed.notify_one();
        }
    }

    /// An event of the batch was stored before it could be followed.
    pub(super) fn was_stored_before(&self) {
        self.progress.lock().result.duplicates += 1;
    }

    /// An event that is followed has left the buffer.
    pub(super) fn settled(&self, share: Share, outcome: &Outcome) {
        let mut progress = self.progress.lock();
        progress.left -= 1;
        match (outcome, share) {
            (Outcome::Refused(_), _) => progress.result.refused += 1,
            (Outcome::Duplicate, _) | (_, Share::Repeated) => progress.result.duplicates += 1,
            _ => {}
        }
        if progress.left == 0 {
            self.changed.notify_one();
        }
    }

    /// Waits until all events have left the buffer.
    pub async fn wait(self: Arc<Self>) -> Settled {
        loop {
            {
                let progress = self.progress.lock();
                if progress.left == 0 {
                    return progress.result;
                }
            }
            self.changed.notified().await;
        }
    }
}
