//! What is kept for processors of erased ids, beside outcomes: entries of feeds, records of
//! users whose events wait in the store, what people asked for, and what was published.

use std::collections::HashMap;

use serde_json::Value;
use trailkeep_delivery::{DocumentId, ParkRecord, UserKey, feed};
use trailkeep_event::Arrival;
use trailkeep_store::StoreError;
use trailkeep_store::erasures::{Erasure, ErasureStore};
use trailkeep_store::processing::{Command, FeedDocument, ProcessingStore, Processor};

use super::named;

/// Documents of a feed that are read at once: 20 KB each.
const DOCUMENTS: usize = 8;

/// Clears all of it. Answers how many entries of feeds there were.
///
/// # Errors
///
/// Those of the store. It may be done again.
pub async fn clear(
    store: &dyn ErasureStore,
    processing: &dyn ProcessingStore,
    erasure: &Erasure,
) -> Result<u64, StoreError> {
    let ids: Vec<_> = erasure.ids.iter().filter_map(named).collect();
    let mut gone = 0;
    if ids.is_empty() {
        return Ok(gone);
    }
    for processor in processing.processors().await? {
        let untils = ids.iter().filter_map(|id| Some((id.id.as_str(), id.until?)));
        let untils: Vec<(&str, Arrival)> = untils.collect();
        let keys = untils.iter().map(|(id, until)| (processor.key_of(id), *until)).collect();
        gone += entries(store, processing, &processor, &keys).await?;
        for command in processing.commands(&processor.name).await? {
            if untils.iter().any(|(id, _)| names(&command, id)) {
                store.remove_command(command.id).await?;
            }
        }
        store.unpublish(&processor.name).await?;
    }
    Ok(gone)
}

async fn entries(
    store: &dyn ErasureStore,
    processing: &dyn ProcessingStore,
    processor: &Processor,
    keys: &HashMap<UserKey, Arrival>,
) -> Result<u64, StoreError> {
    let mut gone = 0;
    for first in processing.feeding(&processor.name).await? {
        let mut next = first;
        loop {
            let documents = processing.documents(&processor.name, next, DOCUMENTS).await?;
            let Some(last) = documents.last() else { break };
            next = DocumentId { number: last.id.number + 1, ..last.id };
            for document in &documents {
                let Some(entries) = feed::decode(&document.entries) else { continue };
                let before = entries.len();
                let is_erased =
                    |key: &UserKey, arrival| keys.get(key).is_some_and(|until| arrival < *until);
                let left: Vec<_> = entries
                    .into_iter()
                    .filter(|entry| !is_erased(&entry.user, entry.arrival))
                    .collect();
                if left.len() < before {
                    let entries = if left.is_empty() { Vec::new() } else { feed::encode(&left) };
                    let changed = FeedDocument { id: document.id, entries };
                    store.replace_document(&processor.name, &changed).await?;
                    gone += (before - left.len()) as u64;
                }
            }
        }
    }
    Ok(gone)
}

/// Has what is pending of erased users begin where nothing is erased any more. Nobody waits for
/// a person at an event that is: whoever delivers finds the record changed, and begins anew.
///
/// # Errors
///
/// Those of the store. It may be done again.
pub async fn move_records(
    processing: &dyn ProcessingStore,
    erasures: &[Erasure],
) -> Result<(), StoreError> {
    let ids: Vec<_> =
        erasures.iter().flat_map(|erasure| erasure.ids.iter().filter_map(named)).collect();
    for processor in processing.processors().await? {
        let mut is_done = false;
        while !is_done {
            is_done = true;
            for parked in processing.parked(&processor.name).await? {
                let of_user = ids.iter().filter(|id| *id.id == *parked.user_id);
                let until = of_user.filter_map(|id| id.until).max();
                let record = parked.record;
                let Some(from) = until.filter(|until| record.from < *until) else { continue };
                let next = ParkRecord { from, change: record.change + 1, held: None, ..record };
                is_done &= processing.move_record(&processor.name, &record, &next).await?;
            }
        }
    }
    Ok(())
}

/// Whether a command, or what came of it, names a user.
fn names(command: &Command, id: &str) -> bool {
    let texts = [Some(&command.order), command.progress.as_ref(), command.answer.as_ref()];
    texts
        .into_iter()
        .flatten()
        .any(|text| serde_json::from_str::<Value>(text).is_ok_and(|value| has(&value, id)))
}

fn has(value: &Value, id: &str) -> bool {
    match value {
        Value::String(text) => text == id,
        Value::Array(values) => values.iter().any(|value| has(value, id)),
        Value::Object(fields) => fields.values().any(|value| has(value, id)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_is_found_wherever_it_stands_as_a_whole_text() {
        let value = json!({"replay": {"user_id": "ann", "types": ["a", "b"]}});
        assert!(has(&value, "ann") && has(&value, "b"));
        assert!(!has(&value, "an") && !has(&value, "user_id"));
    }
}
