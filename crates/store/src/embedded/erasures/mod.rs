//! Who was erased, and how what is erased leaves the one file.
//!
//! `tables` makes the tables, `records`, `instances`, `blocked` and `installation` have one
//! each. `traces` finds what there is of an id, `mentions` where else it is noted, `hashed` the
//! ids themselves by their hashes, and `removal` lets it go; that of feeds, commands and states
//! is with those. Rows that are deleted are overwritten, and `scrubbing` finds the copies that
//! SQLite has left of them when it moved rows: page by page, of which `page` knows what is not
//! in use.

pub(super) mod blocked;
mod hashed;
pub(super) mod installation;
pub(super) mod instances;
mod mentions;
mod outcomes;
mod page;
pub(super) mod records;
mod removal;
mod scrubbing;
pub(super) mod tables;
mod traces;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, Transaction};
use trailkeep_event::{StoreId, Timestamp};
use uuid::Uuid;

use self::records::{Encoded, to_json};
use super::EmbeddedStore;
use super::processing::{commands, feed, states};
use crate::erasures::{Erasure, ErasureKey, ErasureStore, IdHash, Instance, Mention, Place, Trace};
use crate::processing::FeedDocument;
use crate::summaries::QueryError;
use crate::timeouts::{in_time, no_answer};
use crate::{Id, Retention, StoreError};

/// Rows that are removed or changed in one transaction: inserts wait for it.
const STEP_ROWS: usize = 500;

/// What reading all of the file may take.
const WHOLE_FILE: Duration = Duration::from_secs(24 * 60 * 60);

/// Those that run all the time, or over much.
#[cfg(test)]
pub(super) fn statements() -> [&'static str; 5] {
    [records::BY_ID, records::RUNNING, outcomes::EXPIRED, removal::SUBJECT, traces::STORED]
}

/// What one step of a removal does; it answers how many rows went.
type Removal = fn(&Transaction<'_>, &[StoreId]) -> rusqlite::Result<u64>;

impl EmbeddedStore {
    async fn read_all<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.readers.read_within(WHOLE_FILE, read).await.map_err(|error| match error {
            QueryError::OutOfTime(limit) => no_answer(limit),
            QueryError::Store(error) => error,
        })
    }

    async fn remove_in_steps(&self, ids: &[StoreId], removal: Removal) -> Result<u64, StoreError> {
        in_time(self.timeouts.prepare, async {
            let mut removed = 0;
            for ids in ids.chunks(STEP_ROWS) {
                let ids = ids.to_vec();
                removed +=
                    self.writer.change(move |transaction| removal(transaction, &ids)).await?;
            }
            Ok(removed)
        })
        .await
    }
}

#[async_trait]
impl ErasureStore for EmbeddedStore {
    async fn erasure_key(&self) -> Result<ErasureKey, StoreError> {
        if let Some(key) = self.readers.read(installation::find).await? {
            return Ok(key);
        }
        let drawn = ErasureKey(rand::random());
        self.writer.change(move |transaction| installation::keep(transaction, drawn)).await
    }

    async fn see_instance(
        &self,
        id: Uuid,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.writer.change(move |transaction| instances::see(transaction, id, since, now)).await
    }

    async fn instances(&self) -> Result<Vec<Instance>, StoreError> {
        self.readers.read(instances::all).await
    }

    async fn lose_instance(&self, id: Uuid) -> Result<bool, StoreError> {
        self.writer.change(move |transaction| instances::lose(transaction, id)).await
    }

    async fn block(&self, ids: &[IdHash]) -> Result<(), StoreError> {
        let ids = ids.to_vec();
        self.writer.change(move |transaction| blocked::block(transaction, &ids)).await
    }

    async fn unblock(&self, id: IdHash) -> Result<bool, StoreError> {
        self.writer.change(move |transaction| blocked::unblock(transaction, id)).await
    }

    async fn blocked(&self) -> Result<Vec<IdHash>, StoreError> {
        self.readers.read(blocked::all).await
    }

    async fn add_erasure(&self, erasure: &Erasure) -> Result<(), StoreError> {
        let erasure = Encoded::of(erasure)?;
        self.writer.change(move |transaction| records::add(transaction, &erasure)).await
    }

    async fn erasure(&self, id: Uuid) -> Result<Option<Erasure>, StoreError> {
        self.readers.read(move |connection| records::one(connection, id)).await
    }

    async fn newest_erasures(&self, limit: usize) -> Result<Vec<Erasure>, StoreError> {
        self.readers.read(move |connection| records::newest(connection, limit)).await
    }

