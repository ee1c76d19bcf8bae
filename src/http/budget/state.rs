//! Who holds what of a budget, who waits, and who gives way.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// How long a body goes without a byte before it gives way to others: far
/// longer than the pause between two packets.
pub const IDLE: Duration = Duration::from_millis(200);

/// Whether a body is small, and so may use the whole budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
        if bytes <= SMALL { Self::Small } else { Self::Large }
    }
}

/// The register of a budget.
pub struct State {
    pub limit: usize,
    pub used: Sum,
    /// What of it is held by bodies that were told to give way.
    pub leaving: Sum,
    /// Bodies that are not complete, by number.
    pub open: HashMap<u64, Open>,
    /// Those of them that may be told to give way, the longest without progress
    /// first.
    pub small: BTreeSet<(Instant, u64)>,
    pub large: BTreeSet<(Instant, u64)>,
    /// Who waits, by what they need.
    pub waiting_small: Waiting,
    waiting_large: Waiting,
    next_number: u64,
}

pub type Waiting = BTreeMap<(usize, u64), Arc<Notify>>;

/// Bytes that are held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    pub all: usize,
    pub large: usize,
}

impl Sum {
    pub fn add(&mut self, bytes: usize, size: Size) {
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
pub struct Open {
    pub held: usize,
    pub size: Size,
    pub since: Instant,
    pub is_leaving: bool,
    told: Arc<Notify>,
}

impl State {
    /// Nobody holds anything of so many bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            used: Sum::default(),
            leaving: Sum::default(),
            open: HashMap::new(),
            small: BTreeSet::new(),
            large: BTreeSet::new(),
            waiting_small: Waiting::new(),
            waiting_large: Waiting::new(),
            next_number: 0,
        }
    }

    /// A number that nobody has.
    pub fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// A body that is not complete, and so may be told to give way.
    pub fn open(&mut self, held: usize, size: Size, told: Arc<Notify>) -> u64 {
        let number = self.number();
        let open = Open { held, size, since: Instant::now(), is_leaving: false, told };
        self.open.insert(number, open);
        self.progressed(number, held, size);
        number
    }

    /// Whether there is room, or will be once those have left that were told to.
    fn has_room(&self, need: Need) -> bool {
        let used = self.used.all - self.leaving.all;
        used + need.all <= self.limit && !self.is_short_for_large(need)
    }

    fn is_short_for_large(&self, need: Need) -> bool {
        need.large > 0 && self.used.large - self.leaving.large + need.large > self.limit / 2
    }

    /// Takes what is needed, if it is there now.
    pub fn take(&mut self, need: Need) -> bool {
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
    pub fn make_room(&mut self, need: Need, now: Instant) {
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

    pub fn waiting(&mut self, size: Size) -> &mut Waiting {
        match size {
            Size::Small => &mut self.waiting_small,
            Size::Large => &mut self.waiting_large,
        }
    }

    /// Gives back what a body held.
    pub fn release(&mut self, bytes: usize, size: Size) {
        self.used.take(bytes, size);
        self.wake();
    }

    /// Wakes those for whom there is room now.
    pub fn wake(&self) {
        let mut after = self.used;
        for (waiting, size) in
            [(&self.waiting_small, Size::Small), (&self.waiting_large, Size::Large)]
        {
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
    pub fn progressed(&mut self, number: u64, held: usize, size: Size) {
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
    pub fn close(&mut self, number: u64) {
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
pub struct Need {
    pub all: usize,
    /// What of it counts for large bodies: all that it holds where it has just
    /// become one.
    pub large: usize,
}
