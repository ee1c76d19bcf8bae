//! Summaries of business accounts, for dashboards that ask again and again.
//!
//! - A summary is fresh for a while and answered from memory. After that it is
//!   *stale*: still answered, while it is counted anew in the background. Then
//!   it is forgotten.
//! - However many ask for the same summary at once, it is counted once. That
//!   goes on when those who asked have left.
//! - Few are counted at once, each within a time that the database keeps too.
//!   Who does not get a turn soon is refused. Nothing here shares a limit with
//!   the way of events, and a heavy account is counted in [pieces](counting) that
//!   give way to them.
//!
//! Only stored events are counted; those that still wait in the buffer come
//! with the next count. Errors are not kept.

mod counting;
mod sample;
mod tally;
#[cfg(test)]
mod tests;
mod window;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use moka::future::Cache;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::event::Timestamp;
use crate::event::time::Clock;
use crate::store::StoreError;
use crate::store::summaries::{AccountStore, QueryError, Summary, SummaryRange};

use tally::Room;
pub use window::Window;

/// The pause after a summary could not be counted anew.
const PAUSE: Duration = Duration::from_secs(1);

/// What summaries may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a summary is answered from memory.
    pub fresh: Duration,
    /// For how long after that it is still answered.
    pub stale: Duration,
    /// Bytes of memory that kept summaries may hold.
    pub max_cache_bytes: u64,
    /// How long counting one summary may take, once it has its turn.
    pub query_timeout: Duration,
    /// Queries that the database works on at once; as many for samples besides.
    pub max_queries: usize,
    /// Summaries that are counted side by side, in turns; and beside them as many
    /// of accounts with many events as queries.
    pub max_counting: usize,
    /// How long a request waits for its turn.
    pub max_wait: Duration,
    /// Events of one piece.
    pub piece_events: usize,
    /// Bytes of memory in which pieces are put together, about.
    pub max_counting_bytes: usize,
}

/// Tells whether events are on their way to the store at this moment.
pub type IsWriting = Arc<dyn Fn() -> bool + Send + Sync>;

/// Which summary is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// The account.
    pub account_id: String,
    /// The time in which its events are counted.
    pub window: Window,
    /// Users that are named at the most.
    pub top: usize,
}

/// A summary as it was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// What was asked.
    pub question: Question,
    /// Nothing that occurred before this is counted.
    pub from: Timestamp,
    /// Nothing that occurred after this is counted.
    pub to: Timestamp,
    /// The numbers.
    pub summary: Summary,
    /// When they were counted.
    pub computed_at: Timestamp,
}

/// A summary, and for how long it is fresh.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The summary.
    pub counted: Arc<Counted>,
    /// Zero for a stale one.
    pub fresh_for: Duration,
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

impl From<StoreError> for SummaryError {
    fn from(error: StoreError) -> Self {
        Self::Query(error.into())
    }
}

/// A summary that is kept.
struct Kept {
    counted: Arc<Counted>,
    at: Instant,
    is_renewing: AtomicBool,
}

/// Counts and keeps summaries.
pub struct Summaries {
    store: Arc<dyn AccountStore>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    is_writing: IsWriting,
    kept: Cache<Question, Arc<Kept>>,
    counting: Semaphore,
    /// Beside those, accounts with many events.
    heavy: Semaphore,
    querying: Semaphore,
    sampling: Semaphore,
    room: Room,
    closing: CancellationToken,
}

impl Summaries {
    /// Nothing is counted before it is asked for.
    pub fn new(
        store: Arc<dyn AccountStore>,
        clock: Arc<dyn Clock>,
        limits: Limits,
        is_writing: IsWriting,
    ) -> Arc<Self> {
        let kept = Cache::builder()
            .max_capacity(limits.max_cache_bytes)
            .weigher(|question, kept: &Arc<Kept>| weight(question, &kept.counted))
            .time_to_live(limits.fresh + limits.stale)
            .build();
        Arc::new(Self {
            store,
            clock,
            limits,
            is_writing,
            kept,
            counting: Semaphore::new(limits.max_counting),
            heavy: Semaphore::new(limits.max_queries),
            querying: Semaphore::new(limits.max_queries),
            sampling: Semaphore::new(limits.max_queries),
            room: Room::new(limits.max_counting_bytes),
            closing: CancellationToken::new(),
        })
    }

