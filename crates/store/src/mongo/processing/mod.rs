//! What processing keeps, in MongoDB.
//!
//! - `processors`: who is fed for, and who delivers. One collection for all.
//! - `feed.NAME`: what is pending, in the order in which each process fed it.
//! - `processedEvents` for the processor called `default`, `processedEvents.NAME` for
//!   any other: what became of each event. Its fields are called as on the wire.
//! - `parked.NAME`: users whose pending events are in `events` alone.
//! - `processorCommands`: what people ask of processors. One collection for all.
//! - `processorStates`: what is known of a processor where it is delivered for. One
//!   collection for all.
//!
//! Every call is a [`Call`], so that what is acknowledged survives the loss of a
//! server, and no read goes back in time. The collections are not to be sharded: reads
//! of several shards are of several moments.
//!
//! `reading` has the events themselves, `fields` what our values are in documents, and
//! `indexes` what is made with a name.

pub mod commands;
pub mod feed;
pub mod fields;
pub mod indexes;
pub mod outcomes;
pub mod parked;
pub mod processors;
pub mod reading;
pub mod states;
mod walking;

use std::collections::HashMap;

use async_trait::async_trait;
use trailkeep_delivery::{DocumentId, ParkRecord};
use trailkeep_event::{Arrival, StoreId, Timestamp};
use uuid::Uuid;

use super::store::MongoStore;
use crate::processing::{
    Command, EventHead, FeedDocument, FoundEvents, Lease, Parked, Processed, ProcessedState,
    ProcessingStore, Processor, Wanted,
};
use crate::timeouts::in_time;
use crate::{Outcome, StoreError};

pub use indexes::{outcome_collections, prepare, wanted};

#[async_trait]
impl ProcessingStore for MongoStore {
    fn is_exclusive(&self) -> bool {
        false
    }

    async fn processors(&self) -> Result<Vec<Processor>, StoreError> {
        self.read(async { processors::all(&mut self.call().await?).await }).await
    }

    async fn processors_with_outcomes(&self) -> Result<Vec<Box<str>>, StoreError> {
        self.read(async { indexes::processors_with_outcomes(self.call().await?.link()).await })
            .await
    }

    async fn add_processor(&self, processor: &Processor) -> Result<Processor, StoreError> {
        in_time(self.settings.timeouts.prepare, async {
            let mut call = self.call().await?;
            indexes::make(&call, &processor.name, &self.settings.retention).await?;
            processors::add(&mut call, processor).await
        })
        .await
    }

    async fn change_wanted(
        &self,
        name: &str,
        version: i64,
        wanted: &Wanted,
    ) -> Result<bool, StoreError> {
        self.write(async {
            processors::change_wanted(&mut self.call().await?, name, version, wanted).await
        })
        .await
    }

    async fn see_processor(&self, name: &str, now: Timestamp) -> Result<(), StoreError> {
        self.write(async { processors::see(&mut self.call().await?, name, now).await }).await
    }

    async fn remove_processor(&self, name: &str) -> Result<(), StoreError> {
        self.write(async {
            let mut call = self.call().await?;
            feed::drop_all(&mut call, name).await?;
            parked::drop_all(&mut call, name).await?;
            commands::remove_all(&mut call, name).await?;
            states::remove(&mut call, name).await?;
            // Last: whoever finds it half removed removes it again.
            processors::remove(&mut call, name).await
        })
        .await
    }

    async fn replace_lease(
        &self,
        name: &str,
        expected: Option<&Lease>,
        next: &Lease,
    ) -> Result<bool, StoreError> {
        self.write(async {
            processors::replace_lease(&mut self.call().await?, name, expected, next).await
        })
        .await
    }

    async fn append(&self, name: &str, document: &FeedDocument) -> Result<(), StoreError> {
        self.write(async { feed::append(&mut self.call().await?, name, document).await }).await
    }

    async fn feeding(&self, name: &str) -> Result<Vec<DocumentId>, StoreError> {
        self.read(async { feed::feeding(&mut self.call().await?, name).await }).await
    }

