//! What the embedded store promises beyond the contract of every store.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod accounts;
mod activity;
mod copying;
mod erasures;
mod expiring;
mod moving;
mod opening;
mod payloads;
mod people;
mod processing;
mod reading;
mod writing;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use trailkeep_event::payload::PayloadLimits;
use trailkeep_event::{Event, Payload, Timestamp};

use super::*;
use crate::{Id, Order};

/// 2025-12-15T10:30:00.123Z.
const NOON: i64 = 1_765_794_600_123;

fn settings() -> EmbeddedSettings {
    EmbeddedSettings { retention: Retention::default(), timeouts: within(Duration::from_secs(30)) }
}

fn within(limit: Duration) -> Timeouts {
    Timeouts { read: limit, write: limit, check: limit, prepare: limit }
}

fn open(folder: &Path) -> EmbeddedStore {
    EmbeddedStore::open(folder, &settings()).unwrap()
}

/// The `number`th event of a user, that many milliseconds past noon.
fn event(user: &str, number: i64) -> Arc<Accepted> {
    event_with(user, number, r#"{"page":"/"}"#)
}

fn event_with(user: &str, number: i64, payload: &str) -> Arc<Accepted> {
    let event_id = format!("e{number}");
    let limits = PayloadLimits { max_bytes: 1 << 20, max_depth: 32 };
    let time = Timestamp::from_millis(NOON + number).unwrap();
    Arc::new(Accepted {
        event: Event {
            id: StoreId::derive(user, &event_id),
            user_id: user.into(),
            event_id: event_id.into(),
            kind: "page_view".into(),
            anonymous_id: None,
            session_id: Some("s1".into()),
            account_id: None,
            payload: Payload::from_json(payload.as_bytes(), limits).unwrap(),
            occurred_at: time,
            received_at: time,
        },
        arrival: Arrival::from_i64(number),
    })
}

fn events(user: &str, numbers: std::ops::Range<i64>) -> Vec<Arc<Accepted>> {
    numbers.map(|number| event(user, number)).collect()
}

/// All of a user's journey, oldest first.
fn whole(user: &str) -> JourneyRange {
    JourneyRange {
        ids: vec![Id::whole(user)],
        from: None,
        to: None,
        after: None,
        order: Order::Ascending,
        types: Vec::new(),
        session_id: None,
    }
}

async fn count(store: &EmbeddedStore, user: &str) -> usize {
    store.journey(&whole(user), 100_000).await.unwrap().events.len()
}

/// Waits until it is so, for at most half a minute.
async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < Duration::from_secs(30), "never: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn wal_bytes(folder: &Path) -> u64 {
    std::fs::metadata(folder.join("trailkeep.db-wal")).map_or(0, |file| file.len())
}

/// Holds the writer up until the sender is dropped.
fn hold_up(store: &EmbeddedStore) -> oneshot::Sender<()> {
    let (release, released) = oneshot::channel::<()>();
    store.writer.run(|_| {
        let _ = released.blocking_recv();
    });
    release
}
