//! One user of a [`Window`](crate::Window): what waits, what is sent, and the record.

use std::collections::BTreeSet;

use trailkeep_event::{Arrival, StoreId};

use crate::effect::{Effect, Found};
use crate::names::{ParkRecord, UserKey};

/// An event in the order of its user.
pub type Place = (Arrival, StoreId);

/// Entries in memory that make a user worth a record.
const MANY: usize = 100;

/// Events that a read looks at, at first: a head that fails again and again needs no
/// others. It grows with each read that was used up.
const FIRST_READ: usize = 1;
/// And at the most: 24 bytes each. A user with 100,000 events behind a head is then read
/// through 25 times.
const MAX_READ: usize = 4_096;

/// An event that is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Head {
    /// At the processor.
    Sending(Place),
    /// Failed, and waits to be sent again.
    Resting(Place),
    /// Has an outcome, and waits for a renewal to be begun.
    Unsure(Place, Then),
    /// And for that one to succeed.
    Renewing(Place, Then),
    /// Is given up, and waits for a record that holds the user there.
    Holding(Place),
    /// Has an outcome that is being stored.
    Recording(Place),
}

/// What follows a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Then {
    /// The outcome is stored.
    Record,
    /// The user goes on: an outcome was there already.
    GoOn,
}

/// What is under way with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// It is made or lowered.
    Parking(ParkRecord),
    /// What it covers is being read.
    Reading,
    /// What was found is delivered.
    Delivering,
    /// It is moved up.
    Moving(ParkRecord),
    /// It is removed.
    Leaving,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Parked {
    /// As it is stored; `None` while the first is being made.
    record: Option<ParkRecord>,
    step: Step,
    /// Events that the next read looks at.
    limit: usize,
    /// Where the last read ended before the user's last event.
    up_to: Option<Arrival>,
    /// The lowest number that was dropped since the last read was begun.
    dropped: Option<Arrival>,
    /// Whether the last read found anything.
    has_found: bool,
    /// Whether it stays as it is until somebody has seen that it is stored.
    is_kept: bool,
}

/// One user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct User {
    /// What is pending, without the head.
    pub queue: BTreeSet<Place>,
    pub head: Option<Head>,
    /// A head that rested, and is sent before all others.
    pub again: Option<Place>,
    /// Whether it is among those whose turn it is.
    pub is_ready: bool,
    parked: Option<Parked>,
}

impl User {
    /// One with a record, and nothing in memory.
    pub fn parked(record: ParkRecord) -> Self {
        let parked = Parked { record: Some(record), ..Parked::new(Step::Delivering) };
        Self { parked: Some(parked), ..Self::default() }
    }

    pub fn record(&self) -> Option<ParkRecord> {
        self.parked.as_ref()?.record
    }

    pub fn step(&self) -> Option<Step> {
        self.parked.as_ref().map(|parked| parked.step)
    }

    /// The event that is sent next, out of the queue.
    pub fn take_head(&mut self) -> Option<Place> {
        self.again.take().or_else(|| self.queue.pop_first())
    }

    /// The event that was sent, and has no stored outcome.
    pub fn current(&self) -> Option<Place> {
        self.again.or_else(|| match self.head? {
            Head::Sending(place)
            | Head::Resting(place)
            | Head::Unsure(place, _)
            | Head::Renewing(place, _)
            | Head::Holding(place)
            | Head::Recording(place) => Some(place),
        })
    }

    /// The lowest number without an outcome.
    pub fn lowest(&self) -> Option<Arrival> {
        let first = self.queue.first().copied();
        first.into_iter().chain(self.current()).map(|(arrival, _)| arrival).min()
    }

    /// Whether the stored record covers an entry, so that it need not be kept. While a
    /// record changes, only what both cover.
    pub fn covers(&self, arrival: Arrival) -> bool {
        let Some(Parked { record: Some(record), step, .. }) = &self.parked else { return false };
        match step {
            Step::Leaving => false,
            Step::Moving(next) => arrival >= next.from,
            Step::Parking(_) | Step::Reading | Step::Delivering => arrival >= record.from,
        }
    }

    /// An entry was dropped.
    pub fn drops(&mut self, arrival: Arrival) {
        if let Some(parked) = &mut self.parked {
            parked.dropped = Some(parked.dropped.map_or(arrival, |lowest| lowest.min(arrival)));
        }
    }

    /// Whether a record may be made or lowered: nothing else is under way with it.
    pub fn may_park(&self) -> bool {
        let is_free = self.parked.as_ref().is_none_or(|parked| {
            // What it covers is out of memory already.
            let from = parked.record.map(|record| record.from);
            parked.step == Step::Delivering && self.lowest() < from
        });
        is_free && self.lowest().is_some()
    }

    /// Whether nothing is under way with the record, so that it may be made or changed.
    pub fn may_change_record(&self) -> bool {
        let is_free = matches!(self.step(), None | Some(Step::Delivering));
        is_free && !matches!(self.head, Some(Head::Holding(_)))
    }

