//! The collections `processedEvents` and `processedEvents.NAME`: what became of each
//! event.
//!
//! The `_id` is the event's, which makes the outcome one. `receivedAt` is there for the
//! index that deletes it; an outcome whose event is gone has the time at which that was
//! found.

use std::cmp::Reverse;
use std::collections::HashMap;

use bson::raw::{RawDocument, RawDocumentBuf, cstr};
use bson::{Document, RawBsonRef, doc, rawdoc};
use mongodb::options::Hint;
use trailkeep_event::{Arrival, Payload, StoreId, Timestamp};

use super::fields::{self, Fields, batch_of, to_i64, to_id, to_moment, to_text, to_unsigned};
use crate::mongo::causal::Call;
use crate::mongo::commands::{in_commands, size};
use crate::mongo::errors::store_error;
use crate::mongo::query::any_of;
use crate::processing::{Processed, ProcessedEvent, ProcessedState, as_signed};
use crate::{Outcome, StoreError};

/// The collection of the processor called `default`, and what others begin with.
pub const OUTCOMES: &str = "processedEvents";

/// The processor that needs no name.
const DEFAULT: &str = "default";

/// The collection of a processor.
pub fn outcomes_of(name: &str) -> String {
    if name == DEFAULT { OUTCOMES.to_owned() } else { format!("{OUTCOMES}.{name}") }
}

/// Whose collection it is.
pub fn processor_of(collection: &str) -> Option<&str> {
    match collection.strip_prefix(OUTCOMES)? {
        "" => Some(DEFAULT),
        name => name.strip_prefix('.'),
    }
}

pub async fn states(
    call: &mut Call<'_>,
    name: &str,
    ids: &[StoreId],
) -> Result<HashMap<StoreId, (u32, ProcessedState)>, StoreError> {
    let collection = outcomes_of(name);
    let outcomes = call.collection(&collection);
    let find = outcomes
        .find(any_of(ids))
        .projection(doc! { "_id": 1, "run": 1, "state": 1 })
        .batch_size(batch_of(ids.len()));
    let mut found = Vec::with_capacity(ids.len());
    let read = call.each(find, |document| {
        let fields = Fields::of(document, &collection);
        let read = || Ok((read_id(fields)?, (read_run(fields)?, read_state(fields)?)));
        found.push(read());
        true
    });
    read.await.map_err(|error| store_error(&error))?;
    found.into_iter().collect()
}

/// First runs are inserted, as nearly all are. What is there already, and any other
/// run, may take the place of what is there.
///
/// Where nothing is there at first, and a lower run comes at the same moment, the `_id`
/// refuses the higher one, which finds the other a second time. A first run need not
/// look again: what made its insert a duplicate was there before.
pub async fn record(
    call: &mut Call<'_>,
    name: &str,
    outcomes: &[Processed],
) -> Result<Vec<Outcome>, StoreError> {
    let collection = outcomes_of(name);
    let mut kept = vec![Outcome::Duplicate; outcomes.len()];
    for group in groups(outcomes, |_, outcome| outcome.run == 0)? {
        let (places, documents): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let verdicts = call.insert(&collection, documents).await?;
        places.into_iter().zip(verdicts).for_each(|(place, verdict)| kept[place] = verdict);
    }
    for first in [0, 1] {
        let may_be_kept = |place: usize, outcome: &Processed| {
            kept[place] == Outcome::Duplicate && outcome.run >= first
        };
        for group in groups(outcomes, may_be_kept)? {
            let mut places = Vec::with_capacity(group.len());
            let mut statements = Vec::with_capacity(group.len());
            for (place, document) in group {
                places.push(place);
                statements.push(in_the_place_of_another(&outcomes[place], document)?);
            }
            let verdicts = call.upsert(&collection, statements).await?;
            places.into_iter().zip(verdicts).for_each(|(place, verdict)| kept[place] = verdict);
        }
    }
    Ok(kept)
}

