//! Whose eyes a page is for: which zone its times are in, which colours it has, and
//! what time it is.
//!
//! A browser tells its zone in a cookie that the script sets; until it has, and where no
//! scripts run, times are in UTC, and pages say so.

use std::convert::Infallible;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use chrono::{DateTime, Datelike as _, NaiveDate, Offset as _, TimeZone as _, Timelike as _, Utc};
use chrono_tz::Tz;
use trailkeep_event::Timestamp;
use trailkeep_store::Retention;

use crate::http::Service;
use crate::http::sessions::cookie;

/// The cookie that has the name of a zone.
const ZONE: &str = "tk-zone";
/// The cookie that has the colours.
pub const THEME: &str = "tk-theme";

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// For how long somebody counts as here after they were seen.
const HERE: i64 = 5 * MINUTE;
/// From here on a day says more than a number of hours.
const LONG_AGO: i64 = 12 * HOUR;

const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Which colours a page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// As the system has them.
    Auto,
    Light,
    Dark,
}

impl Theme {
    /// As forms and cookies call it.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "auto" => Some(Self::Auto),
            "light" => Some(Self::Light),
            "dark" => Some(Self::Dark),
            _ => None,
        }
    }

    /// The same.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// What a page has to know of whoever looks at it.
#[derive(Debug, Clone)]
pub struct Sight {
    pub zone: Tz,
    pub theme: Theme,
    pub now: Timestamp,
    /// The path and query of the page itself, to come back to.
    pub place: String,
}

/// A moment, as a page writes it.
pub struct When {
    /// For machines: RFC 3339 in UTC.
    pub machine: String,
    /// All of it, for whoever points at it.
    pub full: String,
    /// What stands there.
    pub text: String,
}

impl FromRequestParts<Arc<Service>> for Sight {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Infallible> {
        let said = |name| cookie(&parts.headers, name);
        // A zone has a slash in its name, which some browsers' scripts encode.
        let zone = said(ZONE).map(|zone| zone.replace("%2F", "/"));
        Ok(Self {
            zone: zone.and_then(|zone| zone.parse().ok()).unwrap_or(Tz::UTC),
            theme: said(THEME).and_then(|name| Theme::named(&name)).unwrap_or(Theme::Auto),
            now: service.clock.now(),
            place: parts.uri.to_string(),
        })
    }
}

impl Sight {
    /// A moment in the zone of the page.
    pub fn at(&self, moment: Timestamp) -> DateTime<Tz> {
        in_zone(moment, self.zone)
    }

    /// The time of day: `14:09:02`.
    pub fn clock(&self, moment: Timestamp) -> When {
        let at = self.at(moment);
        let clock = clock(&at);
        When { machine: moment.to_string(), full: full(&at, &clock), text: clock }
    }

    /// The time of day to the minute: `14:09`.
    pub fn minute(&self, moment: Timestamp) -> When {
        self.when(moment, self.at(moment).format("%H:%M").to_string())
    }

    /// How long ago: `7 s ago`, `4 min ago`, `yesterday 18:02`, `10 November`.
    pub fn ago(&self, moment: Timestamp) -> When {
        self.when(moment, self.distance(moment))
    }

    /// Since when something goes on: `14:02`, `yesterday 18:02`, `10 November 18:02`.
    pub fn since(&self, moment: Timestamp) -> When {
        let at = self.at(moment);
        let clock = at.format("%H:%M");
        let text = match (self.day(self.now) - at.date_naive()).num_days() {
            0 => clock.to_string(),
            1 => format!("yesterday {clock}"),
            _ => format!("{} {clock}", self.short_date(at.date_naive())),
        };
        self.when(moment, text)
    }

    /// The full hour that a moment is in.
    pub fn hour(&self, moment: Timestamp) -> Timestamp {
        let at = self.at(moment);
        let into = i64::from(at.minute() * 60 + at.second()) * SECOND;
        moment.plus_millis(-into - moment.as_millis().rem_euclid(SECOND))
    }

    /// The day: `10 November`, and the year where it is another.
    pub fn date(&self, moment: Timestamp) -> When {
        let text = self.short_date(self.at(moment).date_naive());
        self.when(moment, text)
    }

    /// The day of a moment.
    pub fn day(&self, moment: Timestamp) -> NaiveDate {
        self.at(moment).date_naive()
    }

    /// What a day is called: `Today`, `Yesterday`, or its weekday; and its date.
    pub fn day_names(&self, day: NaiveDate) -> (String, String) {
        let date = self.short_date(day);
        let weekday = day.format("%A").to_string();
        match (self.day(self.now) - day).num_days() {
            0 => ("Today".to_owned(), format!("{weekday} {date}")),
            1 => ("Yesterday".to_owned(), format!("{weekday} {date}")),
            _ => (weekday, date),
        }
    }

    /// When a day begins. Where clocks are put forward at midnight, when it first is that
    /// day.
    pub fn start_of(&self, day: NaiveDate) -> Timestamp {
        let midnight = day.and_time(chrono::NaiveTime::MIN);
        let start = self.zone.from_local_datetime(&midnight).earliest().or_else(|| {
            let later = midnight + chrono::Duration::hours(1);
            self.zone.from_local_datetime(&later).earliest()
        });
        let start = start.map_or_else(|| midnight.and_utc(), |start| start.to_utc());
        Timestamp::from_millis_clamped(start.timestamp_millis())
    }

