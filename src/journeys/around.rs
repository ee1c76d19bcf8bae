//! Pages that are found otherwise than by going on: the one before a position, and the
//! one around an event.

use trailkeep_event::StoreId;
use trailkeep_store::{Id, JourneyRange, Order, Position, StoreError, StoredEvent};

use super::Journeys;
use super::merge::{self, MAX_PAGE_BYTES, Page};

impl Journeys {
    /// The events of the range that end right before a position, nearest first:
    /// [`Page::turn`] puts them in the order of the range. What is read here is in the
    /// other order, so whoever cuts a page at its end cuts what is farthest.
    ///
    /// # Errors
    ///
    /// As the store's.
    pub async fn page_before(
        &self,
        range: &JourneyRange,
        before: Position,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let order = match range.order {
            Order::Ascending => Order::Descending,
            Order::Descending => Order::Ascending,
        };
        let backwards = JourneyRange { order, after: Some(before), ..range.clone() };
        self.page(&backwards, limit).await
    }

    /// The page in whose middle the event is, with at most `limit` events before and
    /// behind it and itself; where the range leaves it out, the page around its place.
    /// `None` where none of the ids has such an event. Where `range.after` goes on from
    /// is not looked at.
    ///
    /// # Errors
    ///
    /// As the store's.
    pub async fn page_around(
        &self,
        range: &JourneyRange,
        event_id: &str,
        limit: usize,
    ) -> Result<Option<Page>, StoreError> {
        let Some(place) = self.place_of(&range.ids, event_id).await? else {
            return Ok(None);
        };
        let half = limit / 2;
        // One at least, which says whether there is an earlier page.
        let mut before = self.page_before(range, place, half.max(1)).await?;
        // From the nearest on, so that nothing which comes in between is stepped over.
        let after = before.events.first().map(StoredEvent::position);
        let kept = how_many_fit(&before.events, half, MAX_PAGE_BYTES / 2);
        let onwards = JourneyRange { after, ..range.clone() };
        let mut page = self.page(&onwards, limit - kept).await?;
        page.may_be_incomplete |= before.may_be_incomplete;
        if page.events.is_empty() {
            before.turn();
            return Ok(Some(Page { next: None, ..before }));
        }
        let has_earlier = before.next.is_some() || kept < before.events.len();
        before.events.truncate(kept);
        page.put_in_front(before.events);
        page.previous = page.events.first().filter(|_| has_earlier).map(StoredEvent::position);
        Ok(Some(page))
    }

    /// Where the first of these ids that has the event has it: found by its identity,
    /// in the backlog's head or in the store.
    async fn place_of(&self, ids: &[Id], event_id: &str) -> Result<Option<Position>, StoreError> {
        let identities: Vec<StoreId> =
            ids.iter().map(|id| StoreId::derive(&id.id, event_id)).collect();
        // First the backlog, as for a page: in between, an event only leaves it.
        let waiting = ids.iter().zip(&identities).map(|(id, identity)| {
            let waiting = self.ingest.of_user(&id.id).0;
            let event = waiting.iter().find(|accepted| accepted.event.id == *identity);
            event.map(|accepted| merge::position(accepted))
        });
        let waiting: Vec<Option<Position>> = waiting.collect();
        let stored = self.store.positions(&identities).await?;
        let places = identities.iter().zip(waiting).map(|(identity, waiting)| {
            // Of one that is in both, the stored one is shown.
            stored.get(identity).copied().or(waiting)
        });
        let mut of_ids = ids.iter().zip(places);
        Ok(of_ids.find_map(|(id, place)| place.filter(|place| id.holds(&id.id, place.arrival))))
    }
}

/// How many of the first so many events have no more than these bytes.
fn how_many_fit(events: &[StoredEvent], most: usize, max_bytes: usize) -> usize {
    let mut bytes = 0;
    let fitting = events.iter().take(most).take_while(|event| {
        bytes += event.bytes();
        bytes <= max_bytes
    });
    fitting.count()
}