    async fn documents(
        &self,
        name: &str,
        from: DocumentId,
        limit: usize,
    ) -> Result<Vec<FeedDocument>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        self.read(async { feed::documents(&mut self.call().await?, name, from, limit).await }).await
    }

    async fn remove_documents(&self, name: &str, ids: &[DocumentId]) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        self.write(async { feed::remove(&mut self.call().await?, name, ids).await }).await
    }

    async fn feed_size(&self, name: &str) -> Result<u64, StoreError> {
        self.read(async { feed::size(&self.call().await?, name).await }).await
    }

    async fn states(
        &self,
        name: &str,
        ids: &[StoreId],
    ) -> Result<HashMap<StoreId, (u32, ProcessedState)>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        self.read(async { outcomes::states(&mut self.call().await?, name, ids).await }).await
    }

    async fn record(&self, name: &str, outcomes: &[Processed]) -> Result<Vec<Outcome>, StoreError> {
        if outcomes.is_empty() {
            return Ok(Vec::new());
        }
        self.write(async { outcomes::record(&mut self.call().await?, name, outcomes).await }).await
    }

    async fn outcomes(
        &self,
        name: &str,
        ids: &[StoreId],
    ) -> Result<HashMap<StoreId, Processed>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        self.read(async { outcomes::whole(&mut self.call().await?, name, ids).await }).await
    }

    async fn failed(&self, name: &str) -> Result<u64, StoreError> {
        self.read(async { outcomes::failed(&mut self.call().await?, name).await }).await
    }

    async fn failed_outcomes(
        &self,
        name: &str,
        after: Option<(Timestamp, StoreId)>,
        limit: usize,
    ) -> Result<Vec<Processed>, StoreError> {
        self.read(async {
            outcomes::failed_page(&mut self.call().await?, name, after, limit).await
        })
        .await
    }

    async fn parked(&self, name: &str) -> Result<Vec<Parked>, StoreError> {
        self.read(async { parked::all(&mut self.call().await?, name).await }).await
    }

    async fn stamp(&self, name: &str, epoch: u64) -> Result<(), StoreError> {
        self.write(async { parked::stamp(&mut self.call().await?, name, epoch).await }).await
    }

    async fn park(&self, name: &str, parked: &Parked) -> Result<bool, StoreError> {
        self.write(async { parked::park(&mut self.call().await?, name, parked).await }).await
    }

    async fn move_record(
        &self,
        name: &str,
        expected: &ParkRecord,
        next: &ParkRecord,
    ) -> Result<bool, StoreError> {
        self.write(async { parked::change(&mut self.call().await?, name, expected, next).await })
            .await
    }

    async fn unpark(&self, name: &str, record: &ParkRecord) -> Result<bool, StoreError> {
        self.write(async { parked::remove(&mut self.call().await?, name, record).await }).await
    }

    async fn events(&self, ids: &[StoreId]) -> Result<FoundEvents, StoreError> {
        if ids.is_empty() {
            return Ok(FoundEvents::default());
        }
        self.read(async { reading::events(&mut self.call().await?, ids).await }).await
    }

    async fn events_from(
        &self,
        user_id: &str,
        from: Arrival,
        limit: usize,
    ) -> Result<(Vec<(Arrival, StoreId)>, bool), StoreError> {
        self.read(async {
            let source = reading::Source {
                layout: &self.layout,
                periods: &self.calendar.known(),
                timeout: self.settings.timeouts.read,
            };
            reading::events_from(&mut self.call().await?, &source, user_id, from, limit).await
        })
        .await
    }

    async fn walk(
        &self,
        after: Option<StoreId>,
        limit: usize,
    ) -> Result<Vec<EventHead>, StoreError> {
        self.read(async { walking::walk(&mut self.call().await?, after, limit).await }).await
    }

    async fn users_after(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Box<str>>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        self.read(async {
            let source = reading::Source {
                layout: &self.layout,
                periods: &self.calendar.known(),
                timeout: self.settings.timeouts.read,
            };
            walking::users_after(&mut self.call().await?, &source, after, limit).await
        })
        .await
    }

    async fn add_command(&self, command: &Command) -> Result<bool, StoreError> {
        self.write(async {
            let mut call = self.call().await?;
            indexes::make_for_commands(&call).await?;
            commands::add(&mut call, command).await
        })
        .await
    }

    async fn commands(&self, name: &str) -> Result<Vec<Command>, StoreError> {
        self.read(async { commands::all(&mut self.call().await?, name).await }).await
    }

    async fn command(&self, id: Uuid) -> Result<Option<Command>, StoreError> {
        self.read(async { commands::one(&mut self.call().await?, id).await }).await
    }

    async fn change_command(
        &self,
        id: Uuid,
        progress: Option<&str>,
        answer: Option<(Timestamp, &str)>,
    ) -> Result<bool, StoreError> {
        self.write(async { commands::change(&mut self.call().await?, id, progress, answer).await })
            .await
    }

    async fn publish(&self, name: &str, at: Timestamp, state: &str) -> Result<(), StoreError> {
        self.write(async { states::publish(&mut self.call().await?, name, at, state).await }).await
    }

    async fn published(&self, name: &str) -> Result<Option<(Timestamp, Box<str>)>, StoreError> {
        self.read(async { states::published(&mut self.call().await?, name).await }).await
    }
}
