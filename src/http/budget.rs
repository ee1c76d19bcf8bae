//! Invariant "Bounded", for bodies: what requests hold between the socket and
//! the backlog never exceeds one budget, and nobody takes all of it from the
//! others.
//!
//! A body is charged from its first byte until its events are handed on: as it
//! was sent, as it is decoded, and what comes of it. Half of the budget is kept
//! for small bodies, which nearly all are: large ones have the other half, and
//! small ones may use both.
//!
//! Whoever finds no room waits for it, the smallest need first. A body that has
//! gone without a byte meanwhile, the longest of them first, gives way: its
//! request ends, so that those who only hold on keep nobody out. A body that
//! makes progress is left alone, and so is one that is complete.
//!
//! Large bodies that need more than they had to begin with, as they are decoded or
//! parsed, have it one after the other: of many that each hold half of what they
//! need, none would come to its end.

mod state;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};

use state::{Need, State};
pub use state::{SMALL, Size};

/// Bytes that count as progress. A byte now and then does not: it would hold
/// room as cheaply as none.
const PROGRESS: usize = 1 << 10;

/// How long a body waits for room.
const WAIT: Duration = Duration::from_secs(2);

/// How often one that waits looks whether another has become idle.
const LOOK: Duration = Duration::from_millis(50);

/// There was no room for a body for as long as it may wait, or it had to give
/// way while it waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRoom;

/// The memory that all bodies share. A clone is the same budget.
#[derive(Clone)]
pub struct Budget(Arc<Mutex<State>>, Arc<Semaphore>);

impl Budget {
    /// So many bytes for all bodies.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Mutex::new(State::new(limit))), Arc::new(Semaphore::new(1)))
    }

    /// From now on so many bytes. What is held beyond that stays held, and nobody is given
    /// more until enough of it has come back.
    pub fn limit_to(&self, limit: usize) {
        let mut state = self.0.lock();
        state.limit = limit;
        state.wake();
    }

    /// What one body of this size may hold at the most.
    pub fn most(&self, size: Size) -> usize {
        let limit = self.0.lock().limit;
        match size {
            Size::Small => limit,
            Size::Large => limit / 2,
        }
    }

    /// Bytes that are charged.
    pub fn used(&self) -> usize {
        self.0.lock().used.all
    }

    /// The charge of one body, of nothing yet.
    pub fn charge(&self) -> Charge {
        Charge { budget: self.clone(), held: 0, size: Size::Small, open: None, turn: None }
    }
}

/// What one body holds of the budget. Given back when it is dropped.
pub struct Charge {
    budget: Budget,
    held: usize,
    size: Size,
    open: Option<OpenBody>,
    turn: Option<OwnedSemaphorePermit>,
}

struct OpenBody {
    number: u64,
    told: Arc<Notify>,
    /// Bytes since the last progress.
    bytes: usize,
}

impl Charge {
    /// From now on the body may be told to give way.
    pub fn open(&mut self) {
        let mut state = self.budget.0.lock();
        let told = Arc::new(Notify::new());
        let number = state.open(self.held, self.size, Arc::clone(&told));
        self.open = Some(OpenBody { number, told, bytes: 0 });
    }

    /// So many bytes of the body have come.
    pub fn progress(&mut self, bytes: usize) {
        if let Some(open) = &mut self.open {
            open.bytes += bytes;
            if open.bytes >= PROGRESS {
                open.bytes = 0;
                let mut state = self.budget.0.lock();
                state.progressed(open.number, self.held, self.size);
            }
        }
    }

    /// The body is complete: from now on it is ours to be quick, and it gives
    /// way no more.
    fn complete(&mut self) {
        if let Some(open) = self.open.take() {
            self.budget.0.lock().close(open.number);
        }
    }

    /// As [`hold`](Self::hold), for a body that is there as a whole: a large one
    /// when it is its turn, until it [has become](Self::becomes) something else.
    pub async fn hold_in_turn(&mut self, bytes: usize, size: Size) -> Result<(), NoRoom> {
        if size == Size::Large && self.turn.is_none() {
            let turn = Arc::clone(&self.budget.1).acquire_owned();
            let turn = tokio::select! {
                () = self.told_to_give_way() => None,
                turn = timeout(WAIT, turn) => turn.ok(),
            };
            // The semaphore is never closed.
            self.turn = turn.and_then(Result::ok);
            if self.turn.is_none() {
                return Err(NoRoom);
            }
        }
        self.complete();
        self.hold(bytes, size).await
    }

