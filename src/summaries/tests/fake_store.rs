//! A store whose counts wait until the test lets them go. Each gives the number
//! of counts so far as the total.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use async_trait::async_trait;
use tokio::sync::watch;

use trailkeep_store::{JourneyPart, Position};

use super::*;

pub struct FakeStore {
    accounts: BTreeSet<String>,
    is_held: watch::Sender<bool>,
    is_failing: AtomicBool,
    counts: AtomicUsize,
    steps: AtomicUsize,
    last_range: Mutex<Option<SummaryRange>>,
}

impl FakeStore {
    pub fn with(accounts: BTreeSet<String>) -> Arc<Self> {
        Arc::new(Self {
            accounts,
            is_held: watch::Sender::new(false),
            is_failing: AtomicBool::new(false),
            counts: AtomicUsize::new(0),
            steps: AtomicUsize::new(0),
            last_range: Mutex::new(None),
        })
    }

    pub fn free() -> Arc<Self> {
        Self::with(BTreeSet::new())
    }

    pub fn held() -> Arc<Self> {
        let store = Self::free();
        store.hold();
        store
    }

    pub fn hold(&self) {
        self.is_held.send_replace(true);
    }

    pub fn let_go(&self) {
        self.is_held.send_replace(false);
    }

    pub fn fail(&self, is_failing: bool) {
        self.is_failing.store(is_failing, SeqCst);
    }

    pub fn counts(&self) -> usize {
        self.counts.load(SeqCst)
    }

    /// Steps into the index so far.
    pub fn steps(&self) -> usize {
        self.steps.load(SeqCst)
    }

    pub fn last_range(&self) -> Option<SummaryRange> {
        self.last_range.lock().clone()
    }
}

#[async_trait]
impl AccountStore for FakeStore {
    async fn summary(&self, range: &SummaryRange, _: Duration) -> Result<Summary, QueryError> {
        let count = self.counts.fetch_add(1, SeqCst) + 1;
        *self.last_range.lock() = Some(range.clone());
        let mut held = self.is_held.subscribe();
        held.wait_for(|is_held| !is_held).await.unwrap();
        if self.is_failing.load(SeqCst) {
            return Err(StoreError::Unavailable("away".to_owned()).into());
        }
        Ok(Summary { total: count as u64, ..Summary::default() })
    }

    async fn account_ends(&self, _: Duration) -> Result<Option<(String, String)>, QueryError> {
        self.steps.fetch_add(2, SeqCst);
        let (first, last) = (self.accounts.first(), self.accounts.last());
        Ok(first.cloned().zip(last.cloned()))
    }

    async fn accounts_from(
        &self,
        start: &str,
        wanted: usize,
        _: Duration,
    ) -> Result<Vec<String>, QueryError> {
        let found: Vec<_> = self.accounts.range(start.to_owned()..).take(wanted).collect();
        self.steps.fetch_add(found.len() + 1, SeqCst);
        Ok(found.into_iter().cloned().collect())
    }

    async fn events(
        &self,
        _: &str,
        _: Option<Position>,
        _: usize,
    ) -> Result<JourneyPart, StoreError> {
        Err(StoreError::Unavailable("summaries read no event".to_owned()))
    }
}
