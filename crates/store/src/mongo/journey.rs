//! A part of a journey: one query by the index, as a rule.
//!
//! The scan is told which index it is to use, so that the server need not think
//! about it; and where that index has gone, for another one took its place, it is
//! run again by the other.
//!
//! What the server is asked for is one event more than is wanted, which says
//! that there are no further equals of the last one, and one more where the
//! range goes on from an event, for that one. So the server closes the cursor
//! with its first answer. Only where equals are cut apart by that, or documents
//! were passed over, is there a second scan, from that group on and as far as
//! it takes.

use std::collections::HashMap;
use std::time::Duration;

use bson::raw::{RawDocument, RawDocumentBuf};
use bson::{Document, doc};
use futures_util::TryStreamExt as _;
use mongodb::error::Error;
use mongodb::options::{Hint, ReadPreference, SelectionCriteria};
use trailkeep_event::{Arrival, StoreId, Timestamp};

use super::connection::{EVENTS, Link};
use super::errors::store_error;
use super::layout::{Layout, LayoutInUse, lacks_index};
use super::periods::Periods;
use super::{documents, query};
use crate::in_order::InOrder;
use crate::{JourneyPart, JourneyRange, Position, StoreError};

/// What a journey is read from.
pub struct Source<'a> {
    pub link: &'a Link,
    /// Periods, as far as they are known.
    pub periods: &'a Periods,
    pub layout: &'a LayoutInUse,
    /// How long the server may work on each scan.
    pub timeout: Duration,
}

/// The first events of a range, at least one if there is any.
pub async fn read(
    source: &Source<'_>,
    range: &JourneyRange,
    limit: usize,
) -> Result<JourneyPart, StoreError> {
    for layout in source.layout.candidates() {
        match read_by(source, layout, range, limit).await {
            Err(ScanError::LacksIndex) => {}
            Err(ScanError::Store(error)) => return Err(error),
            Ok(part) => {
                layout.inspect(|layout| source.layout.set(*layout));
                return Ok(part);
            }
        }
    }
    Err(StoreError::Unavailable("the indexes of journeys change all the time".to_owned()))
}

/// The same by the index of a layout, or, without one, as the server likes.
async fn read_by(
    source: &Source<'_>,
    layout: Option<Layout>,
    range: &JourneyRange,
    limit: usize,
) -> Result<JourneyPart, ScanError> {
    let mut journey = InOrder::new(range, limit);
    let wanted = u32::try_from(limit).unwrap_or(u32::MAX).saturating_add(1);
    let mut scan = Scan {
        source,
        layout,
        range,
        start: range.after.map(|after| after.place()),
        batch: wanted.saturating_add(u32::from(range.after.is_some())),
    };
    if scan.run(true, &mut journey).await? == Ended::AtItsLimit {
        scan.start = journey.give_group_back().or(scan.start);
        scan.run(false, &mut journey).await?;
    }
    Ok(journey.finish())
}

/// Why a scan gave nothing.
enum ScanError {
    /// Its index is not there.
    LacksIndex,
    Store(StoreError),
}

impl From<Error> for ScanError {
    fn from(error: Error) -> Self {
        if lacks_index(&error) { Self::LacksIndex } else { Self::Store(store_error(&error)) }
    }
}

/// Which of these are stored, and under which arrival numbers.
pub async fn arrivals(
    link: &Link,
    ids: &[StoreId],
) -> Result<HashMap<StoreId, Arrival>, StoreError> {
    by_identity(link, ids, doc! { "_id": 1, "arrival": 1 }, documents::read_arrival).await
}

/// Which of these are stored, and where in a journey.
pub async fn positions(
    link: &Link,
    ids: &[StoreId],
) -> Result<HashMap<StoreId, Position>, StoreError> {
    let projection = doc! { "_id": 1, "occurredAt": 1, "arrival": 1 };
    by_identity(link, ids, projection, |document| {
        documents::read_position(document).map(|position| (position.id, position))
    })
    .await
}

/// What is read of the documents with these identities.
async fn by_identity<T>(
    link: &Link,
    ids: &[StoreId],
    projection: Document,
    read: impl Fn(&RawDocument) -> Option<(StoreId, T)>,
) -> Result<HashMap<StoreId, T>, StoreError> {
    let mut cursor = link
        .events::<RawDocumentBuf>()
        .find(query::any_of(ids))
        .projection(projection)
        .batch_size(u32::try_from(ids.len()).unwrap_or(u32::MAX - 1) + 1)
        // What decides whether an event is stored must not come from a
        // member that lags behind, whatever the URI prefers for reading.
        .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
        .await
        .map_err(|error| store_error(&error))?;
    let mut found = HashMap::with_capacity(ids.len());
    while cursor.advance().await.map_err(|error| store_error(&error))? {
        found.extend(read(cursor.current()));
    }
    Ok(found)
}

struct Scan<'a> {
    source: &'a Source<'a>,
    layout: Option<Layout>,
    range: &'a JourneyRange,
    /// Where it begins.
    start: Option<(Timestamp, Arrival)>,
    /// Documents in one answer of the server.
    batch: u32,
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
    async fn run(&self, is_limited: bool, journey: &mut InOrder<'_>) -> Result<Ended, ScanError> {
        let Source { link, periods, timeout, .. } = self.source;
        let layout = self.layout.unwrap_or(Layout::ByUser);
        let events = link.events::<RawDocumentBuf>();
        let mut find = events
            .find(query::filter(self.range, self.start, layout, periods))
            .sort(query::sort(self.range.order, layout))
            // More than the limit, so that the server closes the cursor with
            // its first answer.
            .batch_size(self.batch.saturating_add(1))
            // An event that has left the buffer must be on the page: a member
            // that lags behind may not have it yet.
            .selection_criteria(SelectionCriteria::ReadPreference(ReadPreference::Primary))
            .max_time(*timeout);
        if self.layout.is_some() {
            find = find.hint(Hint::Keys(layout.keys()));
        }
        if is_limited {
            find = find.limit(i64::from(self.batch));
        }
        // The server's answers as they came: a cursor of documents would copy
        // each one out.
        let mut batches = find.batch().await?;
        let mut seen = 0;
        while let Some(batch) = batches.try_next().await? {
            for document in batch.doc_slices()? {
                let document = document
                    .map_err(|error| unreadable(error.to_string()))?
                    .as_document()
                    .ok_or_else(|| unreadable("a batch of no documents".to_owned()))?;
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
    fn hand_over(&self, document: &RawDocument, journey: &mut InOrder<'_>) -> bool {
        let user_id = match &*self.range.ids {
            [id] => &id.id,
            _ => document.get_str("userId").unwrap_or_default(),
        };
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

fn unreadable(fault: String) -> ScanError {
    ScanError::Store(StoreError::Unreadable(fault))
}
