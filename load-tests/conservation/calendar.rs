//! The calendar of periods in a MongoDB: what a scene begins with, and what each
//! document's `period` has to be by it in the end.
//!
//! Told from the rules at the head of `crates/store/src/mongo/periods.rs` rather
//! than with its code, which is what is put to the test.

use bson::{Bson, DateTime, Document, doc};

use crate::times::{DAY, SPAN};

/// The collection.
pub const PERIODS: &str = "periods";
/// The `_id` of its one document.
const JOURNEYS: &str = "journeys";
const HOUR: i64 = DAY / 24;

/// Where periods start, in order, in milliseconds since the epoch.
#[derive(Debug, Default)]
pub struct Calendar {
    starts: Vec<i64>,
}

impl Calendar {
    /// What there is of it in a database.
    pub fn of(document: Option<&Document>) -> Option<Self> {
        let Some(starts) = document.and_then(|document| document.get("starts")) else {
            return Some(Self::default());
        };
        let millis = |start: &Bson| start.as_datetime().map(|date| date.timestamp_millis());
        Some(Self { starts: starts.as_array()?.iter().map(millis).collect::<Option<_>>()? })
    }

    /// When the period of what happened then starts. What happened before the
    /// first start has none.
    pub fn start_of(&self, time: i64) -> Option<i64> {
        self.starts.iter().rev().find(|start| **start <= time).copied()
    }
}

/// A calendar with a start every five days of the first half of a round's days, and
/// a horizon just behind the last one: no start may be beyond it. What occurs in
/// the second half is for the service to raise it.
pub fn of_half_a_round(now: i64) -> Document {
    let begin = now - SPAN;
    let middle = SPAN / 2 / DAY;
    let starts = (5..=middle).step_by(5).map(|day| DateTime::from_millis(begin + day * DAY));
    let horizon = DateTime::from_millis(begin + middle * DAY + HOUR);
    doc! {
        "_id": JOURNEYS,
        "starts": starts.map(Bson::from).collect::<Vec<_>>(),
        "horizon": horizon,
        "events": 0_i64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_the_last_start_that_is_not_later() {
        let document = of_half_a_round(SPAN);
        let calendar = Calendar::of(Some(&document)).unwrap();
        assert_eq!(calendar.starts.len(), 6);
        assert_eq!(calendar.start_of(5 * DAY - 1), None);
        assert_eq!(calendar.start_of(5 * DAY), Some(5 * DAY));
        assert_eq!(calendar.start_of(10 * DAY - 1), Some(5 * DAY));
        assert_eq!(calendar.start_of(59 * DAY), Some(30 * DAY));
        let horizon = document.get_datetime("horizon").unwrap().timestamp_millis();
        assert!(calendar.starts.iter().all(|start| *start <= horizon));
    }

    #[test]
    fn without_a_calendar_nothing_has_a_period() {
        assert_eq!(Calendar::of(None).unwrap().start_of(0), None);
        assert!(Calendar::of(Some(&doc! { "starts": "today" })).is_none());
    }
}
