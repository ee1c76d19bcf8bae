//! Events to store, and what is expected back.

use std::sync::Arc;

use trailkeep_event::payload::PayloadLimits;
use trailkeep_event::{Accepted, Arrival, Event, Payload, StoreId, Timestamp};
use trailkeep_store::{Id, JourneyRange, Order, Outcome, Store, StoredEvent};

/// 2025-12-15T10:30:00.000Z; samples are so many milliseconds after it.
const START: i64 = 1_765_794_600_000;

/// The moment so many milliseconds after the samples' start.
pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(START + millis).unwrap()
}

/// An event of this user that occurred at [`at`]`(millis)`.
pub fn event(user: &str, event_id: &str, millis: i64, arrival: i64) -> Accepted {
    Accepted {
        event: Event {
            id: StoreId::derive(user, event_id),
            user_id: user.into(),
            event_id: event_id.into(),
            kind: "page_view".into(),
            anonymous_id: None,
            session_id: None,
            account_id: None,
            payload: Payload::empty(),
            occurred_at: at(millis),
            received_at: at(millis + 250),
        },
        arrival: Arrival::from_i64(arrival),
    }
}

pub fn payload(json: &str) -> Payload {
    let limits = PayloadLimits { max_bytes: 1 << 24, max_depth: 64 };
    Payload::from_json(json.as_bytes(), limits).unwrap()
}

/// What the store is to give back for an event.
pub fn stored(accepted: &Accepted) -> StoredEvent {
    accepted.into()
}

/// The whole journey of a user, oldest first.
pub fn all_of(user: &str) -> JourneyRange {
    JourneyRange::whole(vec![Id::whole(user)], Order::Ascending)
}

pub fn newest_first(range: JourneyRange) -> JourneyRange {
    JourneyRange { order: Order::Descending, ..range }
}

/// Inserts events of which none may be there yet.
pub async fn store_all(store: &dyn Store, events: &[Accepted]) {
    let outcomes = insert(store, events).await;
    assert_eq!(outcomes, vec![Outcome::Stored; events.len()]);
}

pub async fn insert(store: &dyn Store, events: &[Accepted]) -> Vec<Outcome> {
    let events: Vec<_> = events.iter().cloned().map(Arc::new).collect();
    store.insert(&events).await.unwrap()
}

/// The events of a range by their names, to compare at a glance.
pub async fn names(store: &dyn Store, range: &JourneyRange) -> Vec<String> {
    let events = store.journey(range, 1_000).await.unwrap().events;
    events.into_iter().map(|event| event.event_id.into()).collect()
}
