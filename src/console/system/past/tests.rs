#![allow(clippy::unwrap_used)]

use askama::Template as _;
use chrono_tz::Tz;

use super::*;
use crate::console::sight::Theme;
use crate::monitoring::history::Step;

fn time(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn sight() -> Sight {
    let now = time("2025-11-28T13:09:23.000Z");
    Sight { zone: Tz::Europe__Berlin, theme: Theme::Auto, now, place: String::new() }
}

fn step(accepted: u32, refused: &[(RefusedBecause, u32)]) -> Option<Step> {
    let count = |reason: &RefusedBecause| {
        refused.iter().find(|(one, _)| one == reason).map_or(0, |(_, count)| *count)
    };
    Some(Step {
        accepted,
        stored: accepted / 2,
        duplicate: 0,
        dead_lettered: 0,
        refused: RefusedBecause::ALL.map(|reason| count(&reason)),
        flush_ms: Some(3.0),
        held: accepted,
    })
}

fn told(from: &str, length_ms: u64, steps: Vec<Option<Step>>) -> Told {
    Told { from: time(from), length_ms, steps }
}

#[test]
fn a_young_process_is_seen_by_ten_seconds_and_an_old_one_by_the_minute() {
    let seconds = told("2025-11-28T13:08:23.000Z", 1000, vec![step(6, &[]); 60]);
    let young = told("2025-11-28T13:08:23.000Z", 60_000, vec![step(360, &[]); 1]);
    let recent_of = |minutes: &Told| recent(minutes, &seconds, None, &sight());
    let of_young = recent_of(&young);
    assert_eq!(of_young.title, "Last ten minutes");
    let html = of_young.charts[0].render().unwrap();
    assert!(html.contains("13:59:23: nothing") && html.contains("<li>13:59</li>"), "{html}");
    assert!(html.contains("Accepted 6 events a second, 6 at the end. Stored 3, 3"), "{html}");

    let old = told("2025-11-28T12:58:00.000Z", 60_000, vec![step(120, &[]); 11]);
    let of_old = recent_of(&old);
    assert_eq!(of_old.title, "Last hour");
    let html = of_old.charts[0].render().unwrap();
    // Times are in the zone of whoever looks.
    assert!(html.contains("13:58: accepted 2, stored 1"), "{html}");
    assert!(html.contains("13:57: nothing"), "{html}");
}

#[test]
fn refusals_are_told_by_their_most_frequent_reasons() {
    let many = [
        (RefusedBecause::Invalid, 9),
        (RefusedBecause::Unauthorized, 5),
        (RefusedBecause::TooOften, 4),
        (RefusedBecause::TooLarge, 1),
        (RefusedBecause::Unsupported, 1),
    ];
    let minutes = told("2025-11-28T12:58:00.000Z", 60_000, vec![step(0, &many); 11]);
    let seconds = told("2025-11-28T13:08:23.000Z", 1000, Vec::new());
    let charts = recent(&minutes, &seconds, None, &sight()).charts;
    let html = charts[3].render().unwrap();
    assert!(html.contains("220 requests were refused, most of them: Invalid events."), "{html}");
    assert!(html.contains("other reasons 2"), "{html}");
    assert_eq!(html.matches("<li class=\"s").count(), 4, "{html}");

    let quiet = told("2025-11-28T12:58:00.000Z", 60_000, vec![step(0, &[]); 11]);
    let html = recent(&quiet, &seconds, None, &sight()).charts[3].render().unwrap();
    assert!(html.contains("No request was refused."), "{html}");
}

#[test]
fn the_time_without_a_database_is_marked_and_told() {
    let minutes = told("2025-11-28T12:09:00.000Z", 60_000, vec![step(60, &[]); 60]);
    let seconds = told("2025-11-28T13:08:23.000Z", 1000, Vec::new());
    for (since, from) in [("13:02:11", 53), ("11:00:00", 0)] {
        let since = time(&format!("2025-11-28T{since}.000Z"));
        let charts = recent(&minutes, &seconds, Some(since), &sight()).charts;
        let html = charts[1].render().unwrap();
        assert!(html.contains(&format!("M{from} 0H60V100H{from}z")), "{html}");
        assert!(html.contains("The database is away since 1"), "{html}");
    }
}

#[test]
fn a_day_is_told_by_the_hours_of_the_clock_and_what_waits_is_in_the_last() {
    let minutes = told("2025-11-28T11:50:00.000Z", 60_000, vec![step(60, &[]); 79]);
    let html = day(&minutes, 1220, &sight()).render().unwrap();
    assert!(html.contains("2,370 events were stored, 0 were known already, 1,220 wait on disk."));
    assert!(html.contains("12:00: stored 300<"), "{html}");
    assert!(html.contains("13:00: stored 1,800<"), "{html}");
    assert!(html.contains("14:00: stored 270, waiting on disk 1,220<"), "{html}");
    assert!(html.contains("<li>15:00</li><li>19:00</li>"), "{html}");
}
