//! How journeys are indexed, and in which period an event is.

use bson::{Document, doc};
use clap::ValueEnum;

/// Milliseconds.
const HOUR: u64 = 3_600_000;
pub const DAY: u64 = 24 * HOUR;
pub const TWO_YEARS: u64 = 730 * DAY;

/// Events after which the service begins a period.
pub const PERIOD: u64 = 1_000_000;

/// Below this many scans MongoDB merges those of an `$in`, and sorts nothing.
const MERGED_SCANS: usize = 200;

/// An index of journeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Layout {
    /// No index but that of `_id`.
    None,
    /// By the user, then by time.
    User,
    /// By the hour, and in it by the user.
    Hour,
    /// The same by the day.
    Day,
    /// By seven days.
    Week,
    /// By 30 days.
    Month,
    /// By a period that begins after every million events.
    Million,
    /// That, and the hash of the user, which a cluster sharded by users needs.
    #[value(name = "million+shard")]
    MillionShard,
    /// By a period that begins after every 50,000 events; the embedded store's
    /// alone.
    FiftyThousand,
}

impl Layout {
    /// What is measured on MongoDB.
    pub const MONGODB: [Self; 8] = [
        Self::None,
        Self::User,
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Million,
        Self::MillionShard,
    ];

    /// What is measured on the embedded store.
    pub const EMBEDDED: [Self; 4] = [Self::None, Self::User, Self::Million, Self::FiftyThousand];

    /// What it is asked for by.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::User => "user",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Million => "million",
            Self::MillionShard => "million+shard",
            Self::FiftyThousand => "fifty-thousand",
        }
    }

    /// Whether a journey can be read with it and nothing else.
    pub fn has_journeys(self) -> bool {
        self != Self::None
    }

    /// Whether it is a layout of its own, and not another one with more to write.
    pub fn is_read(self) -> bool {
        self.has_journeys() && self != Self::MillionShard
    }

    /// The indexes for `createIndexes`.
    pub fn indexes(self) -> Vec<Document> {
        let journey = match self {
            Self::None => return Vec::new(),
            Self::User => doc! { "userId": 1, "occurredAt": 1, "arrival": 1 },
            _ => doc! { "period": 1, "userId": 1, "occurredAt": 1, "arrival": 1 },
        };
        let mut indexes = vec![doc! { "name": "journey", "key": journey }];
        if self == Self::MillionShard {
            indexes.push(doc! { "name": "shard", "key": { "userId": "hashed" } });
        }
        indexes
    }

    /// How it divides time; `None` where it does not. `scale` is what a period of
    /// so many events is divided by in a quick run, whose collections are smaller
    /// than one.
    pub fn periods(self, course: Course, scale: u64) -> Option<Periods> {
        let counted = |events: u64| Some(Periods::Counted { course, events: events / scale });
        let of_calendar = |millis| Some(Periods::Calendar { millis });
        match self {
            Self::None | Self::User => None,
            Self::Hour => of_calendar(HOUR),
            Self::Day => of_calendar(DAY),
            Self::Week => of_calendar(7 * DAY),
            Self::Month => of_calendar(30 * DAY),
            Self::Million | Self::MillionShard => counted(PERIOD),
            Self::FiftyThousand => counted(50_000),
        }
    }
}

/// When events happen: evenly apart, and on beyond the last one.
#[derive(Debug, Clone, Copy)]
pub struct Course {
    /// Of the first event, in milliseconds since the epoch.
    pub begin: i64,
    /// Milliseconds.
    pub span: u64,
    /// Events in it.
    pub events: u64,
}

impl Course {
    /// When an event happens.
    pub fn time(&self, number: u64) -> i64 {
        let passed = u128::from(number) * u128::from(self.span) / u128::from(self.events);
        self.begin.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX))
    }

    /// An event that happened then or a moment before.
    fn number_at(&self, time: i64) -> u64 {
        let passed = u128::from(u64::try_from(time - self.begin).unwrap_or(0));
        let number = passed * u128::from(self.events) / u128::from(self.span);
        u64::try_from(number).unwrap_or(u64::MAX)
    }
}

