//! What is beyond the head of the backlog: the journal alone holds it. It is
//! counted, and read back from its oldest end.

use std::collections::BTreeMap;

use trailkeep_journal::{Appended, Mark, Place, Totals};

use super::room::Amount;
use super::waiter::Waiter;

/// The records that follow those of the head.
#[derive(Debug)]
pub struct Beyond {
    amount: Amount,
    /// All before it was read back.
    from: Mark,
    /// Where the last of it ends.
    up_to: Mark,
    /// Who waits for which record, by where that ends.
    waiters: BTreeMap<Place, Waiter>,
}

/// A record that is not beyond any more.
pub struct Passed {
    pub end: Mark,
    pub waiter: Option<Waiter>,
    /// What of it was not counted, since damage had hidden it.
    pub uncounted: Amount,
}

impl Beyond {
    /// What an earlier process left between these marks, if it left anything.
    pub fn found(low: Mark, end: Mark) -> Option<Self> {
        let totals = end.totals.since(low.totals);
        let amount = Amount {
            events: usize::try_from(totals.weight).unwrap_or(usize::MAX),
            bytes: usize::try_from(totals.bytes).unwrap_or(usize::MAX),
        };
        // By places: of what is damaged, amounts know nothing.
        (end.place > low.place).then(|| Self {
            amount,
            from: low,
            up_to: end,
            waiters: BTreeMap::new(),
        })
    }

    /// Nothing yet, from this record on.
    pub fn before(first: Appended) -> Self {
        let from = Mark { place: first.start, totals: first.end.totals };
        Self { amount: Amount::default(), from, up_to: from, waiters: BTreeMap::new() }
    }

    /// One record more, behind the others.
    pub fn add(&mut self, need: Amount, end: Mark, waiter: Option<Waiter>) {
        self.amount = self.amount + need;
        self.up_to = end;
        self.waiters.extend(waiter.map(|waiter| (end.place, waiter)));
    }

    /// The oldest record is not beyond any more.
    pub fn pass(&mut self, amount: Amount, end: Place) -> Passed {
        let uncounted = Amount {
            events: amount.events.saturating_sub(self.amount.events),
            bytes: amount.bytes.saturating_sub(self.amount.bytes),
        };
        self.amount.events = self.amount.events.saturating_sub(amount.events);
        self.amount.bytes = self.amount.bytes.saturating_sub(amount.bytes);
        let left = Totals { weight: self.amount.events as u64, bytes: self.amount.bytes as u64 };
        self.from = Mark { place: end, totals: self.up_to.totals.since(left) };
        Passed { end: self.from, waiter: self.waiters.remove(&end), uncounted }
    }

    pub fn amount(&self) -> Amount {
        self.amount
    }

    /// From where to where it lies in the journal.
    pub fn range(&self) -> (Place, Place) {
        (self.from.place, self.up_to.place)
    }

    /// Where the last of it ends.
    pub fn end(&self) -> Mark {
        self.up_to
    }
}
