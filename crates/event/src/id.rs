//! The two numbers every event carries through the system: who it is
//! ([`StoreId`]) and when it came ([`Arrival`]).

use std::fmt;
use std::hash::{Hash, Hasher};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Timestamp;

/// The identity of an event in every store: 16 bytes derived from
/// (`userId`, `eventId`) and from nothing else, so that a retry, a replay and
/// a second instance all arrive at the same one.
///
/// Shaped as a UUID of version 8 (RFC 9562, section 5.8). Where the event id
/// is a UUID of version 7, its 48 bits of time come first and a hash follows,
/// so that ids made around the same time are neighbours in the database's
/// unique index. Any other event id gives no time, and all 122 free bits are
/// hash. The hash is SHA-256 over the length of the user id (4 bytes, big
/// endian), the user id and the event id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoreId([u8; 16]);

impl Hash for StoreId {
    /// Only the last eight bytes, which are hash in each kind of id: enough to
    /// tell ids apart, and half the work for what is looked up several times
    /// for each event.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [.., a, b, c, d, e, f, g, h] = self.0;
        state.write_u64(u64::from_ne_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl StoreId {
    /// Derives the identity of one event.
    pub fn derive(user_id: &str, event_id: &str) -> Self {
        let user_length = u32::try_from(user_id.len()).unwrap_or(u32::MAX);
        let digest = Sha256::new()
            .chain_update(user_length.to_be_bytes())
            .chain_update(user_id)
            .chain_update(event_id)
            .finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        if let Some(time) = uuid_v7_time(event_id) {
            bytes[..6].copy_from_slice(&time);
        }
        Self(*uuid::Builder::from_custom_bytes(bytes).as_uuid().as_bytes())
    }

    /// The identity as it is kept in a store.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// The first six bytes (milliseconds since the epoch) of a UUID of version 7
/// in its hyphenated or its plain form.
fn uuid_v7_time(event_id: &str) -> Option<[u8; 6]> {
    if !matches!(event_id.len(), 32 | 36) {
        return None;
    }
    let uuid = Uuid::try_parse(event_id).ok()?;
    let bytes = uuid.as_bytes();
    (uuid.get_version_num() == 7)
        .then(|| [bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]])
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(Uuid::from_bytes_ref(&self.0), f)
    }
}

impl fmt::Debug for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The place of an event in the order of arrival: a positive 64-bit number
/// made of 42 bits of milliseconds since the epoch (enough until 2109), a
/// counter of 13 bits, and 8 bits that tell instances apart.
///
/// Numbers of one process only grow, also when the clock is stepped back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Arrival(i64);

const INSTANCE_BITS: u32 = 8;
const COUNTER_BITS: u32 = 13;
/// Of a millisecond.
const MICROS: u64 = 1_000;

impl Arrival {
    /// The number as it is kept in a store. Anything from there is taken: an
    /// event that another tool wrote has none and counts as 0.
    pub fn from_i64(number: i64) -> Self {
        Self(number)
    }

    /// The number as it is kept in a store.
    pub fn as_i64(self) -> i64 {
        self.0
    }

    /// The lowest number of an event that is received then or later.
    pub fn first_at(moment: Timestamp) -> Self {
        let ms = u64::try_from(moment.as_millis()).unwrap_or(0);
        Self(i64::try_from(ms << (COUNTER_BITS + INSTANCE_BITS)).unwrap_or(i64::MAX))
    }

    /// When it was given out, as its process's clock had it.
    pub fn moment(self) -> Timestamp {
        Timestamp::from_millis_clamped(self.0.max(0) >> (COUNTER_BITS + INSTANCE_BITS))
    }

    /// The lowest number that comes after this one in every process.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Consecutive numbers, from one on without end: those of a batch.
#[derive(Debug, Clone)]
pub struct Arrivals(Arrival);

impl From<Arrival> for Arrivals {
    fn from(first: Arrival) -> Self {
        Self(first)
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let arrival = self.0;
        self.0 = Arrival(arrival.0.saturating_add(1 << INSTANCE_BITS));
        Some(arrival)
    }
}

/// Hands out arrival numbers for one process.
#[derive(Debug)]
pub struct ArrivalClock {
    instance: u8,
    /// Milliseconds and counter of the next number, without the instance.
    next: u64,
}

impl ArrivalClock {
    /// A clock for one process; `instance` only separates processes that
    /// number events within the same millisecond.
    pub fn new(instance: u8) -> Self {
        Self { instance, next: 0 }
    }

    /// Makes every later number greater than `floor`: called with the numbers
    /// of events that an earlier process accepted.
    pub fn advance_past(&mut self, floor: Arrival) {
        let ticks = u64::try_from(floor.0).unwrap_or(0) >> INSTANCE_BITS;
        self.next = self.next.max(ticks + 1);
    }

    /// The first of `count` consecutive numbers, given the microseconds since the epoch.
    /// More events than the time has numbers for borrow from what comes after it.
    ///
    /// The counter begins with what is past of the millisecond, eight for a microsecond:
    /// a tracker that was answered by one process may send its next events to another
    /// within the same millisecond.
    pub fn take(&mut self, count: usize, micros: i64) -> Arrival {
        let micros = u64::try_from(micros).unwrap_or(0);
        let past = (micros % MICROS) * (1 << COUNTER_BITS) / MICROS;
        let first = self.next.max(((micros / MICROS) << COUNTER_BITS) + past);
        self.next = first + count as u64;
        let number = (first << INSTANCE_BITS) | u64::from(self.instance);
        Arrival(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests;
