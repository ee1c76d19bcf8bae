#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use chrono::Datelike as _;
use proptest::prelude::*;

use super::*;

#[test]
fn a_time_is_written_with_milliseconds_in_utc() {
    for (millis, text) in [
        (1_765_794_600_000, "2025-12-15T10:30:00.000Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (FIRST, "0000-01-01T00:00:00.000Z"),
        (LAST, "9999-12-31T23:59:59.999Z"),
    ] {
        let time = Timestamp::from_millis(millis).unwrap();
        assert_eq!(time.to_string(), text);
        assert_eq!(Timestamp::parse_rfc3339(text), Some(time));
    }
}

#[test]
fn times_end_where_four_digits_of_year_end() {
    for (beyond, nearest) in
        [(FIRST - 1, FIRST), (LAST + 1, LAST), (i64::MIN, FIRST), (i64::MAX, LAST)]
    {
        assert_eq!(Timestamp::from_millis(beyond), None);
        assert_eq!(Timestamp::from_millis_clamped(beyond).as_millis(), nearest);
    }
    let last = Timestamp::from_millis(LAST).unwrap();
    assert_eq!(last.plus_millis(1), last);
    assert_eq!(last.plus_millis(i64::MAX), last);
    assert_eq!(last.plus_millis(i64::MIN).as_millis(), FIRST);
}

#[test]
fn every_day_that_can_be_written_has_its_date() {
    for day in FIRST / DAY_MS..=LAST / DAY_MS {
        let moment = DateTime::from_timestamp_millis(day * DAY_MS).unwrap();
        let wanted = (moment.year(), moment.month(), moment.day());
        let (year, month, day) = date(day);
        assert_eq!((i32::try_from(year).unwrap(), month, day), wanted);
    }
}

proptest! {
    #[test]
    fn a_time_is_written_as_chrono_writes_it(millis in FIRST..=LAST) {
        let moment = DateTime::from_timestamp_millis(millis).unwrap();
        let text = moment.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        prop_assert_eq!(Timestamp::from_millis(millis).unwrap().to_string(), text);
    }

    #[test]
    fn what_is_written_is_read_as_the_same(millis in FIRST..=LAST) {
        let time = Timestamp::from_millis(millis).unwrap();
        let text = time.to_string();
        prop_assert_eq!(text.len(), 24);
        prop_assert_eq!(Timestamp::parse_rfc3339(&text), Some(time));
    }
}
