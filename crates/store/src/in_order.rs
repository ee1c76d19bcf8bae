//! The order of a journey, completed where time and arrival leave it open.
//!
//! Stores read a journey in the order of their index: time, then arrival. Events
//! that agree in both, which events of other tools do and those of two instances
//! may, are ordered by id. The id is not in the index, and a database that is
//! to sort by it reads a user's whole range first; but equals lie side by side,
//! so each group of them is put in order here, as it comes.
//!
//! An account's events are read in the order of time alone, for its index has no
//! arrival: there a group is what happened in one millisecond.
//!
//! A group has to be read to its end before its first event is known. However
//! large it is, only those of its events are kept that are wanted, and at most
//! twice as many for a moment.

use trailkeep_event::{Arrival, Timestamp};

use super::{JourneyPart, JourneyRange, MAX_READ_BYTES, Order, Position, StoredEvent};

/// Events for which there is room from the beginning, if so many are asked for:
/// growing as they come costs a page of 100 some 2 % of its instructions.
const RESERVED: usize = 128;

/// The events of a range that come first, out of all of them.
///
/// They are handed over in the order of an index, from the place of the range's
/// position on.
pub(super) struct InOrder<'a> {
    order: Order,
    after: Option<&'a Position>,
    /// What the index has of a position: equals in that are a group.
    place_of: fn(Position) -> (Timestamp, Arrival),
    limit: usize,
    /// In order, but for those of the group that is being read: the last ones.
    events: Vec<StoredEvent>,
    /// How many of them are of groups that were read to their end.
    settled: usize,
    settled_bytes: usize,
    group_bytes: usize,
    place: Option<(Timestamp, Arrival)>,
    /// What of the group comes after this is not wanted: there was no room.
    last_wanted: Option<Position>,
    has_more: bool,
}

impl<'a> InOrder<'a> {
    /// Nothing yet, of at most `limit` events of a journey.
    pub fn new(range: &'a JourneyRange, limit: usize) -> Self {
        Self::of(range.order, range.after.as_ref(), Position::place, limit)
    }

    /// The same of an account's newest events behind a position, which come in the
    /// order of time alone.
    pub fn of_account(after: Option<&'a Position>, limit: usize) -> Self {
        let time = |position: Position| (position.occurred_at, Arrival::from_i64(0));
        Self::of(Order::Descending, after, time, limit)
    }

    fn of(
        order: Order,
        after: Option<&'a Position>,
        place_of: fn(Position) -> (Timestamp, Arrival),
        limit: usize,
    ) -> Self {
        Self {
            order,
            after,
            place_of,
            limit,
            events: Vec::with_capacity(limit.min(RESERVED)),
            settled: 0,
            settled_bytes: 0,
            group_bytes: 0,
            place: None,
            last_wanted: None,
            has_more: false,
        }
    }

    /// Takes the next event; false when no further one is wanted.
    pub fn take(&mut self, event: StoredEvent) -> bool {
        let position = event.position();
        let place = (self.place_of)(position);
        if self.place != Some(place) {
            self.end_group();
            if self.is_full(self.settled, self.settled_bytes) {
                self.has_more = true;
                return false;
            }
            self.place = Some(place);
        }
        if self.is_wanted(position) {
            self.group_bytes += event.bytes();
            self.events.push(event);
            let group = self.events.len() - self.settled;
            if group / 2 > self.limit || self.group_bytes / 2 > MAX_READ_BYTES {
                self.trim_group();
            }
        }
        true
    }

    /// Forgets the group that is being read, and says where it is: it is read
    /// again from its beginning. `None` where nothing was handed over yet.
    pub fn give_group_back(&mut self) -> Option<(Timestamp, Arrival)> {
        self.events.truncate(self.settled);
        self.group_bytes = 0;
        self.last_wanted = None;
        self.has_more = false;
        self.place
    }

    /// The events, when no further one is wanted or there is none.
    pub fn finish(mut self) -> JourneyPart {
        self.end_group();
        JourneyPart { events: self.events, has_more: self.has_more }
    }

    fn is_wanted(&self, position: Position) -> bool {
        let in_order = |left, right| self.order.compare(left, right).is_lt();
        self.after.is_none_or(|after| in_order(*after, position))
            && self.last_wanted.is_none_or(|last| in_order(position, last))
    }

    fn is_full(&self, events: usize, bytes: usize) -> bool {
        events >= self.limit || bytes > MAX_READ_BYTES
    }

    fn end_group(&mut self) {
        self.sort_group();
        self.settled = self.events.len();
        self.settled_bytes += self.group_bytes;
        self.group_bytes = 0;
        self.last_wanted = None;
    }

    /// Lets those go that come too late in the group to be wanted.
    fn trim_group(&mut self) {
        self.sort_group();
        self.last_wanted = self.events.last().map(StoredEvent::position);
    }

    /// Leaves of the group what there is room for, in order.
    fn sort_group(&mut self) {
        let group = &mut self.events[self.settled..];
        if group.len() < 2 {
            return;
        }
        let order = self.order;
        group.sort_unstable_by(|left, right| order.compare(left.position(), right.position()));
        let (mut end, mut bytes) = (self.settled, self.settled_bytes);
        while end < self.events.len() && !self.is_full(end, bytes) {
            bytes += self.events[end].bytes();
            end += 1;
        }
        self.has_more |= end < self.events.len();
        self.events.truncate(end);
        self.group_bytes = bytes - self.settled_bytes;
    }
}

#[cfg(test)]
mod tests;
