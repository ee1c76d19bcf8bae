//! The events that were accepted last, for whoever watches them come.
//!
//! One ring for all readers. Each has a position in it and reads at its own pace, so the
//! ring waits for nobody and a slow reader holds nothing up. A reader that has fallen
//! behind the oldest event is told so, and goes on from now.
//!
//! Nothing is kept while nobody reads: a batch costs one atomic read then. After the last
//! reader has gone events are kept for a minute more, so that one whose connection broke
//! finds what came in between. Where keeping has ended, a position is skipped: a reader
//! from before cannot take what came meanwhile for nothing.
//!
//! **Bounded.** The ring holds [`MOST`]. What it holds are the events of the backlog
//! themselves and no copies; one that is in both is counted in both.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::Notify;
use tokio::time::Instant;
use trailkeep_event::{Accepted, KnownAs};

use super::room::Amount;

/// What the ring holds at the most.
pub const MOST: Amount = Amount { events: 10_000, bytes: 16 << 20 };

/// Bytes that a place in the ring takes beside its event, spare places included.
pub const FOR_A_PLACE: usize = 2 * std::mem::size_of::<Kept>();

/// For how long events are kept after the last reader has gone.
const AFTER_THE_LAST: Duration = Duration::from_secs(60);

/// Places that are looked at under one lock: some microseconds.
const AT_ONCE: usize = 1024;

/// The ring.
pub struct Recent {
    /// All that a batch reads while nobody reads it.
    is_kept: AtomicBool,
    ring: RwLock<Ring>,
    /// Told when events have come.
    came: Notify,
    /// Ids are compared by a hash first, under a key that nobody outside knows.
    hasher: RandomState,
    most: Amount,
}

/// An event in the ring.
pub struct Kept {
    /// The hash of its user.
    user: u64,
    /// The hash of the other id under which the user was known before; the user's where
    /// there is none.
    other: u64,
    accepted: Arc<Accepted>,
}

impl Kept {
    /// Whether one of these ids may be its user. What has the same hash may be another.
    pub fn may_be_of(&self, ids: &[u64]) -> bool {
        ids.contains(&self.user)
    }

    /// Whether one of these ids may be named in it.
    pub fn may_name(&self, ids: &[u64]) -> bool {
        ids.contains(&self.user) || ids.contains(&self.other)
    }

    /// The event.
    pub fn accepted(&self) -> &Arc<Accepted> {
        &self.accepted
    }
}

/// What a reader does about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// It does not want it.
    Pass,
    /// It takes it.
    Take,
    /// It does not want it, and no further one for now.
    PassAndStop,
    /// It takes it, and no further one for now.
    TakeAndStop,
}

/// Events have left the ring before the reader has seen them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("events have gone unread")]
pub struct Behind;

/// An event that was read, and the position behind it.
pub type Found = (u64, Arc<Accepted>);

#[derive(Default)]
struct Ring {
    kept: VecDeque<Kept>,
    bytes: usize,
    /// The position behind the newest event.
    end: u64,
    readers: usize,
    /// Since when there is no reader.
    alone_since: Option<Instant>,
}

impl Ring {
    /// The position of the oldest event.
    fn start(&self) -> u64 {
        self.end - self.kept.len() as u64
    }

    fn push(&mut self, kept: Kept, most: Amount) {
        self.bytes += kept.accepted.event.size();
        self.kept.push_back(kept);
        self.end += 1;
        while self.kept.len() > most.events || self.bytes > most.bytes {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.bytes -= oldest.accepted.event.size();
        }
    }

    /// Ends keeping where nobody has read for long enough. Answers whether it did.
    fn has_ended(&mut self, now: Instant) -> bool {
        let is_over = self.alone_since.is_some_and(|since| now - since >= AFTER_THE_LAST);
        if is_over {
            self.kept = VecDeque::new();
            self.bytes = 0;
            self.end += 1;
            self.alone_since = None;
        }
        is_over
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self::new(MOST)
    }
}

impl Recent {
    /// An empty one that holds so much at the most.
    pub fn new(most: Amount) -> Self {
        Self {
            is_kept: AtomicBool::new(false),
            ring: RwLock::default(),
            came: Notify::new(),
            hasher: RandomState::new(),
            most,
        }
    }

    /// Takes events that have become visible, in their order.
    pub fn push(&self, events: &[Arc<Accepted>]) {
        if self.is_kept.load(Ordering::Acquire) {
            self.keep(events);
        }
    }

    #[cold]
    fn keep(&self, events: &[Arc<Accepted>]) {
        let mut ring = self.ring.write();
        if ring.has_ended(Instant::now()) {
            self.is_kept.store(false, Ordering::Release);
            return;
        }
        for accepted in events {
            let user = self.hash(&accepted.event.user_id);
            let other = match accepted.event.known_as() {
                KnownAs::Both { anonymous_id } => self.hash(anonymous_id),
                KnownAs::User | KnownAs::Visitor => user,
            };
            ring.push(Kept { user, other, accepted: Arc::clone(accepted) }, self.most);
        }
        drop(ring);
        self.came.notify_waiters();
    }