    /// Whether who was seen at a moment counts as here.
    pub fn is_here(&self, seen: Timestamp) -> bool {
        self.now.as_millis() - seen.as_millis() < HERE
    }

    /// The zone now: `UTC+1`.
    pub fn offset(&self) -> String {
        offset(self.now, self.zone)
    }

    fn when(&self, moment: Timestamp, text: String) -> When {
        let at = self.at(moment);
        When { machine: moment.to_string(), full: full(&at, &clock(&at)), text }
    }

    fn distance(&self, moment: Timestamp) -> String {
        let ago = self.now.as_millis() - moment.as_millis();
        let at = self.at(moment);
        match ago {
            // Clocks of trackers are a little ahead.
            ..0 if ago > -MINUTE => "now".to_owned(),
            0..SECOND => "now".to_owned(),
            SECOND..MINUTE => format!("{} s ago", ago / SECOND),
            MINUTE..HOUR => format!("{} min ago", ago / MINUTE),
            HOUR..LONG_AGO => format!("{} h ago", ago / HOUR),
            _ => match (self.day(self.now) - at.date_naive()).num_days() {
                0 => at.format("today %H:%M").to_string(),
                1 => at.format("yesterday %H:%M").to_string(),
                _ => self.short_date(at.date_naive()),
            },
        }
    }

    fn short_date(&self, day: NaiveDate) -> String {
        let is_this_year = self.day(self.now).year() == day.year();
        day.format(if is_this_year { "%-d %B" } else { "%-d %B %Y" }).to_string()
    }
}

/// `Tuesday 10 November 2026, 14:09:02.118 UTC+1`, with the time of day as it stands there.
///
/// A page has hundreds of moments, and chrono reads a format anew for each. Names and
/// digits of our own take a fifth of that.
fn full(at: &DateTime<Tz>, clock: &str) -> String {
    let weekday = WEEKDAYS[at.weekday().num_days_from_monday() as usize];
    let (mut day, mut year) = (itoa::Buffer::new(), itoa::Buffer::new());
    let (day, year) = (day.format(at.day()), year.format(at.year()));
    let month = MONTHS[at.month0() as usize];
    let millis = at.timestamp_subsec_millis();
    let millis: String =
        [millis / 100, millis / 10 % 10, millis % 10].map(digit_of).iter().collect();
    let zone = offset_at(at);
    [weekday, " ", day, " ", month, " ", year, ", ", clock, ".", &millis, " ", &zone].concat()
}

/// `14:09:02`.
fn clock(at: &DateTime<Tz>) -> String {
    let mut text = String::with_capacity("14:09:02".len());
    for (place, number) in [at.hour(), at.minute(), at.second()].into_iter().enumerate() {
        if place > 0 {
            text.push(':');
        }
        text.push(digit_of(number / 10));
        text.push(digit_of(number % 10));
    }
    text
}

fn digit_of(digit: u32) -> char {
    char::from_digit(digit, 10).unwrap_or('0')
}

/// A moment in a zone.
pub fn in_zone(moment: Timestamp, zone: Tz) -> DateTime<Tz> {
    let utc = DateTime::<Utc>::from_timestamp_millis(moment.as_millis()).unwrap_or_default();
    utc.with_timezone(&zone)
}

/// How far a zone is from UTC at a moment: `UTC`, `UTC+1`, `UTC+5:30`.
pub fn offset(moment: Timestamp, zone: Tz) -> String {
    offset_at(&in_zone(moment, zone))
}

fn offset_at(at: &DateTime<Tz>) -> String {
    let minutes = at.offset().fix().local_minus_utc() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    match (minutes.abs() / 60, minutes.abs() % 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}

/// A length of time: `212 ms`, `40 s`, `17 min`, `2 h 5 min`, `3 days`.
pub fn length(millis: i64) -> impl fmt::Display {
    const DAY: i64 = 24 * HOUR;
    match millis {
        ..SECOND => format!("{} ms", millis.max(0)),
        SECOND..MINUTE => format!("{} s", millis / SECOND),
        MINUTE..HOUR => format!("{} min", millis / MINUTE),
        HOUR..DAY if millis % HOUR < MINUTE => format!("{} h", millis / HOUR),
        HOUR..DAY => format!("{} h {} min", millis / HOUR, millis % HOUR / MINUTE),
        _ if millis < 2 * DAY => "1 day".to_owned(),
        _ => format!("{} days", millis / DAY),
    }
}

/// The same, of a duration.
pub fn length_of(duration: Duration) -> impl fmt::Display {
    length(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

/// How long events are kept: `30 days from their receipt; order for good, page_view for
/// 7 days`.
pub fn kept(retention: &Retention, from: &str) -> String {
    let mut text = match retention.of_others() {
        Some(kept) => format!("{}{from}", length_of(kept)),
        None => "for good".to_owned(),
    };
    for (index, (kind, kept)) in retention.types().enumerate() {
        let separator = if index == 0 { ';' } else { ',' };
        let length = kept.map_or_else(|| "good".to_owned(), |kept| length_of(kept).to_string());
        let _ = write!(text, "{separator} {kind} for {length}");
    }
    text
}

#[cfg(test)]
mod tests;
