//! What one business account, or one write key, may hold of the backlog, so that
//! none of them fills it for all.
//!
//! Held is what is in the backlog's head and what is on its way there, counted
//! event by event; who holds nothing is not remembered. Events without an account,
//! and requests without a key, are nobody's. Beyond the head nobody is counted:
//! where the limit is raised, a full head refuses nobody.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::ops::{Add, Sub};
use std::sync::Arc;

use trailkeep_event::Event;

use super::room::Amount;

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
    pub const ALL: Self = Self { per_account: 100, per_key: 100 };
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
    pub tenant: Tenant,
    /// Whether the batch alone is larger than the share.
    pub is_for_good: bool,
}

/// What each tenant holds. Tenants are told apart by a hash of their names under a
/// key that nobody outside knows: two with the same one share their share, which
/// does no harm.
#[derive(Debug)]
pub struct Quota {
    /// What an account may hold; `None` if that is not limited, and not counted.
    per_account: Option<Amount>,
    /// The same of a write key.
    per_key: Option<Amount>,
    hasher: RandomState,
    held: HashMap<u64, Amount>,
}

impl Quota {
    /// Nobody holds anything of a head of that size.
    pub fn new(head: Amount, shares: Shares) -> Self {
        Self {
            per_account: share_of(head, shares.per_account),
            per_key: share_of(head, shares.per_key),
            hasher: RandomState::new(),
            held: HashMap::new(),
        }
    }

    /// Has the tenants of a batch hold it too, or refuses it as a whole.
    pub fn charge(&mut self, batch: &[Event], key: Option<&Arc<str>>) -> Result<(), OverShare> {
        self.charge_promised(batch, key);
        let Some((tenant, most)) = self.over_share(batch, key) else {
            return Ok(());
        };
        for event in batch {
            self.leave(event, key);
        }
        let is_its = |event: &&Event| match &tenant {
            Tenant::Key(_) => true,
            Tenant::Account(id) => event.account_id.as_ref() == Some(id),
        };
        let alone = batch.iter().filter(is_its).map(amount);
        let is_for_good = !alone.fold(Amount::default(), Add::add).is_within(most);
        Err(OverShare { tenant, is_for_good })
    }

    /// Has the tenants of events hold them too, whatever their share is.
    pub fn charge_promised<'a>(
        &mut self,
        batch: impl IntoIterator<Item = &'a Event>,
        key: Option<&Arc<str>>,
    ) {
        for event in batch {
            self.change(event, key, Add::add);
        }
    }

    /// An event does not hold room any more.
    pub fn leave(&mut self, event: &Event, key: Option<&Arc<str>>) {
        self.change(event, key, Sub::sub);
    }

    /// Whoever the event is of holds it too, or no more.
    fn change(&mut self, event: &Event, key: Option<&Arc<str>>, by: fn(Amount, Amount) -> Amount) {
        let account = event.account_id.as_deref().filter(|_| self.per_account.is_some());
        let key = key.filter(|_| self.per_key.is_some());
        let account = account.map(|id| self.hash(Kind::Account, id));
        let key = key.map(|name| self.hash(Kind::Key, name));
        for tenant in account.into_iter().chain(key) {
            let held = self.held.entry(tenant).or_default();
            *held = by(*held, amount(event));
            if held.events == 0 {
                self.held.remove(&tenant);
            }
        }
    }

    /// The first tenant that holds more than its share, and that share.
    fn over_share(&self, batch: &[Event], key: Option<&Arc<str>>) -> Option<(Tenant, Amount)> {
        let is_over = |kind, name: &str, most: Option<Amount>| {
            let most = most?;
            let held = self.held.get(&self.hash(kind, name))?;
            (!held.is_within(most)).then_some(most)
        };
        let key = key.and_then(|key| {
            let most = is_over(Kind::Key, key, self.per_key)?;
            Some((Tenant::Key(Arc::clone(key)), most))
        });
        let mut accounts = batch.iter().filter_map(|event| event.account_id.as_ref());
        key.or_else(|| {
            accounts.find_map(|id| {
                let most = is_over(Kind::Account, id, self.per_account)?;
                Some((Tenant::Account(id.clone()), most))
            })
        })
    }

    fn hash(&self, kind: Kind, name: &str) -> u64 {
        self.hasher.hash_one((kind, name))
    }

    /// Whether nobody holds anything.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

#[derive(Clone, Copy, Hash)]
enum Kind {
    Account,
    Key,
}

/// A part of it, and at least one event; `None` for all of it.
fn share_of(head: Amount, percent: u8) -> Option<Amount> {
    (percent < 100).then(|| Amount {
        events: (head.events * usize::from(percent) / 100).max(1),
        bytes: head.bytes / 100 * usize::from(percent),
    })
}

fn amount(event: &Event) -> Amount {
    Amount { events: 1, bytes: event.size() }
}
