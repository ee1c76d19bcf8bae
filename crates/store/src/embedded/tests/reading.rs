use rusqlite::{Connection, params};

use super::*;
use crate::embedded::folder::DATABASE;
use crate::embedded::{reader, schema};
use crate::{Position, StoredEvent};

/// A query that would run for hours.
fn endless(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row(
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT sum(x) FROM n",
        [],
        |row| row.get(0),
    )
}

fn impatient(folder: &Path) -> EmbeddedStore {
    let settings = EmbeddedSettings { timeouts: within(Duration::from_millis(50)), ..settings() };
    EmbeddedStore::open(folder, &settings).unwrap()
}

#[tokio::test]
async fn a_journey_is_one_index_range_in_both_directions() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let plan = |sql: &'static str| {
        store.readers.read(move |connection| {
            connection
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?
                .query_map(
                    params!["u", 0, 0, 1, 1, Some("s"), Some(r#"["page_view"]"#), 1],
                    |row| row.get::<_, String>(3),
                )?
                .collect::<Result<Vec<_>, _>>()
        })
    };
    for sql in [schema::JOURNEY_ASCENDING, schema::JOURNEY_DESCENDING] {
        let steps = plan(sql).await.unwrap();
        assert_eq!(
            steps[0],
            "SEARCH events USING INDEX events_journey \
             (user_id=? AND (occurred_at,arrival)>(?,?) AND (occurred_at,arrival)<(?,?))"
        );
        assert!(!steps.iter().any(|step| step.contains("ORDER BY")), "{steps:?}");
    }
}

/// Counted in SQLite's own steps, which do not depend on the machine.
#[tokio::test]
async fn a_late_page_costs_what_the_first_one_costs() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.insert(&events("u", 0..20_000)).await.unwrap();
    for order in [Order::Ascending, Order::Descending] {
        let mut costs = Vec::new();
        let mut after = None;
        for _ in 0..100 {
            let range = JourneyRange {
                order,
                after,
                from: Timestamp::from_millis(NOON),
                to: Timestamp::from_millis(NOON + 1_000_000),
                ..whole("u")
            };
            let (page, cost) = store
                .readers
                .read(move |connection| cost_of_page(connection, &range))
                .await
                .unwrap();
            after = page.last().map(StoredEvent::position);
            costs.push(cost);
        }
        let (first, dearest) = (costs[0], costs.iter().max().unwrap());
        assert!(*dearest <= first * 2, "{order:?}: {first} at first, then {dearest}");
    }
}

fn cost_of_page(
    connection: &Connection,
    range: &JourneyRange,
) -> rusqlite::Result<(Vec<StoredEvent>, i32)> {
    let sql = match range.order {
        Order::Ascending => schema::JOURNEY_ASCENDING,
        Order::Descending => schema::JOURNEY_DESCENDING,
    };
    let steps = rusqlite::StatementStatus::VmStep;
    connection.prepare_cached(sql)?.reset_status(steps);
    let page = reader::journey(connection, range, 100)?.events;
    Ok((page, connection.prepare_cached(sql)?.get_status(steps)))
}

#[tokio::test]
async fn pages_meet_without_gap_or_overlap_at_any_position() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.insert(&events("u", 0..10)).await.unwrap();
    let page = |order, time: i64, arrival: i64| {
        let range = JourneyRange {
            order,
            after: Some(Position {
                occurred_at: Timestamp::from_millis(NOON + time).unwrap(),
                arrival: Arrival::from_i64(arrival),
                id: StoreId::derive("u", &format!("e{time}")),
            }),
            ..whole("u")
        };
        let store = &store;
        async move {
            let events = store.journey(&range, 3).await.unwrap().events;
            events.iter().map(|event| event.arrival.as_i64()).collect::<Vec<_>>()
        }
    };
    use Order::{Ascending, Descending};
    assert_eq!(page(Ascending, 4, 4).await, [5, 6, 7]);
    assert_eq!(page(Descending, 4, 4).await, [3, 2, 1]);
    assert_eq!(page(Ascending, 4, i64::MAX).await, [5, 6, 7]);
    assert_eq!(page(Ascending, 4, i64::MIN).await, [4, 5, 6]);
    assert_eq!(page(Descending, 4, i64::MIN).await, [3, 2, 1]);
    assert_eq!(page(Descending, 4, i64::MAX).await, [4, 3, 2]);
    assert_eq!(page(Ascending, 9, 9).await, [0; 0]);
}

#[tokio::test]
async fn a_slow_read_really_ends_and_the_next_one_works() {
    let folder = tempfile::tempdir().unwrap();
    let store = impatient(folder.path());
    for _ in 0..reader::CONNECTIONS * 2 {
        let error = store.readers.read(endless).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::Unavailable(why) if why.contains("no answer within 50ms")),
            "{error}"
        );
    }
    assert_eq!(count(&store, "u").await, 0);
}

#[tokio::test]
async fn a_read_nobody_waits_for_ends_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let store = impatient(folder.path());
    for _ in 0..reader::CONNECTIONS {
        let read = store.readers.read(endless);
        assert!(tokio::time::timeout(Duration::from_millis(5), read).await.is_err());
    }
    until("a connection is free", || async { store.journey(&whole("u"), 1).await.is_ok() }).await;
}

#[tokio::test]
async fn close_does_not_wait_for_a_slow_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let started = Instant::now();
    let (read, ()) = tokio::join!(store.readers.read(endless), store.close());
    assert!(read.is_err());
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_whole_flushes_in_order_while_the_writer_writes() {
    const FLUSHES: i64 = 60;
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    let readers: Vec<_> = (0..6)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut seen = 0;
                while seen < FLUSHES as usize * 50 {
                    let events = store.journey(&whole("u"), 100_000).await.unwrap().events;
                    assert!(events.len() >= seen && events.len() % 50 == 0);
                    assert!(events.is_sorted_by_key(StoredEvent::position));
                    seen = events.len();
                }
            })
        })
        .collect();
    for flush in 0..FLUSHES {
        let batch = events("u", flush * 50..(flush + 1) * 50);
        let outcomes = store.insert(&batch).await.unwrap();
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Stored));
        let ids: Vec<_> = batch.iter().map(|accepted| accepted.event.id).collect();
        assert_eq!(store.arrivals(&ids).await.unwrap().len(), 50);
    }
    for reader in readers {
        reader.await.unwrap();
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_passed_over_and_its_place_filled() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.insert(&events("u", 0..4)).await.unwrap();
    Connection::open(folder.path().join(DATABASE))
        .unwrap()
        .execute("UPDATE events SET payload = CAST(x'7bff7d' AS TEXT) WHERE event_id = 'e1'", [])
        .unwrap();
    let page = store.journey(&whole("u"), 2).await.unwrap().events;
    let ids: Vec<_> = page.iter().map(|event| &*event.event_id).collect();
    assert_eq!(ids, ["e0", "e2"]);
}

#[tokio::test]
async fn arrivals_names_only_what_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.insert(&events("u", 7..9)).await.unwrap();
    let id = |number: i64| StoreId::derive("u", &format!("e{number}"));
    let found = store.arrivals(&[id(7), id(8), id(9)]).await.unwrap();
    let expected = [(id(7), Arrival::from_i64(7)), (id(8), Arrival::from_i64(8))];
    assert_eq!(found, HashMap::from(expected));
}