    /// The summary asked for: a kept one, or one that is counted now.
    pub async fn summary(self: &Arc<Self>, question: Question) -> Result<Answer, SummaryError> {
        let Some(kept) = self.kept.get(&question).await else {
            let kept = self.count_once(question).await?;
            return Ok(self.answer(&kept));
        };
        let answer = self.answer(&kept);
        if answer.fresh_for.is_zero() {
            self.renew(question, &kept);
        }
        Ok(answer)
    }

    fn answer(&self, kept: &Kept) -> Answer {
        Answer {
            counted: Arc::clone(&kept.counted),
            fresh_for: self.limits.fresh.saturating_sub(kept.at.elapsed()),
        }
    }

    /// Ends what is counted at this moment; nothing is counted after it.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// In a task of its own: a client that leaves would have the next one begin
    /// anew, while the database still works for the first.
    async fn count_once(self: &Arc<Self>, question: Question) -> Result<Arc<Kept>, SummaryError> {
        let summaries = Arc::clone(self);
        let counting = tokio::spawn(async move {
            let count = summaries.count(question.clone());
            summaries.kept.try_get_with(question, count).await
        });
        match counting.await {
            Ok(counted) => counted.map_err(|error| (*error).clone()),
            Err(error) => Err(SummaryError::Defect(error.to_string())),
        }
    }

    /// Has a stale summary counted anew, once at a time.
    fn renew(self: &Arc<Self>, question: Question, kept: &Arc<Kept>) {
        if kept.is_renewing.swap(true, Ordering::Relaxed) {
            return;
        }
        let (summaries, old) = (Arc::clone(self), Arc::clone(kept));
        tokio::spawn(async move {
            match summaries.count(question.clone()).await {
                Ok(new) => summaries.kept.insert(question, new).await,
                Err(error) => {
                    warn!(%error, "a summary stays as it is, since it cannot be counted anew");
                    sleep(PAUSE).await;
                    old.is_renewing.store(false, Ordering::Relaxed);
                }
            }
        });
    }

    async fn count(&self, question: Question) -> Result<Arc<Kept>, SummaryError> {
        let place = self.turn(&self.counting, 1).await?;
        let computed_at = self.clock.now();
        let (from, to) = question.window.ends(computed_at);
        let range = SummaryRange {
            account_id: question.account_id.clone(),
            from,
            to,
            top: question.top,
        };
        let summary = self.count_range(&range, place).await?;
        Ok(Arc::new(Kept {
            counted: Arc::new(Counted {
                question,
                from,
                to,
                summary,
                computed_at,
            }),
            at: Instant::now(),
            is_renewing: AtomicBool::new(false),
        }))
    }

    async fn turn<'a>(
        &self,
        turns: &'a Semaphore,
        wanted: usize,
    ) -> Result<SemaphorePermit<'a>, SummaryError> {
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
        match timeout(self.limits.max_wait, turns.acquire_many(wanted)).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(closed)) => Err(SummaryError::Defect(closed.to_string())),
            Err(_) => Err(SummaryError::Busy),
        }
    }

    /// A query that also ends with the service.
    async fn unless_closing<T>(
        &self,
        query: impl Future<Output = Result<T, SummaryError>>,
    ) -> Result<T, SummaryError> {
        tokio::select! {
            done = query => done,
            () = self.closing.cancelled() => {
                Err(StoreError::Unavailable("the service stops".to_owned()).into())
            }
        }
    }
}

/// Bytes of memory that a summary holds, about.
fn weight(question: &Question, counted: &Counted) -> u32 {
    /// Of a text, an entry of a list or a map, and what points to it.
    const EACH: usize = 64;
    const FIXED: usize = 512;
    let summary = &counted.summary;
    let types = summary.totals.keys().map(|kind| kind.len() + EACH);
    let users = summary
        .top_users
        .iter()
        .map(|user| user.user_id.len() + EACH);
    let bytes = FIXED + 2 * question.account_id.len() + types.sum::<usize>() + users.sum::<usize>();
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
