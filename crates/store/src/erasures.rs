//! What is kept of users who were erased: who it was, as hashes in the end, which instances
//! have done their part, and how much went. And what a database has to do for it: to find what
//! it holds of an id, and to let it go.
//!
//! An *erasure* covers what arrived of its ids before a number. In which order what goes,
//! and when, is for whoever erases to say; here each step stands for itself, and may be done
//! again.

pub(crate) mod id_json;
mod list;
mod mentions;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use trailkeep_event::{Arrival, StoreId, Timestamp};
use uuid::Uuid;

use super::processing::FeedDocument;
use super::{Id, Retention, StoreError};
pub use list::{ErasureList, NotAList};
pub(crate) use mentions::Mentions;
pub use mentions::{Mention, MentionedAt};

/// Ids of one erasure, at the most: a user's, and those that are linked to it.
pub const MAX_ERASED_IDS: usize = 1_000;

/// What hashes the ids of users who were erased: drawn once for a database.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ErasureKey(pub [u8; 32]);

/// What an erased id is called from then on: nobody finds the id who has not the key, and
/// whoever has both finds its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdHash(pub [u8; 32]);

impl ErasureKey {
    /// The hash of an id: HMAC-SHA-256 of its bytes.
    pub fn hash(&self, id: &str) -> IdHash {
        // A key may have any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return IdHash([0; 32]) };
        mac.update(id.as_bytes());
        IdHash(mac.finalize().into_bytes().into())
    }
}

/// An id that is erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasedId {
    /// The id, until the erasure is done.
    pub id: Option<Box<str>>,
    /// Its hash.
    pub hash: IdHash,
    /// What arrived of it before this number is erased.
    pub until: Arrival,
}

/// A place in which something of a user may be, on a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Events that are stored.
    Events,
    /// Events that were accepted and not stored: they never will be.
    Backlog,
    /// What processors made of events.
    Outcomes,
    /// Events that the database refused.
    DeadLetters,
    /// Events that processors were still to be sent.
    Feed,
    /// Who is who: rows with first and last seen, links and traits.
    People,
    /// Whose sessions are.
    Sessions,
    /// Entries of the audit trail, which stay, and name a hash from then on.
    AuditTrail,
}

impl Place {
    /// Every place there is.
    pub const ALL: [Self; 8] = [
        Self::Events,
        Self::Backlog,
        Self::Outcomes,
        Self::DeadLetters,
        Self::Feed,
        Self::People,
        Self::Sessions,
        Self::AuditTrail,
    ];

    /// Its word, on the wire and in the stores.
    pub fn word(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Backlog => "backlog",
            Self::Outcomes => "outcomes",
            Self::DeadLetters => "deadLetters",
            Self::Feed => "feed",
            Self::People => "people",
            Self::Sessions => "sessions",
            Self::AuditTrail => "auditTrail",
        }
    }

    /// The place with this word; `None` for one that a later version knows.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.word() == word)
    }
}

/// Users who were, or are being, erased by one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Made once, never changed; a UUID of version 7.
    pub id: Uuid,
    /// Whose data goes; at most [`MAX_ERASED_IDS`].
    pub ids: Vec<ErasedId>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When all who had to take part had done so; `None` while it is under way.
    pub verified_at: Option<Timestamp>,
    /// Which instances have done their part, and when each had read again that nothing is
    /// there.
    pub parts: BTreeMap<Uuid, Timestamp>,
    /// Instances that were not waited for: they had not been seen for too long.
    pub missing: Vec<Uuid>,
    /// How much went, as far as it was counted: a crash may come between a deletion and its
    /// count.
    pub deleted: BTreeMap<Place, u64>,
}

/// A data folder whose journal may hold accepted events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instance {
    /// The folder's identity.
    pub id: Uuid,
    /// Since when its journal may have something: erasures that ended before are none of its.
    pub since: Timestamp,
    /// When it was seen last.
    pub seen: Timestamp,
}

/// Where an event of an erased id was found, and what else it says of whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The event's identity.
    pub id: StoreId,
    /// The anonymous id beside its user.
    pub anonymous_id: Option<Box<str>>,
    /// Its session.
    pub session_id: Option<Box<str>>,
}

