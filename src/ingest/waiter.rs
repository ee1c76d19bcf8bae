//! Waiting until the events of one request are settled.

use tokio::sync::oneshot;

use trailkeep_store::Outcome;

/// What became of the events of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waited {
    /// Events that were stored before.
    pub duplicates: usize,
    /// Events that the database refuses for good.
    pub refused: usize,
}

/// Goes with a batch until the last of its events has left the backlog, and tells
/// then what became of them. Dropped before, it tells nothing.
#[derive(Debug)]
pub struct Waiter {
    so_far: Waited,
    answer: oneshot::Sender<Waited>,
}

impl Waiter {
    /// One for a batch, and what it tells.
    pub fn new() -> (Self, oneshot::Receiver<Waited>) {
        let (answer, answered) = oneshot::channel();
        let so_far = Waited::default();
        (Self { so_far, answer }, answered)
    }

    /// One event has left.
    pub(super) fn settled(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Refused(_) => self.so_far.refused += 1,
            Outcome::Duplicate => self.so_far.duplicates += 1,
            Outcome::Stored | Outcome::Retry | Outcome::Erased => {}
        }
    }

    /// All have left.
    pub(super) fn tell(self) {
        // Who sent them may have gone.
        let _ = self.answer.send(self.so_far);
    }
}
