//! Promises of reading a journey.

use std::sync::Arc;

use trailkeep_event::Accepted;
use trailkeep_store::{JourneyRange, Store};

use crate::samples::{all_of, at, event, names, newest_first, store_all};

pub async fn a_user_without_events_has_an_empty_journey(store: Arc<dyn Store>) {
    store_all(&*store, &[event("ann", "e1", 0, 1)]).await;
    assert!(names(&*store, &all_of("bob")).await.is_empty());
}

pub async fn a_journey_is_in_order_of_time(store: Arc<dyn Store>) {
    let batch =
        [event("ann", "second", 20, 1), event("ann", "third", 30, 2), event("ann", "first", 10, 3)];
    store_all(&*store, &batch).await;
    let range = all_of("ann");
    assert_eq!(names(&*store, &range).await, ["first", "second", "third"]);
    let range = newest_first(range);
    assert_eq!(names(&*store, &range).await, ["third", "second", "first"]);
}

pub async fn ties_are_in_order_of_arrival(store: Arc<dyn Store>) {
    let batch =
        [event("ann", "third", 5, 300), event("ann", "first", 5, 2), event("ann", "second", 5, 30)];
    store_all(&*store, &batch).await;
    let range = all_of("ann");
    assert_eq!(names(&*store, &range).await, ["first", "second", "third"]);
    let range = newest_first(range);
    assert_eq!(names(&*store, &range).await, ["third", "second", "first"]);
}

pub async fn bounds_are_inclusive(store: Arc<dyn Store>) {
    let batch: Vec<_> =
        (0..5).map(|number| event("ann", &number.to_string(), number, number + 1)).collect();
    store_all(&*store, &batch).await;
    let range = |from: Option<i64>, to: Option<i64>| JourneyRange {
        from: from.map(at),
        to: to.map(at),
        ..all_of("ann")
    };
    let range_1_to_3 = range(Some(1), Some(3));
    assert_eq!(names(&*store, &range_1_to_3).await, ["1", "2", "3"]);
    let backwards = newest_first(range_1_to_3);
    assert_eq!(names(&*store, &backwards).await, ["3", "2", "1"]);
    assert_eq!(names(&*store, &range(Some(3), None)).await, ["3", "4"]);
    assert_eq!(names(&*store, &range(None, Some(1))).await, ["0", "1"]);
    assert_eq!(names(&*store, &range(Some(2), Some(2))).await, ["2"]);
    assert!(names(&*store, &range(Some(3), Some(1))).await.is_empty());
}

/// Six events: types x, y, z in sessions s, t and none.
fn varied() -> Vec<Accepted> {
    let of = |number: i64, kind: &str, session: Option<&str>| {
        let mut event = event("ann", &number.to_string(), number, number + 1);
        event.event.kind = kind.into();
        event.event.session_id = session.map(Into::into);
        event
    };
    vec![
        of(0, "x", Some("s")),
        of(1, "y", Some("s")),
        of(2, "z", Some("t")),
        of(3, "x", Some("t")),
        of(4, "y", None),
        of(5, "x", None),
    ]
}

pub async fn only_the_types_asked_for_are_given(store: Arc<dyn Store>) {
    store_all(&*store, &varied()).await;
    let range = |types: &[&str]| JourneyRange {
        types: types.iter().map(ToString::to_string).collect(),
        ..all_of("ann")
    };
    assert_eq!(names(&*store, &range(&["x"])).await, ["0", "3", "5"]);
    assert_eq!(names(&*store, &range(&["z", "y"])).await, ["1", "2", "4"]);
    assert_eq!(names(&*store, &range(&["y", "y"])).await, ["1", "4"]);
    assert!(names(&*store, &range(&["w", "%", "$ne"])).await.is_empty());
}

pub async fn only_the_session_asked_for_is_given(store: Arc<dyn Store>) {
    store_all(&*store, &varied()).await;
    let range =
        |session: &str| JourneyRange { session_id: Some(session.to_owned()), ..all_of("ann") };
    assert_eq!(names(&*store, &range("s")).await, ["0", "1"]);
    assert_eq!(names(&*store, &range("t")).await, ["2", "3"]);
    assert!(names(&*store, &range("")).await.is_empty());
}

pub async fn filters_go_together(store: Arc<dyn Store>) {
    store_all(&*store, &varied()).await;
    let range = JourneyRange {
        types: vec!["x".to_owned(), "y".to_owned()],
        session_id: Some("s".to_owned()),
        from: Some(at(1)),
        to: Some(at(5)),
        ..all_of("ann")
    };
    assert_eq!(names(&*store, &range).await, ["1"]);
}

pub async fn the_limit_is_kept(store: Arc<dyn Store>) {
    let batch: Vec<_> =
        (0..5).map(|number| event("ann", &number.to_string(), number, number + 1)).collect();
    store_all(&*store, &batch).await;
    for (limit, given) in [(0, 0), (1, 1), (4, 4), (5, 5), (6, 5), (1_001, 5)] {
        let journey = store.journey(&all_of("ann"), limit).await.unwrap().events;
        assert_eq!(journey.len(), given);
    }
}

pub async fn no_user_sees_another_ones_events(store: Arc<dyn Store>) {
    let users = [
        "ann",
        "Ann",
        "ann ",
        "ann%",
        "a_n",
        "%",
        "_",
        "*",
        "$ne",
        "{\"$ne\":null}",
        "$where: 1",
        "' OR '1'='1",
        "x'; DROP TABLE events; --",
        "\"",
        "\\",
        "/ann/i",
        "[object]",
        "zażółć",
        "🦀",
        "é",
        "e\u{301}",
    ];
    let batch: Vec<_> = (0..)
        .zip(users)
        .map(|(number, user)| event(user, &format!("of {user}"), number, number + 1))
        .collect();
    store_all(&*store, &batch).await;
    for user in users {
        let journey = store.journey(&all_of(user), 10).await.unwrap().events;
        let found: Vec<_> =
            journey.iter().map(|event| (&*event.user_id, &*event.event_id)).collect();
        assert_eq!(found, [(user, &*format!("of {user}"))]);
    }
}
