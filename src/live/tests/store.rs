//! A store in memory of which a stream asks for the newest events.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use trailkeep_event::{Accepted, Arrival, StoreId};
use trailkeep_store::{
    JourneyPart, JourneyRange, Outcome, Position, Store, StoreError, StoredEvent,
};

#[derive(Default)]
pub struct MemoryStore {
    events: Mutex<Vec<StoredEvent>>,
    is_away: AtomicBool,
    hangs: AtomicBool,
}

impl MemoryStore {
    pub fn store(&self, events: &[Arc<Accepted>]) {
        self.events.lock().extend(events.iter().map(|accepted| StoredEvent::from(&**accepted)));
    }

    pub fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }

    /// It answers no more.
    pub fn hang(&self) {
        self.hangs.store(true, Ordering::SeqCst);
    }
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
        self.store(events);
        Ok(vec![Outcome::Stored; events.len()])
    }

    async fn arrivals(&self, _: &[StoreId]) -> Result<HashMap<StoreId, Arrival>, StoreError> {
        Ok(HashMap::new())
    }

    async fn positions(&self, _: &[StoreId]) -> Result<HashMap<StoreId, Position>, StoreError> {
        Ok(HashMap::new())
    }

    async fn journey(&self, range: &JourneyRange, limit: usize) -> Result<JourneyPart, StoreError> {
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.is_away.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("as told".to_owned()));
        }
        let is_wanted = |event: &&StoredEvent| {
            range.ids.iter().any(|id| id.holds(&event.user_id, event.arrival))
        };
        let mut events: Vec<StoredEvent> =
            self.events.lock().iter().filter(is_wanted).cloned().collect();
        events.sort_by(|left, right| range.order.compare(left.position(), right.position()));
        let has_more = events.len() > limit;
        events.truncate(limit);
        Ok(JourneyPart { events, has_more })
    }

    fn writes_in_flight(&self, configured: usize) -> usize {
        configured
    }

    async fn close(&self) {}
}
