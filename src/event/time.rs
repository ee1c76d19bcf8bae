//! Times as the wire and the stores have them: whole milliseconds in UTC.

use std::fmt;

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};

/// A moment, in milliseconds since the epoch, within the years 0000 to 9999
/// that RFC 3339 can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// 0000-01-01T00:00:00.000Z.
const FIRST: i64 = -62_167_219_200_000;
/// 9999-12-31T23:59:59.999Z.
const LAST: i64 = 253_402_300_799_999;

impl Timestamp {
    /// The moment that many milliseconds after the epoch, or `None` outside
    /// the years 0000 to 9999.
    pub fn from_millis(millis: i64) -> Option<Self> {
        (FIRST..=LAST).contains(&millis).then_some(Self(millis))
    }

    /// The nearest moment that can be written: for times that a store holds
    /// but did not get from us.
    pub fn from_millis_clamped(millis: i64) -> Self {
        Self(millis.clamp(FIRST, LAST))
    }

    /// Reads RFC 3339 with any offset; what is finer than a millisecond is cut.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let moment = DateTime::parse_from_rfc3339(text).ok()?;
        Self::from_millis(moment.timestamp_millis())
    }

    /// The system clock. Only what hands out a clock calls it.
    pub fn now() -> Self {
        Self::from_millis_clamped(Utc::now().timestamp_millis())
    }

    /// Milliseconds since the epoch.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// This moment moved by some milliseconds, within what can be written.
    pub fn plus_millis(self, millis: i64) -> Self {
        Self::from_millis_clamped(self.0.saturating_add(millis))
    }
}

impl Timestamp {
    /// The text `2025-12-15T10:30:00.000Z`, which has this length at any moment
    /// that can be written. Made by hand, because a page of a journey has two
    /// for each event, and chrono makes a `String` each time.
    pub fn to_rfc3339(self) -> [u8; 24] {
        let moment = DateTime::from_timestamp_millis(self.0).unwrap_or_default();
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let mut write = |range: std::ops::Range<usize>, mut number: u32| {
            for digit in text[range].iter_mut().rev() {
                *digit = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        write(0..4, moment.year().unsigned_abs());
        write(5..7, moment.month());
        write(8..10, moment.day());
        write(11..13, moment.hour());
        write(14..16, moment.minute());
        write(17..19, moment.second());
        write(20..23, moment.timestamp_subsec_millis());
        text
    }
}

/// `2025-12-15T10:30:00.000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_rfc3339()).unwrap_or_default())
    }
}

/// Where the time comes from. Parts that need it are handed one, so that a
/// test can set it.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

#[cfg(test)]
mod tests;
