//! Stored and waiting events become one page. Pure.

use std::collections::HashSet;
use std::sync::Arc;

use trailkeep_event::{Accepted, StoreId};
use trailkeep_store::{Id, JourneyPart, JourneyRange, Order, Position, StoredEvent};

/// Bytes of events at which a page ends. A store reads as far, and to the end of
/// the event that goes beyond.
pub const MAX_PAGE_BYTES: usize = trailkeep_store::MAX_READ_BYTES;

/// A part of a journey.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Page {
    /// The events, in the order asked for.
    pub events: Vec<StoredEvent>,
    /// Where the next page begins; `None` when this is the last.
    pub next: Option<Position>,
    /// Where the page before ends; `None` when nothing is before this one.
    pub previous: Option<Position>,
    /// Accepted events lay beyond the backlog's head, where nobody can look them
    /// up by user: some of this one's may be missing.
    pub may_be_incomplete: bool,
}

impl Page {
    /// Makes of what was read in the other order, from a position on, the page that
    /// ends there.
    pub fn turn(&mut self) {
        self.events.reverse();
        self.previous = self.next.take();
        self.next = self.events.last().map(StoredEvent::position);
    }

    /// Puts events in front, of which the nearest is the first, and ends the page where
    /// that makes it too large: with one of its own events at least.
    pub fn put_in_front(&mut self, mut nearest_first: Vec<StoredEvent>) {
        let events = nearest_first.iter().chain(&self.events);
        let mut bytes: usize = events.map(StoredEvent::bytes).sum();
        while bytes > MAX_PAGE_BYTES && self.events.len() > 1 {
            bytes -= self.events.pop().map_or(0, |event| event.bytes());
            self.next = self.events.last().map(StoredEvent::position);
        }
        nearest_first.reverse();
        nearest_first.append(&mut self.events);
        self.events = nearest_first;
    }
}

/// Whether the store would find this event of one of its ids in the range, were it
/// stored.
pub fn is_in_range(accepted: &Accepted, id: &Id, range: &JourneyRange) -> bool {
    let event = &accepted.event;
    let is_after = |after: Position| range.order.compare(after, position(accepted)).is_lt();
    id.holds(&event.user_id, accepted.arrival)
        && range.from.is_none_or(|from| event.occurred_at >= from)
        && range.to.is_none_or(|to| event.occurred_at <= to)
        && range.after.is_none_or(is_after)
        && (range.types.is_empty() || range.types.iter().any(|kind| **kind == *event.kind))
        && (range.session_id.is_none()
            || range.session_id.as_deref() == event.session_id.as_deref())
}

/// The place of a waiting event.
pub fn position(accepted: &Accepted) -> Position {
    Position {
        occurred_at: accepted.event.occurred_at,
        arrival: accepted.arrival,
        id: accepted.event.id,
    }
}

/// Stored and waiting events as one page of at most `limit`.
pub fn page(stored: JourneyPart, waiting: &[Arc<Accepted>], order: Order, limit: usize) -> Page {
    // As a rule nothing is waiting.
    let JourneyPart { mut events, mut has_more } =
        if waiting.is_empty() { stored } else { merged(stored, waiting, order, limit) };
    let bytes: usize = events.iter().map(StoredEvent::bytes).sum();
    if bytes > MAX_PAGE_BYTES && events.len() > 1 {
        // Without it they had room, or it would not have been read.
        events.pop();
        has_more = true;
    }
    let next = has_more.then(|| events.last().map(StoredEvent::position)).flatten();
    Page { events, next, previous: None, may_be_incomplete: false }
}

/// What a store that had both would answer. Both are in order; of an event that is
/// in both, the stored one is taken.
///
/// Where the store has more than it read, this ends with what it read: nothing says
/// on which side of the next stored event a waiting one belongs.
fn merged(
    stored: JourneyPart,
    waiting: &[Arc<Accepted>],
    order: Order,
    limit: usize,
) -> JourneyPart {
    let JourneyPart { events, has_more } = stored;
    let ids: HashSet<StoreId> = events.iter().map(|event| event.id).collect();
    let is_buffered_alone = |accepted: &&Arc<Accepted>| !ids.contains(&accepted.event.id);
    let waiting = waiting.iter().filter(is_buffered_alone);
    let mut waiting = waiting.map(|accepted| StoredEvent::from(&**accepted)).peekable();
    let mut stored = events.into_iter().peekable();
    let mut part = JourneyPart { events: Vec::new(), has_more: true };
    let mut bytes = 0;
    while part.events.len() < limit && bytes <= MAX_PAGE_BYTES {
        let next = match (stored.peek(), waiting.peek()) {
            (None, _) if has_more => return part,
            (None, None) => return JourneyPart { has_more: false, ..part },
            (Some(stored_event), Some(buffered_event))
                if order.compare(stored_event.position(), buffered_event.position()).is_lt() =>
            {
                stored.next()
            }
            (_, Some(_)) => waiting.next(),
            (Some(_), None) => stored.next(),
        };
        bytes += next.as_ref().map_or(0, StoredEvent::bytes);
        part.events.extend(next);
    }
    part.has_more = has_more || stored.peek().is_some() || waiting.peek().is_some();
    part
}
