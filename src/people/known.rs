//! What is kept already, so that an event which brings nothing new costs one look-up.
//!
//! An entry stands for a user, the anonymous id beside it and the session, and says what
//! of them is in the store. It is only ever a reason to write nothing: whoever forgets
//! one writes the same again, which changes nothing there.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hash, Hasher};

use trailkeep_event::{Accepted, Arrival, Timestamp};

use super::facts;

/// By how many milliseconds the `firstSeen` and `lastSeen` of rows may be off what is known
/// here, and what is known here off what was seen: an hour in all. A row that is written
/// again costs MongoDB more than an event; what a row has lost of an hour, whoever tells it
/// finds at the newest event.
pub const LAG_MS: i64 = 30 * 60 * 1_000;

/// Entries of each of the two generations: some 8 MiB of both.
const MOST: usize = 50_000;

/// Two hashes under keys of this process: nobody can have two meet on purpose, and by
/// chance it takes 2^64 entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key([u64; 2]);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[0]);
    }
}

/// A [`Key`] is a hash already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

type Entries = HashMap<Key, Kept, BuildHasherDefault<AsItIs>>;

#[derive(Debug, Clone, Copy)]
struct Kept {
    first_seen: Timestamp,
    last_seen: Timestamp,
    /// The least number under which they were seen together.
    arrival: Arrival,
    /// Whether the id is known for a user's.
    is_users: bool,
    /// A hash of the traits that were sent last.
    traits: Option<u64>,
}

impl Kept {
    fn covers(&self, other: &Self) -> bool {
        let lag = |earlier: Timestamp, later: Timestamp| later.as_millis() - earlier.as_millis();
        lag(self.last_seen, other.last_seen) <= LAG_MS
            && lag(other.first_seen, self.first_seen) <= LAG_MS
            && self.arrival <= other.arrival
            && self.is_users >= other.is_users
            && (other.traits.is_none() || self.traits == other.traits)
    }

    fn merged(&self, other: &Self) -> Self {
        Self {
            first_seen: self.first_seen.min(other.first_seen),
            last_seen: self.last_seen.max(other.last_seen),
            arrival: self.arrival.min(other.arrival),
            is_users: self.is_users || other.is_users,
            traits: other.traits.or(self.traits),
        }
    }
}

/// What is known to be in the store. The least recently used half of it is forgotten
/// when it is full.
#[derive(Debug, Default)]
pub struct Known {
    young: Entries,
    old: Entries,
    hashes: [RandomState; 2],
    /// The ids of an event, one behind the other.
    ids: Vec<u8>,
}

impl Known {
    /// Whether all that an event says of people is kept.
    pub fn covers(&mut self, accepted: &Accepted) -> bool {
        let key = self.key(accepted);
        let brought = self.brought(accepted);
        if let Some(kept) = self.young.get(&key) {
            return kept.covers(&brought);
        }
        let Some(kept) = self.old.remove(&key) else { return false };
        self.insert(key, kept);
        kept.covers(&brought)
    }

    /// What an event says of people is kept now.
    pub fn keep(&mut self, accepted: &Accepted) {
        let key = self.key(accepted);
        let brought = self.brought(accepted);
        let before = self.young.get(&key).copied().or_else(|| self.old.remove(&key));
        self.insert(key, before.map_or(brought, |before| before.merged(&brought)));
    }

    fn insert(&mut self, key: Key, kept: Kept) {
        if self.young.len() >= MOST {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, kept);
    }

    /// No id holds the byte that stands between them.
    fn key(&mut self, accepted: &Accepted) -> Key {
        let event = &accepted.event;
        self.ids.clear();
        self.ids.extend_from_slice(event.user_id.as_bytes());
        for id in [&event.anonymous_id, &event.session_id] {
            self.ids.push(0xff);
            self.ids.extend_from_slice(id.as_deref().unwrap_or_default().as_bytes());
        }
        Key(self.hashes.each_ref().map(|state| {
            // One call: each costs as much as the bytes of an id.
            let mut hasher = state.build_hasher();
            hasher.write(&self.ids);
            hasher.finish()
        }))
    }

    fn brought(&self, accepted: &Accepted) -> Kept {
        let event = &accepted.event;
        let seen = facts::seen_at(event);
        let traits =
            facts::has_traits(event).then(|| self.hashes[0].hash_one(event.payload.as_bson()));
        Kept {
            first_seen: seen,
            last_seen: seen,
            arrival: accepted.arrival,
            is_users: facts::is_users(event),
            traits,
        }
    }
}
