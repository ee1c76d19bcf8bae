//! What one user did, in order: stored and waiting events as one list, of the user's
//! own id and of those that are linked to it.
//!
//! **Visible.** An accepted event is in its user's journey from its 202 on while it
//! is in the backlog's head; beyond the head from the moment it is read back, and
//! until then a page says that it may be incomplete.
//!
//! A page is made in this order, which is what makes it whole while writes go
//! on: first the waiting events of its ids are looked up, then the store. An
//! event that is written in between is found in both and shown once; looked up
//! the other way round it could be found in neither.
//!
//! An event may also be waiting while another with its identity, sent before,
//! is stored at another place in the journey. The stored one is the one that
//! stays, so a waiting event is shown only if its identity is not stored.

mod account;
mod around;
pub mod cursor;
pub mod export;
pub mod linked;
mod merge;
pub mod profile;
mod seen;

use std::collections::HashSet;
use std::sync::Arc;

use trailkeep_event::{Accepted, StoreId};
use trailkeep_store::{JourneyRange, Order, Store, StoreError, StoredEvent};

use crate::ingest::Ingest;
pub use account::AccountEvents;
pub use merge::Page;

/// Reads journeys.
pub struct Journeys {
    store: Arc<dyn Store>,
    ingest: Arc<Ingest>,
}

impl Journeys {
    /// A reader of what is in the store and on its way there.
    pub fn new(store: Arc<dyn Store>, ingest: Arc<Ingest>) -> Self {
        Self { store, ingest }
    }

    /// The first events of the range: `limit` of them, or as many as have
    /// [`MAX_PAGE_BYTES`](merge::MAX_PAGE_BYTES) together, but at least one.
    pub async fn page(&self, range: &JourneyRange, limit: usize) -> Result<Page, StoreError> {
        let (waiting, may_be_incomplete) = self.waiting(range);
        let stored = self.store.journey(range, limit).await?;
        // One more than fits tells whether there is a next page.
        let waiting = self.without_repetitions(waiting, range.order, limit + 1).await?;
        let page = merge::page(stored, &waiting, range.order, limit);
        let first = page.events.first().map(StoredEvent::position);
        // What it goes on from was on a page.
        Ok(Page { previous: range.after.and(first), may_be_incomplete, ..page })
    }

    /// What waits of the range, and whether there may be more beyond the backlog's
    /// head.
    fn waiting(&self, range: &JourneyRange) -> (Vec<Arc<Accepted>>, bool) {
        let (mut all, mut may_be_incomplete) = (Vec::new(), false);
        for id in &range.ids {
            let (mut waiting, is_beyond) = self.ingest.of_user(&id.id);
            // Of one that was sent twice the first is stored.
            let mut ids = HashSet::new();
            waiting.retain(|accepted| {
                ids.insert(accepted.event.id) && merge::is_in_range(accepted, id, range)
            });
            all.append(&mut waiting);
            may_be_incomplete |= is_beyond;
        }
        (all, may_be_incomplete)
    }

    /// The first `wanted` of the waiting events, without those that
    /// repeat an event which is stored.
    async fn without_repetitions(
        &self,
        mut waiting: Vec<Arc<Accepted>>,
        order: Order,
        wanted: usize,
    ) -> Result<Vec<Arc<Accepted>>, StoreError> {
        waiting.sort_by(|left, right| order.compare(merge::position(left), merge::position(right)));
        let mut kept = Vec::new();
        for part in waiting.chunks(wanted) {
            let ids: Vec<StoreId> = part.iter().map(|accepted| accepted.event.id).collect();
            let stored = self.store.arrivals(&ids).await?;
            // One that was written since the store was read is stored under
            // its own arrival number, and is not on the page yet: it stays.
            let is_shown = |accepted: &&Arc<Accepted>| {
                let arrival = stored.get(&accepted.event.id);
                arrival.is_none_or(|arrival| *arrival == accepted.arrival)
            };
            kept.extend(part.iter().filter(is_shown).cloned());
            if kept.len() >= wanted {
                break;
            }
        }
        Ok(kept)
    }
}

#[cfg(test)]
pub(crate) mod tests;
