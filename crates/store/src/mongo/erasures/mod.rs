//! Who was erased, and how what is erased goes, in MongoDB.
//!
//! - `erasures`: one document an erasure. `documents` has its fields, `records` what is
//!   asked of it.
//! - `instances`: one document a data folder.
//! - `blockedIds`: one document an id, which is its hash. `blocked` in the code.
//! - `installation`: one document, which has the key.
//!
//! `traces` finds what there is of an id, `hashed` the ids themselves by their hashes, `foreign` what another tool wrote of it, and
//! `removal` and `outcomes` let it go; that of feeds, commands and states is with those. `indexes` has
//! what is made beforehand.
//!
//! Every call is a [`Call`](super::causal::Call), so that what is acknowledged survives the
//! loss of a server, and no read goes back in time. What the server's files hold of
//! documents that were deleted is the server's: nothing is scrubbed here.

mod blocked;
pub mod documents;
pub mod foreign;
mod hashed;
mod indexes;
pub mod installation;
pub mod instances;
mod mentions;
mod outcomes;
mod records;
mod removal;
mod traces;

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use trailkeep_event::{StoreId, Timestamp};
use uuid::Uuid;

use super::processing::reading::Source;
use super::processing::{commands, feed, states};
use super::store::MongoStore;
use crate::erasures::{Erasure, ErasureKey, ErasureStore, IdHash, Instance, Mention, Place, Trace};
use crate::processing::FeedDocument;
use crate::timeouts::in_time;
use crate::{Id, Retention, StoreError};

pub use indexes::{BLOCKED, ERASURES, INSTALLATION, INSTANCES, prepare, wanted};

#[async_trait]
impl ErasureStore for MongoStore {
    async fn erasure_key(&self) -> Result<ErasureKey, StoreError> {
        let drawn = ErasureKey(rand::random());
        self.write(async { installation::key(&mut self.call().await?, drawn).await }).await
    }

    async fn see_instance(
        &self,
        id: Uuid,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.write(async { instances::see(&mut self.call().await?, id, since, now).await }).await
    }

    async fn instances(&self) -> Result<Vec<Instance>, StoreError> {
        self.read(async { instances::all(&mut self.call().await?).await }).await
    }

    async fn lose_instance(&self, id: Uuid) -> Result<bool, StoreError> {
        self.write(async { instances::lose(&mut self.call().await?, id).await }).await
    }

    async fn block(&self, ids: &[IdHash]) -> Result<(), StoreError> {
        self.write(async { blocked::block(&mut self.call().await?, ids).await }).await
    }

    async fn unblock(&self, id: IdHash) -> Result<bool, StoreError> {
        self.write(async { blocked::unblock(&mut self.call().await?, id).await }).await
    }

    async fn blocked(&self) -> Result<Vec<IdHash>, StoreError> {
        self.read(async { blocked::all(&mut self.call().await?).await }).await
    }

    async fn add_erasure(&self, erasure: &Erasure) -> Result<(), StoreError> {
        self.write(async { records::add(&mut self.call().await?, erasure).await }).await
    }

    async fn erasure(&self, id: Uuid) -> Result<Option<Erasure>, StoreError> {
        self.read(async { records::one(&mut self.call().await?, id).await }).await
    }

    async fn newest_erasures(&self, limit: usize) -> Result<Vec<Erasure>, StoreError> {
        // To the server, 0 is no limit.
        if limit == 0 {
            return Ok(Vec::new());
        }
        self.read(async { records::newest(&mut self.call().await?, limit).await }).await
    }

    async fn running_erasures(&self) -> Result<Vec<Erasure>, StoreError> {
        self.read(async { records::running(&mut self.call().await?).await }).await
    }

    async fn erasures_without(
        &self,
        instance: Uuid,
        since: Timestamp,
    ) -> Result<Vec<Erasure>, StoreError> {
        self.read(async { records::without(&mut self.call().await?, instance, since).await }).await
    }

