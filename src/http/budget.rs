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

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

/// How long a body goes without a byte before it gives way to others: far
/// longer than the pause between two packets.
const IDLE: Duration = Duration::from_millis(200);

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

/// Whether a body is small, and so may use the whole budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Up to [`SMALL`] bytes.
    Small,
    /// Longer.
    Large,
}

/// Bytes of a body that is small at the most.
pub const SMALL: usize = 64 << 10;

impl Size {
    /// Of a body with so many bytes.
    pub fn of(bytes: usize) -> Self {
        if bytes <= SMALL {
            Self::Small
        } else {
            Self::Large
        }
    }
}

/// The memory that all bodies share. A clone is the same budget.
#[derive(Clone)]
pub struct Budget(Arc<Mutex<State>>);

struct State {
    limit: usize,
    used: Sum,
    /// What of it is held by bodies that were told to give way.
    leaving: Sum,
    /// Bodies that are not complete, by number.
    open: HashMap<u64, Open>,
    /// Those of them that may be told to give way, the longest without progress
    /// first.
    small: BTreeSet<(Instant, u64)>,
    large: BTreeSet<(Instant, u64)>,
    /// Who waits, by what they need.
    waiting_small: Waiting,
    waiting_large: Waiting,
    next_number: u64,
}

type Waiting = BTreeMap<(usize, u64), Arc<Notify>>;

/// Bytes that are held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    all: usize,
    large: usize,
}

impl Sum {
    fn add(&mut self, bytes: usize, size: Size) {
        self.all += bytes;
        if size == Size::Large {
            self.large += bytes;
        }
    }

    fn take(&mut self, bytes: usize, size: Size) {
        self.all -= bytes;
        if size == Size::Large {
            self.large -= bytes;
        }
    }
}

/// A body that is not complete.
struct Open {
    held: usize,
    size: Size,
    since: Instant,
    is_leaving: bool,
    told: Arc<Notify>,
}

impl Budget {
    /// So many bytes for all bodies.
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            limit,
            used: Sum::default(),
            leaving: Sum::default(),
            open: HashMap::new(),
            small: BTreeSet::new(),
            large: BTreeSet::new(),
            waiting_small: Waiting::new(),
            waiting_large: Waiting::new(),
            next_number: 0,
        })))
    }

    /// Bytes that are charged.
    pub fn used(&self) -> usize {
        self.0.lock().used.all
    }

    /// The charge of one body, of nothing yet.
    pub fn charge(&self) -> Charge {
        Charge {
            budget: self.clone(),
            held: 0,
            size: Size::Small,
            open: None,
        }
    }
}

impl State {
    /// Whether there is room, or will be once those have left that were told to.
    fn has_room(&self, need: Need) -> bool {
        let used = self.used.all - self.leaving.all;
        used + need.all <= self.limit && !self.is_short_for_large(need)
    }

    fn is_short_for_large(&self, need: Need) -> bool {
        need.large > 0 && self.used.large - self.leaving.large + need.large > self.limit / 2
    }

    /// Takes what is needed, if it is there now.
    fn take(&mut self, need: Need) -> bool {
        let fits = self.used.all + need.all <= self.limit
            && (need.large == 0 || self.used.large + need.large <= self.limit / 2);
        if fits {
            self.used.all += need.all;
            self.used.large += need.large;
        }
        fits
    }

    /// Tells bodies to give way that were idle for long enough, as many as it
    /// takes.
    fn make_room(&mut self, need: Need, now: Instant) {
        while !self.has_room(need) {
            let large = self.large.first();
            let oldest = if self.is_short_for_large(need) {
                large
            } else {
                large.into_iter().chain(self.small.first()).min()
            };
            let Some(&(since, number)) = oldest.filter(|(since, _)| now - *since >= IDLE) else {
                return;
            };
            self.candidates(Size::Large).remove(&(since, number));
            self.candidates(Size::Small).remove(&(since, number));
            if let Some(open) = self.open.get_mut(&number) {
                open.is_leaving = true;
                open.told.notify_one();
                self.leaving.add(open.held, open.size);
            }
        }
    }

    fn candidates(&mut self, size: Size) -> &mut BTreeSet<(Instant, u64)> {
        match size {
            Size::Small => &mut self.small,
            Size::Large => &mut self.large,
        }
    }

    fn waiting(&mut self, size: Size) -> &mut Waiting {
        match size {
            Size::Small => &mut self.waiting_small,
            Size::Large => &mut self.waiting_large,
        }
    }

    /// Gives back what a body held.
    fn release(&mut self, bytes: usize, size: Size) {
        self.used.take(bytes, size);
        self.wake();
    }

    /// Wakes those for whom there is room now.
    fn wake(&self) {
        let mut after = self.used;
        for (waiting, size) in [
            (&self.waiting_small, Size::Small),
            (&self.waiting_large, Size::Large),
        ] {
            for (&(need, _), waiter) in waiting {
                let mut with = after;
                with.add(need, size);
                if with.all > self.limit || with.large > self.limit / 2 {
                    break;
                }
                waiter.notify_one();
                after = with;
            }
        }
    }

    /// The body has come on, and holds so much now.
    fn progressed(&mut self, number: u64, held: usize, size: Size) {
        let Some(open) = self.open.get_mut(&number) else {
            return;
        };
        let before = (open.held, open.size, open.since);
        (open.held, open.size, open.since) = (held, size, Instant::now());
        let (since, is_leaving) = (open.since, open.is_leaving);
        let (held_before, size_before, since_before) = before;
        if is_leaving {
            self.leaving.take(held_before, size_before);
            self.leaving.add(held, size);
            return;
        }
        self.candidates(size_before).remove(&(since_before, number));
        // One that holds nothing has nothing to give.
        if held > 0 {
            self.candidates(size).insert((since, number));
        }
    }

    /// The body is complete, or gone.
    fn close(&mut self, number: u64) {
        if let Some(open) = self.open.remove(&number) {
            self.candidates(open.size).remove(&(open.since, number));
            if open.is_leaving {
                self.leaving.take(open.held, open.size);
            }
        }
    }
}

/// What a body needs beyond what it holds.
#[derive(Debug, Clone, Copy)]
struct Need {
    all: usize,
    /// What of it counts for large bodies: all that it holds where it has just
    /// become one.
    large: usize,
}

/// What one body holds of the budget. Given back when it is dropped.
pub struct Charge {
    budget: Budget,
    held: usize,
    size: Size,
    open: Option<OpenBody>,
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
        let number = state.next_number;
        state.next_number += 1;
        let (told, since) = (Arc::new(Notify::new()), Instant::now());
        let open = Open {
            held: self.held,
            size: self.size,
            since,
            is_leaving: false,
            told: Arc::clone(&told),
        };
        state.open.insert(number, open);
        state.progressed(number, self.held, self.size);
        self.open = Some(OpenBody {
            number,
            told,
            bytes: 0,
        });
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
    pub fn complete(&mut self) {
        if let Some(open) = self.open.take() {
            self.budget.0.lock().close(open.number);
        }
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
        let key = (need.all.max(need.large), state.next_number);
        state.next_number += 1;
        state.waiting(size).insert(key, Arc::clone(&woken));
        Ticket {
            budget: self.budget.clone(),
            size,
            key,
            woken,
        }
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
mod tests;
