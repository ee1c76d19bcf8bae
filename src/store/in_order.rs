//! The order of a journey, completed where time and arrival leave it open.
//!
//! Stores read a journey in the order of their index: time, then arrival. Events
//! that agree in both, which events of other tools do and those of two instances
//! may, are ordered by id. The id is not in the index, and a database that is
//! to sort by it reads a user's whole range first; but equals lie side by side,
//! so each group of them is put in order here, as it comes.
//!
//! A group has to be read to its end before its first event is known. However
//! large it is, only those of its events are kept that are wanted, and at most
//! twice as many for a moment.

use super::{JourneyRange, MAX_READ_BYTES, Position, StoredEvent};
use crate::event::{Arrival, Timestamp};

/// The events of a range that come first, out of all of them.
///
/// They are handed over in the order of time and arrival, from the place of
/// the range's position on.
pub(super) struct InOrder<'a> {
    range: &'a JourneyRange,
    limit: usize,
    /// Of groups that were read to their end, in order.
    events: Vec<StoredEvent>,
    bytes: usize,
    /// The events at this place so far, in any order.
    group: Vec<StoredEvent>,
    group_bytes: usize,
    place: Option<(Timestamp, Arrival)>,
    /// What of the group comes after this is not wanted: there was no room.
    last_wanted: Option<Position>,
}

impl<'a> InOrder<'a> {
    /// Nothing yet, of at most `limit` events.
    pub fn new(range: &'a JourneyRange, limit: usize) -> Self {
        Self {
            range,
            limit,
            events: Vec::new(),
            bytes: 0,
            group: Vec::new(),
            group_bytes: 0,
            place: None,
            last_wanted: None,
        }
    }

    /// Takes the next event; false when no further one is wanted.
    pub fn take(&mut self, event: StoredEvent) -> bool {
        let place = event.position().place();
        if self.place != Some(place) {
            self.end_group();
            if self.is_full(self.events.len(), self.bytes) {
                return false;
            }
            self.place = Some(place);
        }
        if self.is_wanted(event.position()) {
            self.group_bytes += event.bytes();
            self.group.push(event);
            if self.group.len() / 2 > self.limit || self.group_bytes / 2 > MAX_READ_BYTES {
                self.trim_group();
            }
        }
        true
    }

    /// Forgets the group that is being read, and says where it is: it is read
    /// again from its beginning. `None` where nothing was handed over yet.
    pub fn give_group_back(&mut self) -> Option<(Timestamp, Arrival)> {
        self.group.clear();
        self.group_bytes = 0;
        self.last_wanted = None;
        self.place
    }

    /// The events, when there are no more.
    pub fn finish(mut self) -> Vec<StoredEvent> {
        self.end_group();
        self.events
    }

    fn is_wanted(&self, position: Position) -> bool {
        let order = self.range.order;
        let in_order = |left, right| order.compare(left, right).is_lt();
        self.range.after.is_none_or(|after| in_order(after, position))
            && self.last_wanted.is_none_or(|last| in_order(position, last))
    }

    fn is_full(&self, events: usize, bytes: usize) -> bool {
        events >= self.limit || bytes > MAX_READ_BYTES
    }

    fn end_group(&mut self) {
        self.bytes = self.sort_group();
        self.events.append(&mut self.group);
        self.group_bytes = 0;
        self.last_wanted = None;
    }

    /// Lets those go that come too late in the group to be wanted.
    fn trim_group(&mut self) {
        self.group_bytes = self.sort_group() - self.bytes;
        self.last_wanted = self.group.last().map(StoredEvent::position);
    }

    /// Leaves of the group what there is room for, in order. Answers the bytes
    /// of all events then.
    fn sort_group(&mut self) -> usize {
        let order = self.range.order;
        self.group.sort_unstable_by(|left, right| order.compare(left.position(), right.position()));
        let (mut kept, mut bytes) = (0, self.bytes);
        for event in &self.group {
            if self.is_full(self.events.len() + kept, bytes) {
                break;
            }
            kept += 1;
            bytes += event.bytes();
        }
        self.group.truncate(kept);
        bytes
    }
}

#[cfg(test)]
mod tests;
