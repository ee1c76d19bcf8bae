//! Stored and buffered events become one page. Pure.

use std::collections::HashSet;
use std::sync::Arc;

use super::{MAX_PAGE_BYTES, Page, as_stored};
use crate::event::{Accepted, StoreId};
use crate::store::{JourneyRange, Order, Position, StoredEvent};

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

/// Merges both into one page. `stored` is what a store answers that was asked
/// for more than `limit` events, and `buffered` is in order too; of an event
/// that is in both, the stored one is taken.
///
/// Where the store had more, it has read more than fits on the page, so nothing
/// that it did not read belongs there.
pub fn page(
    stored: Vec<StoredEvent>,
    buffered: &[Arc<Accepted>],
    order: Order,
    limit: usize,
) -> Page {
    let ids: HashSet<StoreId> = stored.iter().map(|event| event.id).collect();
    let mut buffered = buffered
        .iter()
        .filter(|accepted| !ids.contains(&accepted.event.id))
        .map(|accepted| as_stored(accepted))
        .peekable();
    let mut stored = stored.into_iter().peekable();
    let mut page = Page::default();
    let mut bytes = 0;
    loop {
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
            page.next = page.events.last().map(StoredEvent::position);
            return page;
        }
        page.events.push(event);
    }
}
