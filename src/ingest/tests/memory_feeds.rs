//! Feeds of processors in memory, for tests of what writes them.

use std::collections::HashMap;

use async_trait::async_trait;
use parking_lot::Mutex;
use trailkeep_delivery::{DocumentId, Entry, ParkRecord, feed};
use trailkeep_event::{Arrival, StoreId, Timestamp};
use trailkeep_store::processing::{
    Command, EventHead, FeedDocument, FoundEvents, Lease, Parked, Processed, ProcessedState,
    ProcessingStore, Processor, Wanted,
};
use trailkeep_store::{Outcome, StoreError};
use uuid::Uuid;

/// Keeps who is fed for, and what was fed. Has nothing else.
#[derive(Default)]
pub struct MemoryFeeds {
    pub processors: Mutex<Vec<Processor>>,
    pub documents: Mutex<Vec<(Box<str>, FeedDocument)>>,
    /// How many of the next calls fail.
    pub faults: Mutex<u32>,
}

impl MemoryFeeds {
    /// What was fed for a processor, in order.
    pub fn entries(&self, name: &str) -> Vec<Entry> {
        let documents = self.documents.lock();
        let of_name = documents.iter().filter(|(of, _)| &**of == name);
        of_name.flat_map(|(_, document)| feed::decode(&document.entries).unwrap()).collect()
    }

    fn fault(&self) -> Result<(), StoreError> {
        let mut faults = self.faults.lock();
        if *faults > 0 {
            *faults -= 1;
            return Err(StoreError::Unavailable("as the test wants it".to_owned()));
        }
        Ok(())
    }
}

#[async_trait]
impl ProcessingStore for MemoryFeeds {
    fn is_exclusive(&self) -> bool {
        true
    }

    async fn processors(&self) -> Result<Vec<Processor>, StoreError> {
        self.fault()?;
        Ok(self.processors.lock().clone())
    }

    async fn processors_with_outcomes(&self) -> Result<Vec<Box<str>>, StoreError> {
        Ok(Vec::new())
    }

    async fn add_processor(&self, processor: &Processor) -> Result<Processor, StoreError> {
        self.fault()?;
        self.processors.lock().push(processor.clone());
        Ok(processor.clone())
    }

    async fn change_wanted(&self, name: &str, _: i64, wanted: &Wanted) -> Result<bool, StoreError> {
        let mut processors = self.processors.lock();
        let found = processors.iter_mut().find(|processor| &*processor.name == name);
        Ok(found.map(|processor| processor.wanted = wanted.clone()).is_some())
    }

    async fn see_processor(&self, _: &str, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    async fn remove_processor(&self, name: &str) -> Result<(), StoreError> {
        self.processors.lock().retain(|processor| &*processor.name != name);
        Ok(())
    }

    async fn replace_lease(
        &self,
        _: &str,
        _: Option<&Lease>,
        _: &Lease,
    ) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn append(&self, name: &str, document: &FeedDocument) -> Result<(), StoreError> {
        self.fault()?;
        let mut documents = self.documents.lock();
        if documents.iter().all(|(of, there)| &**of != name || there.id != document.id) {
            documents.push((name.into(), document.clone()));
        }
        Ok(())
    }

    async fn feeding(&self, _: &str) -> Result<Vec<DocumentId>, StoreError> {
        Ok(Vec::new())
    }

    async fn documents(
        &self,
        _: &str,
        _: DocumentId,
        _: usize,
    ) -> Result<Vec<FeedDocument>, StoreError> {
        Ok(Vec::new())
    }

    async fn remove_documents(&self, _: &str, _: &[DocumentId]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn states(
        &self,
        _: &str,
        _: &[StoreId],
    ) -> Result<HashMap<StoreId, (u32, ProcessedState)>, StoreError> {
        Ok(HashMap::new())
    }

    async fn record(&self, _: &str, outcomes: &[Processed]) -> Result<Vec<Outcome>, StoreError> {
        Ok(vec![Outcome::Stored; outcomes.len()])
    }

    async fn outcomes(
        &self,
        _: &str,
        _: &[StoreId],
    ) -> Result<HashMap<StoreId, Processed>, StoreError> {
        Ok(HashMap::new())
    }

    async fn failed(&self, _: &str) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn parked(&self, _: &str) -> Result<Vec<Parked>, StoreError> {
        Ok(Vec::new())
    }

    async fn stamp(&self, _: &str, _: u64) -> Result<(), StoreError> {
        Ok(())
    }

    async fn park(&self, _: &str, _: &Parked) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn move_record(
        &self,
        _: &str,
        _: &ParkRecord,
        _: &ParkRecord,
    ) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn unpark(&self, _: &str, _: &ParkRecord) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn events(&self, _: &[StoreId]) -> Result<FoundEvents, StoreError> {
        Ok(FoundEvents::default())
    }

    async fn events_from(
        &self,
        _: &str,
        _: Arrival,
        _: usize,
    ) -> Result<(Vec<(Arrival, StoreId)>, bool), StoreError> {
        Ok((Vec::new(), false))
    }

    async fn add_command(&self, _: &Command) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn commands(&self, _: &str) -> Result<Vec<Command>, StoreError> {
        Ok(Vec::new())
    }

    async fn command(&self, _: Uuid) -> Result<Option<Command>, StoreError> {
        Ok(None)
    }

    async fn change_command(
        &self,
        _: Uuid,
        _: Option<&str>,
        _: Option<(Timestamp, &str)>,
    ) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn publish(&self, _: &str, _: Timestamp, _: &str) -> Result<(), StoreError> {
        Ok(())
    }

    async fn published(&self, _: &str) -> Result<Option<(Timestamp, Box<str>)>, StoreError> {
        Ok(None)
    }

    async fn walk(&self, _: Option<StoreId>, _: usize) -> Result<Vec<EventHead>, StoreError> {
        Ok(Vec::new())
    }

    async fn users_after(&self, _: Option<&str>, _: usize) -> Result<Vec<Box<str>>, StoreError> {
        Ok(Vec::new())
    }

    async fn failed_outcomes(
        &self,
        _: &str,
        _: Option<(Timestamp, StoreId)>,
        _: usize,
    ) -> Result<Vec<Processed>, StoreError> {
        Ok(Vec::new())
    }

    async fn feed_size(&self, _: &str) -> Result<u64, StoreError> {
        Ok(0)
    }
}
