use trailkeep_event::{Accepted, Arrival, Event, Payload, StoreId, Timestamp};

use crate::people::facts;
use crate::people::known::{Known, LAG_MS};

/// Ann's event, known as `a-1` too, in session `s-1`.
fn event(arrival: i64, seen: i64) -> Accepted {
    let at = Timestamp::from_millis_clamped(1_765_794_600_000 + seen);
    Accepted {
        event: Event {
            id: StoreId::derive("ann", "e-1"),
            user_id: "ann".into(),
            anonymous_id: Some("a-1".into()),
            event_id: "e-1".into(),
            kind: "page_view".into(),
            session_id: Some("s-1".into()),
            account_id: None,
            payload: Payload::empty(),
            occurred_at: at,
            received_at: at,
        },
        arrival: Arrival::from_i64(arrival),
    }
}

fn with(accepted: Accepted, change: impl FnOnce(&mut Event)) -> Accepted {
    let mut accepted = accepted;
    change(&mut accepted.event);
    accepted
}

fn identify(accepted: Accepted, name: &str) -> Accepted {
    let payload = bson::serialize_to_vec(&bson::doc! { "name": name }).unwrap();
    let payload = Payload::from_bson(&payload).unwrap();
    with(accepted, |event| {
        event.kind = "identify".into();
        event.payload = payload;
    })
}

fn knowing(accepted: &Accepted) -> Known {
    let mut known = Known::default();
    known.keep(accepted);
    known
}

#[test]
fn what_was_kept_is_known() {
    let mut known = Known::default();
    assert!(!known.covers(&event(10, 0)));
    known.keep(&event(10, 0));
    assert!(known.covers(&event(10, 0)));
    assert!(known.covers(&event(11, LAG_MS)));
    assert!(known.covers(&event(12, -LAG_MS)));
}

#[test]
fn an_id_that_is_seen_much_later_or_earlier_is_news() {
    let mut known = knowing(&event(10, 0));
    assert!(!known.covers(&event(11, LAG_MS + 1)));
    assert!(!known.covers(&event(11, -LAG_MS - 1)));
    known.keep(&event(11, LAG_MS + 1));
    assert!(known.covers(&event(12, 2 * LAG_MS)));
}

#[test]
fn an_earlier_arrival_is_news_because_it_decides_whose_an_id_is() {
    assert!(!knowing(&event(10, 0)).covers(&event(9, 0)));
}

#[test]
fn another_user_session_or_anonymous_id_is_news() {
    let mut known = knowing(&event(10, 0));
    assert!(!known.covers(&with(event(11, 0), |event| event.user_id = "bob".into())));
    assert!(!known.covers(&with(event(11, 0), |event| event.session_id = None)));
    assert!(!known.covers(&with(event(11, 0), |event| event.anonymous_id = None)));
    // The same letters, divided in another way.
    assert!(!known.covers(&with(event(11, 0), |event| {
        event.user_id = "anna".into();
        event.anonymous_id = Some("-1".into());
    })));
}

#[test]
fn other_traits_are_news_and_the_same_are_not() {
    let mut known = knowing(&identify(event(10, 0), "Ann"));
    assert!(known.covers(&identify(event(11, 0), "Ann")));
    assert!(known.covers(&event(11, 0)));
    assert!(!known.covers(&identify(event(11, 0), "Anne")));
    known.keep(&identify(event(11, 0), "Anne"));
    // They changed back.
    assert!(!known.covers(&identify(event(12, 0), "Ann")));
}

#[test]
fn an_id_that_turns_out_to_be_a_users_is_news() {
    let own = |accepted| with(accepted, |event: &mut Event| event.anonymous_id = None);
    let mut known = knowing(&own(event(10, 0)));
    assert!(known.covers(&own(event(11, 0))));
    assert!(!known.covers(&identify(own(event(11, 0)), "Ann")));
}

#[test]
fn what_is_full_forgets_the_older_half_and_keeps_what_is_used() {
    let of =
        |number: i64| with(event(number, 0), |event| event.user_id = format!("u-{number}").into());
    let mut known = knowing(&of(0));
    for number in 1..150_000 {
        known.keep(&of(number));
        if number % 40_000 == 0 {
            assert!(known.covers(&of(0)), "forgotten at {number}");
        }
    }
    assert!(!known.covers(&of(1)));
}

#[test]
fn a_visitor_who_says_a_name_is_no_user_yet() {
    let visitor =
        identify(with(event(10, 0), |event| event.anonymous_id = Some("ann".into())), "Ann");
    assert!(!facts::is_users(&visitor.event));
    assert_eq!(facts::of_user(&visitor).user_since, None);
    assert!(facts::of_anonymous(&visitor).is_none());
}

#[test]
fn a_fast_clock_sees_nobody_tomorrow() {
    let fast = with(event(10, 0), |event| {
        event.occurred_at =
            Timestamp::from_millis_clamped(event.received_at.as_millis() + 3_600_000);
    });
    assert_eq!(facts::seen_at(&fast.event), fast.event.received_at);
}
