#![allow(clippy::unwrap_used)]

use chrono_tz::Tz;
use trailkeep_event::{Arrival, StoreId, Timestamp};

use super::*;
use crate::access::team::settings::TeamSettings;
use crate::console::sight::Theme;

fn time(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// An event of `user` at a time of 28 November, or at a whole time.
fn event(user: &str, at: &str, kind: &str, session: Option<&str>, payload: &str) -> StoredEvent {
    let at = if at.len() < 9 { format!("2025-11-28T{at}.000Z") } else { at.to_owned() };
    let occurred_at = time(&at);
    StoredEvent {
        id: StoreId::from_bytes(u128::try_from(occurred_at.as_millis()).unwrap().to_be_bytes()),
        user_id: user.into(),
        anonymous_id: None,
        event_id: at.into(),
        kind: kind.into(),
        session_id: session.map(Into::into),
        account_id: None,
        payload: payload.to_owned(),
        occurred_at,
        received_at: occurred_at,
        arrival: Arrival::from_i64(1),
    }
}

fn told(events: &[StoredEvent], zone: Tz) -> Vec<String> {
    let now = time("2025-11-28T14:09:09.000Z");
    let sight = Sight { zone, theme: Theme::Auto, now, place: String::new() };
    let mut lines = Vec::new();
    for day in
        days(events, "u", &Rows { sight: &sight, team: &TeamSettings::default(), open: None }, true)
    {
        lines.push(format!("# {}, {} events", day.name, day.events()));
        for session in day.sessions {
            lines.extend(session.silence.map(|silence| format!("~ {silence}")));
            let ended = if session.is_now { "now" } else { &session.ended.text };
            lines.push(format!("{} - {ended}, {} events", session.began.text, session.events));
            for row in session.rows {
                lines.push(format!("  {} {} x{}", row.at.text, row.text(), row.count()));
                lines.extend(row.ends_known().then(|| "  known".to_owned()));
            }
        }
    }
    lines
}

#[test]
fn events_stand_by_day_and_session_the_newest_first() {
    let view = r#"{"path":"/a"}"#;
    let events = [
        event("u", "14:09:00", "search", Some("s2"), r#"{"query":"x"}"#),
        event("u", "14:00:00", "page_view", Some("s2"), view),
        event("u", "13:59:00", "page_view", Some("s1"), view),
        event("u", "11:00:00", "page_view", Some("s1"), view),
        event("u", "2025-11-27T23:00:00.000Z", "page_view", Some("s0"), view),
    ];
    assert_eq!(
        told(&events, Tz::UTC),
        [
            "# Today, 4 events",
            "14:00 - now, 2 events",
            "  14:09:00 Searched for x x1",
            "  14:00:00 Viewed /a x1",
            "11:00 - 13:59, 2 events",
            "  13:59:00 Viewed /a x2",
            "# Yesterday, 1 events",
            "23:00 - 23:00, 1 events",
            "  23:00:00 Viewed /a x1",
        ]
    );
    // Where it is later the last one is of today too.
    assert_eq!(told(&events, Tz::Europe__Berlin)[0], "# Today, 5 events");
}

#[test]
fn without_a_session_id_a_silence_is_what_ends_one() {
    let events = [
        event("u", "14:00:00", "search", None, "{}"),
        event("u", "13:31:00", "search", None, "{}"),
        event("u", "12:00:00", "search", None, "{}"),
    ];
    assert_eq!(
        told(&events, Tz::UTC),
        [
            "# Today, 3 events",
            "13:31 - now, 2 events",
            "  14:00:00 Search x2",
            "~ 1 h 31 min",
            "12:00 - 12:00, 1 events",
            "  12:00:00 Search x1",
        ]
    );
}

#[test]
fn it_is_told_where_a_visitor_became_known() {
    let events = [
        event("u", "14:00:00", "search", Some("s"), "{}"),
        event("u", "13:59:00", "search", Some("s"), "{}"),
        event("anon", "13:58:00", "search", Some("s"), "{}"),
    ];
    assert_eq!(
        told(&events, Tz::UTC),
        [
            "# Today, 3 events",
            "13:58 - now, 3 events",
            "  14:00:00 Search x2",
            "  known",
            "  13:58:00 Search x1",
        ]
    );
}

#[test]
fn no_events_are_no_days() {
    assert_eq!(told(&[], Tz::UTC), Vec::<String>::new());
}