    /// As [`hold_in_turn`](Self::hold_in_turn), at once where there is room; and
    /// all that one body may hold where it would be more.
    pub async fn hold_at_most(&mut self, bytes: usize, size: Size) -> Result<(), NoRoom> {
        let bytes = bytes.min(self.budget.most(size.max(self.size)));
        if self.has_taken(bytes, size) {
            return Ok(());
        }
        self.hold_in_turn(bytes, size).await
    }

    /// Waits until the body is told to give way.
    pub async fn told_to_give_way(&self) {
        match &self.open {
            Some(open) => open.told.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Holds at least so many bytes, as a body of this size; once large, it
    /// stays so. Waits until there is room.
    pub async fn hold(&mut self, bytes: usize, size: Size) -> Result<(), NoRoom> {
        if self.has_taken(bytes, size) {
            return Ok(());
        }
        let waited = timeout(WAIT, self.wait(bytes, size)).await;
        waited.unwrap_or(Err(NoRoom))
    }

    async fn wait(&mut self, bytes: usize, size: Size) -> Result<(), NoRoom> {
        let ticket = self.ticket(bytes, size);
        loop {
            if self.has_taken(bytes, size) {
                return Ok(());
            }
            tokio::select! {
                biased;
                () = self.told_to_give_way() => return Err(NoRoom),
                () = ticket.woken() => {}
                () = sleep(LOOK) => {}
            }
        }
    }

    fn need(&self, bytes: usize, size: Size) -> Need {
        let all = bytes.saturating_sub(self.held);
        let large = match (self.size, size) {
            (Size::Large, _) => all,
            (Size::Small, Size::Large) => self.held + all,
            (Size::Small, Size::Small) => 0,
        };
        Need { all, large }
    }

    /// Takes what is needed, or tells others to give way for it.
    fn has_taken(&mut self, bytes: usize, size: Size) -> bool {
        let need = self.need(bytes, size);
        let mut state = self.budget.0.lock();
        if !state.take(need) {
            state.make_room(need, Instant::now());
            return false;
        }
        self.held += need.all;
        if need.large > 0 {
            self.size = Size::Large;
        }
        if let Some(open) = &self.open {
            state.progressed(open.number, self.held, self.size);
        }
        true
    }

    fn ticket(&self, bytes: usize, size: Size) -> Ticket {
        let need = self.need(bytes, size);
        let size = match need.large {
            0 => Size::Small,
            _ => Size::Large,
        };
        let woken = Arc::new(Notify::new());
        let mut state = self.budget.0.lock();
        let key = (need.all.max(need.large), state.number());
        state.waiting(size).insert(key, Arc::clone(&woken));
        Ticket { budget: self.budget.clone(), size, key, woken }
    }

    /// The body has become something of this size.
    pub fn becomes(&mut self, bytes: usize) {
        self.complete();
        self.shrink_to(bytes);
        self.turn = None;
    }

    /// Gives back what is held beyond so many bytes.
    pub fn shrink_to(&mut self, bytes: usize) {
        let rest = self.held.saturating_sub(bytes);
        if rest > 0 {
            let mut state = self.budget.0.lock();
            self.held -= rest;
            if let Some(open) = &self.open {
                state.progressed(open.number, self.held, self.size);
            }
            state.release(rest, self.size);
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.held > 0 || self.open.is_some() {
            let mut state = self.budget.0.lock();
            if let Some(open) = &self.open {
                state.close(open.number);
            }
            state.release(self.held, self.size);
        }
    }
}

/// A place among those who wait.
struct Ticket {
    budget: Budget,
    size: Size,
    key: (usize, u64),
    woken: Arc<Notify>,
}

impl Ticket {
    async fn woken(&self) {
        self.woken.notified().await;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.budget.0.lock();
        state.waiting(self.size).remove(&self.key);
        // Whoever leaves without the room it was woken for leaves it to the next.
        state.wake();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
