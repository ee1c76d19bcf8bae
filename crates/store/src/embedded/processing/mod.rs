//! What processing keeps, in the one file.
//!
//! Changes are transactions of the thread that writes events, in which everything is
//! decided; reads see all that is acknowledged. One file here for each table, with its
//! statements; `tables` makes them, `columns` has their values, and `reading` the events
//! themselves.

mod columns;
pub(super) mod commands;
pub(super) mod feed;
pub(super) mod outcomes;
pub(super) mod parked;
pub(super) mod processors;
mod reading;
pub(super) mod states;
pub(super) mod tables;
mod walking;

use std::collections::HashMap;

use async_trait::async_trait;
use trailkeep_delivery::{DocumentId, ParkRecord};
use trailkeep_event::{Arrival, StoreId, Timestamp};
use uuid::Uuid;

use super::EmbeddedStore;
use crate::processing::{
    Command, EventHead, FeedDocument, FoundEvents, Lease, Parked, Processed, ProcessedState,
    ProcessingStore, Processor, Wanted,
};
use crate::timeouts::in_time;
use crate::{Outcome, StoreError};

/// Documents of a feed that are removed in one transaction: inserts wait for it.
const REMOVED_AT_ONCE: usize = 100;

/// The statements that run all the time.
#[cfg(test)]
pub(super) fn statements() -> [&'static str; 15] {
    [
        commands::OF_PROCESSOR,
        commands::BY_ID,
        feed::NEXT_PROCESS,
        feed::DOCUMENTS,
        feed::REMOVE,
        feed::SIZE,
        outcomes::STATE,
        outcomes::FAILED,
        outcomes::FAILED_PAGE,
        parked::CHANGE,
        reading::FROM,
        states::PUBLISHED,
        tables::DELETE_EXPIRED,
        walking::NEXT_USER,
        walking::WALK,
    ]
}

#[async_trait]
impl ProcessingStore for EmbeddedStore {
    fn is_exclusive(&self) -> bool {
        true
    }

    async fn processors(&self) -> Result<Vec<Processor>, StoreError> {
        self.readers.read(processors::all).await
    }

    async fn processors_with_outcomes(&self) -> Result<Vec<Box<str>>, StoreError> {
        self.readers.read(outcomes::processors).await
    }

    async fn add_processor(&self, processor: &Processor) -> Result<Processor, StoreError> {
        let processor = processor.clone();
        self.writer.change(move |transaction| processors::add(transaction, &processor)).await
    }

    async fn change_wanted(
        &self,
        name: &str,
        version: i64,
        wanted: &Wanted,
    ) -> Result<bool, StoreError> {
        let (name, wanted) = (name.to_owned(), wanted.clone());
        self.writer
            .change(move |transaction| {
                processors::change_wanted(transaction, &name, version, &wanted)
            })
            .await
    }

