//! Stored and buffered events become one page. Pure.

use std::collections::HashSet;
use std::sync::Arc;

use super::{MAX_PAGE_BYTES, Page, as_stored};
use crate::event::{Accepted, StoreId};
use crate::store::{JourneyPart, JourneyRange, Order, Position, StoredEvent};

/// Whether the store would find this event in the range, were it stored.
pub fn is_in_range(accepted: &Accepted, range: &JourneyRange) -> bool {
    let event = &accepted.event;
    let is_after = |after: Position| range.order.compare(after, position(accepted)).is_lt();
    *event.user_id == *range.user_id
        && range.from.is_none_or(|from| event.occurred_at >= from)
        && range.to.is_none_or(|to| event.occurred_at <= to)
        && range.after.is_none_or(is_after)
        && (range.types.is_empty() || range.types.iter().any(|kind| **kind == *event.kind))
        && (range.session_id.is_none()
            || range.session_id.as_deref() == event.session_id.as_deref())
}

/// The place of a buffered event.
pub fn position(accepted: &Accepted) -> Position {
    Position {
        occurred_at: accepted.event.occurred_at,
        arrival: accepted.arrival,
        id: accepted.event.id,
    }
}

/// Merges both into one page. `buffered` is in order, as `stored` is; of an event
/// that is in both, the stored one is taken.
///
/// Where the store has more than it read, the page ends with what it read:
/// nothing says on which side of the next stored event a buffered one belongs.
pub fn page(stored: JourneyPart, buffered: &[Arc<Accepted>], order: Order, limit: usize) -> Page {
    let has_more = stored.has_more;
    let ids: HashSet<StoreId> = stored.events.iter().map(|event| event.id).collect();
    let mut buffered = buffered
        .iter()
        .filter(|accepted| !ids.contains(&accepted.event.id))
        .map(|accepted| as_stored(accepted))
        .peekable();
    let mut stored = stored.events.into_iter().peekable();
    let mut page = Page::default();
    let mut bytes = 0;
    while !has_more || stored.peek().is_some() {
        let from_buffer = match (stored.peek(), buffered.peek()) {
            (Some(stored), Some(buffered)) => {
                order.compare(buffered.position(), stored.position()).is_lt()
            }
            (stored, _) => stored.is_none(),
        };
        let next = if from_buffer { buffered.next() } else { stored.next() };
        let Some(event) = next else { return page };
        bytes += event.bytes();
        if page.events.len() == limit || (bytes > MAX_PAGE_BYTES && !page.events.is_empty()) {
            break;
        }
        page.events.push(event);
    }
    page.next = page.events.last().map(StoredEvent::position);
    page
}
