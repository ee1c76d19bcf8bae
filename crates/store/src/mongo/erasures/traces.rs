//! What there is of an id: events, and events that were refused.

use bson::raw::RawDocument;
use bson::{Bson, Document, doc};
use mongodb::error::Error;
use mongodb::options::Hint;
use trailkeep_event::StoreId;

use super::foreign::ForeignIds;
use crate::erasures::Trace;
use crate::mongo::causal::Call;
use crate::mongo::connection::EVENTS;
use crate::mongo::dead_letters::DEAD_LETTERS;
use crate::mongo::documents::own_id;
use crate::mongo::errors::store_error;
use crate::mongo::layout::{Layout, lacks_index};
use crate::mongo::processing::fields::{Fields, batch_of};
use crate::mongo::processing::reading::Source;
use crate::{Id, StoreError};

/// By the index of journeys. Unlike there, nothing has to have a place in one: a document
/// whose time is no date, or whose number is none, goes as well.
pub async fn stored(
    call: &mut Call<'_>,
    source: &Source<'_>,
    foreign: &ForeignIds,
    id: &Id,
    limit: usize,
) -> Result<Vec<Trace>, StoreError> {
    foreign.make_room();
    for layout in source.layout.candidates() {
        match scan(call, source, layout, foreign, id, limit).await {
            Err(error) if lacks_index(&error) => {}
            Err(error) => return Err(store_error(&error)),
            Ok(found) => {
                layout.inspect(|layout| source.layout.set(*layout));
                return Ok(found);
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
    foreign: &ForeignIds,
    id: &Id,
    limit: usize,
) -> Result<Vec<Trace>, Error> {
    let mut wanted = of(id);
    if layout == Some(Layout::ByPeriod) {
        // All of them, and what has none: the server skips from one to the next.
        wanted.insert("period", doc! { "$gte": Bson::MinKey });
    }
    let events = call.collection(EVENTS);
    let mut find = events
        .find(wanted)
        .projection(projection())
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .batch_size(batch_of(limit))
        .max_time(source.timeout);
    if let Some(layout) = layout {
        find = find.hint(Hint::Keys(layout.keys()));
    }
    let mut found = Vec::new();
    call.each(find, |document| {
        if let Ok(Some(id)) = document.get("_id") {
            found.push(trace(own_id(id).unwrap_or_else(|| foreign.name(id)), document));
        }
        true
    })
    .await?;
    Ok(found)
}

/// Nobody but us puts letters there: one without an id of ours cannot be listed either.
pub async fn letters(call: &mut Call<'_>, id: &Id, limit: usize) -> Result<Vec<Trace>, StoreError> {
    let letters = call.collection(DEAD_LETTERS);
    let find = letters
        .find(of(id))
        .projection(projection())
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .batch_size(batch_of(limit));
    let mut found = Vec::new();
    let read = call.each(find, |document| {
        let id = Fields::of(document, DEAD_LETTERS).get("_id", own_id);
        found.push(id.map(|id| trace(id, document)));
        true
    });
    read.await.map_err(|error| store_error(&error))?;
    found.into_iter().collect()
}

/// The documents of an id. What has no number arrived before any, but `$lt` does not match
/// it.
pub fn of(id: &Id) -> Document {
    let mut of = doc! { "userId": &id.id };
    if let Some(until) = id.until {
        of.insert("arrival", doc! { "$not": { "$gte": until.as_i64() } });
    }
    of
}

fn projection() -> Document {
    doc! { "_id": 1, "anonymousId": 1, "sessionId": 1 }
}

fn trace(id: StoreId, document: &RawDocument) -> Trace {
    let text = |key| document.get_str(key).ok().map(Box::from);
    Trace { id, anonymous_id: text("anonymousId"), session_id: text("sessionId") }
}
