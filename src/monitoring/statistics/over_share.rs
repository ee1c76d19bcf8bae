//! Requests that were refused because somebody held its share, by whom.

use std::collections::HashSet;

use parking_lot::Mutex;
use prometheus::{IntCounterVec, Opts, Registry};

use crate::monitoring::names;

/// Accounts that have a series of their own: the first that are refused. Account
/// ids come from clients, so there must not be a series for each.
pub const NAMED_ACCOUNTS: usize = 20;

/// The label that all further accounts share, and one that is called so.
pub const OTHER_ACCOUNTS: &str = "other";

/// The counters. There are as many series as write keys are configured, and
/// [`NAMED_ACCOUNTS`] and one.
pub struct OverShareCounts {
    by_account: IntCounterVec,
    by_key: IntCounterVec,
    named: Mutex<HashSet<Box<str>>>,
}

impl OverShareCounts {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |(name, help): (&str, &str), label: &str| {
            let counter = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let by_account = counter(names::OVER_SHARE_BY_ACCOUNT, "account")?;
        by_account.with_label_values(&[OTHER_ACCOUNTS]);
        Ok(Self {
            by_account,
            by_key: counter(names::OVER_SHARE_BY_KEY, "key")?,
            named: Mutex::default(),
        })
    }

    /// Counts a request that would have brought this account over its share.
    pub fn account(&self, account: &str) {
        let label = if self.is_named(account) { account } else { OTHER_ACCOUNTS };
        self.by_account.with_label_values(&[label]).inc();
    }

    /// Counts a request that would have brought the key of this name over its
    /// share.
    pub fn key(&self, name: &str) {
        self.by_key.with_label_values(&[name]).inc();
    }

    fn is_named(&self, account: &str) -> bool {
        if account == OTHER_ACCOUNTS {
            return false;
        }
        let mut named = self.named.lock();
        if named.len() < NAMED_ACCOUNTS && !named.contains(account) {
            named.insert(account.into());
        }
        named.contains(account)
    }
}
