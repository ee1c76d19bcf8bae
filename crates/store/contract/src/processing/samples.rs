//! Processors, documents and records to keep.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use trailkeep_delivery::{DocumentId, ParkRecord, Process, UserKey};
use trailkeep_event::{Arrival, StoreId, Timestamp};
use trailkeep_store::processing::{
    Command, FeedDocument, Lease, Parked, Processed, ProcessedEvent, ProcessedState,
    ProcessingStore, Processor, Wanted,
};
use uuid::Uuid;

use crate::samples::at;

/// The processor that most promises are about.
pub const NAME: &str = "default";

/// The hour in which the samples begin.
pub fn hour() -> Timestamp {
    Timestamp::parse_rfc3339("2025-12-15T10:00:00.000Z").unwrap()
}

pub fn arrival(number: i64) -> Arrival {
    Arrival::from_i64(number)
}

/// The first and the last moment there is.
pub fn ends_of_the_calendar() -> [Timestamp; 2] {
    ["0000-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"]
        .map(|text| Timestamp::parse_rfc3339(text).unwrap())
}

pub fn processor(name: &str) -> Processor {
    Processor {
        name: name.into(),
        secret: *b"sixteen bytes ..",
        wanted: Wanted { any: Some(arrival(1)), types: BTreeMap::new() },
        version: 0,
        seen_at: hour(),
        lease: None,
    }
}

pub fn process(number: u8) -> Process {
    Process([number; 8])
}

pub fn lease(owner: u8, epoch: u64, beat: u64) -> Lease {
    Lease { owner: process(owner), epoch, beat }
}

pub fn document_id(process_number: u8, number: u64) -> DocumentId {
    DocumentId { process: process(process_number), number }
}

/// A document whose entries say which it is.
pub fn document(process_number: u8, number: u64) -> FeedDocument {
    let entries = format!("{process_number} {number}").into_bytes();
    FeedDocument { id: document_id(process_number, number), entries }
}

pub fn event_id(number: i64) -> StoreId {
    StoreId::derive("ann", &format!("e{number}"))
}

/// What became of the event of this number.
pub fn outcome(number: i64, run: u32, state: ProcessedState) -> Processed {
    Processed {
        id: event_id(number),
        run,
        event: Some(ProcessedEvent {
            event_id: format!("e{number}").into(),
            user_id: "ann".into(),
            kind: "page_view".into(),
            occurred_at: at(number),
            received_at: at(number + 250),
        }),
        arrival: arrival(number),
        state,
        processed_at: at(number + 1_000),
        duration_ms: 7,
        waited_ms: 8,
        attempts: 1,
        http_status: Some(200),
        result: None,
        error: None,
    }
}

pub fn record(user: u8, from: i64, epoch: u64, change: u64) -> ParkRecord {
    ParkRecord { user: UserKey([user; 16]), from: arrival(from), epoch, change, held: None }
}

pub fn parked(user: u8, from: i64, epoch: u64, change: u64) -> Parked {
    Parked { record: record(user, from, epoch, change), user_id: format!("user {user}").into() }
}

/// The command of this number, made so many milliseconds after the samples' start.
pub fn command(name: &str, number: u16) -> Command {
    Command {
        id: Uuid::from_u128(u128::from(number)),
        processor: name.into(),
        made_at: at(i64::from(number)),
        order: format!("{{\"number\":{number}}}").into(),
        progress: None,
        answered_at: None,
        answer: None,
    }
}

/// Runs something sixteen times at once, and gives what each time gave.
pub async fn sixteen_at_once<T, F, Running>(store: &Arc<dyn ProcessingStore>, run: F) -> Vec<T>
where
    T: Send + 'static,
    F: Fn(Arc<dyn ProcessingStore>, u8) -> Running,
    Running: Future<Output = T> + Send + 'static,
{
    let running = (0..16).map(|number| tokio::spawn(run(store.clone(), number)));
    join_all(running).await.into_iter().map(|result| result.unwrap()).collect()
}

/// A processor that is there, for promises that need one.
pub async fn add(store: &dyn ProcessingStore, name: &str) {
    let added = processor(name);
    assert_eq!(store.add_processor(&added).await.unwrap(), added);
}