    async fn count_erased(&self, id: Uuid, place: Place, more: u64) -> Result<(), StoreError> {
        self.write(async { records::count(&mut self.call().await?, id, place, more).await }).await
    }

    async fn end_part(&self, id: Uuid, instance: Uuid, now: Timestamp) -> Result<(), StoreError> {
        self.write(async { records::end_part(&mut self.call().await?, id, instance, now).await })
            .await
    }

    async fn forget_names(&self, id: Uuid) -> Result<(), StoreError> {
        self.write(async { records::forget_names(&mut self.call().await?, id).await }).await
    }

    async fn end_erasure(
        &self,
        id: Uuid,
        missing: &[Uuid],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(async { records::end(&mut self.call().await?, id, missing, now).await }).await
    }

    async fn stored_traces(&self, id: &Id, limit: usize) -> Result<Vec<Trace>, StoreError> {
        // To the server, 0 is no limit.
        if limit == 0 {
            return Ok(Vec::new());
        }
        self.read(async {
            let source = Source {
                layout: &self.layout,
                periods: &self.calendar.known(),
                timeout: self.settings.timeouts.read,
            };
            let call = &mut self.call().await?;
            traces::stored(call, &source, &self.foreign_ids, id, limit).await
        })
        .await
    }

    async fn letter_traces(&self, id: &Id, limit: usize) -> Result<Vec<Trace>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        self.read(async { traces::letters(&mut self.call().await?, id, limit).await }).await
    }

    async fn mentions(&self, ids: &[Id], limit: usize) -> Result<Vec<Mention>, StoreError> {
        mentions::find(&mut self.call().await?, ids, limit).await
    }

    async fn remove_events(&self, ids: &[StoreId]) -> Result<u64, StoreError> {
        in_time(self.settings.timeouts.prepare, async {
            removal::events(&mut self.call().await?, &self.foreign_ids, ids).await
        })
        .await
    }

    async fn remove_outcomes(&self, ids: &[StoreId]) -> Result<u64, StoreError> {
        in_time(self.settings.timeouts.prepare, async {
            outcomes::remove(&mut self.call().await?, ids).await
        })
        .await
    }

    async fn stray_outcomes(
        &self,
        ids: &[Id],
        since: Timestamp,
        expired: (&Retention, Timestamp),
        limit: usize,
    ) -> Result<Vec<StoreId>, StoreError> {
        in_time(self.settings.timeouts.prepare, async {
            outcomes::strays(&mut self.call().await?, ids, since, expired, limit).await
        })
        .await
    }

    async fn ids_with(
        &self,
        key: ErasureKey,
        hashes: Arc<HashSet<IdHash>>,
    ) -> Result<Vec<Box<str>>, StoreError> {
        hashed::find(&mut self.call().await?, key, &hashes).await
    }

    async fn rename_subject(&self, subject: &str, becomes: &str) -> Result<u64, StoreError> {
        if subject == becomes {
            return Ok(0);
        }
        in_time(self.settings.timeouts.prepare, async {
            removal::rename_subject(&mut self.call().await?, subject, becomes).await
        })
        .await
    }

    async fn replace_document(
        &self,
        processor: &str,
        document: &FeedDocument,
    ) -> Result<(), StoreError> {
        self.write(async {
            let call = &mut self.call().await?;
            if document.entries.is_empty() {
                feed::remove(call, processor, &[document.id]).await
            } else {
                feed::replace(call, processor, document).await
            }
        })
        .await
    }

    async fn remove_command(&self, id: Uuid) -> Result<(), StoreError> {
        self.write(async { commands::remove_one(&mut self.call().await?, id).await }).await
    }

    async fn unpublish(&self, processor: &str) -> Result<(), StoreError> {
        self.write(async { states::remove(&mut self.call().await?, processor).await }).await
    }

    /// The files are the server's.
    async fn scrub(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
