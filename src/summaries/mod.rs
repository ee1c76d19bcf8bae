//! Summaries of business accounts, for dashboards that ask again and again.
//!
//! - A summary is fresh for a while and answered from memory. After that it is
//!   *stale*: still answered, while it is counted anew in the background. Then
//!   it is forgotten.
//! - However many ask for the same summary at once, it is counted once. That
//!   goes on when those who asked have left.
//! - The store counts a summary at one go. Few are counted at once, each within
//!   a time that the database keeps too. Who does not get a turn soon is refused.
//! - Nothing here shares a limit with the way of events; what both share is the
//!   database. An account with a million events keeps one of its cores busy for
//!   a second or two.
//!
//! Only stored events are counted; those that still wait in the buffer come
//! with the next count. Errors are not kept.

mod sample;
mod series;
#[cfg(test)]
mod tests;
mod window;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use trailkeep_event::Timestamp;
use trailkeep_event::time::Clock;
use trailkeep_store::StoreError;
use trailkeep_store::summaries::{AccountStore, Bucket, QueryError, Summary, SummaryRange};

pub use series::{all_buckets, max_days};
pub use window::Window;

/// The pause after a summary could not be counted anew.
const PAUSE: Duration = Duration::from_secs(1);

/// For how long a summary that is no longer fresh is answered while it is counted
/// anew in the background: nobody waits for an account that is looked at.
const STALE: Duration = Duration::from_secs(600);

/// Bytes of memory that kept summaries may hold: some 10,000 of the usual size.
pub const MAX_CACHE_BYTES: usize = 16 << 20;

/// How long the database may work on one summary. An account's million events
/// take about 1.3 s, and some 2 s while events come half as fast as they can.
const QUERY_TIMEOUT: Duration = Duration::from_secs(10);

/// Summaries that are counted at once: the database needs its cores for events,
/// and each takes a connection to MongoDB, of which there are 10 unless the URI
/// says otherwise.
const MAX_QUERIES: usize = 2;

/// How long a request waits for its turn: accounts with few events wait for those
/// with many.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// What summaries may cost.
#[derive(Debug, Clone, Copy)]
pub struct SummaryLimits {
    /// How long a summary is answered from memory.
    pub fresh: Duration,
    /// For how long after that it is still answered.
    pub stale: Duration,
    /// Bytes of memory that kept summaries may hold.
    pub max_cache_bytes: u64,
    /// How long the database may work on one query.
    pub query_timeout: Duration,
    /// Summaries that are counted at once; as many samples besides.
    pub max_queries: usize,
    /// How long a request waits for its turn.
    pub max_wait: Duration,
}

impl SummaryLimits {
    /// The limits in force, of which only one is a setting.
    pub fn with_fresh(fresh: Duration) -> Self {
        Self {
            fresh,
            stale: STALE,
            max_cache_bytes: MAX_CACHE_BYTES as u64,
            query_timeout: QUERY_TIMEOUT,
            max_queries: MAX_QUERIES,
            max_wait: MAX_WAIT,
        }
    }
}

/// Which summary is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    pub account_id: String,
    /// The time in which its events are counted.
    pub window: Window,
    /// Users that are named at the most.
    pub top: usize,
    /// The events of each hour or day besides; a window of [`max_days`] at the most.
    pub bucket: Option<Bucket>,
}

/// A summary as it was counted.
#[derive(Debug)]
pub struct Counted {
    /// What was asked.
    pub question: Question,
    /// Nothing that occurred before this is counted.
    pub from: Timestamp,
    /// Nothing that occurred after this is counted.
    pub to: Timestamp,
    pub summary: Summary,
    /// When they were counted.
    pub computed_at: Timestamp,
    fresh_until: Instant,
    is_renewing: AtomicBool,
}

impl Counted {
    /// For how long it is still fresh; zero for a stale one.
    pub fn fresh_for(&self) -> Duration {
        self.fresh_until.saturating_duration_since(Instant::now())
    }
}

/// Why there is no summary.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SummaryError {
    /// Too many are counted at this moment.
    #[error("too many queries about accounts run at this moment")]
    Busy,
    /// The store did not count.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A defect of ours.
    #[error("a defect: {0}")]
    Defect(String),
}

/// Counts and keeps summaries.
pub struct Summaries {
    store: Arc<dyn AccountStore>,
    clock: Arc<dyn Clock>,
    limits: SummaryLimits,
    kept: Cache<Key, Arc<Counted>>,
    /// Grows whenever all are forgotten: what is being counted then is kept under a number that
    /// nobody asks for any more.
    forgotten: AtomicU64,
    counting: Semaphore,
    /// Beside those, as a sample costs next to nothing.
    sampling: Semaphore,
    closing: CancellationToken,
}