    /// At which event the user waits for a person.
    pub fn held(&self) -> Option<StoreId> {
        self.record()?.held
    }

    /// Whether its head failed, so that it says nothing about others.
    pub fn is_failing(&self) -> bool {
        self.again.is_some() || matches!(self.head, Some(Head::Resting(_)))
    }

    /// Whether there is much to be gained from a record.
    pub fn is_heavy(&self) -> bool {
        self.is_failing() || self.queue.len() > MANY
    }

    pub fn begin(&mut self, step: Step) {
        self.parked.get_or_insert_with(|| Parked::new(step)).step = step;
    }

    /// Whether the record stays as it is from now on.
    pub fn keeps(&mut self, is_kept: bool) {
        if let Some(parked) = &mut self.parked {
            parked.is_kept = is_kept;
        }
    }

    /// This record is stored.
    pub fn holds(&mut self, record: ParkRecord) {
        if let Some(parked) = &mut self.parked {
            parked.record = Some(record);
            parked.step = Step::Delivering;
            // What it covers now was not read by any read that is behind us, or was and is
            // out of memory again.
            parked.has_found = true;
            parked.up_to = None;
        }
    }

    /// A read ended.
    pub fn found(&mut self, found: Found) {
        let Some(parked) = &mut self.parked else { return };
        parked.has_found = !found.pending.is_empty() || found.up_to.is_some();
        parked.up_to = found.up_to;
        parked.step = Step::Delivering;
        self.queue.extend(found.pending);
    }

    /// The record is gone.
    pub fn leaves(&mut self) {
        self.parked = None;
    }

    /// Whether the head may be sent and is not in turn yet. While a read is under way it
    /// waits: what that finds may come before it.
    pub fn wants_to_send(&self) -> bool {
        let is_held = self.held().is_some();
        let has_one = self.again.is_some() || !self.queue.is_empty();
        let may = match self.step() {
            None | Some(Step::Delivering | Step::Parking(_)) => true,
            Some(Step::Reading | Step::Moving(_) | Step::Leaving) => false,
        };
        has_one && may && !is_held && self.head.is_none() && !self.is_ready
    }

    /// The record that a head waits for which holds its user.
    pub fn hold(&mut self, user: UserKey, epoch: u64, change: &mut u64) -> Option<Effect> {
        let Some(Head::Holding((arrival, id))) = self.head else { return None };
        if !matches!(self.step(), None | Some(Step::Delivering)) {
            return None;
        }
        let lowest = self.lowest().unwrap_or(arrival);
        Some(self.park(user, lowest, Some(id), epoch, change))
    }

    /// Makes the record, or lowers the one that is there.
    pub fn park(
        &mut self,
        user: UserKey,
        from: Arrival,
        held: Option<StoreId>,
        epoch: u64,
        change: &mut u64,
    ) -> Effect {
        *change += 1;
        let from = self.record().map_or(from, |record| record.from.min(from));
        let record = ParkRecord { user, from, epoch, change: *change, held };
        self.begin(Step::Parking(record));
        Effect::Park(record)
    }

    /// What comes next with the record, once all that was found is delivered.
    pub fn next_effect(&mut self, user: UserKey, epoch: u64, change: &mut u64) -> Option<Effect> {
        let is_used_up = self.queue.is_empty() && self.current().is_none();
        let parked = self.parked.as_mut()?;
        let record = parked.record?;
        let may_go_on = parked.step == Step::Delivering && !parked.is_kept;
        if !may_go_on || !is_used_up || record.held.is_some() {
            return None;
        }
        if let Some(to) = parked.moves_to() {
            *change += 1;
            let next = ParkRecord { from: to, epoch, change: *change, ..record };
            parked.up_to = None;
            parked.step = Step::Moving(next);
            return Some(Effect::Move { expected: record, next });
        }
        if parked.has_found || parked.dropped.is_some() {
            let limit = parked.limit;
            // More events than that under one number: only a larger read gets past them.
            let is_stuck = parked.up_to == Some(record.from);
            parked.limit = if is_stuck { limit * 4 } else { (limit * 4).min(MAX_READ) };
            parked.dropped = None;
            parked.step = Step::Reading;
            return Some(Effect::Read { user, from: record.from, limit });
        }
        parked.step = Step::Leaving;
        Some(Effect::Unpark(record))
    }

    /// Whether nothing is known of the user any more.
    pub fn is_gone(&self) -> bool {
        let is_idle = self.queue.is_empty() && self.current().is_none() && !self.is_ready;
        self.parked.is_none() && is_idle
    }
}

impl Parked {
    fn new(step: Step) -> Self {
        Self {
            record: None,
            step,
            limit: FIRST_READ,
            up_to: None,
            dropped: None,
            has_found: true,
            is_kept: false,
        }
    }

    /// Up to where the record can be moved: all before it has an outcome, and nothing
    /// before it was dropped without having been read.
    fn moves_to(&self) -> Option<Arrival> {
        let up_to = self.up_to?;
        let to = self.dropped.map_or(up_to, |dropped| up_to.min(dropped));
        (to > self.record?.from).then_some(to)
    }
}
