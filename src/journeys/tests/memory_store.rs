//! A store in memory whose writes go on when the test says so.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use trailkeep_event::{Accepted, Arrival, StoreId};
use trailkeep_store::{
    JourneyPart, JourneyRange, MAX_READ_BYTES, Outcome, Position, Store, StoreError, StoredEvent,
};

use super::journey_of;

/// Each insert waits twice: before it takes effect, and before it is
/// answered. In between, its events are in the buffer and in the store.
pub struct MemoryStore {
    events: Mutex<Vec<StoredEvent>>,
    permits: Semaphore,
    /// How often a permit was used.
    steps: AtomicUsize,
    /// Inserts that have begun and are not answered.
    is_writing: AtomicUsize,
    /// How many steps the writes make before the next answers to a reader.
    schedule: Mutex<VecDeque<usize>>,
}

impl MemoryStore {
    pub fn new(events: Vec<StoredEvent>, schedule: Vec<usize>) -> Self {
        Self {
            events: Mutex::new(events),
            permits: Semaphore::new(0),
            steps: AtomicUsize::new(0),
            is_writing: AtomicUsize::new(0),
            schedule: Mutex::new(schedule.into()),
        }
    }

    async fn wait_for_permit(&self) {
        self.permits.acquire().await.unwrap().forget();
        self.steps.fetch_add(1, SeqCst);
    }

    /// Lets the writes make as many steps as the schedule says.
    pub async fn go_on(&self) {
        let steps = self.schedule.lock().pop_front().unwrap_or(0);
        for _ in 0..steps {
            self.step().await;
        }
    }

    /// Lets the writes make one step, if any is under way.
    async fn step(&self) {
        let limit = Duration::from_secs(10);
        tokio::time::timeout(limit, async {
            // The writer begins as soon as it gets its turn.
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            if self.is_writing.load(SeqCst) == 0 {
                return;
            }
            let before = self.steps.load(SeqCst);
            self.permits.add_permits(1);
            while self.steps.load(SeqCst) == before {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("the writer uses a permit");
    }
}

/// What a store answers of a whole journey.
pub fn first_of(mut journey: Vec<StoredEvent>, limit: usize) -> JourneyPart {
    let mut bytes = 0;
    let fits = journey.iter().take(limit).take_while(|event| {
        let is_wanted = bytes <= MAX_READ_BYTES;
        bytes += event.bytes();
        is_wanted
    });
    let fitting = fits.count();
    let has_more = fitting < journey.len();
    journey.truncate(fitting);
    JourneyPart { events: journey, has_more }
}

#[async_trait]
impl Store for MemoryStore {
    async fn prepare(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn insert(&self, events: &[Arc<Accepted>]) -> Result<Vec<Outcome>, StoreError> {
        self.is_writing.fetch_add(1, SeqCst);
        self.wait_for_permit().await;
        let mut outcomes = Vec::new();
        for accepted in events {
            let mut stored = self.events.lock();
            if stored.iter().any(|event| event.id == accepted.event.id) {
                outcomes.push(Outcome::Duplicate);
            } else {
                stored.push(StoredEvent::from(&**accepted));
                outcomes.push(Outcome::Stored);
            }
        }
        self.wait_for_permit().await;
        self.is_writing.fetch_sub(1, SeqCst);
        Ok(outcomes)
    }

    async fn arrivals(&self, ids: &[StoreId]) -> Result<HashMap<StoreId, Arrival>, StoreError> {
        self.go_on().await;
        let events = self.events.lock();
        Ok(events
            .iter()
            .filter(|event| ids.contains(&event.id))
            .map(|event| (event.id, event.arrival))
            .collect())
    }

    async fn positions(&self, ids: &[StoreId]) -> Result<HashMap<StoreId, Position>, StoreError> {
        self.go_on().await;
        let events = self.events.lock();
        let known = events.iter().filter(|event| ids.contains(&event.id));
        Ok(known.map(|event| (event.id, event.position())).collect())
    }

    async fn journey(&self, range: &JourneyRange, limit: usize) -> Result<JourneyPart, StoreError> {
        self.go_on().await;
        let journey = journey_of(&*self.events.lock(), range);
        self.go_on().await;
        Ok(first_of(journey, limit))
    }

    fn writes_in_flight(&self, configured: usize) -> usize {
        configured
    }

    async fn close(&self) {}
}
