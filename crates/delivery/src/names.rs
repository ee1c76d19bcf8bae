//! What the feed, the records and the lease are called by, here and in every store.

use std::fmt;

use trailkeep_event::{Arrival, StoreId};

/// Whose events they are, as the feed says it: 16 bytes of a keyed hash of the user's
/// id, so that a feed names nobody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserKey(pub [u8; 16]);

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "user {:032x}", u128::from_be_bytes(self.0))
    }
}

/// Who fed: eight random bytes that a process draws at its start, and no other ever
/// has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Process(pub [u8; 8]);

/// One document of a feed: the n-th of a process, from 1.
///
/// A process sends n + 1 only after n is acknowledged, and another try of n sends the
/// same bytes. So who reads a process's documents in order sees all before the last
/// one that it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentId {
    /// Who fed it.
    pub process: Process,
    /// Which of its documents it is.
    pub number: u64,
}

/// An event in a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// Its place in its user's order: the number under which it is *stored*, also
    /// where it was sent twice and has another one in a journal.
    pub arrival: Arrival,
    /// Its identity in the store.
    pub id: StoreId,
    /// Whose it is.
    pub user: UserKey,
}

/// "Everything of this user from an arrival number on is pending in `events`": then
/// the feed and the memory need not hold it.
///
/// Every change of one names what is there before it, so that a change which arrives
/// late changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParkRecord {
    /// Whose it is.
    pub user: UserKey,
    /// The lowest arrival number that is pending.
    pub from: Arrival,
    /// The epoch of the lease under which it was written last.
    pub epoch: u64,
    /// Grows with every change within an epoch.
    pub change: u64,
    /// The event at which its user waits for a person; nothing of the user is sent
    /// meanwhile.
    pub held: Option<StoreId>,
}