/// How time is divided. A period is named by when it begins.
#[derive(Debug, Clone, Copy)]
pub enum Periods {
    /// At fixed times.
    Calendar { millis: u64 },
    /// After so many events, each with the time of its first one. An event that
    /// comes late belongs to the period in which it happened.
    Counted { course: Course, events: u64 },
}

impl Periods {
    /// The period of an event that happened then.
    pub fn of(&self, time: i64) -> i64 {
        match *self {
            Self::Calendar { millis } => {
                let millis = i64::try_from(millis).unwrap_or(i64::MAX);
                time.div_euclid(millis) * millis
            }
            Self::Counted { course, events } => {
                let period = course.number_at(time) / events;
                // Times are rounded down, so the next one may have begun.
                let next = course.time((period + 1) * events);
                if next <= time { next } else { course.time(period * events) }
            }
        }
    }

    /// All periods between two times, the newest first.
    pub fn between(&self, from: i64, to: i64) -> Vec<i64> {
        let first = self.of(from);
        let mut period = self.of(to);
        let mut periods = vec![period];
        while period > first {
            period = self.of(period - 1);
            periods.push(period);
        }
        periods
    }
}

/// Periods by so many that the server merges the scans of so many ids in each.
pub fn windows(periods: &[i64], ids: usize) -> impl Iterator<Item = &[i64]> {
    periods.chunks((MERGED_SCANS / ids.max(1)).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An event each ten seconds and a third.
    const COURSE: Course = Course { begin: 1_699_920_000_000, span: 31_000_000, events: 3_000 };

    #[test]
    fn a_period_by_the_calendar_holds_the_times_within_it() {
        let day = Layout::Day.periods(COURSE, 1).unwrap();
        let begin = COURSE.begin;
        assert_eq!(day.of(begin), begin);
        assert_eq!(day.of(begin + 86_399_999), begin);
        assert_eq!(day.of(begin + 86_400_000), begin + 86_400_000);
        assert_eq!(day.of(begin - 1), begin - 86_400_000);
        let hour = Layout::Hour.periods(COURSE, 1).unwrap();
        assert_eq!(hour.of(begin + 7_200_001), begin + 7_200_000);
        assert!(Layout::User.periods(COURSE, 1).is_none());
    }

    #[test]
    fn a_counted_period_begins_with_its_first_event_and_holds_that_many() {
        let periods = Periods::Counted { course: COURSE, events: 100 };
        for number in 0..4_000 {
            let begin = COURSE.time(number / 100 * 100);
            assert_eq!(periods.of(COURSE.time(number)), begin, "event {number}");
        }
        // Late, between two events, it belongs to the period of the earlier one.
        assert_eq!(periods.of(COURSE.time(200) - 1), COURSE.time(100));
        let scaled = Layout::Million.periods(COURSE, 1_000).unwrap();
        assert_eq!(scaled.of(COURSE.time(1_999)), COURSE.time(1_000));
    }

    #[test]
    fn periods_between_two_times_are_all_there_newest_first() {
        let periods = Periods::Counted { course: COURSE, events: 1_000 };
        let begin = |period: u64| COURSE.time(period * 1_000);
        let all = periods.between(COURSE.begin, COURSE.time(3_200));
        assert_eq!(all, [begin(3), begin(2), begin(1), begin(0)]);
        assert_eq!(periods.between(begin(1) + 5, begin(1) + 9), [begin(1)]);
    }

    #[test]
    fn windows_hold_at_most_as_many_scans_as_the_server_merges() {
        let periods: Vec<i64> = (0..95).rev().collect();
        for (ids, sizes) in
            [(1, vec![95]), (5, vec![40, 40, 15]), (20, vec![10; 9]), (300, vec![1; 95])]
        {
            let windows: Vec<&[i64]> = windows(&periods, ids).collect();
            assert_eq!(windows.concat(), periods);
            let found: Vec<usize> = windows.iter().map(|window| window.len()).collect();
            assert_eq!(found[..sizes.len()], sizes[..], "{ids} ids");
        }
    }
}
