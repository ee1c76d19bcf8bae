//! Room for what is accepted and not stored.
//!
//! **One place for "full".** What is accepted and not stored is counted in one
//! struct; admission asks it and nothing else. Each event takes room from before it
//! is in the journal until it is stored, a dead letter, or known to be stored.
//!
//! Room is two fair semaphores, of events and of bytes of records, taken once for
//! a whole batch. A batch that finds none waits its turn for a while: a client
//! that is refused sends again at once, and costs more than one that waits. While
//! others wait, a request waits before its body is read, so that a flood does not
//! have all of its bodies in memory. Only so many wait.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

/// Requests that may wait for room at once.
const MAX_WAITING: usize = 2_000;

/// Events, and bytes of the records that hold them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    pub events: usize,
    pub bytes: usize,
}

impl Amount {
    /// Whether neither is more than in `most`.
    pub fn is_within(self, most: Self) -> bool {
        self.events <= most.events && self.bytes <= most.bytes
    }
}

impl std::ops::Add for Amount {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self { events: self.events + more.events, bytes: self.bytes + more.bytes }
    }
}

impl std::ops::Sub for Amount {
    type Output = Self;

    fn sub(self, less: Self) -> Self {
        Self { events: self.events - less.events, bytes: self.bytes - less.bytes }
    }
}

/// Why there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// There is none now.
    Now,
    /// There never will be: the batch alone is larger than the limit.
    Ever,
}

/// The room of a backlog.
#[derive(Debug)]
pub struct Room {
    limit: Amount,
    events: Meter,
    bytes: Meter,
    /// Places of those who wait.
    places: Semaphore,
}

impl Room {
    /// All of it is free.
    pub fn new(limit: Amount) -> Self {
        Self {
            limit,
            events: Meter::new(limit.events),
            bytes: Meter::new(limit.bytes),
            places: Semaphore::new(MAX_WAITING),
        }
    }

    /// How much there is in all.
    pub fn limit(&self) -> Amount {
        self.limit
    }

    /// How much is free.
    pub fn free(&self) -> Amount {
        Amount {
            events: self.events.free.available_permits(),
            bytes: self.bytes.free.available_permits(),
        }
    }

    /// Whether a fifth is free.
    pub fn is_well_free(&self) -> bool {
        let fifth = Amount { events: self.limit.events / 5, bytes: self.limit.bytes / 5 };
        fifth.is_within(self.free())
    }

    /// Returns when nobody else waits for room, so that a body may be read; at
    /// once if nobody does.
    ///
    /// # Errors
    ///
    /// Others still wait at `until`, or there is no time to wait and no room for
    /// one event.
    pub async fn turn(&self, until: Option<Instant>) -> Result<(), NoRoom> {
        if until.is_some() && self.places.available_permits() == MAX_WAITING {
            return Ok(());
        }
        let one = Amount { events: 1, bytes: 1 };
        self.take(one, until).await?;
        self.release(one);
        Ok(())
    }

    /// Takes room for a batch, waiting for it until a moment.
    pub async fn reserve(
        self: &Arc<Self>,
        need: Amount,
        until: Option<Instant>,
    ) -> Result<Reserved, NoRoom> {
        self.take(need, until).await?;
        Ok(Reserved { room: Arc::clone(self), amount: need })
    }

    async fn take(&self, need: Amount, until: Option<Instant>) -> Result<(), NoRoom> {
        if !need.is_within(self.limit) {
            return Err(NoRoom::Ever);
        }
        if self.try_take(need) {
            return Ok(());
        }
        let until = until.ok_or(NoRoom::Now)?;
        let _place = self.places.try_acquire().map_err(|_| NoRoom::Now)?;
        timeout_at(until, self.take_in_turn(need)).await.map_err(|_| NoRoom::Now)
    }

    /// Those who wait are handed what comes free, so this overtakes nobody.
    fn try_take(&self, need: Amount) -> bool {
        let events = self.events.free.try_acquire_many(permits(need.events));
        let bytes = self.bytes.free.try_acquire_many(permits(need.bytes));
        match (events, bytes) {
            (Ok(events), Ok(bytes)) => {
                events.forget();
                bytes.forget();
                true
            }
            _ => false,
        }
    }

    async fn take_in_turn(&self, need: Amount) {
        // Neither semaphore is ever closed.
        let events = self.events.free.acquire_many(permits(need.events)).await;
        let bytes = self.bytes.free.acquire_many(permits(need.bytes)).await;
        if let (Ok(events), Ok(bytes)) = (events, bytes) {
            events.forget();
            bytes.forget();
        }
    }

    /// Room is taken by what an earlier process accepted, whatever the limit is.
    pub fn take_found(&self, found: Amount) {
        self.events.take_found(found.events);
        self.bytes.take_found(found.bytes);
    }

    /// Gives room back.
    pub fn release(&self, amount: Amount) {
        self.events.release(amount.events);
        self.bytes.release(amount.bytes);
    }
}

/// More than that is more than a limit may be.
fn permits(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[derive(Debug)]
struct Meter {
    free: Semaphore,
    /// What was taken beyond the limit: paid back before anything comes free.
    owed: Mutex<usize>,
}

impl Meter {
    fn new(limit: usize) -> Self {
        Self { free: Semaphore::new(limit.min(Semaphore::MAX_PERMITS)), owed: Mutex::new(0) }
    }

    fn take_found(&self, count: usize) {
        let taken = self.free.forget_permits(count);
        *self.owed.lock() += count - taken;
    }

    fn release(&self, count: usize) {
        let mut owed = self.owed.lock();
        let paid = count.min(*owed);
        *owed -= paid;
        self.free.add_permits(count - paid);
    }
}

/// Room that is taken for a batch; given back when this is dropped.
#[derive(Debug)]
pub struct Reserved {
    room: Arc<Room>,
    amount: Amount,
}

impl Reserved {
    /// The batch is accepted: its room is given back event by event.
    pub fn keep(mut self) {
        self.amount = Amount::default();
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.room.release(self.amount);
    }
}
