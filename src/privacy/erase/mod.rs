//! Users who are erased: themselves and all ids that are linked to them, wherever they are.
//!
//! # What is promised
//!
//! An erasure names ids, and a number up to which it counts. **Nothing of these ids that was
//! accepted before comes back**, whichever way it would come: out of the journal, out of memory,
//! by a dead letter that is tried again, by the feed, by an instance that was away. What is
//! posted later is new. Whoever asked has a receipt, which is final once every place was read
//! again on every instance.
//!
//! # How
//!
//! The erasure is a document in the store, and goes on from there after any crash. Each instance
//! [watches] for such documents, and does its [part]:
//!
//! 1. *Nobody takes it any more.* The ids are told to `ingest::erased`, which is asked before an
//!    event is written, fed, sent or tried again. Then all are waited for who began before that:
//!    writers, retries, deliverers.
//! 2. *It goes.* Every [place](places) of the store is cleared in small steps, and what memory
//!    holds besides is dropped.
//! 3. *It is gone from the disk.* The journal leaves its segment, and the part waits until all up
//!    to that is settled and zeroed.
//! 4. *It is read again*: the places are cleared until there is nothing to be cleared.
//!
//! Every step may be done twice, and by several instances at once. Who ends the last part ends
//! the erasure: the names of the ids are forgotten, and their hashes stay, by which an instance
//! that was away for longer than [`AWAY`](waited::AWAY) knows them: what it wrote before it knew
//! is found by them, in all that is kept. An older copy of the database that is put back has the
//! users again, and is cleared of them in the same way ([`anew`]).
//!
//! The clocks of instances may differ: what another one accepted within that difference of the
//! request may count as posted later, and the other way round.

pub mod anew;
pub mod eraser;
mod naming;
pub mod part;
pub mod places;
mod processors;
pub mod rows;
pub mod waited;
pub mod watching;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use trailkeep_event::Arrival;
use trailkeep_event::time::Clock;
use trailkeep_store::erasures::{
    ErasedId, Erasure, ErasureKey, ErasureStore, IdHash, Instance, MAX_ERASED_IDS,
};
use trailkeep_store::{Id, StoreError};
use uuid::Uuid;

use crate::ingest::Ingest;
use crate::journeys::linked::{Circle, Links};
use watching::Watched;

/// Stored events of an id that are counted before it is erased.
const COUNTED: usize = 10_000;

/// How the names of erased ids begin.
const ERASED: &str = "erased:";

/// Whether it is what an erased id is called.
pub fn is_name_of_erased(subject: &str) -> bool {
    subject.starts_with(ERASED)
}

/// What an erased id is called in the audit trail: nobody finds the id by that who has not the
/// database's key.
pub fn name_of(hash: IdHash) -> String {
    let mut name = ERASED.to_owned();
    for byte in &hash.0[..16] {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// What is to be erased besides the user's own id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Whether all ids go that are linked to it.
    pub linked: bool,
    /// Whether what is posted of these ids later is left out.
    pub block: bool,
}

/// An erasure that was asked for, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Whose data goes.
    pub ids: Vec<ErasedId>,
    /// Whether more ids are linked to the user than one erasure takes. Then the user's own id
    /// is not among them yet.
    pub is_cut: bool,
}

/// What would go now, so far as it is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Stored events: no more than ten thousand are counted for an id.
    pub events: usize,
    /// Whether there are more of them.
    pub are_more: bool,
    /// Events that are accepted and not stored, as far as memory holds them.
    pub backlog: usize,
}

/// An erasure as it is now, and who takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// What is kept of it.
    pub erasure: Erasure,
    /// All instances, those that are not waited for included.
    pub instances: Vec<Instance>,
}

/// Why nobody is erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The id belongs to a user.
    #[error("the id is linked to {0}")]
    LinkedTo(Box<str>),
    /// The store cannot say whose data it is, or keep that it is to go.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Has users erased, and tells how far that is.
pub struct Erasing {
    store: Arc<dyn ErasureStore>,
    links: Links,
    ingest: Arc<Ingest>,
    clock: Arc<dyn Clock>,
    watched: Arc<Watched>,
}

impl Erasing {
    /// Of this instance.
    pub fn new(
        store: Arc<dyn ErasureStore>,
        links: Links,
        ingest: Arc<Ingest>,
        clock: Arc<dyn Clock>,
        watched: Arc<Watched>,
    ) -> Self {
        Self { store, links, ingest, clock, watched }
    }

