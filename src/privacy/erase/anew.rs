//! Users who were erased and are in the database again, for an older copy of it was put back.
//! They are erased anew, by the list of erasures that was kept apart from it.
//!
//! No instance may work on the database meanwhile. So nothing is waited for, and what memory
//! and journals had of these users is not looked for: the instances did their part in that
//! when the users were erased first, and do it now in erasures that were still under way.

use std::collections::HashSet;
use std::sync::Arc;

use trailkeep_event::time::Clock;
use trailkeep_store::StoreError;
use trailkeep_store::access::AccessStore;
use trailkeep_store::erasures::{ErasedId, Erasure, ErasureList, ErasureStore, IdHash};

use super::naming::with_names;
use super::places::Places;
use super::rows::Rows;
use super::{name_of, processors};
use crate::access::audit::{Actor, action};

/// A database in which users are erased anew.
pub struct Anew {
    /// Where erasures are kept.
    pub store: Arc<dyn ErasureStore>,
    /// What the store has.
    pub places: Places,
    /// Who is who.
    pub rows: Rows,
    /// The audit trail.
    pub access: Arc<dyn AccessStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Erasures that the database did not have, or had under way.
    pub erasures: usize,
    /// Ids of them that were in the database, and are no more.
    pub ids: usize,
    /// Their events, and what was kept for processors.
    pub removed: u64,
}

/// Why it was not done, or not to the end. It may be done again.
#[derive(Debug, thiserror::Error)]
pub enum AnewError {
    /// The list is of other users.
    #[error(
        "the list of erasures is of another database than this one: their keys differ, so that \
         nobody in it can be found here. A start after a loss makes a new database, with a list of \
         its own: where a backup is to replace that one, move trailkeep.db* away first"
    )]
    OtherDatabase,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Anew {
    /// Erases all who are erased by the list, and takes the list over: its erasures, and who
    /// is blocked. Tells how many erasures of how many are done.
    ///
    /// # Errors
    ///
    /// The list is of another database, or the store cannot do it. Then it may be done again:
    /// an erasure is taken over after it was carried out.
    pub async fn carry_out(
        &self,
        list: &ErasureList,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Done, AnewError> {
        if self.store.erasure_key().await? != list.key {
            return Err(AnewError::OtherDatabase);
        }
        let missed = self.missed(list).await?;
        let named = with_names(&*self.store, list.key, &missed).await?;
        let mut done = Done { erasures: missed.len(), ..Done::default() };
        processors::move_records(&*self.places.processing, &named).await?;
        for (number, erasure) in named.iter().enumerate() {
            done.removed += self.erase(erasure).await?;
            done.ids += erasure.ids.iter().filter(|erased| erased.id.is_some()).count();
            progress(number + 1, named.len());
        }
        self.block(list).await?;
        for erasure in &missed {
            self.store.add_erasure(erasure).await?;
        }
        // Also where nobody was found: rows that had expired may have left copies.
        if !missed.is_empty() {
            self.store.scrub().await?;
        }
        Ok(done)
    }

    /// Those that the database does not know to be done.
    async fn missed(&self, list: &ErasureList) -> Result<Vec<Erasure>, StoreError> {
        let mut missed = Vec::new();
        for erasure in &list.erasures {
            let known = self.store.erasure(erasure.id).await?;
            if known.is_none_or(|known| known.verified_at.is_none()) {
                missed.push(erasure.clone());
            }
        }
        Ok(missed)
    }

    /// Answers how much there was.
    async fn erase(&self, erasure: &Erasure) -> Result<u64, StoreError> {
        let names: Vec<&ErasedId> =
            erasure.ids.iter().filter(|erased| erased.id.is_some()).collect();
        if names.is_empty() {
            return Ok(0);
        }
        let mut removed = 0;
        loop {
            let gone = self.places.clear(erasure, self.clock.now()).await?;
            removed += gone;
            if gone == 0 {
                break;
            }
        }
        self.rows.remove(erasure).await?;
        self.rows.say_again(erasure).await?;
        for erased in &names {
            if let Some(id) = &erased.id {
                self.store.rename_subject(id, &name_of(erased.hash)).await?;
            }
        }
        let reason = format!("erasure {}: anew, after an older database was put back", erasure.id);
        let shell = Actor { reason: Some(reason), ..Actor::shell() };
        let entry = |erased: &&ErasedId| {
            shell.did(action::USER_ERASED, Some(&name_of(erased.hash)), &*self.clock)
        };
        self.access.record(&names.iter().map(entry).collect::<Vec<_>>()).await?;
        Ok(removed)
    }

    /// Who is blocked is what the list says: blocks may have been ended since.
    async fn block(&self, list: &ErasureList) -> Result<(), StoreError> {
        let blocked: HashSet<&IdHash> = list.blocked.iter().collect();
        for hash in self.store.blocked().await? {
            if !blocked.contains(&hash) {
                self.store.unblock(hash).await?;
            }
        }
        self.store.block(&list.blocked).await
    }
}
