//! What is known of old events, and that a wrong page is noticed.

use super::*;
use crate::content::Content;
use crate::reader::Read;

const NOW: i64 = 1_700_000_000_000;

fn read(event: &OldEvent) -> Read {
    let content = Content {
        user: name_of(event.user),
        event_id: event.id(),
        kind: "page_view".to_owned(),
        device: None,
        session: None,
        number: event.number as i64,
        filler: String::new(),
        occurred_at: event.occurred_at,
    };
    Read { event_id: event.id(), occurred_at: event.occurred_at, content: Some(content) }
}

fn page(events: &[OldEvent], has_next: bool) -> Page {
    let next = has_next.then(|| "on".to_owned());
    Page { events: events.iter().map(read).collect(), next }
}

#[test]
fn each_event_is_in_its_users_journey_in_order_of_time_and_arrival() {
    let old = OldEvents::until(NOW, 12_345);
    let mut numbers = Vec::new();
    for user in 0..USERS {
        let journey = old.journey(user);
        assert!(journey.iter().all(|event| event.user == user));
        assert!(journey.is_sorted_by_key(|event| (event.occurred_at, event.number)));
        assert!(journey.iter().all(|event| (NOW - SPAN..NOW).contains(&event.occurred_at)));
        numbers.extend(journey.iter().map(|event| event.number));
    }
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..12_345));
    let journey = old.journey(0);
    assert_eq!(journey[0].occurred_at, journey[2].occurred_at);
    assert!(journey[2].occurred_at < journey[3].occurred_at);
}

#[test]
fn the_pages_of_a_journey_are_right_one_after_the_other() {
    let journey = OldEvents::until(NOW, 4_000).journey(3);
    let (newest, rest) = journey.split_at(60);
    let reversed = |part: &[OldEvent]| part.iter().rev().copied().collect::<Vec<_>>();
    let query = Query::all_of("old-3", Direction::NewestFirst, 40);
    let mut walk = Walk::of(query, journey.clone());
    assert_eq!(walk.take(page(&reversed(rest), true)), Ok(()));
    assert_eq!(walk.query.cursor.as_deref(), Some("on"));
    assert_eq!(walk.take(page(&reversed(&newest[20..]), true)), Ok(()));
    assert!(!walk.is_over);
    assert_eq!(walk.take(page(&reversed(&newest[..20]), false)), Ok(()));
    assert!(walk.is_over);
}

#[test]
fn a_wrong_page_is_noticed() {
    let journey = OldEvents::until(NOW, 4_000).journey(3);
    let take = |page: Page| {
        let query = Query::all_of("old-3", Direction::OldestFirst, 10);
        Walk::of(query, journey.clone()).take(page)
    };
    assert!(take(page(&journey[..10], true)).is_ok());
    assert!(take(page(&journey[..9], true)).is_err(), "one is missing");
    assert!(take(page(&journey[1..11], true)).is_err(), "the first is missing");
    assert!(take(page(&journey[..10], false)).is_err(), "more is to come");
    assert!(take(page(&[], false)).is_err(), "nothing is there");
    let mut swapped = journey[..10].to_vec();
    swapped.swap(0, 1);
    assert!(take(page(&swapped, true)).is_err(), "two of one time are swapped");
    let mut of_another = page(&journey[..10], true);
    of_another.events[4].content.as_mut().unwrap().user = "old-4".to_owned();
    assert!(take(of_another).is_err(), "one is of another user");
}
