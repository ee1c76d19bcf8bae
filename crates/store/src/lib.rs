//! What is kept, behind a small trait for each thing: two homes, [`mongo`] and
//! [`embedded`].
//!
//! [`mongo`] is where production data lives and what scales out; [`embedded`]
//! is a file in a local folder, so that the binary runs with nothing else
//! installed. Both pass the same contract tests (`contract/`).

#![warn(missing_docs)]

pub mod access;
pub mod activity;
pub mod dead_letters;
pub mod embedded;
pub mod erasures;
mod event_json;
mod in_order;
mod inspection;
mod lowest;
pub mod mongo;
pub mod moving;
pub mod payloads;
pub mod people;
pub mod processing;
mod refusal;
mod retention;
pub mod summaries;
pub mod team;
mod timeouts;
pub mod whole_file;
pub mod write_keys;

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

pub use event_json::{JsonKeys, WrongName};
pub use inspection::{Clocks, Indexes, Inspection, Replacing};
pub use refusal::{Reason, Refusal};
pub use retention::{Aged, Retention};
pub use timeouts::Timeouts;
use trailkeep_event::{Accepted, Arrival, MAX_FUTURE_MS, StoreId, Timestamp};

/// Bytes of events after which a store reads no further: those of a page, and
/// at the most one event more. 1,000 events may have 32 MiB and more, and
/// several are read at once.
pub const MAX_READ_BYTES: usize = 4 << 20;

/// What keeps events and gives them back.
///
/// Every call may be made at any time from any task, also before
/// [`prepare`](Store::prepare) has succeeded. Every call but
/// [`close`](Store::close) ends in time, within the [`Timeouts`] that the store
/// was opened with: a database that cannot be reached, or does not answer by
/// then, is [`StoreError::Unavailable`], and nobody has to bound a call. One that
/// ends so, or is dropped half-way, leaves the store usable, and may or may not
/// have taken effect.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Makes what the store needs (collections, tables, indexes). Idempotent,
    /// and safe while other instances do the same.
    async fn prepare(&self) -> Result<(), StoreError>;

    /// Whether the store can be reached and answers.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Writes events, each one for itself: a fault of one does not keep the
    /// others out. Of two events with the same id the first stays. Acknowledged
    /// only when the events would survive a crash of the store.
    ///
    /// The answer has one outcome for each event, in the same order. An error
    /// means that nothing is known: some of the events may be stored.
    async fn insert(&self, events: &[Arc<Accepted>]) -> Result<Vec<Outcome>, StoreError>;

    /// Which of these identities are stored, and under which arrival number:
    /// tells an event that is stored from a duplicate that another request sent.
    async fn arrivals(&self, ids: &[StoreId]) -> Result<HashMap<StoreId, Arrival>, StoreError>;

    /// Which of these identities are stored, and where in a journey. An event that
    /// has no place in one is left out, and so is one whose identity another tool made.
    async fn positions(&self, ids: &[StoreId]) -> Result<HashMap<StoreId, Position>, StoreError>;

    /// The first events in a range of a journey, those of all its ids in the
    /// range's order: by time, then by arrival, then by `_id`. It ends with `limit`
    /// events, or with the one by which they have more than [`MAX_READ_BYTES`]; with
    /// fewer and less than that only where the range ends.
    async fn journey(&self, range: &JourneyRange, limit: usize) -> Result<JourneyPart, StoreError>;

    /// How many writes are worth having in flight at once, given the
    /// configured number.
    fn writes_in_flight(&self, configured: usize) -> usize;

    /// Returns when a thread of the store's own has ended that must not before
    /// [`close`](Store::close). A store without one never does.
    async fn ended(&self) {
        std::future::pending().await
    }

    /// Ends connections and threads. Nothing is called after it.
    async fn close(&self);
}

/// What became of one event of an insert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the store now.
    Stored,
    /// An event with its identity was there before.
    Duplicate,
    /// The store will never take it, for this reason.
    Refused(Refusal),
    /// It could not be written this time; try again.
    Retry,
    /// Its user is erased, so nobody is to keep it. No store says so: whoever writes does, and
    /// has such an event written to none.
    Erased,
}

/// An id whose events are in a journey: the user's own, or one that is linked to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Id {
    /// `userId` of its events.
    pub id: String,
    /// Only what arrived before this number; `None` for all. What another tool wrote
    /// without a number arrived before any.
    pub until: Option<Arrival>,
}

impl Id {
    /// All of an id.
    pub fn whole(id: impl Into<String>) -> Self {
        Self { id: id.into(), until: None }
    }

    /// Whether an event of this user, with this number, is one of it.
    pub fn holds(&self, user_id: &str, arrival: Arrival) -> bool {
        self.id == user_id && self.until.is_none_or(|until| arrival < until)
    }

    /// Its highest number.
    fn highest(&self) -> Option<Arrival> {
        self.until.map(|until| Arrival::from_i64(until.as_i64().saturating_sub(1)))
    }

