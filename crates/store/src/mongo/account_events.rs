//! An account's newest events: one scan of the index that answers for accounts, and a
//! second one where equals are cut apart, as of a [journey](super::journey).

use std::time::Duration;

use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{DateTime, doc};
use mongodb::options::{Hint, ReadPreference, SelectionCriteria};
use trailkeep_event::Timestamp;

use super::connection::{EVENTS, Link};
use super::documents;
use super::errors::store_error;
use super::indexes;
use crate::in_order::InOrder;
use crate::{JourneyPart, Position, StoreError};

/// Which events are wanted.
pub struct Newest<'a> {
    pub account_id: &'a str,
    /// Only what comes behind this.
    pub after: Option<Position>,
    /// How long the server may work on each scan.
    pub timeout: Duration,
}

impl Newest<'_> {
    /// Those that come first, at least one if there is any.
    pub async fn read(&self, link: &Link, limit: usize) -> Result<JourneyPart, StoreError> {
        let mut newest = InOrder::of_account(self.after.as_ref(), limit);
        let latest = self.after.map(|after| after.occurred_at);
        // One more says that no equals of the last one follow, and one is where it goes on.
        let batch = u32::try_from(limit)
            .unwrap_or(u32::MAX)
            .saturating_add(1 + u32::from(self.after.is_some()));
        let scan = Scan { link, latest, batch };
        if self.hand_over(&scan, true, &mut newest).await? {
            let group = newest.give_group_back().map(|(time, _)| time);
            let rest = Scan { latest: group.or(latest), ..scan };
            self.hand_over(&rest, false, &mut newest).await?;
        }
        Ok(newest.finish())
    }

    /// Hands the events of a scan over, as many as one answer of the server has, or all.
    /// Answers whether there may be more that are wanted.
    async fn hand_over(
        &self,
        scan: &Scan<'_>,
        is_limited: bool,
        newest: &mut InOrder<'_>,
    ) -> Result<bool, StoreError> {
        let date = |time: Timestamp| DateTime::from_millis(time.as_millis());
        let ends = [i64::MIN, i64::MAX].map(Timestamp::from_millis_clamped);
        let latest = scan.latest.unwrap_or(ends[1]);
        let time = doc! { "$gte": date(ends[0]), "$lte": date(latest) };
        let events = scan.link.events::<RawDocumentBuf>();
        let mut find = events
            .find(doc! { "accountId": self.account_id, "occurredAt": time })
            .sort(doc! { "occurredAt": -1 })
            .hint(Hint::Keys(indexes::account_keys()))
            // More than the limit, so that the server closes the cursor with its first
            // answer.
            .batch_size(scan.batch.saturating_add(1))
            // An event that has left the backlog must be on the page: a member that lags
            // behind may not have it yet.
            .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
            .max_time(self.timeout);
        if is_limited {
            find = find.limit(i64::from(scan.batch));
        }
        let mut cursor = find.await.map_err(|error| store_error(&error))?;
        let mut seen = 0;
        while cursor.advance().await.map_err(|error| store_error(&error))? {
            seen += 1;
            if !take(cursor.current(), newest) {
                return Ok(false);
            }
        }
        Ok(is_limited && seen >= scan.batch)
    }
}

#[derive(Clone, Copy)]
struct Scan<'a> {
    link: &'a Link,
    /// Nothing that happened after this.
    latest: Option<Timestamp>,
    /// Documents in one answer of the server.
    batch: u32,
}

/// Hands an event over; false when no further one is wanted. A document that has no place
/// in the order is passed over.
fn take(document: &RawDocument, newest: &mut InOrder<'_>) -> bool {
    let user_id = document.get_str("userId").unwrap_or_default();
    match documents::read_event(document, user_id) {
        Ok(event) => newest.take(event),
        Err(fault) => {
            tracing::warn!(
                user_id,
                "a document in {EVENTS} is left out of an account's events: {fault}"
            );
            true
        }
    }
}
