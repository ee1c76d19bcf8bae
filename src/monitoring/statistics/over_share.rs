//! Requests that were refused because somebody held its share, by whom.

use std::collections::HashSet;

use parking_lot::Mutex;
use prometheus::{IntCounterVec, Opts, Registry};

use crate::monitoring::names;

/// Accounts that have a series of their own: the first that are refused. Account
/// ids come from clients, so there must not be a series for each.
pub const NAMED_ACCOUNTS: usize = 20;

/// Write keys that have one: administrators make them, and may make thousands.
pub const NAMED_KEYS: usize = 100;

/// The label that all others share, and one that is called so.
pub const OTHERS: &str = "other";

/// The counters. There are as many series as the two constants say, and two.
pub struct OverShareCounts {
    by_account: Counter,
    by_key: Counter,
}

/// A counter with a series for each of the first names.
struct Counter {
    counter: IntCounterVec,
    named: Mutex<HashSet<Box<str>>>,
    most: usize,
}

impl OverShareCounts {
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |(name, help): (&str, &str), label: &str, most| {
            let counter = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(Counter { counter, named: Mutex::default(), most })
        };
        let by_account = counter(names::OVER_SHARE_BY_ACCOUNT, "account", NAMED_ACCOUNTS)?;
        by_account.counter.with_label_values(&[OTHERS]);
        Ok(Self { by_account, by_key: counter(names::OVER_SHARE_BY_KEY, "key", NAMED_KEYS)? })
    }

    /// Counts a request that would have brought this account over its share.
    pub fn account(&self, account: &str) {
        self.by_account.count(account);
    }

    /// Counts a request that would have brought the key of this name over its
    /// share.
    pub fn key(&self, name: &str) {
        self.by_key.count(name);
    }
}

impl Counter {
    fn count(&self, name: &str) {
        let label = if self.is_named(name) { name } else { OTHERS };
        self.counter.with_label_values(&[label]).inc();
    }

    fn is_named(&self, name: &str) -> bool {
        if name == OTHERS {
            return false;
        }
        let mut named = self.named.lock();
        if named.len() < self.most && !named.contains(name) {
            named.insert(name.into());
        }
        named.contains(name)
    }
}