/// The documents of some outcomes, with their places, in groups of which each goes into
/// one command.
fn groups(
    outcomes: &[Processed],
    is_wanted: impl Fn(usize, &Processed) -> bool,
) -> Result<Vec<Vec<(usize, RawDocumentBuf)>>, StoreError> {
    let wanted = outcomes.iter().enumerate().filter(|(place, outcome)| is_wanted(*place, outcome));
    let made = wanted.map(|(place, outcome)| Ok((place, document(outcome)?)));
    in_commands(made, |(_, document)| size(document))
}

/// In that of a lower run, or of a pending one of the same run.
fn in_the_place_of_another(
    outcome: &Processed,
    document: RawDocumentBuf,
) -> Result<RawDocumentBuf, StoreError> {
    let run = i64::from(outcome.run);
    let other = fields::raw(&doc! {
        "_id": fields::id(&outcome.id),
        "$or": [
            { "run": { "$lt": run } },
            { "run": run, "state": ProcessedState::Pending.word() },
        ],
    })?;
    Ok(rawdoc! { "q": other, "u": document, "upsert": true })
}

pub async fn whole(
    call: &mut Call<'_>,
    name: &str,
    ids: &[StoreId],
) -> Result<HashMap<StoreId, Processed>, StoreError> {
    let collection = outcomes_of(name);
    let outcomes = call.collection(&collection);
    let find = outcomes.find(any_of(ids)).batch_size(batch_of(ids.len()));
    let mut found = Vec::with_capacity(ids.len());
    let read = call.each(find, |document| {
        found.push(read(document, &collection).map(|outcome| (outcome.id, outcome)));
        true
    });
    read.await.map_err(|error| store_error(&error))?;
    found.into_iter().collect()
}

/// By the index that has nothing else.
pub async fn failed(call: &mut Call<'_>, name: &str) -> Result<u64, StoreError> {
    let outcomes = call.collection(&outcomes_of(name));
    let failed = doc! { "state": ProcessedState::Failed.word() };
    let count = outcomes.count_documents(failed).session(call.session()).await;
    count.map_err(|error| store_error(&error))
}

/// By the same index, which has no order among those that share their time. So the
/// page begins with the rest of such a group, goes on in the order of the index, and
/// where that ends within a group, the first of all of that group take its place.
pub async fn failed_page(
    call: &mut Call<'_>,
    name: &str,
    after: Option<(Timestamp, StoreId)>,
    limit: usize,
) -> Result<Vec<Processed>, StoreError> {
    let collection = outcomes_of(name);
    let mut page = match after {
        None => Vec::new(),
        Some((at, id)) => {
            let rest = doc! { "processedAt": fields::date(at), "_id": { "$lt": fields::id(&id) } };
            failed_by(call, &collection, rest, doc! { "_id": -1 }, limit).await?
        }
    };
    let wanted = limit - page.len();
    let older = match after {
        None => doc! {},
        Some((at, _)) => doc! { "processedAt": { "$lt": fields::date(at) } },
    };
    page.extend(failed_by(call, &collection, older, doc! { "processedAt": -1 }, wanted).await?);
    // Shorter than the limit, nothing is behind it.
    if wanted > 0
        && page.len() == limit
        && let Some(last) = page.last().map(|outcome| outcome.processed_at)
    {
        page.truncate(page.partition_point(|outcome| outcome.processed_at > last));
        let group = doc! { "processedAt": fields::date(last) };
        let wanted = limit - page.len();
        page.extend(failed_by(call, &collection, group, doc! { "_id": -1 }, wanted).await?);
    }
    // The groups that the index has in an order of its own are whole by now.
    page.sort_by_key(|outcome| Reverse((outcome.processed_at, outcome.id)));
    Ok(page)
}

