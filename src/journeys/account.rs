//! What the users of one account did, newest first: stored and waiting events as one
//! list, made as a journey's pages are.

use std::collections::HashSet;
use std::sync::Arc;

use trailkeep_store::summaries::AccountStore;
use trailkeep_store::{Order, Position, StoreError};

use super::{Journeys, Page, merge};

/// Reads the events of accounts.
pub struct AccountEvents {
    store: Arc<dyn AccountStore>,
    journeys: Journeys,
}

impl AccountEvents {
    /// A reader of what is in the store, where events have their accounts in an index,
    /// and of what is on its way there.
    pub fn new(store: Arc<dyn AccountStore>, journeys: Journeys) -> Self {
        Self { store, journeys }
    }

    /// The newest events of an account behind a position: `limit` of them, or as many as
    /// a page of a journey has room for.
    pub async fn page(
        &self,
        account_id: &str,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let order = Order::Descending;
        let (mut waiting, may_be_incomplete) = self.journeys.ingest.of_account(account_id);
        // Of one that was sent twice the first is stored, whichever account that names.
        let mut ids = HashSet::new();
        waiting.retain(|accepted| {
            let is_after = |after| order.compare(after, merge::position(accepted)).is_lt();
            ids.insert(accepted.event.id)
                && accepted.event.account_id.as_deref() == Some(account_id)
                && after.is_none_or(is_after)
        });
        let stored = self.store.events(account_id, after, limit).await?;
        // One more than fits tells whether there is a next page.
        let waiting = self.journeys.without_repetitions(waiting, order, limit + 1).await?;
        Ok(Page { may_be_incomplete, ..merge::page(stored, &waiting, order, limit) })
    }
}
