//! Promises of going through a journey page by page.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};
use trailkeep_event::{Accepted, Arrival, StoreId};
use trailkeep_store::{JourneyRange, MAX_READ_BYTES, Order, Position, Store, StoredEvent};

use crate::samples::{all_of, at, event, names, newest_first, payload, store_all, stored};

/// All pages of a range, put together. No page but the last may be short, unless
/// its events are large.
pub(crate) async fn page_through(
    store: &dyn Store,
    range: &JourneyRange,
    limit: usize,
) -> Vec<StoredEvent> {
    let mut range = range.clone();
    let mut journey = Vec::new();
    loop {
        let page = store.journey(&range, limit).await.unwrap().events;
        let bytes: usize = page.iter().map(StoredEvent::bytes).sum();
        let is_last = page.len() < limit && bytes <= MAX_READ_BYTES;
        assert!(page.len() <= limit);
        range.after = page.last().map(StoredEvent::position).or(range.after);
        journey.extend(page);
        assert!(journey.len() <= 1_000, "pages without an end");
        if is_last {
            return journey;
        }
    }
}

/// What a range holds, found the slow way.
pub(crate) fn expected(events: &[Accepted], range: &JourneyRange) -> Vec<StoredEvent> {
    let wanted = |event: &StoredEvent| {
        range.ids.iter().any(|id| id.holds(&event.user_id, event.arrival))
            && range.from.is_none_or(|from| event.occurred_at >= from)
            && range.to.is_none_or(|to| event.occurred_at <= to)
            && (range.types.is_empty() || range.types.iter().any(|kind| **kind == *event.kind))
            && range
                .session_id
                .as_ref()
                .is_none_or(|session| event.session_id.as_deref() == Some(session))
    };
    let mut events: Vec<_> = events.iter().map(stored).filter(wanted).collect();
    events.sort_by_key(StoredEvent::position);
    if range.order == Order::Descending {
        events.reverse();
    }
    events
}

/// Events of two users within 12 milliseconds and with three arrival numbers, so
/// that most are tied, and many in both.
fn random_events(random: &mut StdRng, count: i64) -> Vec<Accepted> {
    (0..count)
        .map(|number| {
            let arrival = random.random_range(0..3);
            let user = ["ann", "bob"].choose(random).unwrap();
            let millis = random.random_range(0..12);
            let mut event = event(user, &format!("e{number}"), millis, arrival);
            event.event.kind = (*["x", "y", "z"].choose(random).unwrap()).into();
            event.event.session_id =
                [None, Some("s"), Some("t")].choose(random).copied().flatten().map(Into::into);
            event
        })
        .collect()
}

fn random_range(random: &mut StdRng) -> JourneyRange {
    let kinds = [vec![], vec!["x"], vec!["y", "z"]];
    JourneyRange {
        from: random.random_bool(0.5).then(|| at(random.random_range(0..12))),
        to: random.random_bool(0.5).then(|| at(random.random_range(0..12))),
        order: *[Order::Ascending, Order::Descending].choose(random).unwrap(),
        types: kinds.choose(random).unwrap().iter().map(ToString::to_string).collect(),
        session_id: random.random_bool(0.3).then(|| "s".to_owned()),
        ..all_of(["ann", "bob"].choose(random).unwrap())
    }
}

pub async fn pages_visit_every_event_once_and_in_order(store: Arc<dyn Store>) {
    const SEED: u64 = 0x7261_696c;
    let random = &mut StdRng::seed_from_u64(SEED);
    let events = random_events(random, 150);
    store_all(&*store, &events).await;
    for round in 0..40 {
        let range = random_range(random);
        let limit = random.random_range(1..=25);
        let journey = page_through(&*store, &range, limit).await;
        assert_eq!(
            journey,
            expected(&events, &range),
            "seed {SEED:#x}, round {round}, limit {limit}, {range:?}"
        );
    }
}

pub async fn a_page_goes_on_in_the_middle_of_a_tie(store: Arc<dyn Store>) {
    let events: Vec<_> =
        (1..=7).map(|arrival| event("ann", &arrival.to_string(), 0, arrival)).collect();
    store_all(&*store, &events).await;
    let range = JourneyRange { after: Some(stored(&events[3]).position()), ..all_of("ann") };
    assert_eq!(names(&*store, &range).await, ["5", "6", "7"]);
    let range = newest_first(range);
    assert_eq!(names(&*store, &range).await, ["3", "2", "1"]);
}

