use std::collections::HashSet;

use rusqlite::Connection;

use trailkeep_delivery::{ParkRecord, UserKey};
use uuid::Uuid;

use super::expiring::{DAY, Hands, open_for_a_day};
use super::*;
use crate::embedded::{folder::DATABASE, schema};
use crate::processing::{
    Command, Parked, Processed, ProcessedEvent, ProcessedState, ProcessingStore as _,
};

const NAME: &str = "default";

fn outcome(number: i64, is_there: bool) -> Processed {
    let accepted = event("u", number);
    let Accepted { event, arrival } = &*accepted;
    Processed {
        id: event.id,
        run: 0,
        event: is_there.then(|| ProcessedEvent {
            event_id: event.event_id.clone(),
            user_id: event.user_id.clone(),
            kind: event.kind.clone(),
            occurred_at: event.occurred_at,
            received_at: event.received_at,
        }),
        arrival: *arrival,
        state: ProcessedState::Processed,
        // Long after its event was received, unless that is gone.
        processed_at: event.received_at.plus_millis(if is_there { DAY } else { 0 }),
        duration_ms: 1,
        waited_ms: 1,
        attempts: 1,
        http_status: Some(200),
        result: None,
        error: None,
    }
}

#[tokio::test]
async fn outcomes_go_a_day_after_their_events() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Hands::at(NOON);
    let store = open_for_a_day(folder.path(), &clock);
    store.insert(&events("u", 0..1_500)).await.unwrap();
    // Processed in another order than they were received in.
    let outcomes: Vec<_> =
        (0..1_500).rev().map(|number| outcome(number, number % 2 == 0)).collect();
    store.record(NAME, &outcomes).await.unwrap();
    let left = async || {
        let ids: Vec<_> = outcomes.iter().map(|outcome| outcome.id).collect();
        store.states(NAME, &ids).await.unwrap().into_keys().collect::<HashSet<_>>()
    };

    clock.move_to(NOON + 2 * DAY);
    store.prepare().await.unwrap();
    until("the events are deleted", || async { count(&store, "u").await == 0 }).await;
    assert_eq!(left().await.len(), 1_500);

    clock.move_to(NOON + 2 * DAY + 1_000);
    store.prepare().await.unwrap();
    until("1,000 outcomes are deleted", || async { left().await.len() == 500 }).await;
    let expected: HashSet<_> = (1_000..1_500).map(|number| outcome(number, true).id).collect();
    assert_eq!(left().await, expected);
}

#[tokio::test]
async fn what_a_person_makes_of_a_state_is_unreadable() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let kept = outcome(1, true);
    store.record(NAME, std::slice::from_ref(&kept)).await.unwrap();
    let file = Connection::open(folder.path().join(DATABASE)).unwrap();
    file.execute("UPDATE processed_events SET state = 'of a later version'", []).unwrap();
    let error = store.states(NAME, &[kept.id]).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreadable(_)), "{error:?}");
}

#[tokio::test]
async fn an_outcome_that_the_file_refuses_keeps_no_other_out() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let file = Connection::open(folder.path().join(DATABASE)).unwrap();
    file.execute_batch(
        "CREATE TRIGGER no_three BEFORE INSERT ON processed_events WHEN new.arrival = 3
         BEGIN SELECT raise(ABORT, 'three is not wanted'); END",
    )
    .unwrap();
    let outcomes: Vec<_> = (2..5).map(|number| outcome(number, true)).collect();
    let kept = store.record(NAME, &outcomes).await.unwrap();
    let Outcome::Refused(refusal) = &kept[1] else { panic!("{kept:?}") };
    assert!(refusal.error.contains("three is not wanted"), "{refusal}");
    assert_eq!([&kept[0], &kept[2]], [&Outcome::Stored, &Outcome::Stored]);
    assert_eq!(store.states(NAME, &[outcomes[1].id, outcomes[2].id]).await.unwrap().len(), 1);
}

/// Statements that run all the time enter an index, and sort no more than what shares
/// the last column.
#[tokio::test]
async fn nothing_is_found_by_a_walk_over_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (answer, plans) = oneshot::channel();
    store.writer.run(|connection| {
        let plan = |sql: &str| -> Vec<String> {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let count = statement.parameter_count();
            let nothing = vec![rusqlite::types::Null; count];
            let rows =
                statement.query_map(rusqlite::params_from_iter(nothing), |row| row.get(3)).unwrap();
            rows.map(|row| row.unwrap()).collect()
        };
        let _ = answer.send(crate::embedded::processing::statements().map(|sql| (sql, plan(sql))));
    });
    for (sql, plan) in plans.await.unwrap() {
        let is_walk = |step: &&String| {
            let sorts = step.contains("TEMP") && !step.ends_with("FOR LAST TERM OF ORDER BY");
            step.starts_with("SCAN") || sorts
        };
        assert_eq!(plan.iter().find(is_walk), None, "{sql}\n{plan:?}");
    }
}

#[tokio::test]
async fn a_file_that_could_not_be_steered_is_brought_up_to_date_and_keeps_what_is_pending() {
    let folder = tempfile::tempdir().unwrap();
    let file = Connection::open(folder.path().join(DATABASE)).unwrap();
    for step in &schema::MIGRATIONS[..6] {
        file.execute_batch(step).unwrap();
    }
    file.pragma_update(None, "application_id", 0x5452_4b50).unwrap();
    file.pragma_update(None, "user_version", 6).unwrap();
    file.execute(
        "INSERT INTO parked VALUES ('default', zeroblob(16), 'u', 5, 1, 2), ('other', ?1, 'v', 6, 3, 4)",
        [[7_u8; 16]],
    )
    .unwrap();
    drop(file);

    let store = open(folder.path());
    let from = Arrival::from_i64(5);
    let record = ParkRecord { user: UserKey([0; 16]), from, epoch: 1, change: 2, held: None };
    let parked = Parked { record, user_id: "u".into() };
    assert_eq!(store.parked(NAME).await.unwrap(), [parked]);
    assert_eq!(store.parked("other").await.unwrap().len(), 1);
    let held = ParkRecord { change: 3, held: Some(event("u", 5).event.id), ..record };
    assert!(store.move_record(NAME, &record, &held).await.unwrap());
    let asked = Command {
        id: Uuid::nil(),
        processor: NAME.into(),
        made_at: Timestamp::from_millis(NOON).unwrap(),
        order: "{}".into(),
        progress: None,
        answered_at: None,
        answer: None,
    };
    assert!(store.add_command(&asked).await.unwrap());
    store.publish(NAME, asked.made_at, "{}").await.unwrap();
    store.close().await;

    let store = open(folder.path());
    assert_eq!(store.parked(NAME).await.unwrap()[0].record, held);
    assert_eq!(store.commands(NAME).await.unwrap(), std::slice::from_ref(&asked));
    assert_eq!(store.published(NAME).await.unwrap(), Some((asked.made_at, "{}".into())));
}
