//! *Loud.* A task or a thread that ends unexpectedly ends the process, in order,
//! non-zero.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::timeout;
use trailkeep_event::time::{Clock as _, SystemClock};
use trailkeep_event::{Accepted, Arrival, Event, Payload, StoreId};
use trailkeep_store::embedded::{EmbeddedSettings, EmbeddedStore};
use trailkeep_store::{
    JourneyPart, JourneyRange, Outcome, Position, Retention, Store, StoreError, Timeouts,
};

use super::{App, Configured, Part, Stores};
use crate::config::{Environment, Overrides, Settings};
use crate::ingest::Patience;
use crate::shutdown::Ending;
use crate::telemetry::LogLevel;

/// What ends, and how: the store's thread by itself, the others by a panic.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Defect {
    Ping,
    Insert,
    StoreThread,
}

/// The embedded store, and a defect.
struct Defective {
    store: Arc<EmbeddedStore>,
    defect: Defect,
}

#[async_trait]
impl Store for Defective {
    async fn prepare(&self) -> Result<(), StoreError> {
        self.store.prepare().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        assert!(self.defect != Defect::Ping, "on purpose");
        self.store.ping().await
    }

    async fn insert(&self, events: &[Arc<Accepted>]) -> Result<Vec<Outcome>, StoreError> {
        assert!(self.defect != Defect::Insert, "on purpose");
        self.store.insert(events).await
    }

    async fn arrivals(&self, ids: &[StoreId]) -> Result<HashMap<StoreId, Arrival>, StoreError> {
        self.store.arrivals(ids).await
    }

    async fn positions(&self, ids: &[StoreId]) -> Result<HashMap<StoreId, Position>, StoreError> {
        self.store.positions(ids).await
    }

    async fn journey(&self, range: &JourneyRange, limit: usize) -> Result<JourneyPart, StoreError> {
        self.store.journey(range, limit).await
    }

    fn writes_in_flight(&self, configured: usize) -> usize {
        self.store.writes_in_flight(configured)
    }

    async fn ended(&self) {
        if self.defect != Defect::StoreThread {
            self.store.ended().await;
        }
    }

    async fn close(&self) {
        self.store.close().await;
    }
}

async fn start(defect: Defect) -> (App, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().to_str().unwrap();
    let settings = [
        ("store.data_dir", data_dir),
        ("health.check_interval_ms", "10"),
        ("write.max_wait_ms", "1"),
        ("shutdown.grace_ms", "2000"),
    ];
    let overrides = settings
        .into_iter()
        .fold(Overrides::default(), |all, (path, value)| all.flag("--set", path, value));
    let read = move || Settings::load_from(&overrides, &Environment::default());
    let configured = Configured {
        loaded: read().unwrap(),
        read: Arc::new(read),
        level: LogLevel::new(|_| Ok(())),
    };
    let limit = Duration::from_secs(10);
    let settings_of_store = EmbeddedSettings {
        retention: Retention::default(),
        timeouts: Timeouts { read: limit, write: limit, check: limit, prepare: limit },
    };
    let store = Arc::new(EmbeddedStore::open(folder.path(), &settings_of_store).unwrap());
    let stores = Stores {
        events: Arc::new(Defective { store: Arc::clone(&store), defect }),
        letters: Arc::clone(&store) as _,
        access: Arc::clone(&store) as _,
        write_keys: Arc::clone(&store) as _,
        team: Arc::clone(&store) as _,
        accounts: Arc::clone(&store) as _,
        people: Arc::clone(&store) as _,
        payloads: Arc::clone(&store) as _,
        activity: Arc::clone(&store) as _,
        processing: Arc::clone(&store) as _,
        erasures: Arc::clone(&store) as _,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (App::start(configured, stores, listener).unwrap(), folder)
}

async fn accept_one(app: &App) {
    let now = SystemClock.now();
    let event = Event {
        id: StoreId::derive("u", "e"),
        event_id: "e".into(),
        user_id: "u".into(),
        anonymous_id: None,
        session_id: None,
        account_id: None,
        kind: "page_view".into(),
        payload: Payload::empty(),
        occurred_at: now,
        received_at: now,
    };
    let admitted = app.service.ingest.admit(vec![event], Patience::NONE, None);
    admitted.await.unwrap();
}

/// It is noticed which part has ended, and the others are stopped in order.
async fn assert_ends_with(mut app: App, part: Part) {
    let limit = Duration::from_secs(20);
    let ended = timeout(limit, app.ended()).await.expect("it is noticed");
    assert_eq!(ended, part);
    let ending = timeout(limit, app.stop(Some(ended))).await;
    assert_eq!(ending.expect("it is stopped"), Ending::Clean);
}

#[tokio::test]
async fn the_end_of_the_stores_thread_ends_the_service() {
    let (app, _folder) = start(Defect::StoreThread).await;
    assert_ends_with(app, Part::DatabaseWriter).await;
}

#[tokio::test]
async fn the_end_of_a_writer_ends_the_service_and_its_events_are_in_the_journal() {
    let (app, folder) = start(Defect::Insert).await;
    accept_one(&app).await;
    assert_ends_with(app, Part::Writers).await;
    let journal = folder.path().join("journal");
    let kept = std::fs::read_dir(journal).unwrap().any(|segment| {
        let bytes = std::fs::read(segment.unwrap().path()).unwrap();
        bytes.windows(9).any(|nine| nine == b"page_view")
    });
    assert!(kept);
}

#[tokio::test]
async fn the_end_of_the_database_watch_ends_the_service() {
    let (app, _folder) = start(Defect::Ping).await;
    assert_ends_with(app, Part::DatabaseWatch).await;
}
