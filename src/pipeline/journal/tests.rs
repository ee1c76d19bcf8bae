#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod damage;
mod faults;
pub(in crate::pipeline) mod memory_disk;
mod model;
mod reading;

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use super::frame::Body;
use super::segment::Disk;
use super::{Journal, NotWritten, OnStuck, Opened, Place, Rules};
use crate::event::id::Arrivals;
use crate::event::payload::PayloadLimits;
use crate::event::{Accepted, Arrival, Event, Payload, StoreId, Timestamp};

#[test]
fn what_comes_after_a_start_is_numbered_above_all_that_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, recovered) = open(folder.path());
    assert_eq!(recovered.numbered_up_to, None);
    let batch = batch(4096, 3, 10);
    append(&journal, &batch).recv().unwrap().unwrap();
    let after = batch[2].arrival.next();
    journal.forget_before(after);
    drop(journal);

    let (_journal, recovered) = open(folder.path());

    assert_eq!(recovered.events, []);
    assert_eq!(recovered.numbered_up_to, Some(after));
}

/// What an earlier process left, read to its end.
struct Found {
    events: Vec<Accepted>,
    damaged: usize,
    numbered_up_to: Option<Arrival>,
}

pub const RULES: Rules = Rules {
    max_bytes: u64::MAX,
    sync_interval: Duration::ZERO,
};

fn open(folder: &Path) -> (Journal, Found) {
    found(Journal::open(folder, RULES, Box::new(|_| ())).unwrap())
}

fn open_on(disk: impl Disk) -> (Journal, Found) {
    open_telling(disk, Box::new(|_| ()))
}

fn open_telling(disk: impl Disk, on_stuck: OnStuck) -> (Journal, Found) {
    found(Journal::on(disk, RULES, on_stuck).unwrap())
}

fn found(opened: Opened<Journal>) -> (Journal, Found) {
    let Opened {
        journal,
        recovered,
        mut reader,
    } = opened;
    let mut events = Vec::new();
    if let Some(unstored) = recovered.unstored {
        reader.seek(unstored.place);
        let mut bytes = 0;
        while let Some(batch) = reader.next(unstored.last).unwrap() {
            bytes += batch.bytes;
            events.extend(batch.events);
        }
        events.retain(|event| event.arrival >= unstored.from);
        assert_eq!(events.len(), unstored.events);
        assert_eq!(bytes, unstored.bytes);
        assert_eq!(
            events.last().map(|event| event.arrival),
            Some(unstored.last)
        );
    }
    let found = Found {
        events,
        damaged: recovered.damaged,
        numbered_up_to: recovered.numbered_up_to,
    };
    (journal, found)
}

/// A batch whose events are numbered as an arrival clock would.
fn batch(first: i64, events: usize, payload_bytes: usize) -> Vec<Accepted> {
    let limits = PayloadLimits {
        max_bytes: usize::MAX,
        max_depth: 2,
    };
    let json = format!(r#"{{"fill":"{}"}}"#, "x".repeat(payload_bytes));
    let payload = Payload::from_json(json.as_bytes(), limits).unwrap();
    Arrivals::from(Arrival::from_i64(first))
        .take(events)
        .map(|arrival| {
            let id = arrival.as_i64().to_string();
            let user = format!("user-{}", first % 7);
            let event = Event {
                id: StoreId::derive(&user, &id),
                user_id: user.into(),
                event_id: id.into(),
                kind: "search".into(),
                session_id: (first % 2 == 0).then(|| "s".into()),
                account_id: (first % 3 == 0).then(|| "\u{e4}".into()),
                payload: payload.clone(),
                occurred_at: Timestamp::from_millis(-first).unwrap(),
                received_at: Timestamp::from_millis(first).unwrap(),
            };
            Accepted { event, arrival }
        })
        .collect()
}

/// Appends without waiting; the answer comes through the channel.
fn append(journal: &Journal, batch: &[Accepted]) -> mpsc::Receiver<Result<Place, NotWritten>> {
    let events: Vec<Event> = batch
        .iter()
        .map(|accepted| accepted.event.clone())
        .collect();
    let mut body = Body::encode(&events);
    body.number_from(batch[0].arrival);
    let (answer, answered) = mpsc::channel();
    let done = Box::new(move |written| answer.send(written).unwrap_or_default());
    journal.append(body, batch[batch.len() - 1].arrival, done);
    answered
}
