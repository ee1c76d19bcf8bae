//! Promises about processors and their leases.

use std::collections::BTreeMap;
use std::sync::Arc;

use trailkeep_event::Arrival;
use trailkeep_store::processing::{Lease, ProcessedState, ProcessingStore, Processor, Wanted};

use super::samples::{
    NAME, add, arrival, command, document, document_id, ends_of_the_calendar, event_id, hour,
    lease, outcome, parked, processor, record, sixteen_at_once,
};
use crate::samples::at;

pub async fn a_processor_is_read_back_unchanged(store: Arc<dyn ProcessingStore>) {
    let types = ["a.b", "$set", "", "ä \"quoted\"", "__proto__"];
    let types: BTreeMap<Box<str>, Arrival> =
        types.into_iter().map(Box::from).zip([0, 1, -1, i64::MAX, i64::MIN].map(arrival)).collect();
    let [first, last] = ends_of_the_calendar();
    let long = "n".repeat(64);
    let nothing = Processor {
        wanted: Wanted::default(),
        version: i64::MIN,
        seen_at: first,
        ..processor("a-b_0")
    };
    let full = Processor {
        secret: [0xff; 16],
        wanted: Wanted { any: Some(arrival(i64::MAX)), types },
        version: i64::MAX,
        seen_at: last,
        lease: Some(lease(0xff, i64::MAX as u64, 0)),
        ..processor(&long)
    };
    let plain = processor(NAME);
    for added in [&full, &nothing, &plain] {
        assert_eq!(store.add_processor(added).await.unwrap(), *added);
    }
    assert_eq!(store.processors().await.unwrap(), [nothing, plain, full]);
}

pub async fn a_processor_is_added_once_whoever_comes_at_the_same_moment(
    store: Arc<dyn ProcessingStore>,
) {
    for name in [NAME, "second"] {
        let added = sixteen_at_once(&store, move |store, number| async move {
            let own = Processor { secret: [number; 16], ..processor(name) };
            store.add_processor(&own).await.unwrap()
        })
        .await;
        assert!(added.iter().all(|other| *other == added[0]), "{added:?}");
        let there = store.processors().await.unwrap();
        assert!(there.contains(&added[0]), "{there:?}");
    }
    assert_eq!(store.processors().await.unwrap().len(), 2);
}

pub async fn what_is_wanted_changes_where_the_version_is_still_the_one(
    store: Arc<dyn ProcessingStore>,
) {
    add(&*store, NAME).await;
    add(&*store, "other").await;
    let types = BTreeMap::from([("order".into(), arrival(5))]);
    let wanted = Wanted { any: None, types };
    assert!(store.change_wanted(NAME, 0, &wanted).await.unwrap());
    assert!(!store.change_wanted(NAME, 0, &Wanted::default()).await.unwrap());
    assert!(!store.change_wanted("nobody", 0, &Wanted::default()).await.unwrap());
    let changed = Processor { wanted: wanted.clone(), version: 1, ..processor(NAME) };
    assert_eq!(store.processors().await.unwrap(), [changed, processor("other")]);

    assert!(store.change_wanted(NAME, 1, &Wanted::default()).await.unwrap());
    let changed = Processor { wanted: Wanted::default(), version: 2, ..processor(NAME) };
    assert_eq!(store.processors().await.unwrap(), [changed, processor("other")]);
}

pub async fn a_processor_is_seen_to_the_hour_and_the_last_one_stays(
    store: Arc<dyn ProcessingStore>,
) {
    const HOUR_MS: i64 = 3_600_000;
    add(&*store, NAME).await;
    add(&*store, "other").await;
    let next = hour().plus_millis(HOUR_MS);
    for (now, seen_at) in [
        (hour().plus_millis(HOUR_MS - 1), hour()),
        (next, next),
        (next.plus_millis(1), next),
        (hour(), next),
        (at(0), next),
    ] {
        store.see_processor(NAME, now).await.unwrap();
        let seen = Processor { seen_at, ..processor(NAME) };
        assert_eq!(store.processors().await.unwrap(), [seen, processor("other")]);
    }
    store.see_processor("nobody", next).await.unwrap();
    assert_eq!(store.processors().await.unwrap().len(), 2);
}

pub async fn a_lease_is_replaced_only_where_the_expected_one_is_there(
    store: Arc<dyn ProcessingStore>,
) {
    add(&*store, NAME).await;
    let first = lease(1, 1, 1);
    let there = async || store.processors().await.unwrap()[0].lease;
    let replace = async |expected: Option<Lease>, next: Lease| {
        store.replace_lease(NAME, expected.as_ref(), &next).await.unwrap()
    };

    assert!(!replace(Some(first), lease(2, 2, 2)).await);
    assert_eq!(there().await, None);
    assert!(replace(None, first).await);
    assert!(!replace(None, lease(2, 2, 2)).await);
    for other in [lease(2, 1, 1), lease(1, 2, 1), lease(1, 1, 2)] {
        assert!(!replace(Some(other), lease(2, 2, 2)).await);
    }
    assert_eq!(there().await, Some(first));

    let renewed = lease(1, 1, 2);
    assert!(replace(Some(first), renewed).await);
    assert!(!replace(Some(first), renewed).await);
    assert_eq!(there().await, Some(renewed));
    assert!(!store.replace_lease("nobody", None, &first).await.unwrap());
    assert_eq!(store.processors().await.unwrap().len(), 1);
}

