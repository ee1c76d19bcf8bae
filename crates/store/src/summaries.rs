//! What stores say about business accounts: their events counted where they are,
//! never by loading them, and the newest of them.
//!
//! Both homes answer from one index that only events with an account enter, so
//! that trackers without accounts do not pay for it.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;
use trailkeep_event::Timestamp;

use super::{JourneyPart, Position, StoreError};

/// How much longer than its limit a query may take until the database is given
/// up on: it ends a query itself, but looks at the time only now and then.
pub const GRACE: Duration = Duration::from_millis(500);

/// Types that a summary tells apart at the most: those with most events. Only
/// where any type is accepted can there be more.
pub const MAX_TYPES: usize = 1000;

/// The same of a summary with a series, which tells each of them apart in every bucket.
pub const MAX_TYPES_IN_SERIES: usize = 100;

/// Counts the events of accounts, and knows which accounts have any.
///
/// Every count is handed the longest that the database may work on it, and the
/// database itself ends a query that takes longer. Where it does not, the store
/// gives it up [`GRACE`] later: a call ends in time, and nobody has to bound it.
/// One that is dropped may go on in the database, at most for that long.
#[async_trait]
pub trait AccountStore: Send + Sync + 'static {
    /// Counts an account's stored events, however many they are. An account
    /// without any has zeros.
    async fn summary(&self, range: &SummaryRange, limit: Duration) -> Result<Summary, QueryError>;

    /// The first and the last account that has events, in the order of their
    /// bytes; `None` when no event has an account.
    async fn account_ends(&self, limit: Duration) -> Result<Option<(String, String)>, QueryError>;

    /// The first `wanted` accounts from `start` on, itself included, in the
    /// order of their bytes. Costs one step into the index for each, however
    /// many events they have.
    async fn accounts_from(
        &self,
        start: &str,
        wanted: usize,
        limit: Duration,
    ) -> Result<Vec<String>, QueryError>;

    /// An account's newest events behind a position: by time, then by arrival, then by
    /// id. It ends as [`Store::journey`](super::Store::journey) does, and within the same
    /// time.
    ///
    /// The index has no arrival: all that happened in the millisecond in which it begins
    /// or ends is read to put it in order.
    async fn events(
        &self,
        account_id: &str,
        after: Option<Position>,
        limit: usize,
    ) -> Result<JourneyPart, StoreError>;
}

/// Which events of an account are counted. Bounds are inclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SummaryRange {
    /// The business account.
    pub account_id: String,
    /// Nothing that occurred before this.
    pub from: Timestamp,
    /// Nothing that occurred after this.
    pub to: Timestamp,
    /// Users that are named at the most.
    pub top: usize,
    /// The events of each hour or day besides. Whoever asks sees to it that the range
    /// has no more of them than have room in an answer: some hundreds.
    pub bucket: Option<Bucket>,
}

impl SummaryRange {
    /// Types that are told apart at the most.
    pub(super) fn max_types(&self) -> usize {
        if self.bucket.is_some() { MAX_TYPES_IN_SERIES } else { MAX_TYPES }
    }
}

/// What time is cut into for a series: hours or days, of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// From one full hour to the next.
    Hour,
    /// From one midnight to the next.
    Day,
}

impl Bucket {
    /// How long each is: in UTC all are alike.
    pub fn millis(self) -> i64 {
        match self {
            Self::Hour => 60 * 60 * 1000,
            Self::Day => 24 * 60 * 60 * 1000,
        }
    }

    /// The first moment of the one in which a time lies.
    pub fn start_of(self, time: Timestamp) -> Timestamp {
        time.plus_millis(-time.as_millis().rem_euclid(self.millis()))
    }
}

/// The events of an account in a range of time, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// All events.
    pub total: u64,
    /// Events by type; of the [`MAX_TYPES`] with most events, or of
    /// [`MAX_TYPES_IN_SERIES`].
    pub totals: BTreeMap<String, u64>,
    /// The same of each bucket that has any, by its first moment: together they are
    /// `totals`. Empty where no series was asked for.
    pub series: BTreeMap<Timestamp, BTreeMap<String, u64>>,
    /// The users with most events, those with the same number in the order of
    /// their ids' bytes.
    pub top_users: Vec<UserEvents>,
    /// Users with at least one event.
    pub unique_users: u64,
}

/// How many events a user has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserEvents {
    /// Whose events they are.
    pub user_id: String,
    /// How many events the user has in the range.
    pub events: u64,
}

/// What a query answers, unless the database has to be given up on.
pub(super) async fn in_time<T>(
    limit: Duration,
    query: impl Future<Output = Result<T, QueryError>>,
) -> Result<T, QueryError> {
    timeout(limit + GRACE, query).await.unwrap_or(Err(QueryError::OutOfTime(limit)))
}

/// Why a store did not count.
#[derive(Debug, Clone, thiserror::Error)]
pub enum QueryError {
    /// The database did not come to an end in time.
    #[error("a query took the database longer than {} ms and was ended", .0.as_millis())]
    OutOfTime(Duration),
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}
