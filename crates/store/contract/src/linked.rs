//! Promises of a journey that holds the events of several ids.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};
use trailkeep_event::{Accepted, Arrival, MAX_FUTURE_MS};
use trailkeep_store::{Id, JourneyRange, Order, Store, StoredEvent};

use crate::paging::{expected, page_through};
use crate::samples::{all_of, at, event, names, newest_first, store_all};

/// So many numbers after the first one that is given out at this moment.
fn arrival(millis: i64, number: i64) -> Arrival {
    Arrival::from_i64(Arrival::first_at(at(millis)).as_i64() + number)
}

/// The whole journey of these ids, oldest first.
fn all_of_these(ids: &[(&str, Option<Arrival>)]) -> JourneyRange {
    let ids = ids.iter().map(|(id, until)| Id { id: (*id).to_owned(), until: *until });
    JourneyRange { ids: ids.collect(), ..all_of("") }
}

const MOMENTS: i64 = 12;
const NUMBERS: i64 = 4;

/// Events of these ids with few times and numbers, so that many ids share both, and
/// some of them without a number, as another tool writes them.
fn random_events(random: &mut StdRng, ids: &[String], count: usize) -> Vec<Accepted> {
    (0..count)
        .map(|number| {
            let id = ids.choose(random).unwrap();
            let mut event = event(id, &format!("e{number}"), random.random_range(0..MOMENTS), 0);
            if random.random_bool(0.9) {
                event.arrival = arrival(MOMENTS, random.random_range(0..NUMBERS));
            }
            event.event.kind = (*["x", "y"].choose(random).unwrap()).into();
            event
        })
        .collect()
}

fn random_range(random: &mut StdRng, ids: &[String]) -> JourneyRange {
    let mut ids: Vec<Id> = ids
        .iter()
        .map(|id| Id {
            id: id.clone(),
            until: random
                .random_bool(0.5)
                .then(|| arrival(MOMENTS, random.random_range(0..=NUMBERS))),
        })
        .collect();
    ids.shuffle(random);
    ids.truncate(random.random_range(1..=ids.len()));
    JourneyRange {
        ids,
        from: random.random_bool(0.3).then(|| at(random.random_range(0..MOMENTS))),
        to: random.random_bool(0.3).then(|| at(random.random_range(0..MOMENTS))),
        order: *[Order::Ascending, Order::Descending].choose(random).unwrap(),
        types: if random.random_bool(0.3) { vec!["x".to_owned()] } else { Vec::new() },
        ..all_of("")
    }
}

pub async fn a_journey_of_several_ids_is_what_a_plain_list_gives(store: Arc<dyn Store>) {
    const SEED: u64 = 0x006c_696e_6b73;
    let random = &mut StdRng::seed_from_u64(SEED);
    for round in 0..12 {
        // The last one has no events.
        let ids: Vec<String> = (0..7).map(|id| format!("{round}-{id}")).collect();
        let events = random_events(random, &ids[..6], 70);
        for some in events.chunks(10) {
            store_all(&*store, some).await;
        }
        for _ in 0..12 {
            let range = random_range(random, &ids);
            let limit = random.random_range(1..=25);
            let journey = page_through(&*store, &range, limit).await;
            let expected = expected(&events, &range);
            assert_eq!(journey, expected, "seed {SEED:#x}, limit {limit}, {range:?}");
        }
    }
}

pub async fn of_an_id_only_what_arrived_before_its_end_is_given(store: Arc<dyn Store>) {
    const DAY: i64 = MAX_FUTURE_MS;
    let end = arrival(0, 7);
    let samples = [
        ("long before", -400 * DAY, end.as_i64() - 1),
        ("just before", 0, end.as_i64() - 1),
        ("at the end", 0, end.as_i64()),
        ("late", -DAY, end.as_i64() + 1),
        ("a day ahead", DAY, end.as_i64() - 1),
        ("a day ahead, at the end", DAY, end.as_i64()),
        ("without a number", 5, 0),
    ];
    let events = samples.map(|(id, millis, arrival)| event("device", id, millis, arrival));
    store_all(&*store, &events).await;
    store_all(&*store, &[event("ann", "own", 1, end.as_i64() + 9)]).await;
    let range = all_of_these(&[("ann", None), ("device", Some(end))]);
    let mut expected = ["long before", "just before", "own", "without a number", "a day ahead"];
    assert_eq!(names(&*store, &range).await, expected);
    expected.reverse();
    assert_eq!(names(&*store, &newest_first(range)).await, expected);

    let alone = all_of_these(&[("device", Some(end))]);
    assert_eq!(names(&*store, &alone).await.len(), 4);
    assert_eq!(names(&*store, &all_of("device")).await.len(), samples.len());
}

