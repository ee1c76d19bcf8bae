//! What `identify` events said of a user.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::value::RawValue;
use trailkeep_event::{Arrival, Payload};

/// Traits of one id at the most.
pub const MAX_TRAITS: usize = 64;

/// Bytes of the keys and values of an id's traits at the most, values as compact JSON. An
/// event's payload has no more with the default settings.
pub const MAX_TRAIT_BYTES: usize = 32 << 10;

/// The trait that is an e-mail address.
pub const EMAIL: &str = "email";

/// The traits that are names.
pub const NAMES: [&str; 5] = ["name", "firstName", "lastName", "first_name", "last_name"];

/// The newest value of one key.
///
/// Of two, that of the greater arrival is the newer; of one arrival, the text that comes
/// later in the order of bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trait {
    /// The arrival of the event that said it.
    pub said: Arrival,
    /// Compact JSON.
    pub value: Box<str>,
}

/// The newest value of each key, within [`MAX_TRAITS`] and [`MAX_TRAIT_BYTES`].
///
/// What exceeds the bounds is left out, and the newest keys stay: ranked by the arrival of
/// their values, within one event what is searched before what is not, then by key, they
/// stay up to the first that does not fit. The highest that was left out is kept as a
/// floor, and nothing from below it comes back. So:
///
/// - Without anything left out, order and repetition make no difference at all.
/// - Where only the number of keys was exceeded, the keys and values that stay are the
///   same in any order: a key's rank only ever rises.
/// - Where the bytes were exceeded, merging the same again still changes nothing, but what
///   stays may depend on the order: a large value that a small one replaced later has
///   pushed others out meanwhile, or has not. What stays is always newer than the floor,
///   and a key that is said again is there again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traits {
    by_key: BTreeMap<Box<str>, Trait>,
    floor: Option<Rank>,
}

/// What stays is ranked higher.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    said: Arrival,
    is_searched: bool,
    key: Reverse<Box<str>>,
}

impl Rank {
    pub(super) fn of(key: &str, said: Arrival) -> Self {
        let is_searched = key == EMAIL || NAMES.contains(&key);
        Self { said, is_searched, key: Reverse(key.into()) }
    }

    /// Below every trait: says that something was left out, and keeps nothing out.
    fn lowest() -> Self {
        Self::of("", Arrival::from_i64(i64::MIN))
    }

    pub(super) fn said(&self) -> Arrival {
        self.said
    }

    pub(super) fn key(&self) -> &str {
        &self.key.0
    }
}

impl Traits {
    /// The traits in the payload of an `identify` event with this arrival: those in
    /// `traits`, or the payload itself where there is no such object in it.
    pub fn said_in(payload: &Payload, said: Arrival) -> Self {
        let json = payload.to_json();
        let whole: BTreeMap<String, &RawValue> = serde_json::from_str(&json).unwrap_or_default();
        let inner: Option<BTreeMap<String, &RawValue>> =
            whole.get("traits").and_then(|inner| serde_json::from_str(inner.get()).ok());
        let mut traits = Self::default();
        for (key, value) in inner.unwrap_or(whole) {
            traits.add(key.into(), Trait { said, value: value.get().into() });
        }
        traits.keep_bounds();
        traits
    }

    pub(super) fn from_parts(
        traits: impl IntoIterator<Item = (Box<str>, Trait)>,
        floor: Option<Rank>,
    ) -> Self {
        Self { by_key: traits.into_iter().collect(), floor }
    }

    /// Takes those of another row of the same id.
    pub fn merge(&mut self, other: &Self) {
        if self.floor < other.floor {
            self.floor.clone_from(&other.floor);
        }
        for (key, value) in &other.by_key {
            self.add(key.clone(), value.clone());
        }
        self.keep_bounds();
    }

    /// One that alone exceeds the bounds would push out all others.
    fn add(&mut self, key: Box<str>, said: Trait) {
        if bytes(&key, &said) > MAX_TRAIT_BYTES {
            self.floor = self.floor.take().or_else(|| Some(Rank::lowest()));
            return;
        }
        match self.by_key.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(said);
            }
            Entry::Occupied(mut entry) => {
                if *entry.get() < said {
                    entry.insert(said);
                }
            }
        }
    }

    fn keep_bounds(&mut self) {
        if let Some(floor) = &self.floor {
            self.by_key.retain(|key, value| Rank::of(key, value.said) > *floor);
        }
        let all: usize = self.by_key.iter().map(|(key, value)| bytes(key, value)).sum();
        if self.by_key.len() <= MAX_TRAITS && all <= MAX_TRAIT_BYTES {
            return;
        }
        let mut ranks: Vec<_> = self
            .by_key
            .iter()
            .map(|(key, value)| (Rank::of(key, value.said), bytes(key, value)))
            .collect();
        ranks.sort_unstable_by(|left, right| right.cmp(left));
        let mut left = MAX_TRAIT_BYTES;
        let stay = ranks.iter().take(MAX_TRAITS).take_while(|(_, bytes)| {
            let fits = *bytes <= left;
            left = left.saturating_sub(*bytes);
            fits
        });
        let stay = stay.count();
        for (rank, _) in ranks.drain(stay..).rev() {
            self.by_key.remove(rank.key());
            self.floor = Some(rank);
        }
    }

    /// The newest value of a key.
    pub fn get(&self, key: &str) -> Option<&Trait> {
        self.by_key.get(key)
    }

    /// The newest value of a key, where it is a string.
    pub fn text(&self, key: &str) -> Option<String> {
        self.get(key).and_then(|newest| serde_json::from_str(&newest.value).ok())
    }

    /// All of them, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Trait)> {
        self.by_key.iter().map(|(key, newest)| (&**key, newest))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Whether any was ever left out.
    pub fn is_truncated(&self) -> bool {
        self.floor.is_some()
    }

    pub(super) fn floor(&self) -> Option<&Rank> {
        self.floor.as_ref()
    }

    /// All of them as one compact JSON object.
    pub fn to_json(&self) -> String {
        let mut json = String::from("{");
        for (key, newest) in self.iter() {
            if json.len() > 1 {
                json.push(',');
            }
            json.push_str(&serde_json::Value::from(key).to_string());
            json.push(':');
            json.push_str(&newest.value);
        }
        json.push('}');
        json
    }
}

fn bytes(key: &str, said: &Trait) -> usize {
    key.len() + said.value.len()
}