    async fn see_processor(&self, name: &str, now: Timestamp) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.writer.change(move |transaction| processors::see(transaction, &name, now)).await
    }

    async fn remove_processor(&self, name: &str) -> Result<(), StoreError> {
        in_time(self.timeouts.prepare, async {
            loop {
                let name = name.to_owned();
                let removed = self.writer.change(move |transaction| {
                    feed::remove_some(transaction, &name, REMOVED_AT_ONCE)
                });
                if removed.await? < REMOVED_AT_ONCE {
                    break;
                }
            }
            let name = name.to_owned();
            self.writer
                .change(move |transaction| {
                    parked::remove_all(transaction, &name)?;
                    commands::remove_all(transaction, &name)?;
                    states::remove(transaction, &name)?;
                    processors::remove(transaction, &name)
                })
                .await
        })
        .await
    }

    async fn replace_lease(
        &self,
        name: &str,
        expected: Option<&Lease>,
        next: &Lease,
    ) -> Result<bool, StoreError> {
        let (name, expected, next) = (name.to_owned(), expected.copied(), *next);
        self.writer
            .change(move |transaction| {
                processors::replace_lease(transaction, &name, expected, next)
            })
            .await
    }

    async fn append(&self, name: &str, document: &FeedDocument) -> Result<(), StoreError> {
        let (name, document) = (name.to_owned(), document.clone());
        self.writer.change(move |transaction| feed::append(transaction, &name, &document)).await
    }

    async fn feeding(&self, name: &str) -> Result<Vec<DocumentId>, StoreError> {
        let name = name.to_owned();
        self.readers.read(move |connection| feed::feeding(connection, &name)).await
    }

    async fn documents(
        &self,
        name: &str,
        from: DocumentId,
        limit: usize,
    ) -> Result<Vec<FeedDocument>, StoreError> {
        let name = name.to_owned();
        self.readers.read(move |connection| feed::documents(connection, &name, from, limit)).await
    }

    async fn remove_documents(&self, name: &str, ids: &[DocumentId]) -> Result<(), StoreError> {
        let (name, ids) = (name.to_owned(), ids.to_vec());
        self.writer.change(move |transaction| feed::remove(transaction, &name, &ids)).await
    }

    async fn feed_size(&self, name: &str) -> Result<u64, StoreError> {
        let name = name.to_owned();
        self.readers.read(move |connection| feed::size(connection, &name)).await
    }

    async fn states(
        &self,
        name: &str,
        ids: &[StoreId],
    ) -> Result<HashMap<StoreId, (u32, ProcessedState)>, StoreError> {
        let (name, ids) = (name.to_owned(), ids.to_vec());
        self.readers.read(move |connection| outcomes::states(connection, &name, &ids)).await
    }

    async fn record(&self, name: &str, outcomes: &[Processed]) -> Result<Vec<Outcome>, StoreError> {
        let (name, outcomes) = (name.to_owned(), outcomes.to_vec());
        self.writer
            .change(move |transaction| {
                outcomes
                    .iter()
                    .map(|outcome| outcomes::record(transaction, &name, outcome))
                    .collect()
            })
            .await
    }

    async fn outcomes(
        &self,
        name: &str,
        ids: &[StoreId],
    ) -> Result<HashMap<StoreId, Processed>, StoreError> {
        let (name, ids) = (name.to_owned(), ids.to_vec());
        self.readers.read(move |connection| outcomes::whole(connection, &name, &ids)).await
    }

    async fn failed(&self, name: &str) -> Result<u64, StoreError> {
        let name = name.to_owned();
        self.readers.read(move |connection| outcomes::failed(connection, &name)).await
    }

    async fn failed_outcomes(
        &self,
        name: &str,
        after: Option<(Timestamp, StoreId)>,
        limit: usize,
    ) -> Result<Vec<Processed>, StoreError> {
        let name = name.to_owned();
        self.readers
            .read(move |connection| outcomes::failed_page(connection, &name, after, limit))
            .await
    }

    async fn parked(&self, name: &str) -> Result<Vec<Parked>, StoreError> {
        let name = name.to_owned();
        self.readers.read(move |connection| parked::all(connection, &name)).await
    }

    async fn stamp(&self, name: &str, epoch: u64) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.writer.change(move |transaction| parked::stamp(transaction, &name, epoch)).await
    }

    async fn park(&self, name: &str, parked: &Parked) -> Result<bool, StoreError> {
        let (name, parked) = (name.to_owned(), parked.clone());
        self.writer.change(move |transaction| parked::park(transaction, &name, &parked)).await
    }

    async fn move_record(
        &self,
        name: &str,
        expected: &ParkRecord,
        next: &ParkRecord,
    ) -> Result<bool, StoreError> {
        let (name, expected, next) = (name.to_owned(), *expected, *next);
        self.writer
            .change(move |transaction| parked::change(transaction, &name, &expected, &next))
            .await
    }

    async fn unpark(&self, name: &str, record: &ParkRecord) -> Result<bool, StoreError> {
        let (name, record) = (name.to_owned(), *record);
        self.writer.change(move |transaction| parked::remove(transaction, &name, &record)).await
    }

    async fn events(&self, ids: &[StoreId]) -> Result<FoundEvents, StoreError> {
        let ids = ids.to_vec();
        self.readers.read(move |connection| reading::events(connection, &ids)).await
    }

    async fn events_from(
        &self,
        user_id: &str,
        from: Arrival,
        limit: usize,
    ) -> Result<(Vec<(Arrival, StoreId)>, bool), StoreError> {
        let user_id = user_id.to_owned();
        self.readers
            .read(move |connection| reading::events_from(connection, &user_id, from, limit))
            .await
    }

    async fn walk(
        &self,
        after: Option<StoreId>,
        limit: usize,
    ) -> Result<Vec<EventHead>, StoreError> {
        self.readers.read(move |connection| walking::walk(connection, after, limit)).await
    }

    async fn users_after(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Box<str>>, StoreError> {
        let after = after.map(str::to_owned);
        self.readers
            .read(move |connection| walking::users_after(connection, after.as_deref(), limit))
            .await
    }

    async fn add_command(&self, command: &Command) -> Result<bool, StoreError> {
        let command = command.clone();
        self.writer.change(move |transaction| commands::add(transaction, &command)).await
    }

    async fn commands(&self, name: &str) -> Result<Vec<Command>, StoreError> {
        let name = name.to_owned();
        self.readers.read(move |connection| commands::all(connection, &name)).await
    }

    async fn command(&self, id: Uuid) -> Result<Option<Command>, StoreError> {
        self.readers.read(move |connection| commands::one(connection, id)).await
    }

    async fn change_command(
        &self,
        id: Uuid,
        progress: Option<&str>,
        answer: Option<(Timestamp, &str)>,
    ) -> Result<bool, StoreError> {
        let progress = progress.map(str::to_owned);
        let answer = answer.map(|(at, answer)| (at, answer.to_owned()));
        self.writer
            .change(move |transaction| {
                let answer = answer.as_ref().map(|(at, answer)| (*at, answer.as_str()));
                commands::change(transaction, id, progress.as_deref(), answer)
            })
            .await
    }

    async fn publish(&self, name: &str, at: Timestamp, state: &str) -> Result<(), StoreError> {
        let (name, state) = (name.to_owned(), state.to_owned());
        self.writer.change(move |transaction| states::publish(transaction, &name, at, &state)).await
    }

    async fn published(&self, name: &str) -> Result<Option<(Timestamp, Box<str>)>, StoreError> {
        let name = name.to_owned();
        self.readers.read(move |connection| states::published(connection, &name)).await
    }
}
