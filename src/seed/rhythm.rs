//! When visits begin: often in the evening, seldom at night, less at weekends.

const HOUR_MS: i64 = 60 * 60 * 1000;
const HOURS_A_DAY: i64 = 24;

/// How many visits begin in each hour of the day (UTC), in relation.
const BY_HOUR: [f64; 24] = [
    14.0, 9.0, 7.0, 6.0, 6.0, 8.0, 14.0, 24.0, 34.0, 42.0, 46.0, 48.0, //
    50.0, 47.0, 45.0, 45.0, 47.0, 50.0, 55.0, 60.0, 60.0, 52.0, 38.0, 24.0,
];

/// A day at the weekend has that much of a working day.
const WEEKEND: f64 = 0.7;

/// The beginnings of visits, spread over a span of time.
pub struct Rhythm {
    until: i64,
    /// The hour that the last answer lay in.
    hour: Hour,
    /// The weight of all hours.
    total: f64,
}

/// A whole hour, or what is left of one at the end of the span.
#[derive(Clone, Copy)]
struct Hour {
    start: i64,
    end: i64,
    weight: f64,
    /// The weight of all hours before it.
    before: f64,
}

impl Hour {
    fn at(start: i64, until: i64, before: f64) -> Self {
        let end = (start + HOUR_MS).min(until);
        #[allow(clippy::cast_precision_loss)] // at most an hour
        let part = (end - start) as f64 / HOUR_MS as f64;
        Self { start, end, weight: weight_at(start) * part, before }
    }

    fn next(self, until: i64) -> Self {
        Self::at(self.end, until, self.before + self.weight)
    }
}

impl Rhythm {
    /// The span is in milliseconds since the epoch; `until` is after `from`.
    pub fn new(from: i64, until: i64) -> Self {
        let first = Hour::at(from, until, 0.0);
        let mut last = first;
        while last.end < until {
            last = last.next(until);
        }
        Self { until, hour: first, total: last.before + last.weight }
    }

    /// When the visit begins that has `fraction` (0 to 1) of all others before
    /// it. Fractions must not fall from one call to the next.
    pub fn moment(&mut self, fraction: f64) -> i64 {
        let target = fraction * self.total;
        while self.hour.before + self.hour.weight < target && self.hour.end < self.until {
            self.hour = self.hour.next(self.until);
        }
        let hour = self.hour;
        let part = ((target - hour.before) / hour.weight).clamp(0.0, 1.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // within an hour
        let offset = ((hour.end - hour.start) as f64 * part) as i64;
        hour.start + offset
    }
}

fn weight_at(moment: i64) -> f64 {
    let hours = moment.div_euclid(HOUR_MS);
    let hour = usize::try_from(hours.rem_euclid(HOURS_A_DAY)).unwrap_or(0);
    // The epoch began on a Thursday.
    let is_weekend = matches!(hours.div_euclid(HOURS_A_DAY).rem_euclid(7), 2 | 3);
    BY_HOUR[hour] * if is_weekend { WEEKEND } else { 1.0 }
}
