//! When an id was seen last, to the event: its row is written once an hour only.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use trailkeep_event::Timestamp;
use trailkeep_store::{Id, JourneyRange, Order, StoreError};

use super::Journeys;

/// Reads side by side, each of one event.
const AT_ONCE: usize = 8;

impl Journeys {
    /// The newest event of each of these ids, which was seen at that time at the least. So
    /// little is read, because little is newer than that.
    ///
    /// # Errors
    ///
    /// As the store's.
    pub async fn last_seen(
        &self,
        rows: Vec<(String, Timestamp)>,
    ) -> Result<Vec<Timestamp>, StoreError> {
        let reads = rows.into_iter().map(async |(id, at_least)| {
            let whole = JourneyRange::whole(vec![Id::whole(&*id)], Order::Descending);
            let range = JourneyRange { from: Some(at_least), ..whole };
            let page = self.page(&range, 1).await?;
            let newest = page.events.first().map(|event| event.occurred_at.min(event.received_at));
            Ok(newest.map_or(at_least, |newest| newest.max(at_least)))
        });
        stream::iter(reads).buffered(AT_ONCE).try_collect().await
    }
}
