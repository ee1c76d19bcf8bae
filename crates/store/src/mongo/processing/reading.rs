//! The events themselves, as processing reads them.

use std::time::Duration;

use bson::doc;
use mongodb::error::Error;
use mongodb::options::Hint;
use trailkeep_event::{Arrival, StoreId};

use super::fields::batch_of;
use crate::lowest::Lowest;
use crate::mongo::causal::Call;
use crate::mongo::connection::EVENTS;
use crate::mongo::documents;
use crate::mongo::errors::store_error;
use crate::mongo::layout::{Layout, LayoutInUse, lacks_index};
use crate::mongo::periods::Periods;
use crate::mongo::query;
use crate::processing::FoundEvents;
use crate::{Id, JourneyRange, MAX_READ_BYTES, Order, StoreError};

/// Places in one answer of the server: about half a MiB.
const BATCH: u32 = 10_000;

/// What finds a user's events.
pub struct Source<'a> {
    pub layout: &'a LayoutInUse,
    /// Periods, as far as they are known.
    pub periods: &'a Periods,
    /// How long the server may work on it.
    pub timeout: Duration,
}

/// In the order of their ids, so that where reading ends it is known which were not
/// come to.
pub async fn events(call: &mut Call<'_>, ids: &[StoreId]) -> Result<FoundEvents, StoreError> {
    let collection = call.collection(EVENTS);
    let find =
        collection.find(query::any_of(ids)).sort(doc! { "_id": 1 }).batch_size(batch_of(ids.len()));
    let mut found = FoundEvents::default();
    let mut bytes = 0;
    let read = call.each(find, |document| {
        let user_id = document.get_str("userId").unwrap_or_default();
        match documents::read_event(document, user_id) {
            Ok(event) => {
                bytes += event.bytes();
                found.events.push(event);
            }
            Err(fault) => {
                tracing::warn!(user_id, "a document in {EVENTS} cannot be processed: {fault}");
            }
        }
        bytes <= MAX_READ_BYTES
    });
    read.await.map_err(|error| store_error(&error))?;
    if bytes > MAX_READ_BYTES {
        let last = found.events.last().map(|event| event.id);
        found.left = ids.iter().copied().filter(|id| Some(*id) > last).collect();
    }
    Ok(found)
}

/// By the index of journeys. The server gives the places in the order of that index;
/// sorting them by number would hold all of them.
pub async fn events_from(
    call: &mut Call<'_>,
    source: &Source<'_>,
    user_id: &str,
    from: Arrival,
    limit: usize,
) -> Result<(Vec<(Arrival, StoreId)>, bool), StoreError> {
    for layout in source.layout.candidates() {
        let mut lowest = Lowest::new(limit);
        match scan(call, source, layout, user_id, from, &mut lowest).await {
            Err(error) if lacks_index(&error) => {}
            Err(error) => return Err(store_error(&error)),
            Ok(()) => {
                layout.inspect(|layout| source.layout.set(*layout));
                return Ok(lowest.finish());
            }
        }
    }
    Err(StoreError::Unavailable("the indexes of journeys change all the time".to_owned()))
}

/// By the index of a layout, or, without one, as the server likes.
async fn scan(
    call: &mut Call<'_>,
    source: &Source<'_>,
    layout: Option<Layout>,
    user_id: &str,
    from: Arrival,
    lowest: &mut Lowest,
) -> Result<(), Error> {
    let collection = call.collection(EVENTS);
    let keys = layout.unwrap_or(Layout::ByUser);
    let mut filter = query::filter(&all_of(user_id), None, keys, source.periods);
    // What has no number counts as 0, but `$gte` does not match it.
    if from > Arrival::from_i64(0) {
        filter.insert("arrival", doc! { "$gte": from.as_i64() });
    }
    let mut find = collection
        .find(filter)
        .projection(doc! { "_id": 1, "arrival": 1 })
        .batch_size(BATCH)
        .max_time(source.timeout);
    if layout.is_some() {
        find = find.hint(Hint::Keys(keys.keys()));
    }
    call.each(find, |document| {
        // A document of another tool may have no place, or no identity of ours.
        if let Some(place) = documents::read_place(document).filter(|place| place.0 >= from) {
            lowest.take(place);
        }
        true
    })
    .await
}

fn all_of(user_id: &str) -> JourneyRange {
    JourneyRange {
        ids: vec![Id::whole(user_id)],
        from: None,
        to: None,
        after: None,
        order: Order::Ascending,
        types: Vec::new(),
        session_id: None,
    }
}
