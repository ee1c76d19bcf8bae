//! Times as the wire and the stores have them: whole milliseconds in UTC.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};

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
    /// for each event, and chrono takes ten times as long.
    pub fn to_rfc3339(self) -> [u8; 24] {
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let mut write = |range: std::ops::Range<usize>, mut number: u32| {
            for digit in text[range].iter_mut().rev() {
                *digit = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        let (year, month, day) = date(self.0.div_euclid(DAY_MS));
        write(0..4, year);
        write(5..7, month);
        write(8..10, day);
        // Less than a day.
        let millis = self.0.rem_euclid(DAY_MS) as u32;
        write(11..13, millis / 3_600_000);
        write(14..16, millis / 60_000 % 60);
        write(17..19, millis / 1_000 % 60);
        write(20..23, millis % 1_000);
        text
    }
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Year, month and day of a day of the years 0000 to 9999, counted from the
/// epoch.
///
/// Years are taken to begin in March, so that the day that some lack is their
/// last, and are counted in whole cycles of the calendar from one that lies
/// before all of them (<https://howardhinnant.github.io/date_algorithms.html>).
fn date(day: i64) -> (u32, u32, u32) {
    const CYCLE_DAYS: u32 = 146_097;
    const CYCLE_YEARS: u32 = 400;
    /// From 1 March of the year -400 to the epoch.
    const TO_EPOCH: i64 = 719_468 + CYCLE_DAYS as i64;
    let days = (day + TO_EPOCH) as u32;
    let (cycles, days) = (days / CYCLE_DAYS, days % CYCLE_DAYS);
    let years = (days - days / 1_460 + days / 36_524 - days / 146_096) / 365;
    let days = days - (365 * years + years / 4 - years / 100);
    let months = (5 * days + 2) / 153;
    let day = days - (153 * months + 2) / 5 + 1;
    let (month, has_turned) = match months {
        0..10 => (months + 3, 0),
        _ => (months - 9, 1),
    };
    let year = cycles * CYCLE_YEARS + years + has_turned - CYCLE_YEARS;
    (year, month, day)
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

    /// The same in microseconds since the epoch, where the clock is as fine.
    fn micros(&self) -> i64 {
        self.now().as_millis().saturating_mul(1_000)
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn micros(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests;
