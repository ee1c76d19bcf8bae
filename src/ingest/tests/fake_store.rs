//! A store in memory that fails when it is told to.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use trailkeep_event::{Accepted, Arrival, StoreId};
use trailkeep_store::{
    JourneyPart, JourneyRange, Outcome, Position, Reason, Refusal, Store, StoreError, StoredEvent,
};

/// What the next insert does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Fails and writes nothing.
    Fail,
    /// Writes everything, and the acknowledgement is lost.
    WriteAndFail,
    /// Never answers.
    Hang,
    /// Writes the first half; the rest could not be written this time.
    WriteHalf,
    /// Could not write single events this time: those whose place in the insert
    /// has its bit set here.
    SkipSome(u64),
    /// Panics.
    Panic,
    /// Will not let us.
    Deny,
}

/// Inserts do as the script says, and work once it is at its end.
#[derive(Default)]
pub struct FakeStore {
    pub script: Mutex<VecDeque<Next>>,
    /// What every insert does, whatever the script says.
    pub always: Mutex<Option<Next>>,
    /// Ids that are refused for good.
    pub refused: Mutex<Vec<StoreId>>,
    /// Ids that are answered "not this time", each time.
    pub unwritable: Mutex<Vec<StoreId>>,
    /// An insert that holds one of these ids is refused as a whole.
    pub culprits: Mutex<Vec<StoreId>>,
    /// What is stored, in the order in which it came.
    pub stored: Mutex<Vec<Arc<Accepted>>>,
    /// How many events each insert had.
    pub batches: Mutex<Vec<usize>>,
}

impl FakeStore {
    /// The event ids that are stored of each user, in the order in which they
    /// came; users are named by numbers.
    pub fn ids_by_numbered_user(&self) -> HashMap<u8, Vec<String>> {
        let mut by_user: HashMap<u8, Vec<String>> = HashMap::new();
        for stored in self.stored.lock().iter() {
            let user = stored.event.user_id.parse().unwrap();
            let ids = by_user.entry(user).or_default();
            ids.push(stored.event.event_id.to_string());
        }
        by_user
    }

    fn refusal_of_all(&self, events: &[Arc<Accepted>]) -> Option<Refusal> {
        let culprits = self.culprits.lock();
        let is_culprit = |accepted: &Arc<Accepted>| culprits.contains(&accepted.event.id);
        let is_refused = events.iter().any(is_culprit);
        is_refused.then(|| Refusal::new(Reason::TooLarge, "one of them, and not said which"))
    }

    fn write(&self, events: &[Arc<Accepted>]) -> Vec<Outcome> {
        let mut stored = self.stored.lock();
        let refused = self.refused.lock();
        let unwritable = self.unwritable.lock();
        events
            .iter()
            .map(|accepted| {
                if refused.contains(&accepted.event.id) {
                    Outcome::Refused(Refusal::new(Reason::Unknown, "not wanted"))
                } else if unwritable.contains(&accepted.event.id) {
                    Outcome::Retry
                } else if stored.iter().any(|other| other.event.id == accepted.event.id) {
                    Outcome::Duplicate
                } else {
                    stored.push(Arc::clone(accepted));
                    Outcome::Stored
                }
            })
            .collect()
    }
}

#[async_trait]
impl Store for FakeStore {
    async fn prepare(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn insert(&self, events: &[Arc<Accepted>]) -> Result<Vec<Outcome>, StoreError> {
        let lost = || StoreError::Unavailable("as told".to_owned());
        self.batches.lock().push(events.len());
        if let Some(refusal) = self.refusal_of_all(events) {
            return Err(StoreError::Refused(refusal));
        }
        let always = *self.always.lock();
        let next = always.or_else(|| self.script.lock().pop_front());
        match next {
            None => Ok(self.write(events)),
            Some(Next::Fail) => Err(lost()),
            Some(Next::Deny) => Err(StoreError::Denied("as told".to_owned())),
            Some(Next::WriteAndFail) => {
                self.write(events);
                Err(lost())
            }
            Some(Next::Hang) => std::future::pending().await,
            Some(Next::WriteHalf) => {
                let mut outcomes = self.write(&events[..events.len() / 2]);
                outcomes.resize(events.len(), Outcome::Retry);
                Ok(outcomes)
            }
            Some(Next::SkipSome(skipped)) => Ok(events
                .iter()
                .enumerate()
                .map(|(place, event)| {
                    if skipped >> (place % 64) & 1 == 1 {
                        Outcome::Retry
                    } else {
                        self.write(std::slice::from_ref(event)).remove(0)
                    }
                })
                .collect()),
            Some(Next::Panic) => panic!("as told"),
        }
    }

    async fn arrivals(&self, ids: &[StoreId]) -> Result<HashMap<StoreId, Arrival>, StoreError> {
        let stored = self.stored.lock();
        let known = stored.iter().filter(|accepted| ids.contains(&accepted.event.id));
        Ok(known.map(|accepted| (accepted.event.id, accepted.arrival)).collect())
    }

    async fn positions(&self, ids: &[StoreId]) -> Result<HashMap<StoreId, Position>, StoreError> {
        let stored = self.stored.lock();
        let known = stored.iter().filter(|accepted| ids.contains(&accepted.event.id));
        let events = known.map(|accepted| StoredEvent::from(&**accepted));
        Ok(events.map(|event| (event.id, event.position())).collect())
    }

    async fn journey(&self, _: &JourneyRange, _: usize) -> Result<JourneyPart, StoreError> {
        Ok(JourneyPart::default())
    }

    fn writes_in_flight(&self, configured: usize) -> usize {
        configured
    }

    async fn close(&self) {}
}