    /// What happened after this arrived at `until` or later: an event is at most a day
    /// ahead of its arrival, and an hour is left for clocks that were stepped. Here a
    /// store ends its scan, or it would walk over all that the id did since. A
    /// document without a number that says to have happened later is cut with that.
    fn latest(&self) -> Timestamp {
        const HOUR_MS: i64 = 60 * 60 * 1000;
        self.until.map_or(Timestamp::from_millis_clamped(i64::MAX), |until| {
            until.moment().plus_millis(MAX_FUTURE_MS + HOUR_MS)
        })
    }
}

/// Which part of a journey is wanted. Bounds are inclusive.
#[derive(Debug, Clone, PartialEq)]
pub struct JourneyRange {
    /// Whose events, each id once: at most some hundred, for each of them is a scan.
    pub ids: Vec<Id>,
    /// Nothing that occurred before this.
    pub from: Option<Timestamp>,
    /// Nothing that occurred after this.
    pub to: Option<Timestamp>,
    /// Only what comes after this position, in the order asked for.
    pub after: Option<Position>,
    /// Oldest or newest first.
    pub order: Order,
    /// Only these types; empty for all.
    pub types: Vec<String>,
    /// Only this session.
    pub session_id: Option<String>,
}

impl JourneyRange {
    /// All that these ids did.
    pub fn whole(ids: Vec<Id>, order: Order) -> Self {
        Self { ids, from: None, to: None, after: None, order, types: Vec::new(), session_id: None }
    }
}

/// The first events of a range.
#[derive(Debug, Default, PartialEq)]
pub struct JourneyPart {
    /// In the order asked for.
    pub events: Vec<StoredEvent>,
    /// Whether others of the range follow them.
    pub has_more: bool,
}

/// The direction of a journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
}

impl Order {
    /// Which of two places comes first.
    pub fn compare(self, left: Position, right: Position) -> Ordering {
        match self {
            Self::Ascending => left.cmp(&right),
            Self::Descending => right.cmp(&left),
        }
    }
}

/// The place of an event in its user's journey: by time, then by arrival, then
/// by id, so that no two events share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Its number in the order of arrival. Not unique: events of other tools may
    /// have none, and two instances may give out the same.
    pub arrival: Arrival,
    /// Its identity.
    pub id: StoreId,
}

impl Position {
    /// The part of it that an index has.
    fn place(self) -> (Timestamp, Arrival) {
        (self.occurred_at, self.arrival)
    }
}

/// An event as a store gives it back.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// Identity in the store.
    pub id: StoreId,
    /// Whose event it is.
    pub user_id: Box<str>,
    /// Under which the user was known before, as `Event` has it.
    pub anonymous_id: Option<Box<str>>,
    /// The tracker's name for it.
    pub event_id: Box<str>,
    /// `type` on the wire.
    pub kind: Box<str>,
    /// The visit it belongs to.
    pub session_id: Option<Box<str>>,
    /// The business account it belongs to.
    pub account_id: Option<Box<str>>,
    /// The payload as compact JSON, ready to be sent. Not cut to its size: that
    /// costs an allocation an event, and pages do not live long.
    pub payload: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was received.
    pub received_at: Timestamp,
    /// Its number in the order of arrival.
    pub arrival: Arrival,
}

/// An accepted event as the store would give it back.
impl From<&Accepted> for StoredEvent {
    fn from(accepted: &Accepted) -> Self {
        let event = &accepted.event;
        Self {
            id: event.id,
            user_id: event.user_id.clone(),
            event_id: event.event_id.clone(),
            kind: event.kind.clone(),
            anonymous_id: event.anonymous_id.clone(),
            session_id: event.session_id.clone(),
            account_id: event.account_id.clone(),
            payload: event.payload.to_json(),
            occurred_at: event.occurred_at,
            received_at: event.received_at,
            arrival: accepted.arrival,
        }
    }
}

impl StoredEvent {
    /// Its place in the journey.
    pub fn position(&self) -> Position {
        Position { occurred_at: self.occurred_at, arrival: self.arrival, id: self.id }
    }

    /// About the bytes that it has as JSON, which is also about what it takes in
    /// memory.
    pub fn bytes(&self) -> usize {
        /// The names of the fields, and both times.
        const NAMES: usize = 192;
        let optional = |text: &Option<Box<str>>| text.as_deref().map_or(0, str::len);
        NAMES
            + self.user_id.len()
            + self.event_id.len()
            + self.kind.len()
            + optional(&self.anonymous_id)
            + optional(&self.session_id)
            + optional(&self.account_id)
            + self.payload.len()
    }
}

/// Why a store could not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, is overloaded or has no primary: worth trying again.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// It will not let us: credentials, rights, a wrong database. A person has
    /// to mend it; until then trying again is all there is.
    #[error("the database refuses us: {0}")]
    Denied(String),
    /// It refused a whole call for what one of its events is, and does not say
    /// for which. Nothing is known of the others.
    #[error("the database refuses an event among others: {0}")]
    Refused(Refusal),
    /// What it holds or says is not what we can read.
    #[error("the database holds something unreadable: {0}")]
    Unreadable(String),
}
