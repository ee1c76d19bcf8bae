//! What one business account, or one write key, may hold of the backlog, so that
//! none of them fills it for all.
//!
//! Held is what is in the backlog's head and what is on its way there, counted
//! event by event; who holds nothing is not remembered. Events without an account,
//! and requests without a key, are nobody's. Beyond the head nobody is counted:
//! where the limit is raised, a full head refuses nobody.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use super::room::Amount;
use crate::event::Event;

/// Percent of the head that one tenant may hold, from 1 to 100; 100 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// For each account.
    pub per_account: u8,
    /// For each write key.
    pub per_key: u8,
}

impl Shares {
    /// Anybody may hold all.
    pub const ALL: Self = Self {
        per_account: 100,
        per_key: 100,
    };
}

/// Who shares the room with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tenant {
    /// A business account, by its id.
    Account(Box<str>),
    /// Whoever sends with a write key, by its name.
    Key(Arc<str>),
}

/// A batch would bring a tenant over its share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverShare {
    /// Whom.
    pub tenant: Tenant,
    /// Whether the batch alone is larger than the share.
    pub is_for_good: bool,
}

/// What each tenant holds.
#[derive(Debug)]
pub struct Quota {
    accounts: Ledger,
    keys: Ledger,
}

impl Quota {
    /// Nobody holds anything of a head of that size.
    pub fn new(head: Amount, shares: Shares) -> Self {
        Self {
            accounts: Ledger::new(share_of(head, shares.per_account)),
            keys: Ledger::new(share_of(head, shares.per_key)),
        }
    }

    /// Has the tenants of a batch hold it too, or refuses it as a whole.
    pub fn charge(&mut self, batch: &[Event], key: Option<&Arc<str>>) -> Result<(), OverShare> {
        self.charge_promised(batch, key);
        let Some(tenant) = self.over_share(batch, key) else {
            return Ok(());
        };
        for event in batch {
            self.leave(event, key);
        }
        let (of_tenant, most) = match &tenant {
            Tenant::Key(_) => (amount(batch), self.keys.most),
            Tenant::Account(id) => {
                let is_its = |event: &&Event| event.account_id.as_ref() == Some(id);
                (amount(batch.iter().filter(is_its)), self.accounts.most)
            }
        };
        Err(OverShare {
            tenant,
            is_for_good: most.is_some_and(|most| !of_tenant.is_within(most)),
        })
    }

    /// As [`charge`](Self::charge), of events that were promised: whatever the
    /// share is.
    pub fn charge_promised<'a>(
        &mut self,
        batch: impl IntoIterator<Item = &'a Event>,
        key: Option<&Arc<str>>,
    ) {
        if self.is_off() {
            return;
        }
        for event in batch {
            let one = amount([event]);
            if let Some(account) = &event.account_id {
                self.accounts.add(account, one);
            }
            if let Some(key) = key {
                self.keys.add(key, one);
            }
        }
    }

    fn over_share(&self, batch: &[Event], key: Option<&Arc<str>>) -> Option<Tenant> {
        if let Some(key) = key.filter(|key| self.keys.is_over(key)) {
            return Some(Tenant::Key(Arc::clone(key)));
        }
        let mut accounts = batch.iter().filter_map(|event| event.account_id.as_ref());
        let over = accounts.find(|account| self.accounts.is_over(account));
        over.map(|account| Tenant::Account(account.clone()))
    }

    /// An event does not hold room any more.
    pub fn leave(&mut self, event: &Event, key: Option<&Arc<str>>) {
        if self.is_off() {
            return;
        }
        let one = amount([event]);
        if let Some(account) = &event.account_id {
            self.accounts.subtract(account, one);
        }
        if let Some(key) = key {
            self.keys.subtract(key, one);
        }
    }

    fn is_off(&self) -> bool {
        self.accounts.most.is_none() && self.keys.most.is_none()
    }

    /// Whether nobody holds anything.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.accounts.held.is_empty() && self.keys.held.is_empty()
    }
}

/// A part of it, and at least one event; `None` for all of it.
fn share_of(head: Amount, percent: u8) -> Option<Amount> {
    (percent < 100).then(|| Amount {
        events: (head.events * usize::from(percent) / 100).max(1),
        bytes: head.bytes / 100 * usize::from(percent),
    })
}

fn amount<'a>(events: impl IntoIterator<Item = &'a Event>) -> Amount {
    events.into_iter().fold(Amount::default(), |sum, event| {
        sum + Amount {
            events: 1,
            bytes: event.size(),
        }
    })
}

/// What each tenant of one kind holds. Tenants are told apart by a hash of their
/// names under a key that nobody outside knows: two with the same one share their
/// share, which does no harm.
#[derive(Debug)]
struct Ledger {
    /// What each may hold; `None` if that is not limited, and not counted.
    most: Option<Amount>,
    hasher: RandomState,
    held: HashMap<u64, Amount>,
}

impl Ledger {
    fn new(most: Option<Amount>) -> Self {
        Self {
            most,
            hasher: RandomState::new(),
            held: HashMap::new(),
        }
    }

    fn is_over(&self, tenant: &str) -> bool {
        let held = self.held.get(&self.hasher.hash_one(tenant));
        held.zip(self.most)
            .is_some_and(|(held, most)| !held.is_within(most))
    }

    fn add(&mut self, tenant: &str, amount: Amount) {
        if self.most.is_some() {
            let held = self.held.entry(self.hasher.hash_one(tenant)).or_default();
            *held = *held + amount;
        }
    }

    fn subtract(&mut self, tenant: &str, amount: Amount) {
        if let Entry::Occupied(mut held) = self.held.entry(self.hasher.hash_one(tenant)) {
            held.get_mut().events -= amount.events;
            held.get_mut().bytes -= amount.bytes;
            if held.get().events == 0 {
                held.remove();
            }
        }
    }
}