/// Keeps erasures and instances, and lets go of what is to be erased.
///
/// As with [`Store`](super::Store), any call may be made at any time and ends in time, and a
/// database that is away is [`StoreError::Unavailable`]. What is acknowledged would survive a
/// crash of the store and the loss of a server; what is read is not older than anything that
/// this store has answered before. A call that was not acknowledged may be made again.
#[async_trait]
pub trait ErasureStore: Send + Sync + 'static {
    /// The key of this database, which the first call makes. Of two that come at the same
    /// moment both get the same.
    async fn erasure_key(&self) -> Result<ErasureKey, StoreError>;

    /// Notes that an instance is there, and answers when it was seen last before that. Where it
    /// was never seen, it is there since `since`. An earlier moment than the one that is noted
    /// changes nothing.
    async fn see_instance(
        &self,
        id: Uuid,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError>;

    /// All instances that were ever seen, by id.
    async fn instances(&self) -> Result<Vec<Instance>, StoreError>;

    /// Has an instance count as not seen since the beginning of time, until it is seen again;
    /// whether there is one.
    async fn lose_instance(&self, id: Uuid) -> Result<bool, StoreError>;

    /// Has these ids blocked: what is posted of them is to be left out.
    async fn block(&self, ids: &[IdHash]) -> Result<(), StoreError>;

    /// Ends the block of an id; whether there was one.
    async fn unblock(&self, id: IdHash) -> Result<bool, StoreError>;

    /// All ids that are blocked, in any order.
    async fn blocked(&self) -> Result<Vec<IdHash>, StoreError>;

    /// Adds an erasure. One with its id that is there already stays as it is.
    async fn add_erasure(&self, erasure: &Erasure) -> Result<(), StoreError>;

    /// One erasure.
    async fn erasure(&self, id: Uuid) -> Result<Option<Erasure>, StoreError>;

    /// The newest, those first that were requested last.
    async fn newest_erasures(&self, limit: usize) -> Result<Vec<Erasure>, StoreError>;

    /// Those that are under way, oldest first. Cheap where there are none: it is asked every
    /// few seconds.
    async fn running_erasures(&self) -> Result<Vec<Erasure>, StoreError>;

    /// Those that are done, were requested at this moment or later, and in which this instance
    /// took no part; oldest first. May read all that are done.
    async fn erasures_without(
        &self,
        instance: Uuid,
        since: Timestamp,
    ) -> Result<Vec<Erasure>, StoreError>;

    /// Adds to what was deleted.
    async fn count_erased(&self, id: Uuid, place: Place, more: u64) -> Result<(), StoreError>;

    /// Notes that an instance has done its part, which it may have noted before.
    async fn end_part(&self, id: Uuid, instance: Uuid, now: Timestamp) -> Result<(), StoreError>;

    /// An erasure that is under way keeps the hashes of its ids alone from now on.
    async fn forget_names(&self, id: Uuid) -> Result<(), StoreError>;

    /// An erasure that is under way is done: it keeps the hashes of its ids alone, and the
    /// instances that were not waited for.
    async fn end_erasure(
        &self,
        id: Uuid,
        missing: &[Uuid],
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Stored events of an id, in any order: at most `limit`, and none only where there are
    /// none. What was written by another tool without a number arrived before any. By an
    /// index, of which no more is read than is found, but for events that arrived later.
    async fn stored_traces(&self, id: &Id, limit: usize) -> Result<Vec<Trace>, StoreError>;

    /// Dead letters of an id, in the same way. May read all letters.
    async fn letter_traces(&self, id: &Id, limit: usize) -> Result<Vec<Trace>, StoreError>;

    /// What is noted of ids at sessions and at other ids, by what arrived before their number: at
    /// most `limit`, in any order, and none only where there is none. Reads all of who is who:
    /// what was noted may outlive the events that said it, and an index by user would double
    /// what a session costs, for what is asked once in a while.
    async fn mentions(&self, ids: &[Id], limit: usize) -> Result<Vec<Mention>, StoreError>;

    /// Removes stored events for good, of which some may be gone already; answers how many
    /// there were.
    async fn remove_events(&self, ids: &[StoreId]) -> Result<u64, StoreError>;

    /// Removes the outcomes of these events, those of all processors and of removed ones too;
    /// answers how many there were.
    async fn remove_outcomes(&self, ids: &[StoreId]) -> Result<u64, StoreError>;

    /// Outcomes of ids whose events may be gone already: those that were kept at this moment or
    /// later, and those of events that had had their time at `expired`, by the retention of events,
    /// which is that of the store. At most `limit` and as many more as there are processors and
    /// types that differ, and none only where there are none. Reads all that was kept since, and a
    /// day of what has expired: an index by user would double what an outcome costs, for what is
    /// asked once in a while.
    async fn stray_outcomes(
        &self,
        ids: &[Id],
        since: Timestamp,
        expired: (&Retention, Timestamp),
        limit: usize,
    ) -> Result<Vec<StoreId>, StoreError>;

    /// The ids that anything is kept of and that have these hashes, in any order. Reads all that
    /// is kept, and takes as long as that takes: of what is erased only hashes are known, and
    /// it is asked where an older copy of the database was put back.
    async fn ids_with(
        &self,
        key: ErasureKey,
        hashes: Arc<HashSet<IdHash>>,
    ) -> Result<Vec<Box<str>>, StoreError>;

    /// Has entries of the audit trail with this subject name another one; answers how many
    /// there were.
    async fn rename_subject(&self, subject: &str, becomes: &str) -> Result<u64, StoreError>;

    /// Puts a document in the place of the one with its id, if that is still there; one
    /// without entries removes it.
    async fn replace_document(
        &self,
        processor: &str,
        document: &FeedDocument,
    ) -> Result<(), StoreError>;

    /// Removes a command of a processor, which may be gone already.
    async fn remove_command(&self, id: Uuid) -> Result<(), StoreError>;

    /// Removes what was published of a processor: whoever delivers for it publishes again.
    async fn unpublish(&self, processor: &str) -> Result<(), StoreError>;

    /// Overwrites what deletions have left in places of the store's files that hold nothing
    /// any more, as far as these files are ours. In small steps between others' writes; it may
    /// read all of the file, and takes its time.
    async fn scrub(&self) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_leads_back_to_its_place() {
        for place in Place::ALL {
            assert_eq!(Place::from_word(place.word()), Some(place));
        }
        assert_eq!(Place::from_word("of a later version"), None);
    }

    #[test]
    fn a_hash_takes_the_id_and_the_key() {
        let (one, other) = (ErasureKey([1; 32]), ErasureKey([2; 32]));
        assert_eq!(one.hash("a"), one.hash("a"));
        assert_ne!(one.hash("a"), one.hash("b"));
        assert_ne!(one.hash("a"), other.hash("a"));
    }
}
