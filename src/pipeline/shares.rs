//! What one business account, or one write key, may hold of the room that
//! accepted events have, so that none of them fills it for all.
//!
//! Held is what is in the buffer and what room is kept for. Every change of the
//! one is a change of the other, under the same lock, so that what is held by a
//! tenant is always the sum over its events; who holds nothing is not
//! remembered. Events without an account, and requests without a key, are
//! nobody's and are not counted.
//!
//! Where events may be [spilled](super::spill) a full buffer refuses nobody, so
//! the share is one of the spill instead: see
//! [`portions`](super::spill::portions).

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

use crate::event::Event;

/// Percent of the room that one tenant may hold, from 1 to 100; 100 is no limit.
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

/// The place of a write key among those that are configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyNumber(pub u32);

/// Who shares the room with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tenant {
    /// A business account, by its id.
    Account(Box<str>),
    /// Whoever sends with a write key.
    Key(KeyNumber),
}

/// A batch would bring a tenant over its share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverShare {
    /// Whom.
    pub tenant: Tenant,
    /// Whether the batch alone is larger than the share.
    pub is_for_good: bool,
}

/// Events and the memory that they take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub events: usize,
    pub bytes: usize,
}

impl Amount {
    fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        events.into_iter().fold(Self::default(), |sum, event| {
            sum.and(Self::of_one(event.size()))
        })
    }

    fn of_one(bytes: usize) -> Self {
        Self { events: 1, bytes }
    }

    fn and(self, more: Self) -> Self {
        Self {
            events: self.events + more.events,
            bytes: self.bytes + more.bytes,
        }
    }

    fn is_within(self, most: Self) -> bool {
        self.events <= most.events && self.bytes <= most.bytes
    }

    /// A part of it, and at least one event; `None` for all of it.
    fn percent(self, percent: u8) -> Option<Self> {
        (percent < 100).then(|| Self {
            events: (self.events * usize::from(percent) / 100).max(1),
            bytes: self.bytes / 100 * usize::from(percent),
        })
    }
}

/// What each tenant holds.
#[derive(Debug, PartialEq)]
pub(super) struct Tenants {
    accounts: Ledger<Box<str>>,
    keys: Ledger<KeyNumber>,
}

impl Tenants {
    /// Nobody holds anything of that room.
    pub fn new(room: Amount, shares: Shares) -> Self {
        Self {
            accounts: Ledger::new(room.percent(shares.per_account)),
            keys: Ledger::new(room.percent(shares.per_key)),
        }
    }

    /// Has the tenants of a batch hold it too, or refuses it as a whole.
    pub fn charge(&mut self, batch: &[Event], key: Option<KeyNumber>) -> Result<(), OverShare> {
        self.charge_key(batch, key)?;
        let Some(most) = self.accounts.most else {
            return Ok(());
        };
        for (number, event) in batch.iter().enumerate() {
            let Some(account) = event.account_id.as_deref() else {
                continue;
            };
            let held = self.accounts.add(account, Amount::of_one(event.size()));
            if !held.is_within(most) {
                let (charged, rest) = batch.split_at(number + 1);
                charged.iter().for_each(|event| self.leave_account(event));
                self.leave_key(Amount::of(batch), key);
                let of_account = charged
                    .iter()
                    .chain(rest)
                    .filter(|event| event.account_id.as_deref() == Some(account));
                return Err(OverShare {
                    is_for_good: !Amount::of(of_account).is_within(most),
                    tenant: Tenant::Account(account.into()),
                });
            }
        }
        Ok(())
    }

    fn charge_key(&mut self, batch: &[Event], key: Option<KeyNumber>) -> Result<(), OverShare> {
        let (Some(most), Some(key)) = (self.keys.most, key) else {
            return Ok(());
        };
        let batch = Amount::of(batch);
        if batch.events == 0 || self.keys.held(&key).and(batch).is_within(most) {
            self.keys.add(&key, batch);
            return Ok(());
        }
        Err(OverShare {
            tenant: Tenant::Key(key),
            is_for_good: !batch.is_within(most),
        })
    }

    /// As [`charge`](Self::charge), of an event that was promised: whatever the
    /// share is.
    pub fn charge_promised(&mut self, event: &Event) {
        if let (Some(_), Some(account)) = (self.accounts.most, &event.account_id) {
            self.accounts.add(&**account, Amount::of_one(event.size()));
        }
    }

    /// An event does not hold room any more.
    pub fn leave(&mut self, event: &Event, key: Option<KeyNumber>) {
        self.leave_account(event);
        if key.is_some() {
            self.leave_key(Amount::of_one(event.size()), key);
        }
    }

    fn leave_account(&mut self, event: &Event) {
        if let (Some(_), Some(account)) = (self.accounts.most, &event.account_id) {
            self.accounts
                .subtract(&**account, Amount::of_one(event.size()));
        }
    }

    fn leave_key(&mut self, amount: Amount, key: Option<KeyNumber>) {
        if let (Some(_), Some(key)) = (self.keys.most, key) {
            self.keys.subtract(&key, amount);
        }
    }

    /// As these would be if they held these events, and nothing else.
    #[cfg(test)]
    pub fn recounted<'a>(
        &self,
        held: impl Iterator<Item = (&'a Event, Option<KeyNumber>)>,
    ) -> Self {
        let mut counted = Self {
            accounts: Ledger::new(self.accounts.most),
            keys: Ledger::new(self.keys.most),
        };
        for (event, key) in held {
            counted.charge_promised(event);
            if let (Some(_), Some(key)) = (counted.keys.most, key) {
                counted.keys.add(&key, Amount::of_one(event.size()));
            }
        }
        counted
    }

    /// Whether nobody holds anything.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.accounts.held.is_empty() && self.keys.held.is_empty()
    }
}

/// What each tenant of one kind holds.
#[derive(Debug, PartialEq)]
struct Ledger<K: Eq + Hash> {
    /// What each may hold; `None` if that is not limited, and not counted.
    most: Option<Amount>,
    held: HashMap<K, Amount>,
}

impl<K: Eq + Hash> Ledger<K> {
    fn new(most: Option<Amount>) -> Self {
        Self {
            most,
            held: HashMap::new(),
        }
    }

    fn held(&self, tenant: &K) -> Amount {
        self.held.get(tenant).copied().unwrap_or_default()
    }

    /// Answers what the tenant holds now.
    fn add<Q>(&mut self, tenant: &Q, amount: Amount) -> Amount
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned + ?Sized,
        Q::Owned: Into<K>,
    {
        if let Some(held) = self.held.get_mut(tenant) {
            *held = held.and(amount);
            return *held;
        }
        if amount.events > 0 {
            self.held.insert(tenant.to_owned().into(), amount);
        }
        amount
    }

    fn subtract<Q>(&mut self, tenant: &Q, amount: Amount)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if let Some(held) = self.held.get_mut(tenant) {
            held.events -= amount.events;
            held.bytes -= amount.bytes;
            if held.events == 0 {
                self.held.remove(tenant);
            }
        }
    }
}