pub async fn of_two_who_take_a_lease_at_once_one_has_it(store: Arc<dyn ProcessingStore>) {
    add(&*store, NAME).await;
    let mut expected = None;
    for epoch in 1..4 {
        let taken = sixteen_at_once(&store, move |store, number| async move {
            let own = lease(number, epoch, epoch);
            let is_taken = store.replace_lease(NAME, expected.as_ref(), &own).await.unwrap();
            is_taken.then_some(own)
        })
        .await;
        let taken: Vec<_> = taken.into_iter().flatten().collect();
        assert_eq!(taken.len(), 1, "{taken:?}");
        assert_eq!(store.processors().await.unwrap()[0].lease, Some(taken[0]));
        expected = Some(taken[0]);
    }
}

pub async fn a_removed_processor_leaves_its_outcomes(store: Arc<dyn ProcessingStore>) {
    for name in [NAME, "other"] {
        add(&*store, name).await;
        for number in 1..=120 {
            store.append(name, &document(1, number)).await.unwrap();
        }
        assert!(store.park(name, &parked(1, 5, 1, 0)).await.unwrap());
        let kept = [outcome(1, 0, ProcessedState::Failed)];
        store.record(name, &kept).await.unwrap();
        store.publish(name, at(1), name).await.unwrap();
    }
    let of_the_other = command("other", 2);
    for added in [&command(NAME, 1), &of_the_other] {
        assert!(store.add_command(added).await.unwrap());
    }
    store.remove_processor(NAME).await.unwrap();
    store.remove_processor(NAME).await.unwrap();

    assert_eq!(store.processors().await.unwrap(), [processor("other")]);
    let mut names: [Box<str>; 2] = [NAME.into(), "other".into()];
    names.sort_unstable();
    assert_eq!(store.processors_with_outcomes().await.unwrap(), names);
    assert_eq!(store.feeding(NAME).await.unwrap(), []);
    assert_eq!(store.documents(NAME, document_id(1, 0), 10).await.unwrap(), []);
    assert_eq!(store.parked(NAME).await.unwrap(), []);
    assert!(!store.replace_lease(NAME, None, &lease(1, 1, 1)).await.unwrap());
    for name in [NAME, "other"] {
        let kept = store.outcomes(name, &[event_id(1)]).await.unwrap();
        assert_eq!(kept[&event_id(1)], outcome(1, 0, ProcessedState::Failed));
        assert_eq!(store.failed(name).await.unwrap(), 1);
    }
    assert_eq!(store.feeding("other").await.unwrap(), [document_id(1, 1)]);
    assert_eq!(store.parked("other").await.unwrap(), [parked(1, 5, 1, 0)]);
    assert_eq!(store.commands(NAME).await.unwrap(), []);
    assert_eq!(store.commands("other").await.unwrap(), [of_the_other]);
    assert_eq!(store.published(NAME).await.unwrap(), None);
    assert_eq!(store.published("other").await.unwrap(), Some((at(1), "other".into())));

    // It may come back, as a new one.
    add(&*store, NAME).await;
    assert_eq!(store.feeding(NAME).await.unwrap(), []);
    assert_eq!(store.failed(NAME).await.unwrap(), 1);
}

pub async fn calls_about_a_name_that_nobody_added_find_nothing(store: Arc<dyn ProcessingStore>) {
    assert_eq!(store.processors().await.unwrap(), []);
    assert_eq!(store.feeding(NAME).await.unwrap(), []);
    assert_eq!(store.documents(NAME, document_id(1, 0), 10).await.unwrap(), []);
    store.remove_documents(NAME, &[document_id(1, 1)]).await.unwrap();
    assert!(store.states(NAME, &[event_id(1)]).await.unwrap().is_empty());
    assert!(store.outcomes(NAME, &[event_id(1)]).await.unwrap().is_empty());
    assert_eq!(store.failed(NAME).await.unwrap(), 0);
    assert_eq!(store.parked(NAME).await.unwrap(), []);
    store.stamp(NAME, 1).await.unwrap();
    assert!(!store.unpark(NAME, &record(1, 1, 1, 0)).await.unwrap());
    assert!(!store.move_record(NAME, &record(1, 1, 1, 0), &record(1, 2, 1, 1)).await.unwrap());
    assert_eq!(store.commands(NAME).await.unwrap(), []);
    assert_eq!(store.command(command(NAME, 1).id).await.unwrap(), None);
    assert_eq!(store.published(NAME).await.unwrap(), None);
    store.remove_processor(NAME).await.unwrap();
    assert_eq!(store.processors().await.unwrap(), []);
}