    /// Holds nothing any more of what it holds now: somebody is erased. Whoever has not read it
    /// all is told so, and reads elsewhere.
    pub fn forget_all(&self) {
        let mut ring = self.ring.write();
        ring.kept = VecDeque::new();
        ring.bytes = 0;
        ring.end += 1;
        drop(ring);
        self.came.notify_waiters();
    }

    /// By what ids are compared first.
    pub fn hash(&self, id: &str) -> u64 {
        self.hasher.hash_one(id)
    }

    /// A reader of what comes from now on.
    pub fn reader(self: &Arc<Self>) -> Reader {
        let mut ring = self.ring.write();
        ring.readers += 1;
        ring.alone_since = None;
        let position = ring.end;
        self.is_kept.store(true, Ordering::Release);
        drop(ring);
        Reader { recent: Arc::clone(self), position }
    }

    /// How many events it holds, and the bytes of these.
    #[cfg(test)]
    pub fn held(&self) -> Amount {
        let ring = self.ring.read();
        Amount { events: ring.kept.len(), bytes: ring.bytes }
    }
}

/// Somebody who reads the ring.
pub struct Reader {
    recent: Arc<Recent>,
    position: u64,
}

impl Reader {
    /// The position behind all that was read.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Whether all that has come was read.
    pub fn is_at_end(&self) -> bool {
        self.recent.ring.read().end == self.position
    }

    /// By what ids are compared first.
    pub fn hash(&self, id: &str) -> u64 {
        self.recent.hash(id)
    }

    /// Goes back to a position, where all from there on is still held. Else nothing
    /// changes, and the answer is false.
    pub fn go_back_to(&mut self, position: u64) -> bool {
        let ring = self.recent.ring.read();
        let is_held = (ring.start()..=ring.end).contains(&position);
        if is_held {
            self.position = position;
        }
        is_held
    }

    /// Reads on to the newest event, or to where so many events, or bytes of them, were
    /// taken. One event may have more.
    ///
    /// # Errors
    ///
    /// It has fallen behind; it goes on from now.
    pub fn read(
        &mut self,
        most: Amount,
        mut look: impl FnMut(&Kept) -> Look,
    ) -> Result<Vec<Found>, Behind> {
        let mut found: Vec<Found> = Vec::new();
        let mut bytes = 0;
        loop {
            let ring = self.recent.ring.read();
            let start = ring.start();
            if self.position < start {
                if found.is_empty() {
                    self.position = ring.end;
                    return Err(Behind);
                }
                // Told when it reads on.
                return Ok(found);
            }
            let first = usize::try_from(self.position - start).unwrap_or(usize::MAX);
            let last = ring.kept.len().min(first.saturating_add(AT_ONCE));
            if first >= last {
                return Ok(found);
            }
            for kept in ring.kept.range(first..last) {
                self.position += 1;
                let looked = look(kept);
                if matches!(looked, Look::Take | Look::TakeAndStop) {
                    bytes += kept.accepted.event.size();
                    found.push((self.position, Arc::clone(&kept.accepted)));
                }
                let is_enough = found.len() >= most.events || bytes >= most.bytes;
                if is_enough || matches!(looked, Look::PassAndStop | Look::TakeAndStop) {
                    return Ok(found);
                }
            }
        }
    }

    /// Passes over all but the last `unread` events. Answers how many were passed over, those
    /// that had left the ring included.
    pub fn skip_to_the_last(&mut self, unread: usize) -> u64 {
        let to = self.recent.ring.read().end.saturating_sub(unread as u64).max(self.position);
        to - std::mem::replace(&mut self.position, to)
    }

    /// Looks at all that the ring holds, whatever was read.
    pub fn look_back(&self, mut look: impl FnMut(&Kept)) {
        let end = self.recent.ring.read().end;
        let mut position = 0;
        while position < end {
            let ring = self.recent.ring.read();
            position = position.max(ring.start());
            let first = usize::try_from(position - ring.start()).unwrap_or(usize::MAX);
            let last = ring.kept.len().min(first.saturating_add(AT_ONCE));
            ring.kept.range(first.min(last)..last).for_each(&mut look);
            position += AT_ONCE as u64;
        }
    }

    /// Returns once there is something that was not read.
    pub async fn news(&self) {
        let mut came = pin!(self.recent.came.notified());
        // From here on none is missed.
        came.as_mut().enable();
        if self.is_at_end() {
            came.await;
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut ring = self.recent.ring.write();
        ring.readers -= 1;
        if ring.readers == 0 {
            ring.alone_since = Some(Instant::now());
        }
    }
}
