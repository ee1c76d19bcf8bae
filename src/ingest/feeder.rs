//! The way from the writers to the feed of processors: in order, and bounded. What
//! becomes of it is said in [`feeding`](super::feeding).

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use trailkeep_event::{Accepted, Arrival};
use trailkeep_journal::Mark;
use trailkeep_store::Outcome;

/// What waits for the feed at the most, in KiB of events, each counted as one at least:
/// at 64 MiB as much as the head of the backlog has. Then writers wait.
pub const ROOM_KIB: usize = 64 << 10;

/// An event that is stored.
#[derive(Debug, Clone)]
pub struct Fed {
    /// The event.
    pub accepted: Arc<Accepted>,
    /// The number under which it is stored, once that is known.
    pub stored_as: Option<Arrival>,
}

/// What is handed over, in order.
pub(super) enum Handed {
    Events(Vec<Fed>, OwnedSemaphorePermit),
    /// All before it is settled, once what came before this is fed.
    Settled(Mark),
    End,
}

/// The way to the feed.
pub struct Feeder {
    handed: mpsc::UnboundedSender<Handed>,
    received: Mutex<Option<mpsc::UnboundedReceiver<Handed>>>,
    room: Arc<Semaphore>,
}

impl Feeder {
    pub(super) fn new() -> Self {
        let (handed, received) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(ROOM_KIB));
        Self { handed, received: Mutex::new(Some(received)), room }
    }

    /// What is handed over: for one task.
    pub(super) fn receive(&self) -> Option<mpsc::UnboundedReceiver<Handed>> {
        self.received.lock().take()
    }

    /// Takes what a write stored or found stored. Waits while too much waits.
    pub(super) async fn hand(&self, events: &[Arc<Accepted>], outcomes: &[Outcome]) {
        let fed = events.iter().zip(outcomes).filter_map(|(accepted, outcome)| match outcome {
            Outcome::Stored => Some((accepted, Some(accepted.arrival))),
            Outcome::Duplicate => Some((accepted, None)),
            Outcome::Refused(_) | Outcome::Retry | Outcome::Erased => None,
        });
        let fed =
            fed.map(|(accepted, stored_as)| Fed { accepted: Arc::clone(accepted), stored_as });
        let fed: Vec<Fed> = fed.collect();
        if fed.is_empty() {
            return;
        }
        let kib = |fed: &Fed| fed.accepted.event.size().div_ceil(1 << 10);
        let room = fed.iter().map(kib).sum::<usize>().min(ROOM_KIB);
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        // Never closed: the way ends with the process.
        if let Ok(permit) = Arc::clone(&self.room).acquire_many_owned(room).await {
            let _ = self.handed.send(Handed::Events(fed, permit));
        }
    }

    /// The journal may forget all before this, once it is fed.
    pub(super) fn settled_before(&self, mark: Mark) {
        let _ = self.handed.send(Handed::Settled(mark));
    }

    /// Nothing is handed over any more.
    pub(super) fn end(&self) {
        let _ = self.handed.send(Handed::End);
    }
}