/// Such as events of other tools, which have no arrival.
pub async fn what_shares_time_and_arrival_is_in_order_of_ids(store: Arc<dyn Store>) {
    let mut events: Vec<_> = (0..60)
        .map(|number| {
            let (millis, arrival) = (number / 20, number / 10 % 2);
            event("ann", &format!("e{number}"), millis, arrival)
        })
        .collect();
    events.shuffle(&mut StdRng::seed_from_u64(7));
    store_all(&*store, &events).await;
    for range in [all_of("ann"), newest_first(all_of("ann"))] {
        let expected = expected(&events, &range);
        for limit in [1, 2, 3, 7, 9, 10, 11, 19, 20, 21, 59, 60, 61] {
            let journey = page_through(&*store, &range, limit).await;
            assert_eq!(journey, expected, "limit {limit}, {:?}", range.order);
        }
    }
}

/// An event that was removed since, or never was: a cursor names a place.
pub async fn a_position_needs_no_event(store: Arc<dyn Store>) {
    let events: Vec<_> = (0..9).map(|number| event("ann", &format!("e{number}"), 0, 0)).collect();
    store_all(&*store, &events).await;
    for (millis, arrival, id) in [(0, 0, 0x80), (0, -1, 0x80), (0, 1, 0), (0, 0, 0xff), (-1, 5, 1)]
    {
        let after = Position {
            occurred_at: at(millis),
            arrival: Arrival::from_i64(arrival),
            id: StoreId::from_bytes([id; 16]),
        };
        for range in [all_of("ann"), newest_first(all_of("ann"))] {
            let mut expected = expected(&events, &range);
            expected.retain(|event| range.order.compare(after, event.position()).is_lt());
            let range = JourneyRange { after: Some(after), ..range };
            for limit in [1, 4, 9, 20] {
                let journey = page_through(&*store, &range, limit).await;
                assert_eq!(journey, expected, "{range:?}");
            }
        }
    }
}

pub async fn what_is_read_at_once_ends_at_4_mib(store: Arc<dyn Store>) {
    const BYTES: usize = 600_000;
    let json = format!("{{\"text\":\"{}\"}}", "x".repeat(BYTES));
    // Half of them share time and arrival.
    let events: Vec<_> = (0..30)
        .map(|number: i64| {
            let mut event = event("ann", &format!("e{number}"), number.min(15), 0);
            event.event.payload = payload(&json);
            event
        })
        .collect();
    store_all(&*store, &events).await;
    for range in [all_of("ann"), newest_first(all_of("ann"))] {
        let read = store.journey(&range, 1000).await.unwrap().events;
        // The first seven have no more than 4 MiB.
        assert_eq!(read.len(), MAX_READ_BYTES / BYTES + 1);
        let journey = page_through(&*store, &range, 1000).await;
        assert_eq!(journey, expected(&events, &range));
    }
}

pub async fn events_that_come_later_do_not_shift_pages(store: Arc<dyn Store>) {
    let batch: Vec<_> =
        (0..4).map(|number| event("ann", &number.to_string(), number * 10, number + 1)).collect();
    store_all(&*store, &batch).await;
    let range = newest_first(all_of("ann"));
    let page = store.journey(&range, 2).await.unwrap().events;

    store_all(&*store, &[event("ann", "newest", 99, 9)]).await;
    let range = JourneyRange { after: page.last().map(StoredEvent::position), ..range };
    assert_eq!(names(&*store, &range).await, ["1", "0"]);
}

/// A journey over two years, most of it in order and some of it late by up to all
/// of that, read while it grows: whatever a store does by time, a page is what a
/// plain list gives.
pub async fn a_journey_over_years_is_what_a_plain_list_gives(store: Arc<dyn Store>) {
    const SEED: u64 = 0x0079_6561_7273;
    const TWO_YEARS_MS: i64 = 730 * 86_400_000;
    const EVENTS: i64 = 160;
    let random = &mut StdRng::seed_from_u64(SEED);
    let mut events: Vec<Accepted> = Vec::new();
    while (events.len() as i64) < EVENTS {
        let some: Vec<_> = (0..random.random_range(1..=8))
            .map(|offset| {
                let number = events.len() as i64 + offset;
                let now = number * TWO_YEARS_MS / EVENTS;
                let is_late = random.random_bool(0.2);
                let millis = if is_late { random.random_range(0..=now) } else { now };
                let user = ["ann", "bob"].choose(random).unwrap();
                event(user, &format!("e{number}"), millis, number)
            })
            .collect();
        store_all(&*store, &some).await;
        events.extend(some);
        let between = |random: &mut StdRng| at(random.random_range(0..=TWO_YEARS_MS));
        let range = JourneyRange {
            from: random.random_bool(0.4).then(|| between(random)),
            to: random.random_bool(0.4).then(|| between(random)),
            order: *[Order::Ascending, Order::Descending].choose(random).unwrap(),
            ..all_of("ann")
        };
        let limit = random.random_range(1..=40);
        let journey = page_through(&*store, &range, limit).await;
        assert_eq!(journey, expected(&events, &range), "seed {SEED}, {range:?}, limit {limit}");
    }
}
