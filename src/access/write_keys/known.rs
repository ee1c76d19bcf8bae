//! All keys of the store, as events are held against them. What is known is never changed:
//! another takes its place.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use trailkeep_event::Timestamp;
use trailkeep_store::access::SecretHash;
use trailkeep_store::write_keys::WriteKeyRecord;
use uuid::Uuid;

use super::error::WriteKeyError;
use super::new::{MAX_KEYS, MAX_NAME_BYTES, MAX_ORIGIN_BYTES, MAX_ORIGINS_OF_ALL, NewWriteKey};

/// Bytes of a key beside its name and its origins: itself, its places in two tables, and
/// as it is read from the store.
const FOR_A_KEY: usize = 512;

/// Bytes of an origin beside its text.
const FOR_AN_ORIGIN: usize = 64;

/// Bytes that all keys may take: while they are read there are two of each, and the file
/// that is written of them.
pub const MOST_BYTES: usize = 3
    * (MAX_KEYS * (FOR_A_KEY + MAX_NAME_BYTES)
        + MAX_ORIGINS_OF_ALL * (FOR_AN_ORIGIN + MAX_ORIGIN_BYTES));

/// Whether a key has to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Rule {
    /// There is none: anybody may post.
    Open,
    /// There are some.
    Required,
    /// Nobody knows yet.
    Unknown,
}

/// A key of the store.
#[derive(Debug)]
pub struct Key {
    pub id: Uuid,
    pub name: Arc<str>,
    pub hash: SecretHash,
    /// Whose pages may send it; empty for any.
    pub origins: Box<[Arc<str>]>,
    /// From when on it is not taken.
    pub expires_at: Option<Timestamp>,
    /// Whether it was used since that was noted.
    is_used: AtomicBool,
    /// When a use was noted last, in milliseconds since the epoch.
    noted_at: AtomicI64,
}

impl Key {
    /// As the store has it.
    pub fn of(record: &WriteKeyRecord) -> Self {
        let WriteKeyRecord { id, name, hash, origins, expires_at, .. } = record;
        Self::new(*id, name, *hash, origins, *expires_at)
    }

    pub fn new(
        id: Uuid,
        name: &str,
        hash: SecretHash,
        origins: &[String],
        expires_at: Option<Timestamp>,
    ) -> Self {
        Self {
            id,
            name: name.into(),
            hash,
            origins: origins.iter().map(|origin| origin.as_str().into()).collect(),
            expires_at,
            is_used: AtomicBool::new(false),
            noted_at: AtomicI64::new(i64::MIN),
        }
    }

    /// Whether a page of this origin may send it.
    pub fn is_for(&self, origin: &[u8]) -> bool {
        self.origins.is_empty() || self.origins.iter().any(|own| own.as_bytes() == origin)
    }

    /// It is used. Written only where it is news, as all requests with it read that.
    pub fn note_use(&self) {
        if !self.is_used.load(Ordering::Relaxed) {
            self.is_used.store(true, Ordering::Relaxed);
        }
    }

    /// Whether it was used, and the last use that was noted is so long ago.
    pub fn is_to_be_noted(&self, now: Timestamp, every_ms: i64) -> bool {
        let ago = now.as_millis().saturating_sub(self.noted_at.load(Ordering::Relaxed));
        ago >= every_ms && self.is_used.load(Ordering::Relaxed)
    }

    /// Its use was noted.
    pub fn noted(&self, now: Timestamp) {
        self.is_used.store(false, Ordering::Relaxed);
        self.noted_at.store(now.as_millis(), Ordering::Relaxed);
    }

    fn is_of(&self, record: &WriteKeyRecord) -> bool {
        self.id == record.id
            && self.hash == record.hash
            && *self.name == *record.name
            && self.expires_at == record.expires_at
            && self.origins.iter().map(|origin| &**origin).eq(record.origins.iter())
    }
}

/// All keys of the store.
#[derive(Debug, Default)]
pub struct Known {
    /// `None` until they are known.
    stored: Option<Vec<Arc<Key>>>,
    by_hash: HashMap<SecretHash, Arc<Key>>,
    /// Those of all keys.
    origins: HashSet<Arc<str>>,
}

impl Known {
    /// These are all that there are.
    pub fn new(stored: Vec<Arc<Key>>) -> Self {
        let origins = stored.iter().flat_map(|key| key.origins.iter().cloned()).collect();
        let by_hash = stored.iter().map(|key| (key.hash, Arc::clone(key))).collect();
        Self { stored: Some(stored), by_hash, origins }
    }

    /// What they come to by themselves.
    pub fn rule(&self) -> Rule {
        if self.len() > 0 {
            Rule::Required
        } else if self.is_whole() {
            Rule::Open
        } else {
            Rule::Unknown
        }
    }

    pub fn by_hash(&self, hash: &SecretHash) -> Option<&Key> {
        self.by_hash.get(hash).map(|key| &**key)
    }

    /// Whether they are known.
    pub fn is_whole(&self) -> bool {
        self.stored.is_some()
    }

    pub fn len(&self) -> usize {
        self.stored().len()
    }

    pub fn stored(&self) -> &[Arc<Key>] {
        self.stored.as_deref().unwrap_or_default()
    }

    pub fn names_origin(&self, origin: &[u8]) -> bool {
        std::str::from_utf8(origin).is_ok_and(|origin| self.origins.contains(origin))
    }

    /// What was read of the store. A key that is known stays the one that it is, with
    /// what is known of its use.
    pub fn renewed(&self, read: &[WriteKeyRecord]) -> Vec<Arc<Key>> {
        let known: HashMap<_, _> = self.stored().iter().map(|key| (key.id, key)).collect();
        let renew = |record: &WriteKeyRecord| match known.get(&record.id) {
            Some(key) if key.is_of(record) => Arc::clone(key),
            _ => Arc::new(Key::of(record)),
        };
        read.iter().map(renew).collect()
    }

    /// Whether these are all that are known of the store.
    pub fn has_the_same(&self, stored: &[Arc<Key>]) -> bool {
        let known = self.stored();
        known.len() == stored.len() && known.iter().zip(stored).all(|(a, b)| Arc::ptr_eq(a, b))
    }

    /// Whether one more may be made.
    pub fn has_room_for(&self, new: &NewWriteKey) -> Result<(), WriteKeyError> {
        if self.stored().len() >= MAX_KEYS {
            return Err(WriteKeyError::TooManyKeys);
        }
        let origins: usize = self.stored().iter().map(|key| key.origins.len()).sum();
        if origins + new.origins.len() > MAX_ORIGINS_OF_ALL {
            return Err(WriteKeyError::TooManyOrigins);
        }
        Ok(())
    }
}
