//! Stored and buffered events become one page. Pure.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use super::{Page, as_stored, compare};
use crate::event::{Accepted, StoreId};
use crate::store::{JourneyRange, Order, Position, StoredEvent};

/// Whether the store would find this event in the range, were it stored.
pub fn is_in_range(accepted: &Accepted, range: &JourneyRange) -> bool {
    let event = &accepted.event;
    let is_after =
        |after: Position| compare(after, position(accepted), range.order) == Ordering::Less;
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
    }
}

/// Merges both into the first `limit` events. `stored` is in order, has no
/// gaps, and ends early only at the end of the range; of an event that is in
/// both, the stored one is taken.
pub fn page(
    stored: Vec<StoredEvent>,
    buffered: &[Arc<Accepted>],
    order: Order,
    limit: usize,
) -> Page {
    let mut events = stored;
    if !buffered.is_empty() {
        add(&mut events, buffered);
        // Stable and made for runs that are sorted already: nearly a plain merge.
        events.sort_by(|left, right| compare(left.position(), right.position(), order));
    }
    let has_more = events.len() > limit;
    events.truncate(limit);
    let next = if has_more {
        events.last().map(StoredEvent::position)
    } else {
        None
    };
    Page { events, next }
}

fn add(events: &mut Vec<StoredEvent>, buffered: &[Arc<Accepted>]) {
    let ids: HashSet<StoreId> = events.iter().map(|event| event.id).collect();
    let extra = buffered
        .iter()
        .filter(|accepted| !ids.contains(&accepted.event.id));
    events.extend(extra.map(|accepted| as_stored(accepted)));
}