/// Which part of the events an index has to be asked for differs between an id whose
/// link ended long ago and one that goes on.
pub async fn events_of_an_id_that_ended_long_ago_are_in_order_with_others(store: Arc<dyn Store>) {
    const DAY: i64 = MAX_FUTURE_MS;
    let end = arrival(20, 0);
    let mut events: Vec<_> = (0..20)
        .map(|number| {
            let user = ["ann", "device"][usize::from(number % 2 == 0)];
            event(user, &format!("e{number}"), number, arrival(number, 0).as_i64())
        })
        .collect();
    events.push(event("ann", "later", 9 * DAY, arrival(9 * DAY, 0).as_i64()));
    store_all(&*store, &events).await;
    let range = all_of_these(&[("ann", None), ("device", Some(end))]);
    for range in [range.clone(), newest_first(range)] {
        for limit in [1, 4, 30] {
            let journey = page_through(&*store, &range, limit).await;
            assert_eq!(journey, expected(&events, &range), "limit {limit}, {:?}", range.order);
        }
    }
}

pub async fn what_shares_time_and_arrival_across_ids_is_in_order_of_ids(store: Arc<dyn Store>) {
    let users = ["ann", "d-1", "d-2"];
    let events: Vec<_> = (0..60)
        .map(|number| {
            let user = users[usize::try_from(number).unwrap() % users.len()];
            event(user, &format!("e{number}"), number / 20, number / 10 % 2)
        })
        .collect();
    store_all(&*store, &events).await;
    let range = all_of_these(&users.map(|user| (user, None)));
    for range in [range.clone(), newest_first(range)] {
        let expected = expected(&events, &range);
        for limit in [1, 2, 3, 7, 9, 10, 11, 19, 20, 21, 59, 60, 61] {
            let journey = page_through(&*store, &range, limit).await;
            assert_eq!(journey, expected, "limit {limit}, {:?}", range.order);
        }
    }
}

/// A link may be made while somebody pages.
pub async fn a_position_stays_good_when_an_id_comes_to_the_others(store: Arc<dyn Store>) {
    let events: Vec<_> = (0..20)
        .map(|number| {
            event(["ann", "device"][usize::from(number % 3 == 0)], &number.to_string(), number, 1)
        })
        .collect();
    store_all(&*store, &events).await;
    let first = store.journey(&all_of("ann"), 5).await.unwrap().events;
    let after = first.last().map(StoredEvent::position);
    let both = all_of_these(&[("ann", None), ("device", None)]);
    let rest = JourneyRange { after, ..both.clone() };
    let mut expected = expected(&events, &both);
    expected.retain(|event| Some(event.position()) > after);
    assert_eq!(page_through(&*store, &rest, 4).await, expected);
    let of_ann = expected.iter().filter(|event| &*event.user_id == "ann").count();
    assert_eq!(of_ann + first.len(), events.iter().filter(|e| &*e.event.user_id == "ann").count());
}

/// As many as a journey has, over years, and most of them rare.
pub async fn a_journey_of_a_hundred_ids_is_given_page_by_page(store: Arc<dyn Store>) {
    const SEED: u64 = 101;
    const YEAR_MS: i64 = 365 * 86_400_000;
    let random = &mut StdRng::seed_from_u64(SEED);
    let ids: Vec<String> = (0..101).map(|id| format!("id-{id}")).collect();
    let mut events = Vec::new();
    for number in 0..300_i64 {
        let id = if number % 2 == 0 { &ids[0] } else { ids.choose(random).unwrap() };
        let millis = number * YEAR_MS / 100;
        let late = if random.random_bool(0.1) { random.random_range(0..=millis) } else { 0 };
        events.push(Accepted {
            arrival: arrival(millis, number),
            ..event(id, &format!("e{number}"), millis - late, 0)
        });
    }
    for some in events.chunks(20) {
        store_all(&*store, some).await;
    }
    let until = |index: usize| (index % 3 == 1).then(|| arrival(YEAR_MS, 0));
    let ids: Vec<_> = ids.iter().enumerate().map(|(i, id)| (id.as_str(), until(i))).collect();
    let range = all_of_these(&ids);
    for range in [range.clone(), newest_first(range)] {
        for limit in [7, 100, 1_000] {
            let journey = page_through(&*store, &range, limit).await;
            assert_eq!(journey, expected(&events, &range), "limit {limit}, {:?}", range.order);
        }
    }
}
