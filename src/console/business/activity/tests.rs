#![allow(clippy::unwrap_used)]

use askama::Template as _;
use chrono_tz::Tz;

use super::*;
use crate::console::sight::Theme;

fn time(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

fn sight() -> Sight {
    let now = time("2025-11-28T13:09:23.000Z");
    Sight { zone: Tz::Asia__Kolkata, theme: Theme::Auto, now, place: String::new() }
}

/// What was counted, of types with so many events in one hour each.
fn counted_of(events: &[(&str, &str, u64)]) -> Summary {
    let mut summary = Summary::default();
    for (at, kind, events) in events {
        summary.total += events;
        *summary.totals.entry((*kind).to_owned()).or_default() += events;
        let hour = summary.series.entry(time(at)).or_default();
        *hour.entry((*kind).to_owned()).or_default() += events;
    }
    summary
}

fn activity(window: Window, summary: &Summary) -> Activity<'_> {
    Activity::new(window, window.ends(sight().now), summary)
}

const NOON: &str = "2025-11-28T12:00:00.000Z";

fn names<'a>(activity: &'a Activity<'_>) -> Vec<(&'a str, u8, u64)> {
    activity.parts.iter().map(|part| (&*part.name, part.hue, part.total)).collect()
}

#[test]
fn frequent_types_have_their_own_part_and_errors_are_apart() {
    let summary = counted_of(&[
        (NOON, "page_view", 240),
        (NOON, "button_click", 98),
        (NOON, "add_to_cart", 37),
        (NOON, "form_submit", 31),
        (NOON, "search", 20),
        (NOON, "export_started", 2),
        (NOON, "payment_failed", 6),
    ]);
    let activity = activity(Window::Last24h, &summary);
    assert_eq!(
        names(&activity),
        [
            ("Page view", 1, 240),
            ("Button click", 2, 98),
            ("Add to cart", 3, 37),
            ("Form submit", 4, 31),
            ("2 other types", 6, 22),
            ("Payment failed", 5, 6),
        ]
    );
    assert_eq!(activity.errors(), 6);
    let html = activity.chart(&sight()).render().unwrap();
    // An hour of UTC begins in the middle of one there.
    let told = "434 events, 240 of them Page view; most in the hour 17:30. 6 tell that something";
    assert!(html.contains(told), "{html}");
    assert!(html.contains("17:30: Page view 240, Button click 98"), "{html}");
    assert_eq!(html.matches("<rect").count(), 25, "{html}");
}

#[test]
fn a_type_that_would_be_left_alone_is_named() {
    let kinds = ["a", "b", "c", "d", "e"].map(|kind| (NOON, kind, 1));
    let summary = counted_of(&kinds);
    let activity = activity(Window::Last24h, &summary);
    let hues: Vec<_> = names(&activity).iter().map(|(name, hue, _)| (*name, *hue)).collect();
    assert_eq!(hues, [("A", 1), ("B", 2), ("C", 3), ("D", 4), ("E", 6)]);
}

#[test]
fn a_week_is_told_by_the_days_of_whoever_looks() {
    let summary = counted_of(&[
        // In India these are of two days, and in UTC of one.
        ("2025-11-26T18:00:00.000Z", "page_view", 2),
        ("2025-11-26T19:00:00.000Z", "page_view", 5),
    ]);
    let html = activity(Window::Last7d, &summary).chart(&sight()).render().unwrap();
    assert!(html.contains("26 Nov: Page view 2<"), "{html}");
    assert!(html.contains("27 Nov: Page view 5<"), "{html}");
    assert!(html.contains("most in the day 27 Nov."), "{html}");
    assert_eq!(html.matches("<rect").count(), 8, "{html}");
}

#[test]
fn an_account_without_events_has_an_empty_chart() {
    let summary = Summary::default();
    let html = activity(Window::Last24h, &summary).chart(&sight()).render().unwrap();
    assert!(html.contains("aria-label=\"No events.\""), "{html}");
}
