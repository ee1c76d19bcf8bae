#![allow(clippy::unwrap_used)]

use super::*;

fn time(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn sight(zone: Tz, now: &str) -> Sight {
    Sight { zone, theme: Theme::Auto, now: time(now), place: String::new() }
}

#[test]
fn times_are_in_the_zone_of_whoever_reads() {
    let sight = sight(Tz::Europe__Berlin, "2025-11-28T13:09:09.000Z");
    let when = sight.clock(time("2025-11-28T13:09:02.118Z"));
    assert_eq!(when.text, "14:09:02");
    assert_eq!(when.machine, "2025-11-28T13:09:02.118Z");
    assert_eq!(when.full, "Friday 28 November 2025, 14:09:02.118 UTC+1");
    // In July clocks are put forward there.
    assert!(sight.clock(time("2025-07-01T10:00:00.000Z")).full.ends_with("12:00:00.000 UTC+2"));
}

#[test]
fn what_is_recent_is_told_by_how_long_ago() {
    let sight = sight(Tz::UTC, "2025-11-28T14:09:09.500Z");
    for (moment, text) in [
        ("2025-11-28T14:09:20.000Z", "now"),
        ("2025-11-28T14:09:09.000Z", "now"),
        ("2025-11-28T14:09:02.000Z", "7 s ago"),
        ("2025-11-28T14:05:00.000Z", "4 min ago"),
        ("2025-11-28T03:00:00.000Z", "11 h ago"),
        ("2025-11-28T01:00:00.000Z", "today 01:00"),
        ("2025-11-27T23:00:00.000Z", "yesterday 23:00"),
        ("2025-11-10T12:00:00.000Z", "10 November"),
        ("2024-03-14T12:00:00.000Z", "14 March 2024"),
        // A day ahead is the most that a tracker's clock may be.
        ("2025-11-29T12:00:00.000Z", "29 November"),
    ] {
        assert_eq!(sight.ago(time(moment)).text, text, "{moment}");
    }
}

#[test]
fn what_goes_on_is_told_by_when_it_began() {
    let sight = sight(Tz::Asia__Kolkata, "2025-11-28T14:09:09.500Z");
    for (moment, text) in [
        ("2025-11-28T14:02:11.000Z", "19:32"),
        ("2025-11-27T18:29:59.999Z", "yesterday 23:59"),
        ("2025-11-10T12:00:00.000Z", "10 November 17:30"),
        ("2024-03-14T12:00:00.000Z", "14 March 2024 17:30"),
    ] {
        assert_eq!(sight.since(time(moment)).text, text, "{moment}");
    }
}

#[test]
fn hours_begin_when_they_do_in_the_zone() {
    let sight = sight(Tz::Asia__Kolkata, "2025-11-28T14:09:09.500Z");
    assert_eq!(sight.hour(sight.now), time("2025-11-28T13:30:00.000Z"));
    assert_eq!(sight.hour(time("2025-11-28T13:30:00.000Z")), time("2025-11-28T13:30:00.000Z"));
    assert_eq!(sight.hour(time("1969-12-31T23:59:59.999Z")), time("1969-12-31T23:30:00.000Z"));
}

#[test]
fn days_begin_when_they_do_in_the_zone() {
    let sight = sight(Tz::America__Sao_Paulo, "2025-11-28T02:00:00.000Z");
    let today = sight.day(sight.now);
    assert_eq!(today.to_string(), "2025-11-27");
    assert_eq!(sight.start_of(today), time("2025-11-27T03:00:00.000Z"));
    assert_eq!(sight.day_names(today), ("Today".into(), "Thursday 27 November".into()));
    // That night clocks went from 23:59 to 01:00.
    let short = NaiveDate::from_ymd_opt(2018, 11, 4).unwrap();
    assert_eq!(sight.start_of(short), time("2018-11-04T03:00:00.000Z"));
}

#[test]
fn zones_are_told_by_their_distance() {
    let now = time("2025-11-28T13:00:00.000Z");
    assert_eq!(offset(now, Tz::UTC), "UTC");
    assert_eq!(offset(now, Tz::Asia__Kolkata), "UTC+5:30");
    assert_eq!(offset(now, Tz::America__New_York), "UTC-5");
}

#[test]
fn lengths_have_the_unit_that_says_most() {
    for (millis, text) in [
        (-5, "0 ms"),
        (212, "212 ms"),
        (40_900, "40 s"),
        (17 * 60_000, "17 min"),
        (2 * 3_600_000, "2 h"),
        (125 * 60_000, "2 h 5 min"),
        (25 * 3_600_000, "1 day"),
        (73 * 3_600_000, "3 days"),
    ] {
        assert_eq!(length(millis).to_string(), text);
    }
}
