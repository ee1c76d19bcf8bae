//! What is found of an id.

use std::sync::Arc;

use trailkeep_event::Accepted;
use trailkeep_store::dead_letters::DeadLetter;
use trailkeep_store::{Id, Outcome, Reason, Refusal};

use super::samples::{Stores, identities, ids, named, sorted, trace, traces, until};
use crate::samples::{at, event, store_all};

/// Far more than there is.
const ALL: usize = 10_000;

pub async fn stored_events_of_an_id_are_found_with_who_else_they_name(stores: Stores) {
    let hers = [named("ann", "e1", 1), event("ann", "e2", 2, 2), event("ann", "e3", -9_000, 3)];
    store_all(&*stores.events, &hers).await;
    store_all(&*stores.events, &[named("bob", "e1", 1)]).await;
    let found = stores.erasures.stored_traces(&Id::whole("ann"), ALL).await.unwrap();
    assert_eq!(sorted(found), traces(&hers));
    assert_eq!(stores.erasures.stored_traces(&Id::whole("cem"), ALL).await.unwrap(), []);
    assert_eq!(stores.erasures.stored_traces(&Id::whole("ann"), 0).await.unwrap(), []);
}

pub async fn what_arrived_at_the_end_of_an_id_or_later_is_not_found(stores: Stores) {
    // In the order of their numbers, and in none of their times.
    let events: Vec<_> = (0..60)
        .map(|number| event("ann", &format!("e{number}"), number * 7_919 % 60 * 3_600_000, number))
        .collect();
    for some in events.chunks(7) {
        store_all(&*stores.events, some).await;
    }
    for (end, there) in [(0, 0), (1, 1), (30, 30), (59, 59), (60, 60), (i64::MAX, 60)] {
        let found = stores.erasures.stored_traces(&until("ann", end), ALL).await.unwrap();
        assert_eq!(sorted(found), traces(&events[..there]), "{end}");
    }
}

pub async fn events_of_an_id_are_found_byte_for_byte(stores: Stores) {
    let ids = ids();
    let events: Vec<_> = ids.iter().zip(1..).map(|(id, number)| named(id, "e", number)).collect();
    store_all(&*stores.events, &events).await;
    for (id, event) in ids.iter().zip(&events) {
        let found = stores.erasures.stored_traces(&Id::whole(id), ALL).await.unwrap();
        assert_eq!(found, [trace(event)], "{id:?}");
    }
}

pub async fn events_are_removed_in_steps_until_none_is_left(stores: Stores) {
    let hers: Vec<_> = (0..250).map(|number| named("ann", &format!("e{number}"), number)).collect();
    let others: Vec<_> = ["Ann", "ann ", "bob"].map(|id| named(id, "e1", 1)).to_vec();
    for some in hers.chunks(40) {
        store_all(&*stores.events, some).await;
    }
    store_all(&*stores.events, &others).await;
    let mut seen = Vec::new();
    loop {
        let found = stores.erasures.stored_traces(&until("ann", 200), 60).await.unwrap();
        if found.is_empty() {
            break;
        }
        assert!(found.len() <= 60);
        let ids = identities(&found);
        assert_eq!(stores.erasures.remove_events(&ids).await.unwrap(), found.len() as u64);
        // Some may be gone already: all of them are.
        assert_eq!(stores.erasures.remove_events(&ids).await.unwrap(), 0);
        seen.extend(found);
    }
    assert_eq!(sorted(seen), traces(&hers[..200]));
    let left = stores.erasures.stored_traces(&Id::whole("ann"), ALL).await.unwrap();
    assert_eq!(sorted(left), traces(&hers[200..]));
    for other in &others {
        let id = Id::whole(&*other.event.user_id);
        assert_eq!(stores.erasures.stored_traces(&id, ALL).await.unwrap(), [trace(other)]);
    }
    assert_eq!(stores.erasures.remove_events(&[]).await.unwrap(), 0);
}

pub async fn an_event_that_was_removed_may_come_again(stores: Stores) {
    let event = named("ann", "e1", 1);
    store_all(&*stores.events, std::slice::from_ref(&event)).await;
    assert_eq!(stores.erasures.remove_events(&[event.event.id]).await.unwrap(), 1);
    store_all(&*stores.events, &[event]).await;
}

pub async fn letters_of_an_id_are_found_in_the_same_way(stores: Stores) {
    let ids = ids();
    let mut events: Vec<Accepted> =
        ids.iter().zip(1..).map(|(id, number)| named(id, "e", number)).collect();
    events.extend((100..120).map(|number| named("ann", &format!("e{number}"), number)));
    let letter = |accepted: &Accepted| DeadLetter {
        accepted: Arc::new(accepted.clone()),
        refusal: Refusal::new(Reason::TooLarge, "too large"),
        set_aside_at: at(5),
        tried_at: at(5),
        tries: 1,
    };
    let letters: Vec<_> = events.iter().map(letter).collect();
    let kept = stores.letters.put(&letters).await.unwrap();
    assert!(kept.iter().all(|outcome| *outcome == Outcome::Stored), "{kept:?}");
    for (id, event) in ids.iter().zip(&events) {
        let found = stores.erasures.letter_traces(&until(id, 100), ALL).await.unwrap();
        assert_eq!(found, [trace(event)], "{id:?}");
        let before = until(id, event.arrival.as_i64());
        assert_eq!(stores.erasures.letter_traces(&before, ALL).await.unwrap(), [], "{id:?}");
    }
    let hers = Id::whole("ann");
    assert_eq!(stores.erasures.letter_traces(&hers, 7).await.unwrap().len(), 7);
    assert_eq!(stores.erasures.letter_traces(&hers, 0).await.unwrap(), []);
    let found = stores.erasures.letter_traces(&hers, ALL).await.unwrap();
    assert_eq!(found.len(), 21);
    assert_eq!(stores.letters.remove(&identities(&found)).await.unwrap(), 21);
    assert_eq!(stores.erasures.letter_traces(&hers, ALL).await.unwrap(), []);
    assert_eq!(stores.letters.count().await.unwrap(), ids.len() as u64 - 1);
}
