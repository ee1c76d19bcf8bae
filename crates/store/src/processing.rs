//! What processing keeps: who is fed for, what is pending, what became of each event.
//!
//! The rules are in `trailkeep-delivery`; here is what a database has to do for them.
//! Two things hold of every call. What is acknowledged would survive a crash of the
//! store and the loss of a server, whatever a URI says. And what is read is not older
//! than anything that this store has answered before, also after an election: a read
//! that went back in time would miss what is pending.

mod outcomes;
mod steering;
mod wanted;

use std::collections::HashMap;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
pub use trailkeep_delivery::lease::Lease;
use trailkeep_delivery::{DocumentId, ParkRecord, UserKey};
use trailkeep_event::{Arrival, StoreId, Timestamp};
use uuid::Uuid;

use super::{Outcome, StoreError, StoredEvent};

pub use outcomes::{Processed, ProcessedEvent, ProcessedState};
pub use steering::{Command, MAX_COMMANDS, MAX_STEERING_BYTES};
pub use wanted::Wanted;

/// Bytes of the entries of one document of a feed, at the most.
pub const MAX_FEED_BYTES: usize = 64 << 10;

/// Somebody who is sent events, as every instance that shares the database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Processor {
    /// Its name in the settings: 1 to 64 of `a-z`, `0-9`, `-` and `_`.
    pub name: Box<str>,
    /// Hashes users' ids in its feed; drawn once.
    pub secret: [u8; 16],
    /// Which events it wants.
    pub wanted: Wanted,
    /// Grows with every change of `wanted`.
    pub version: i64,
    /// When it was last found in the settings of an instance, to the hour.
    pub seen_at: Timestamp,
    /// Who delivers for it, once anybody has.
    pub lease: Option<Lease>,
}

impl Processor {
    /// What a user is called in its feed: SHA-256 of its secret and the user's id, cut.
    pub fn key_of(&self, user_id: &str) -> UserKey {
        let digest = Sha256::new().chain_update(self.secret).chain_update(user_id).finalize();
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        UserKey(key)
    }

    /// The highest number from which on it wants anything.
    pub fn since(&self) -> Option<Arrival> {
        self.wanted.any.into_iter().chain(self.wanted.types.values().copied()).max()
    }
}

/// A document of a feed. What its entries are is `trailkeep-delivery`'s to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedDocument {
    /// Who wrote it, and its number.
    pub id: DocumentId,
    /// At most [`MAX_FEED_BYTES`].
    pub entries: Vec<u8>,
}

/// A user whose pending events are not in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// From where on everything is pending.
    pub record: ParkRecord,
    /// Whose events they are: the journey's index knows users by their ids.
    pub user_id: Box<str>,
}

/// Events that were asked for by their ids.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FoundEvents {
    /// Those that are there, in any order.
    pub events: Vec<StoredEvent>,
    /// The ids that were not looked for any more, for what was read has
    /// [`MAX_READ_BYTES`](super::MAX_READ_BYTES): ask again for them. An id that is
    /// neither here nor among the events is of no event that is there.
    pub left: Vec<StoreId>,
}

/// What of an event is read where many are walked over: all but its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventHead {
    /// Its identity, which is also its place in the walk.
    pub id: StoreId,
    /// Its place in its user's order.
    pub arrival: Arrival,
    /// Whose event it is.
    pub user_id: Box<str>,
    /// `type` on the wire.
    pub kind: Box<str>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was received.
    pub received_at: Timestamp,
    /// The tracker's name for it.
    pub event_id: Box<str>,
}

impl From<StoredEvent> for EventHead {
    fn from(event: StoredEvent) -> Self {
        Self {
            id: event.id,
            arrival: event.arrival,
            user_id: event.user_id,
            kind: event.kind,
            occurred_at: event.occurred_at,
            received_at: event.received_at,
            event_id: event.event_id,
        }
    }
}

