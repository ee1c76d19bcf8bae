//! What one instance does for users to be erased, in order.

use std::path::PathBuf;
use std::sync::Arc;

use tracing::info;
use trailkeep_event::time::Clock;
use trailkeep_store::StoreError;
use trailkeep_store::access::{AccessStore, AuditEntry};
use trailkeep_store::erasures::{ErasedId, Erasure, ErasureStore, Place};
use uuid::Uuid;

use super::places::Places;
use super::rows::Rows;
use super::waited::{awaited, missing};
use super::{name_of, naming, processors};
use crate::access::audit::{Actor, action};
use crate::dead_letters::DeadLetters;
use crate::ingest::Ingest;
use crate::ingest::wiping::NotWiped;
use crate::people::People;
use crate::processing::Processing;
use crate::summaries::Summaries;

/// All in which something of a user may be.
pub struct Part {
    /// The identity of this instance's data folder.
    pub instance: Uuid,
    /// Where erasures are kept.
    pub store: Arc<dyn ErasureStore>,
    /// What the store has.
    pub places: Places,
    /// Who is who.
    pub rows: Rows,
    /// The audit trail.
    pub access: Arc<dyn AccessStore>,
    /// What is accepted and not stored.
    pub ingest: Arc<Ingest>,
    /// The folder of the journal.
    pub journal: PathBuf,
    /// What of people is known to be kept.
    pub people: Arc<People>,
    /// Who tries dead letters again.
    pub letters: Arc<DeadLetters>,
    /// Who delivers.
    pub processing: Arc<Processing>,
    /// What names users.
    pub summaries: Arc<Summaries>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Why a part is not done yet. It is begun again.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Journal(#[from] NotWiped),
}

impl Part {
    /// Does this instance's part in these erasures, all at once.
    pub async fn run(&self, erasures: &[Erasure]) -> Result<(), PartError> {
        self.quieten(erasures).await?;
        self.clear(erasures).await?;
        self.rows(erasures).await?;
        self.ingest.wipe_journal(&self.journal).await?;
        // All that was accepted before is written or let go: this is read again.
        let erasures = &self.with_names(erasures).await?;
        while self.clear(erasures).await? > 0 {}
        self.summaries.forget_all();
        for erasure in erasures {
            self.end(erasure).await?;
        }
        Ok(())
    }

    /// Waits for all who do not know yet that the ids are erased, and drops what memory holds.
    async fn quieten(&self, erasures: &[Erasure]) -> Result<(), StoreError> {
        let erased = self.ingest.erased();
        self.ingest.recent().forget_all();
        processors::move_records(self.processing.store(), erasures).await?;
        tokio::join!(
            self.ingest.quiet().wait(),
            self.letters.quiet().wait(),
            self.processing.begin_anew(erased)
        );
        Ok(())
    }

    /// An instance that nobody waited for may have written events before it knew, of ids whose
    /// names are forgotten by now.
    async fn with_names(&self, erasures: &[Erasure]) -> Result<Vec<Erasure>, StoreError> {
        let key = self.store.erasure_key().await?;
        let named = naming::with_names(&*self.store, key, erasures).await?;
        let pairs = named.iter().zip(erasures);
        let late: Vec<Erasure> =
            pairs.filter(|(now, before)| now != before).map(|(now, _)| now.clone()).collect();
        if !late.is_empty() {
            processors::move_records(self.processing.store(), &late).await?;
            self.rows(&late).await?;
        }
        Ok(named)
    }

    async fn clear(&self, erasures: &[Erasure]) -> Result<u64, StoreError> {
        let mut gone = 0;
        for erasure in erasures {
            gone += self.places.clear(erasure, self.clock.now()).await?;
        }
        Ok(gone)
    }

    async fn rows(&self, erasures: &[Erasure]) -> Result<(), StoreError> {
        for erasure in erasures {
            let removed = self.rows.remove(erasure).await?;
            self.places.count(erasure, Place::People, removed.people).await?;
            self.places.count(erasure, Place::Sessions, removed.sessions).await?;
        }
        // What writers kept before that is gone, and they take it for kept.
        self.ingest.quiet().wait().await;
        self.people.forget_known();
        for erasure in erasures {
            self.rows.say_again(erasure).await?;
        }
        Ok(())
    }

    /// Notes that this instance's part is done; and ends the erasure, where it was the last.
    async fn end(&self, erasure: &Erasure) -> Result<(), StoreError> {
        for id in erasure.ids.iter().filter_map(|erased| erased.id.as_deref()) {
            let dropped = self.ingest.erased().take_dropped(id);
            self.places.count(erasure, Place::Backlog, dropped.events).await?;
            self.places.count(erasure, Place::Sessions, dropped.sessions).await?;
        }
        self.rename(erasure).await?;
        let now = self.clock.now();
        let instances = self.store.instances().await?;
        let others = awaited(erasure, &instances, now);
        if others.iter().all(|instance| *instance == self.instance) {
            // From here on it goes by hashes, and the files forget the names as well.
            self.store.forget_names(erasure.id).await?;
        }
        // What was done before has left nothing in the files.
        if erasure.verified_at.is_none() {
            self.store.scrub().await?;
        }
        self.store.end_part(erasure.id, self.instance, now).await?;
        self.end_if_complete(erasure.id).await
    }

    async fn rename(&self, erasure: &Erasure) -> Result<(), StoreError> {
        let key = self.store.erasure_key().await?;
        for id in erasure.ids.iter().filter_map(|erased| erased.id.as_deref()) {
            let renamed = self.store.rename_subject(id, &name_of(key.hash(id))).await?;
            self.places.count(erasure, Place::AuditTrail, renamed).await?;
        }
        Ok(())
    }

    /// Ends an erasure in which everybody has taken part who is waited for.
    pub async fn end_if_complete(&self, id: Uuid) -> Result<(), StoreError> {
        let Some(erasure) = self.store.erasure(id).await? else { return Ok(()) };
        let now = self.clock.now();
        let instances = self.store.instances().await?;
        let is_complete =
            !erasure.parts.is_empty() && awaited(&erasure, &instances, now).is_empty();
        if erasure.verified_at.is_some() || !is_complete {
            return Ok(());
        }
        let missing = missing(&erasure, &instances, now);
        self.note(&erasure).await?;
        self.store.end_erasure(id, &missing, now).await?;
        info!(erasure = %id, missing = missing.len(), "users are erased");
        Ok(())
    }

    /// What went, for the audit trail.
    async fn note(&self, erasure: &Erasure) -> Result<(), StoreError> {
        let deleted = erasure.deleted.iter();
        let deleted: Vec<String> =
            deleted.map(|(place, count)| format!("{} {count}", place.word())).collect();
        let reason = format!("erasure {}: {}", erasure.id, deleted.join(", "));
        let service = Actor { reason: Some(reason), ..Actor::service() };
        let entry = |erased: &ErasedId| {
            service.did(action::USER_ERASED, Some(&name_of(erased.hash)), &*self.clock)
        };
        let entries: Vec<AuditEntry> = erasure.ids.iter().map(entry).collect();
        self.access.record(&entries).await
    }
}