/// How often all were forgotten before, and what is asked.
type Key = (u64, Question);

impl Summaries {
    /// Nothing is counted before it is asked for.
    pub fn new(
        store: Arc<dyn AccountStore>,
        clock: Arc<dyn Clock>,
        limits: SummaryLimits,
    ) -> Arc<Self> {
        let kept = Cache::builder()
            .max_capacity(limits.max_cache_bytes)
            .weigher(|key: &Key, counted: &Arc<Counted>| weight(&key.1, &counted.summary))
            .time_to_live(limits.fresh + limits.stale)
            .build();
        Arc::new(Self {
            store,
            clock,
            limits,
            kept,
            forgotten: AtomicU64::new(0),
            counting: Semaphore::new(limits.max_queries),
            sampling: Semaphore::new(limits.max_queries),
            closing: CancellationToken::new(),
        })
    }

    /// The summary asked for: a kept one, or one that is counted now.
    pub async fn summary(
        self: &Arc<Self>,
        question: Question,
    ) -> Result<Arc<Counted>, SummaryError> {
        let key = (self.forgotten.load(Ordering::Acquire), question);
        let Some(kept) = self.kept.get(&key).await else {
            return self.count_once(key).await;
        };
        if kept.fresh_for().is_zero() {
            self.renew(key, &kept);
        }
        Ok(kept)
    }

    /// Has all summaries counted anew: they name users.
    pub fn forget_all(&self) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        self.kept.invalidate_all();
    }

    /// Ends what is counted at this moment; nothing is counted after it.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// In a task of its own: a client that leaves would have the next one begin
    /// anew, while the database still works for the first.
    async fn count_once(self: &Arc<Self>, key: Key) -> Result<Arc<Counted>, SummaryError> {
        let summaries = Arc::clone(self);
        let counting = tokio::spawn(async move {
            let count = summaries.count(key.1.clone());
            summaries.kept.try_get_with(key, count).await
        });
        match counting.await {
            Ok(counted) => counted.map_err(|error| (*error).clone()),
            Err(error) => Err(SummaryError::Defect(error.to_string())),
        }
    }

    /// Has a stale summary counted anew, once at a time.
    fn renew(self: &Arc<Self>, key: Key, stale: &Arc<Counted>) {
        if stale.is_renewing.swap(true, Ordering::Relaxed) {
            return;
        }
        let (summaries, stale) = (Arc::clone(self), Arc::clone(stale));
        tokio::spawn(async move {
            match summaries.count(key.1.clone()).await {
                Ok(new) => summaries.kept.insert(key, new).await,
                Err(error) => {
                    warn!(%error, "a summary stays as it is, since it cannot be counted anew");
                    sleep(PAUSE).await;
                    stale.is_renewing.store(false, Ordering::Relaxed);
                }
            }
        });
    }

    async fn count(&self, question: Question) -> Result<Arc<Counted>, SummaryError> {
        let count = async {
            let computed_at = self.clock.now();
            let (from, to) = question.window.ends(computed_at);
            let range = SummaryRange {
                account_id: question.account_id.clone(),
                from,
                to,
                top: question.top,
                bucket: question.bucket,
            };
            let limit = self.limits.query_timeout;
            let summary = self.store.summary(&range, limit).await?;
            Ok(Arc::new(Counted {
                question,
                from,
                to,
                summary,
                computed_at,
                fresh_until: Instant::now() + self.limits.fresh,
                is_renewing: AtomicBool::new(false),
            }))
        };
        self.query(&self.counting, count).await
    }

    /// Asks the database when it is this query's turn.
    async fn query<T>(
        &self,
        turns: &Semaphore,
        query: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, SummaryError> {
        let turn = timeout(self.limits.max_wait, turns.acquire()).await;
        let _turn = turn.map_err(|_| SummaryError::Busy)?;
        let outcome = tokio::select! {
            done = query => done,
            () = self.closing.cancelled() => {
                Err(StoreError::Unavailable("the service stops".to_owned()).into())
            }
        };
        Ok(outcome?)
    }
}

/// Bytes of memory that a summary holds, about.
fn weight(question: &Question, summary: &Summary) -> u32 {
    /// Of a text, an entry of a list or a map, and what points to it.
    const EACH: usize = 64;
    const FIXED: usize = 512;
    let users = summary.top_users.iter().map(|user| &user.user_id);
    let in_series = summary.series.values().flat_map(BTreeMap::keys);
    let names = summary.totals.keys().chain(users).chain(in_series);
    let bytes: usize = names.map(|name| name.len() + EACH).sum();
    let buckets = summary.series.len() * EACH;
    u32::try_from(FIXED + 2 * question.account_id.len() + bytes + buckets).unwrap_or(u32::MAX)
}