    async fn running_erasures(&self) -> Result<Vec<Erasure>, StoreError> {
        self.readers.read(records::running).await
    }

    async fn erasures_without(
        &self,
        instance: Uuid,
        since: Timestamp,
    ) -> Result<Vec<Erasure>, StoreError> {
        self.readers.read(move |connection| records::without(connection, instance, since)).await
    }

    async fn count_erased(&self, id: Uuid, place: Place, more: u64) -> Result<(), StoreError> {
        self.writer.change(move |transaction| records::count(transaction, id, place, more)).await
    }

    async fn end_part(&self, id: Uuid, instance: Uuid, now: Timestamp) -> Result<(), StoreError> {
        self.writer
            .change(move |transaction| records::end_part(transaction, id, instance, now))
            .await
    }

    async fn forget_names(&self, id: Uuid) -> Result<(), StoreError> {
        self.writer.change(move |transaction| records::forget_names(transaction, id)).await
    }

    async fn end_erasure(
        &self,
        id: Uuid,
        missing: &[Uuid],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let missing = to_json(missing)?;
        self.writer.change(move |transaction| records::end(transaction, id, &missing, now)).await
    }

    async fn stored_traces(&self, id: &Id, limit: usize) -> Result<Vec<Trace>, StoreError> {
        let id = id.clone();
        self.readers.read(move |connection| traces::stored(connection, &id, limit)).await
    }

    async fn letter_traces(&self, id: &Id, limit: usize) -> Result<Vec<Trace>, StoreError> {
        let id = id.clone();
        self.readers.read(move |connection| traces::letters(connection, &id, limit)).await
    }

    async fn mentions(&self, ids: &[Id], limit: usize) -> Result<Vec<Mention>, StoreError> {
        let ids = ids.to_vec();
        self.read_all(move |connection| mentions::find(connection, &ids, limit)).await
    }

    async fn remove_events(&self, ids: &[StoreId]) -> Result<u64, StoreError> {
        self.remove_in_steps(ids, removal::events).await
    }

    async fn remove_outcomes(&self, ids: &[StoreId]) -> Result<u64, StoreError> {
        self.remove_in_steps(ids, outcomes::remove).await
    }

    async fn stray_outcomes(
        &self,
        ids: &[Id],
        since: Timestamp,
        expired: (&Retention, Timestamp),
        limit: usize,
    ) -> Result<Vec<StoreId>, StoreError> {
        let (ids, retention, at) = (ids.to_vec(), expired.0.clone(), expired.1);
        self.readers
            .read(move |connection| {
                outcomes::strays(connection, &ids, since, (&retention, at), limit)
            })
            .await
    }

    async fn ids_with(
        &self,
        key: ErasureKey,
        hashes: Arc<HashSet<IdHash>>,
    ) -> Result<Vec<Box<str>>, StoreError> {
        self.read_all(move |connection| hashed::find(connection, key, &hashes)).await
    }

    async fn rename_subject(&self, subject: &str, becomes: &str) -> Result<u64, StoreError> {
        if subject == becomes {
            return Ok(0);
        }
        in_time(self.timeouts.prepare, async {
            let mut renamed = 0;
            loop {
                let (subject, becomes) = (subject.to_owned(), becomes.to_owned());
                let step = self.writer.change(move |transaction| {
                    removal::rename_subject(transaction, &subject, &becomes, STEP_ROWS)
                });
                let step = step.await?;
                renamed += step as u64;
                if step < STEP_ROWS {
                    return Ok(renamed);
                }
            }
        })
        .await
    }

    async fn replace_document(
        &self,
        processor: &str,
        document: &FeedDocument,
    ) -> Result<(), StoreError> {
        let (name, document) = (processor.to_owned(), document.clone());
        self.writer
            .change(move |transaction| {
                if document.entries.is_empty() {
                    feed::remove(transaction, &name, &[document.id])
                } else {
                    feed::replace(transaction, &name, &document)
                }
            })
            .await
    }

    async fn remove_command(&self, id: Uuid) -> Result<(), StoreError> {
        self.writer.change(move |transaction| commands::remove(transaction, id)).await
    }

    async fn unpublish(&self, processor: &str) -> Result<(), StoreError> {
        let name = processor.to_owned();
        self.writer.change(move |transaction| states::remove(transaction, &name)).await
    }

    async fn scrub(&self) -> Result<(), StoreError> {
        scrubbing::scrub(&self.writer).await
    }
}
