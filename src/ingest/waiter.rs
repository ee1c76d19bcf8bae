//! Waiting until the events of one request are settled.

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::store::Outcome;

/// Follows the events of one batch until each has left the backlog.
#[derive(Debug)]
pub struct Waiter {
    progress: Mutex<Progress>,
    is_done: Notify,
}

#[derive(Debug)]
struct Progress {
    left: usize,
    result: Waited,
}

/// What became of the events of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waited {
    /// Events that were stored before.
    pub duplicates: usize,
    /// Events that the database refuses for good.
    pub refused: usize,
}

impl Waiter {
    /// Follows so many events.
    pub fn new(events: usize) -> Self {
        Self {
            progress: Mutex::new(Progress {
                left: events,
                result: Waited::default(),
            }),
            is_done: Notify::new(),
        }
    }

    /// One of them has left.
    pub(super) fn settled(&self, outcome: &Outcome) {
        let mut progress = self.progress.lock();
        progress.left -= 1;
        match outcome {
            Outcome::Refused(_) => progress.result.refused += 1,
            Outcome::Duplicate => progress.result.duplicates += 1,
            Outcome::Stored | Outcome::Retry => {}
        }
        if progress.left == 0 {
            self.is_done.notify_one();
        }
    }

    /// Waits until all have left.
    pub async fn wait(&self) -> Waited {
        loop {
            {
                let progress = self.progress.lock();
                if progress.left == 0 {
                    return progress.result;
                }
            }
            self.is_done.notified().await;
        }
    }
}