    /// Whose data would go.
    ///
    /// # Errors
    ///
    /// Where the id belongs to a user and all that is linked is to go: then that user is to be
    /// erased, or this id alone.
    pub async fn plan(&self, user_id: &str, wanted: Wanted) -> Result<Planned, EraseError> {
        let key = self.store.erasure_key().await?;
        // Consumed: so it lies between what was accepted before and after.
        let up_to = self.ingest.next_arrival();
        let circle = self.links.all_of(user_id, MAX_ERASED_IDS).await?;
        if let Some(user) = circle.linked_to().filter(|_| wanted.linked) {
            return Err(EraseError::LinkedTo(user));
        }
        let is_cut = wanted.linked && circle.is_cut;
        let mut ids = ids_of(&circle, wanted, &key, up_to);
        if is_cut {
            // By the user the others are found that are left: the user goes with the last of them.
            ids.remove(0);
        }
        Ok(Planned { ids, is_cut })
    }

    /// How much of it there is now.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn count(&self, planned: &Planned) -> Result<Counted, StoreError> {
        let mut counted = Counted::default();
        for id in planned.ids.iter().filter_map(named) {
            let found = self.store.stored_traces(&id, COUNTED).await?.len();
            counted.events += found;
            counted.are_more |= found == COUNTED;
            counted.backlog += self.ingest.of_user(&id.id).0.len();
        }
        Ok(counted)
    }

    /// Has users erased. Answers once that is kept: from then on nothing keeps it from being
    /// done.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn ask(&self, planned: Planned, wanted: Wanted) -> Result<Uuid, StoreError> {
        let id = Uuid::now_v7();
        if wanted.block {
            let hashes: Vec<_> = planned.ids.iter().map(|erased| erased.hash).collect();
            self.store.block(&hashes).await?;
        }
        let erasure = Erasure {
            id,
            ids: planned.ids,
            requested_at: self.clock.now(),
            verified_at: None,
            parts: BTreeMap::new(),
            missing: Vec::new(),
            deleted: BTreeMap::new(),
        };
        self.store.add_erasure(&erasure).await?;
        self.watched.look();
        Ok(id)
    }

    /// An erasure as it is now; `None` where there is no such.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn receipt(&self, id: Uuid) -> Result<Option<Receipt>, StoreError> {
        let Some(erasure) = self.store.erasure(id).await? else { return Ok(None) };
        let instances = self.store.instances().await?;
        Ok(Some(Receipt { erasure, instances }))
    }

    /// The newest erasures, those first that were asked for last.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn newest(&self, limit: usize) -> Result<Vec<Erasure>, StoreError> {
        self.store.newest_erasures(limit).await
    }

    /// Whether what is posted of a user is left out, as far as this instance knows.
    pub fn is_blocked(&self, user_id: &str) -> bool {
        self.ingest.erased().blocks(user_id)
    }

    /// Ends the block of an id; whether there was one.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn unblock(&self, user_id: &str) -> Result<bool, StoreError> {
        let key = self.store.erasure_key().await?;
        let was_blocked = self.store.unblock(key.hash(user_id)).await?;
        self.watched.look();
        Ok(was_blocked)
    }

    /// Has nobody wait for an instance whose data folder is lost; whether there is one. Should
    /// it come back, it does its part all the same.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn lose_instance(&self, id: Uuid) -> Result<bool, StoreError> {
        let was_known = self.store.lose_instance(id).await?;
        self.watched.look();
        Ok(was_known)
    }

    /// What an id is called in the audit trail once it is erased.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn name_of(&self, id: &str) -> Result<String, StoreError> {
        Ok(name_of(self.store.erasure_key().await?.hash(id)))
    }
}

fn ids_of(circle: &Circle, wanted: Wanted, key: &ErasureKey, up_to: Arrival) -> Vec<ErasedId> {
    let of = |id: &str, until: Arrival| ErasedId { id: Some(id.into()), hash: key.hash(id), until };
    let linked = circle.linked.iter().filter(|_| wanted.linked);
    let linked = linked.map(|id| of(&id.id, id.until.map_or(up_to, |until| until.min(up_to))));
    std::iter::once(of(&circle.person.id, up_to)).chain(linked).take(MAX_ERASED_IDS).collect()
}

/// What of an id is erased, where it can be named.
fn named(erased: &ErasedId) -> Option<Id> {
    let id = erased.id.as_deref()?.to_owned();
    Some(Id { id, until: Some(erased.until) })
}

/// The number before which an id is erased.
fn before(id: &Id) -> Arrival {
    id.until.unwrap_or(Arrival::from_i64(i64::MIN))
}
