#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod damage;
mod faults;
mod memory_disk;
mod model;

use std::sync::mpsc;

use super::frame::Body;
use super::{Journal, NotWritten};
use crate::event::id::Arrivals;
use crate::event::payload::PayloadLimits;
use crate::event::{Accepted, Arrival, Event, Payload, StoreId, Timestamp};

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
fn append(journal: &Journal, batch: &[Accepted]) -> mpsc::Receiver<Result<(), NotWritten>> {
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
