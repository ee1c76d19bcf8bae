//! How much of what is spilled belongs to whom, in memory that does not grow
//! with it.
//!
//! Any number of accounts may be spilled, so they are counted in a fixed number
//! of places, by a hash that nobody outside knows; two that meet in one share
//! it, which one account in 16,384 has to fear while another has used up its
//! share. Keys are few and counted each for itself; but an event that is read
//! back does not know its key, so a key is told block by block what has left.
//!
//! A batch is counted by the memory that it takes while it is on its way to the
//! disk, and by the bytes of its frame from then on, divided among its accounts
//! by the size of their events. It is divided in the same way when it is read
//! back, so what is left in the end is nothing.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};

use crate::event::{Arrival, Event};
use crate::pipeline::shares::{KeyNumber, OverShare, Shares, Tenant};

const PLACES: usize = 1 << 14;

/// Of how many blocks a spill that is full consists at the most.
const BLOCKS: u64 = 1024;

/// What each tenant has of the spill.
#[derive(Debug)]
pub struct Portions {
    /// Bytes that one account may have; `None` if that is not limited.
    most_of_account: Option<u64>,
    /// Bytes that one key may have; `None` if that is not limited.
    most_of_key: Option<u64>,
    hasher: RandomState,
    /// Bytes of accounts by their place; empty where they are not limited.
    accounts: Vec<u64>,
    keys: HashMap<KeyNumber, u64>,
    /// What is spilled by keys, the oldest first.
    blocks: VecDeque<Block>,
    block_bytes: u64,
}

/// Batches that follow each other.
#[derive(Debug)]
struct Block {
    last: Arrival,
    bytes: u64,
    keys: HashMap<KeyNumber, u64>,
}

impl Portions {
    /// Nobody has anything of a spill of that many bytes.
    pub fn new(max_bytes: u64, shares: Shares) -> Self {
        let most = |percent: u8| {
            let is_limited = percent < 100 && max_bytes > 0;
            is_limited.then(|| max_bytes / 100 * u64::from(percent))
        };
        let most_of_account = most(shares.per_account);
        Self {
            accounts: vec![0; most_of_account.map_or(0, |_| PLACES)],
            most_of_account,
            most_of_key: most(shares.per_key),
            hasher: RandomState::new(),
            keys: HashMap::new(),
            blocks: VecDeque::new(),
            block_bytes: (max_bytes / BLOCKS).max(1),
        }
    }

    /// Has the tenants of a batch have it too, or refuses it as a whole.
    pub fn charge(&mut self, batch: &[Event], key: Option<KeyNumber>) -> Result<(), OverShare> {
        let bytes = sizes(batch);
        if let (Some(most), Some(key)) = (self.most_of_key, key)
            && self.of_key(key) + bytes > most
        {
            return Err(OverShare {
                tenant: Tenant::Key(key),
                is_for_good: bytes > most,
            });
        }
        self.divide(batch, bytes, u64::saturating_add);
        if let Some(account) = self.over_share(batch) {
            let account: Box<str> = account.into();
            self.divide(batch, bytes, u64::saturating_sub);
            let of_account = batch
                .iter()
                .filter(|event| event.account_id.as_ref() == Some(&account));
            return Err(OverShare {
                is_for_good: self
                    .most_of_account
                    .is_some_and(|most| sizes(of_account) > most),
                tenant: Tenant::Account(account),
            });
        }
        self.add_to_key(key, bytes);
        Ok(())
    }

    fn over_share<'a>(&self, batch: &'a [Event]) -> Option<&'a str> {
        let most = self.most_of_account?;
        batch
            .iter()
            .filter_map(|event| event.account_id.as_deref())
            .find(|account| self.accounts[self.place(account)] > most)
    }

    /// A batch that was charged does not go on to the spill.
    pub fn release<'a>(
        &mut self,
        batch: impl IntoIterator<Item = &'a Event> + Clone,
        key: Option<KeyNumber>,
    ) {
        let bytes = sizes(batch.clone());
        self.divide(batch, bytes, u64::saturating_sub);
        self.take_from_key(key, bytes);
    }

    /// A batch is spilled, in a frame of so many bytes.
    pub fn add<'a>(
        &mut self,
        batch: impl IntoIterator<Item = &'a Event> + Clone,
        last: Arrival,
        bytes: u64,
        key: Option<KeyNumber>,
    ) {
        self.divide(batch, bytes, u64::saturating_add);
        let (Some(_), Some(key)) = (self.most_of_key, key) else {
            return;
        };
        self.add_to_key(Some(key), bytes);
        let is_begun = |block: &&mut Block| block.bytes < self.block_bytes;
        if let Some(block) = self.blocks.back_mut().filter(is_begun) {
            block.last = last;
            block.bytes += bytes;
            *block.keys.entry(key).or_default() += bytes;
        } else {
            self.blocks.push_back(Block {
                last,
                bytes,
                keys: HashMap::from([(key, bytes)]),
            });
        }
    }

    /// A batch that was [added](Self::add) is taken back.
    pub fn taken_back<'a>(
        &mut self,
        batch: impl IntoIterator<Item = &'a Event> + Clone,
        bytes: u64,
    ) {
        self.divide(batch, bytes, u64::saturating_sub);
    }

    /// Nothing up to this number is spilled any more.
    pub fn gone_up_to(&mut self, last: Arrival) {
        while let Some(block) = self.blocks.pop_front_if(|block| block.last <= last) {
            for (key, bytes) in block.keys {
                self.take_from_key(Some(key), bytes);
            }
        }
    }

    /// Nobody has anything, whatever was lost on the way.
    pub fn forget_accounts(&mut self) {
        self.accounts.fill(0);
    }

    /// Changes the places of a batch's accounts by their part of these bytes.
    fn divide<'a>(
        &mut self,
        batch: impl IntoIterator<Item = &'a Event> + Clone,
        bytes: u64,
        change: fn(u64, u64) -> u64,
    ) {
        if self.most_of_account.is_none() {
            return;
        }
        let all = u128::from(sizes(batch.clone()).max(1));
        for event in batch {
            if let Some(account) = &event.account_id {
                let part = u128::from(bytes) * event.size() as u128 / all;
                let place = self.place(account);
                let held = &mut self.accounts[place];
                *held = change(*held, u64::try_from(part).unwrap_or(u64::MAX));
            }
        }
    }

    fn place(&self, account: &str) -> usize {
        let places = PLACES as u64;
        usize::try_from(self.hasher.hash_one(account) % places).unwrap_or(0)
    }

    fn of_key(&self, key: KeyNumber) -> u64 {
        self.keys.get(&key).copied().unwrap_or(0)
    }

    fn add_to_key(&mut self, key: Option<KeyNumber>, bytes: u64) {
        if let (Some(_), Some(key)) = (self.most_of_key, key) {
            *self.keys.entry(key).or_default() += bytes;
        }
    }

    fn take_from_key(&mut self, key: Option<KeyNumber>, bytes: u64) {
        if let (Some(_), Some(key)) = (self.most_of_key, key) {
            let held = self.keys.entry(key).or_default();
            *held = held.saturating_sub(bytes);
        }
    }

    /// Whether nobody has anything.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        let keys = self.keys.values();
        self.blocks.is_empty() && self.accounts.iter().chain(keys).all(|&bytes| bytes == 0)
    }
}

fn sizes<'a>(batch: impl IntoIterator<Item = &'a Event>) -> u64 {
    batch.into_iter().map(|event| event.size() as u64).sum()
}
