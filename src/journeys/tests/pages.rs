//! The merge alone.

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;
use trailkeep_event::payload::PayloadLimits;
use trailkeep_event::{Accepted, Payload};
use trailkeep_store::{JourneyPart, JourneyRange, Order, StoredEvent};

use super::super::merge::{self, MAX_PAGE_BYTES, Page};
use super::memory_store::first_of;
use super::{Spec, journey_of, order, range, spec, whole};

/// Where an event is when a page is read.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Home {
    Buffer,
    Store,
    Both,
}

fn home() -> impl Strategy<Value = Home> {
    prop_oneof![Just(Home::Buffer), Just(Home::Store), Just(Home::Both)]
}

fn is_in_range(accepted: &Accepted, range: &JourneyRange) -> bool {
    range.ids.iter().any(|id| merge::is_in_range(accepted, id, range))
}

/// One page from what the store and the buffer would hand out.
fn page(events: &[(Arc<Accepted>, Home)], range: &JourneyRange, limit: usize) -> Page {
    let stored: Vec<StoredEvent> = events
        .iter()
        .filter(|(_, home)| *home != Home::Buffer)
        .map(|(accepted, _)| StoredEvent::from(&**accepted))
        .collect();
    let stored = first_of(journey_of(&stored, range), limit);
    let mut waiting: Vec<Arc<Accepted>> = events
        .iter()
        .filter(|(accepted, home)| *home != Home::Store && is_in_range(accepted, range))
        .map(|(accepted, _)| Arc::clone(accepted))
        .collect();
    waiting.sort_by(|left, right| {
        let (left, right) = (merge::position(left), merge::position(right));
        range.order.compare(left, right)
    });
    merge::page(stored, &waiting, range.order, limit)
}

/// Events with an identity each, and few arrival numbers, so that many have all
/// but that in common.
fn events() -> impl Strategy<Value = Vec<Arc<Accepted>>> {
    proptest::collection::vec((spec(), 0_i64..3), 0..16).prop_map(|specs| {
        (0_u8..)
            .zip(specs)
            .map(|(number, (spec, arrival))| {
                let spec = Spec { number, ..spec };
                Arc::new(spec.accepted(arrival))
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn every_event_is_on_one_page(
        events in events(),
        // For each page anew: events only move from the buffer to the store.
        homes in proptest::collection::vec(proptest::collection::vec(home(), 16), 1..20),
        limits in proptest::collection::vec(1_usize..6, 20),
        mut range in range(),
    ) {
        let all: Vec<StoredEvent> = events.iter().map(|accepted| StoredEvent::from(&**accepted)).collect();
        let expected = journey_of(&all, &range);
        let mut rank: HashMap<usize, Home> = HashMap::new();
        let mut seen = Vec::new();
        for (homes, limit) in homes.iter().cycle().zip(limits.iter().cycle()) {
            let placed: Vec<(Arc<Accepted>, Home)> = events
                .iter()
                .enumerate()
                .map(|(number, accepted)| {
                    let home = match (rank.get(&number), homes[number]) {
                        (Some(Home::Store), _) => Home::Store,
                        (Some(Home::Both), Home::Buffer) => Home::Both,
                        (_, next) => next,
                    };
                    rank.insert(number, home);
                    (Arc::clone(accepted), home)
                })
                .collect();
            let page = page(&placed, &range, *limit);
            prop_assert!(page.events.len() <= *limit);
            prop_assert!(page.next.is_none() || page.events.len() == *limit);
            seen.extend(page.events);
            prop_assert!(seen.len() <= expected.len(), "more than there is: {:?}", seen);
            match page.next {
                Some(position) => range.after = Some(position),
                None => break,
            }
        }
        prop_assert_eq!(seen, expected);
    }

    /// The limit that cuts nothing off announces no further page.
    #[test]
    fn a_further_page_is_announced_only_if_there_is_one(
        events in events(),
        homes in proptest::collection::vec(home(), 16),
        order in order(),
    ) {
        let placed: Vec<_> = events.iter().cloned().zip(homes).collect();
        let all: Vec<StoredEvent> = events.iter().map(|accepted| StoredEvent::from(&**accepted)).collect();
        let journey = journey_of(&all, &whole(order));
        let range = whole(order);
        for limit in 1..=journey.len() + 1 {
            let page = page(&placed, &range, limit);
            prop_assert_eq!(page.next.is_some(), limit < journey.len());
            prop_assert_eq!(&page.events, &journey[..limit.min(journey.len())]);
        }
    }

    #[test]
    fn the_range_is_the_same_for_buffered_and_stored(
        spec in spec(),
        arrival in 0_i64..4,
        range in range(),
        after in proptest::option::of((spec(), 0_i64..4)),
    ) {
        let after = after.map(|(spec, arrival)| StoredEvent::from(&spec.accepted(arrival)).position());
        let range = JourneyRange { after, ..range };
        let accepted = spec.accepted(arrival);
        let is_stored_in_range = !journey_of(&[StoredEvent::from(&accepted)], &range).is_empty();
        prop_assert_eq!(is_in_range(&accepted, &range), is_stored_in_range);
    }
}

/// Of the largest payload that is accepted unless settings say otherwise.
pub(super) fn large(number: u8) -> Arc<Accepted> {
    const BYTES: usize = 32 << 10;
    let spec =
        Spec { user: "ann", number, moment: i64::from(number / 64), kind: "search", session: None };
    let mut accepted = spec.accepted(i64::from(number % 2));
    let limits = PayloadLimits { max_bytes: BYTES, max_depth: 2 };
    let json = format!("{{\"text\":\"{}\"}}", "x".repeat(BYTES - 11));
    accepted.event.payload = Payload::from_json(json.as_bytes(), limits).unwrap();
    Arc::new(accepted)
}

#[test]
fn a_page_ends_at_4_mib() {
    let homes = [Home::Store, Home::Buffer, Home::Both];
    let events: Vec<_> = (0..=255).map(large).zip(homes.into_iter().cycle()).collect();
    let all: Vec<StoredEvent> =
        events.iter().map(|(event, _)| StoredEvent::from(&**event)).collect();
    for order in [Order::Ascending, Order::Descending] {
        let mut range = whole(order);
        let mut seen = Vec::new();
        let mut pages = 0;
        loop {
            let page = page(&events, &range, 1000);
            let bytes: usize = page.events.iter().map(StoredEvent::bytes).sum();
            assert!(bytes <= MAX_PAGE_BYTES, "{bytes}");
            seen.extend(page.events);
            pages += 1;
            range.after = page.next;
            if page.next.is_none() {
                break;
            }
            assert!(bytes > MAX_PAGE_BYTES - (33 << 10), "{bytes}");
        }
        assert_eq!(pages, 3);
        assert_eq!(seen, journey_of(&all, &whole(order)));
    }
}

#[test]
fn an_event_of_more_than_4_mib_is_a_page() {
    let mut stored = StoredEvent::from(&*large(0));
    stored.payload = "x".repeat(MAX_PAGE_BYTES);
    let page = merge::page(first_of(vec![stored.clone()], 10), &[large(9)], Order::Ascending, 10);
    assert_eq!(page.next, Some(stored.position()));
    assert_eq!(page.events, [stored]);
}

#[test]
fn nothing_is_a_page_without_events() {
    assert_eq!(merge::page(JourneyPart::default(), &[], Order::Ascending, 10), Page::default());
}
