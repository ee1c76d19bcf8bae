//! A part of a journey: one scan of the index, as a rule.
//!
//! What the server is asked for is one event more than is wanted, which says
//! that there are no further equals of the last one, and one more where the
//! range goes on from an event, for that one. So the server closes the cursor
//! with its first answer. Only where equals are cut apart by that, or documents
//! were passed over, is there a second scan, from that group on and as far as
//! it takes.

use std::collections::HashMap;
use std::time::Duration;

use bson::doc;
use bson::raw::RawDocumentBuf;
use futures_util::TryStreamExt as _;
use mongodb::options::{ReadPreference, SelectionCriteria};
use trailkeep_event::{Arrival, StoreId, Timestamp};

use super::connection::{EVENTS, Link};
use super::errors::store_error;
use super::{documents, query};
use crate::in_order::InOrder;
use crate::{JourneyPart, JourneyRange, StoreError};

/// The first events of a range, at least one if there is any. The server works
/// on each scan for at most `timeout`.
pub async fn read(
    link: &Link,
    range: &JourneyRange,
    limit: usize,
    timeout: Duration,
) -> Result<JourneyPart, StoreError> {
    let mut journey = InOrder::new(range, limit);
    let wanted = u32::try_from(limit).unwrap_or(u32::MAX).saturating_add(1);
    let mut scan = Scan {
        link,
        range,
        start: range.after.map(|after| after.place()),
        batch: wanted.saturating_add(u32::from(range.after.is_some())),
        timeout,
    };
    if scan.run(true, &mut journey).await? == Ended::AtItsLimit {
        scan.start = journey.give_group_back().or(scan.start);
        scan.run(false, &mut journey).await?;
    }
    Ok(journey.finish())
}

/// Which of these are stored, and under which arrival numbers.
pub async fn arrivals(
    link: &Link,
    ids: &[StoreId],
) -> Result<HashMap<StoreId, Arrival>, StoreError> {
    let mut cursor = link
        .events::<RawDocumentBuf>()
        .find(query::any_of(ids))
        .projection(doc! { "_id": 1, "arrival": 1 })
        .batch_size(u32::try_from(ids.len()).unwrap_or(u32::MAX - 1) + 1)
        // What decides whether an event is stored must not come from a
        // member that lags behind, whatever the URI prefers for reading.
        .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        .await
        .map_err(|error| store_error(&error))?;
    let mut arrivals = HashMap::with_capacity(ids.len());
    while cursor.advance().await.map_err(|error| store_error(&error))? {
        if let Some((id, arrival)) = documents::read_arrival(cursor.current()) {
            arrivals.insert(id, arrival);
        }
    }
    Ok(arrivals)
}

struct Scan<'a> {
    link: &'a Link,
    range: &'a JourneyRange,
    /// Where it begins.
    start: Option<(Timestamp, Arrival)>,
    /// Documents in one answer of the server.
    batch: u32,
    timeout: Duration,
}

#[derive(PartialEq)]
enum Ended {
    /// There is no more, or no more is wanted.
    Whole,
    /// There may be more.
    AtItsLimit,
}

impl Scan<'_> {
    /// Hands the events over, those of one answer of the server or all.
    async fn run(&self, is_limited: bool, journey: &mut InOrder<'_>) -> Result<Ended, StoreError> {
        let events = self.link.events::<RawDocumentBuf>();
        let mut find = events
            .find(query::filter(self.range, self.start))
            .sort(query::sort(self.range.order))
            // More than the limit, so that the server closes the cursor with
            // its first answer.
            .batch_size(self.batch.saturating_add(1))
            // An event that has left the buffer must be on the page: a member
            // that lags behind may not have it yet.
            .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
            .max_time(self.timeout);
        if is_limited {
            find = find.limit(i64::from(self.batch));
        }
        // The server's answers as they came: a cursor of documents would copy
        // each one out.
        let mut batches = find.batch().await.map_err(|error| store_error(&error))?;
        let mut seen = 0;
        while let Some(batch) = batches.try_next().await.map_err(|error| store_error(&error))? {
            for document in batch.doc_slices().map_err(|error| store_error(&error))? {
                let document = document
                    .map_err(|error| StoreError::Unreadable(error.to_string()))?
                    .as_document()
                    .ok_or_else(|| StoreError::Unreadable("a batch of no documents".to_owned()))?;
                seen += 1;
                if !self.hand_over(document, journey) {
                    return Ok(Ended::Whole);
                }
            }
        }
        if is_limited && seen >= self.batch {
            return Ok(Ended::AtItsLimit);
        }
        Ok(Ended::Whole)
    }

    /// Hands an event over; false when no further one is wanted. A document
    /// that has no place in a journey is passed over.
    fn hand_over(&self, document: &bson::RawDocument, journey: &mut InOrder<'_>) -> bool {
        let user_id = &self.range.user_id;
        match documents::read_event(document, user_id) {
            Ok(event) => journey.take(event),
            Err(fault) => {
                tracing::warn!(
                    user_id,
                    "a document in {EVENTS} is left out of the journey: {fault}"
                );
                true
            }
        }
    }
}
