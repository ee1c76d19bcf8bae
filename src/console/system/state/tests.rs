#![allow(clippy::unwrap_used)]

use chrono_tz::Tz;

use super::*;
use crate::console::sight::Theme;

fn sight() -> Sight {
    let now = Timestamp::parse_rfc3339("2025-11-28T13:09:23.000Z").unwrap();
    Sight { zone: Tz::Europe__Berlin, theme: Theme::Auto, now, place: String::new() }
}

fn well() -> Health {
    let health = Health::new();
    health.store_answered();
    health.store_prepared();
    health
}

/// The word for the whole, and all that is wrong as text, with 2,000 of 5,000 events held.
fn told(health: &Health, growth: f64) -> (&'static str, String) {
    let since = Timestamp::parse_rfc3339("2025-11-28T13:02:11.000Z").unwrap();
    let seen = Seen {
        health,
        failing_since: health.failing_for().map(|_| since),
        held: Amount { events: 2000, bytes: 0 },
        limit: Amount { events: 5000, bytes: 0 },
        growth,
    };
    let troubles = seen.troubles(&sight());
    let text = troubles.iter().map(|trouble| {
        let since = trouble.since.as_ref().map(|since| format!(" since {}", since.text));
        format!("{}{}. {}", trouble.what, since.unwrap_or_default(), trouble.so)
    });
    (State::of(health).word, text.collect::<Vec<_>>().join(" | "))
}

#[test]
fn where_nothing_is_wrong_nothing_is_said() {
    assert_eq!(told(&well(), 0.0), ("Well", String::new()));
}

#[test]
fn a_database_that_is_away_loses_nothing() {
    let health = well();
    health.store_failed("as told", false);
    let (word, text) = told(&health, 50.0);
    assert_eq!(word, "Degraded");
    assert_eq!(
        text,
        "The database is away since 14:02. 2,000 events are kept on disk, nothing is lost. New \
         events are still taken; at this pace there is room for 1 min more. What was stored \
         before cannot be shown until it is back."
    );
    let (_, text) = told(&health, 0.0);
    assert!(text.contains("New events are still taken. "), "{text}");
}

#[test]
fn a_full_backlog_promises_no_room() {
    let health = well();
    health.store_failed("as told", false);
    health.backlog_full();
    let (word, text) = told(&health, 50.0);
    assert_eq!(word, "Refuses events");
    assert!(text.starts_with("The backlog is full: events are refused. "), "{text}");
    assert!(text.contains("| The database is away since 14:02."), "{text}");
    assert!(!text.contains("still taken"), "{text}");
}

#[test]
fn each_trouble_is_told() {
    let told_of = |trouble: fn(&Health)| {
        let health = well();
        trouble(&health);
        told(&health, 0.0)
    };
    for (trouble, word, what) in [
        (
            (|health| health.store_failed("", true)) as fn(&Health),
            "Degraded",
            "The database refuses us since 14:02. Mend",
        ),
        (|health| health.write_failed(false), "Degraded", "The database answers and takes no"),
        (|health| health.journal_stuck(true), "Refuses events", "The journal cannot be written"),
        (|health| health.disk_short(true), "Refuses events", "The disk is nearly full"),
        (|health| health.replaying(true), "Starting", "What was accepted before the start is"),
        (|health| health.lacks_write_keys(true), "Starting", ""),
        (Health::drain, "Stopping", "The service is about to stop. 2,000 events are kept"),
        (
            |health| {
                for _ in 0..3 {
                    health.feed_failed();
                }
            },
            "Degraded",
            "What is stored cannot be told to processors",
        ),
    ] {
        let (told_word, text) = told_of(trouble);
        assert_eq!(told_word, word, "{text}");
        assert!(text.starts_with(what), "{text}");
    }
}

#[test]
fn a_database_that_never_answered_is_not_away_since_some_moment() {
    let health = Health::new();
    let (word, text) = told(&health, 0.0);
    assert_eq!(word, "Starting");
    assert!(text.starts_with("The database has not answered yet. 2,000 events are"), "{text}");
}