/// Failed ones by their index: the server might think that `_id` is shorter.
async fn failed_by(
    call: &mut Call<'_>,
    collection: &str,
    mut filter: Document,
    order: Document,
    limit: usize,
) -> Result<Vec<Processed>, StoreError> {
    // To the server, 0 is no limit.
    if limit == 0 {
        return Ok(Vec::new());
    }
    filter.insert("state", ProcessedState::Failed.word());
    let outcomes = call.collection(collection);
    let find = outcomes
        .find(filter)
        .sort(order)
        .hint(Hint::Keys(failed_keys()))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .batch_size(batch_of(limit));
    let mut found = Vec::new();
    let read = call.each(find, |document| {
        found.push(read(document, collection));
        true
    });
    read.await.map_err(|error| store_error(&error))?;
    found.into_iter().collect()
}

/// The keys of the index of what failed.
pub fn failed_keys() -> Document {
    doc! { "state": 1, "processedAt": 1 }
}

pub fn document(outcome: &Processed) -> Result<RawDocumentBuf, StoreError> {
    let mut document = doc! { "_id": fields::id(&outcome.id), "run": i64::from(outcome.run) };
    let received_at = match &outcome.event {
        Some(event) => {
            document.extend(doc! {
                "eventId": &*event.event_id,
                "userId": &*event.user_id,
                "type": &*event.kind,
                "occurredAt": fields::date(event.occurred_at),
            });
            event.received_at
        }
        None => outcome.processed_at,
    };
    document.extend(doc! {
        "receivedAt": fields::date(received_at),
        "arrival": outcome.arrival.as_i64(),
        "state": outcome.state.word(),
        "processedAt": fields::date(outcome.processed_at),
        "processingDurationMs": i64::from(outcome.duration_ms),
        "waitedMs": as_signed(outcome.waited_ms),
        "attempts": i64::from(outcome.attempts),
    });
    if let Some(status) = outcome.http_status {
        document.insert("httpStatus", i32::from(status));
    }
    if let Some(error) = &outcome.error {
        document.insert("error", &**error);
    }
    let mut document = fields::raw(&document)?;
    if let Some(result) = &outcome.result {
        let result = RawDocument::from_bytes(result.as_bson())
            .map_err(|error| StoreError::Unreadable(error.to_string()))?;
        document.append(cstr!("result"), result);
    }
    Ok(document)
}

fn read(document: &RawDocument, collection: &str) -> Result<Processed, StoreError> {
    let fields = Fields::of(document, collection);
    let to_payload = |value: RawBsonRef<'_>| Payload::from_bson(value.as_document()?.as_bytes());
    Ok(Processed {
        id: read_id(fields)?,
        run: read_run(fields)?,
        event: read_event(fields)?,
        arrival: fields.get("arrival", |value| to_i64(value).map(Arrival::from_i64))?,
        state: read_state(fields)?,
        processed_at: fields.get("processedAt", to_moment)?,
        duration_ms: fields.get("processingDurationMs", to_unsigned)?,
        waited_ms: fields.get("waitedMs", to_unsigned)?,
        attempts: fields.get("attempts", to_unsigned)?,
        http_status: fields.optional("httpStatus", to_unsigned)?,
        result: fields.optional("result", to_payload)?,
        error: fields.optional("error", to_text)?,
    })
}

fn read_event(fields: Fields<'_>) -> Result<Option<ProcessedEvent>, StoreError> {
    let Some(event_id) = fields.optional("eventId", to_text)? else { return Ok(None) };
    Ok(Some(ProcessedEvent {
        event_id,
        user_id: fields.get("userId", to_text)?,
        kind: fields.get("type", to_text)?,
        occurred_at: fields.get("occurredAt", to_moment)?,
        received_at: fields.get("receivedAt", to_moment)?,
    }))
}

fn read_id(fields: Fields<'_>) -> Result<StoreId, StoreError> {
    fields.get("_id", to_id)
}

fn read_run(fields: Fields<'_>) -> Result<u32, StoreError> {
    fields.get("run", to_unsigned)
}

fn read_state(fields: Fields<'_>) -> Result<ProcessedState, StoreError> {
    fields.get("state", |value| ProcessedState::from_word(value.as_str()?))
}