/// Keeps feeds, outcomes and records.
///
/// As with [`Store`](super::Store), any call may be made at any time and ends in
/// time, and a database that is away is [`StoreError::Unavailable`]. What a name has
/// is made with it, and calls about a name that nobody added find nothing.
#[async_trait]
pub trait ProcessingStore: Send + Sync + 'static {
    /// Whether nobody else can have this database open: then a lease that is there is of
    /// a process that has ended.
    fn is_exclusive(&self) -> bool;

    /// All who are fed for, by name.
    async fn processors(&self) -> Result<Vec<Processor>, StoreError>;

    /// The names of all that have outcomes, in order, also of those that were removed; one that
    /// is there and has none may be among them.
    async fn processors_with_outcomes(&self) -> Result<Vec<Box<str>>, StoreError>;

    /// Adds one, unless one with its name is there; answers which one is there now.
    /// Of two that are added at the same moment one stays. Makes what its feed and
    /// outcomes need.
    async fn add_processor(&self, processor: &Processor) -> Result<Processor, StoreError>;

    /// Changes what it wants, where its version is still this one, and raises the
    /// version by one; answers whether.
    async fn change_wanted(
        &self,
        name: &str,
        version: i64,
        wanted: &Wanted,
    ) -> Result<bool, StoreError>;

    /// Notes that it is in somebody's settings, to the hour: within an hour, and with
    /// an earlier one, nothing changes.
    async fn see_processor(&self, name: &str, now: Timestamp) -> Result<(), StoreError>;

    /// Removes it, its feed, its records, its commands and its published state. Its
    /// outcomes stay: they are of events that are done. What an instance appends or
    /// publishes that has not seen this yet may stay behind; one that is added later
    /// under the name wants nothing of it.
    async fn remove_processor(&self, name: &str) -> Result<(), StoreError>;

    /// Writes a lease in the place of another one; answers whether that was still
    /// there. `None` stands for a processor that nobody ever was in charge of.
    async fn replace_lease(
        &self,
        name: &str,
        expected: Option<&Lease>,
        next: &Lease,
    ) -> Result<bool, StoreError>;

    /// Adds a document to a feed. One with its id that is there already is an earlier
    /// try of the same, and counts as added.
    async fn append(&self, name: &str, document: &FeedDocument) -> Result<(), StoreError>;

    /// Which processes have documents in a feed, each with the lowest number that is
    /// there.
    async fn feeding(&self, name: &str) -> Result<Vec<DocumentId>, StoreError>;

    /// The documents of one process from a number on, in order; at most `limit`.
    async fn documents(
        &self,
        name: &str,
        from: DocumentId,
        limit: usize,
    ) -> Result<Vec<FeedDocument>, StoreError>;

    /// Removes documents from a feed, of which some may be gone already.
    async fn remove_documents(&self, name: &str, ids: &[DocumentId]) -> Result<(), StoreError>;

    /// How many documents a feed has, for people to see. Cheap: it may be somewhat off
    /// after a crash of the database.
    async fn feed_size(&self, name: &str) -> Result<u64, StoreError>;

    /// What became of these events, of each that has an outcome, pending ones
    /// included: the run and the state. Cheap, at most some hundred ids at a time.
    async fn states(
        &self,
        name: &str,
        ids: &[StoreId],
    ) -> Result<HashMap<StoreId, (u32, ProcessedState)>, StoreError>;

    /// Keeps outcomes, each one for itself. One takes the place of any of a lower run,
    /// and of a pending one of its own run; where another is there already, that one
    /// stays, which is [`Outcome::Duplicate`]. One that the database refuses for what
    /// it holds is [`Outcome::Refused`], and one that could not be written this time
    /// [`Outcome::Retry`].
    ///
    /// So an event is asked for again by a pending outcome of the next run, and a
    /// failed one is dropped by a skipped outcome of the next run. What was sent of an
    /// earlier run and arrives later changes nothing.
    ///
    /// The answer has one for each, in the same order. An error means that nothing is
    /// known. [`StoreError::Refused`] is one of them: some outcome among several makes
    /// the database refuse all.
    async fn record(&self, name: &str, outcomes: &[Processed]) -> Result<Vec<Outcome>, StoreError>;

    /// What became of these events, whole. Each has up to 16 KiB and more: ask for as
    /// many as may be in memory.
    async fn outcomes(
        &self,
        name: &str,
        ids: &[StoreId],
    ) -> Result<HashMap<StoreId, Processed>, StoreError>;

    /// How many outcomes are `failed`. Cheap.
    async fn failed(&self, name: &str) -> Result<u64, StoreError>;

    /// The newest outcomes that are `failed`, by `processed_at` and then by identity,
    /// both falling; those after the place of another one, which need not be there any
    /// more. Fewer than `limit` where there are no more, or where some change meanwhile:
    /// only an empty answer is the end.
    async fn failed_outcomes(
        &self,
        name: &str,
        after: Option<(Timestamp, StoreId)>,
        limit: usize,
    ) -> Result<Vec<Processed>, StoreError>;

    /// All parked users, by key.
    async fn parked(&self, name: &str) -> Result<Vec<Parked>, StoreError>;

    /// Writes this epoch, and change 0, into every record of a lower one. After it,
    /// a change that an earlier owner sent changes nothing, whenever it comes.
    async fn stamp(&self, name: &str, epoch: u64) -> Result<(), StoreError>;

    /// Parks a user: makes the record, or lowers the one that is there to the lower
    /// of both numbers and takes it over, its `held` included. False where a record
    /// of a higher epoch is there.
    async fn park(&self, name: &str, parked: &Parked) -> Result<bool, StoreError>;

    /// Writes the record of a user in the place of another one of the same user;
    /// answers whether that was still there.
    async fn move_record(
        &self,
        name: &str,
        expected: &ParkRecord,
        next: &ParkRecord,
    ) -> Result<bool, StoreError>;

    /// Removes the record of a user, where it is still this one; answers whether.
    async fn unpark(&self, name: &str, record: &ParkRecord) -> Result<bool, StoreError>;

    /// These events, of those that are there; at most
    /// [`MAX_READ_BYTES`](super::MAX_READ_BYTES) and one event more at once, and at
    /// least one of those that are there.
    async fn events(&self, ids: &[StoreId]) -> Result<FoundEvents, StoreError>;

    /// The events of a user from an arrival number on: the lowest `limit` by number
    /// and id, in that order, and whether there are more.
    ///
    /// Reads all of the user's range of the journey's index, for no index has users in
    /// the order of arrival, and keeps no more than `limit` of it.
    async fn events_from(
        &self,
        user_id: &str,
        from: Arrival,
        limit: usize,
    ) -> Result<(Vec<(Arrival, StoreId)>, bool), StoreError>;

    /// The events with the lowest identities above one, in the order of these; fewer
    /// than `limit` only where there are no more. That order is about the order of time
    /// for trackers that name events so, and no order for others: an event that is
    /// stored while one walks may be behind one.
    async fn walk(
        &self,
        after: Option<StoreId>,
        limit: usize,
    ) -> Result<Vec<EventHead>, StoreError>;

    /// The lowest ids above one of users who have events, in the order of their bytes;
    /// fewer than `limit` only where there are no more.
    async fn users_after(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Box<str>>, StoreError>;

    /// Adds a command, and removes those of its processor that were answered more than
    /// an hour before it was made. One with its id that is there already stays, and
    /// counts as added. False where its processor has [`MAX_COMMANDS`] open ones; of
    /// those that come at the same moment a few more may be added.
    ///
    /// The processor need not be there yet.
    async fn add_command(&self, command: &Command) -> Result<bool, StoreError>;

    /// All commands of a processor, oldest first: the open ones, and those that were
    /// answered and not removed yet. Cheap where there are none.
    async fn commands(&self, name: &str) -> Result<Vec<Command>, StoreError>;

    /// One command, whosever it is.
    async fn command(&self, id: Uuid) -> Result<Option<Command>, StoreError>;

    /// Notes how far a command has come, or answers it, or both, where it is open;
    /// answers whether it was.
    async fn change_command(
        &self,
        id: Uuid,
        progress: Option<&str>,
        answer: Option<(Timestamp, &str)>,
    ) -> Result<bool, StoreError>;

    /// Keeps what the one that delivers for a processor tells all others, as of this
    /// moment: JSON that the store does not look into. The last write counts, whatever
    /// its moment.
    async fn publish(&self, name: &str, at: Timestamp, state: &str) -> Result<(), StoreError>;

    /// What was published last.
    async fn published(&self, name: &str) -> Result<Option<(Timestamp, Box<str>)>, StoreError>;
}

/// The hour in which a moment is, as [`Processor::seen_at`] has it.
pub(crate) fn hour_of(moment: Timestamp) -> Timestamp {
    const HOUR_MS: i64 = 60 * 60 * 1000;
    moment.plus_millis(-moment.as_millis().rem_euclid(HOUR_MS))
}

/// A number that only counts, as databases have it: signed. Nothing counts that far.
pub(crate) fn as_signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_hour_begins_at_its_first_millisecond() {
        let at = |text| Timestamp::parse_rfc3339(text).unwrap();
        for (moment, hour) in [
            ("2025-12-15T10:00:00.000Z", "2025-12-15T10:00:00.000Z"),
            ("2025-12-15T10:59:59.999Z", "2025-12-15T10:00:00.000Z"),
            ("1969-12-31T23:59:59.999Z", "1969-12-31T23:00:00.000Z"),
        ] {
            assert_eq!(hour_of(at(moment)), at(hour));
        }
    }
}
