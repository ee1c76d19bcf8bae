//! What an earlier process left.

use super::*;
use crate::ingest::record;
use crate::monitoring::health::Unready;

fn prepared(run: &Running) {
    run.ingest.health.store_answered();
    run.ingest.health.store_prepared();
}

/// Events that a process accepted, and was killed before it stored one.
async fn left_behind(setup: &Setup, batches: usize) {
    let (ingest, _) = setup.open();
    for batch in 0..batches {
        let ids = batch * 1000..(batch + 1) * 1000;
        admit(&ingest, events("u", ids)).await.unwrap();
    }
    ingest.close_journal();
}

#[tokio::test(start_paused = true)]
async fn what_was_accepted_is_stored_by_the_next_process_in_order_and_numbered_before_all_others() {
    let setup = Setup::default();
    left_behind(&setup, 3).await;
    let run = setup.start();
    assert_eq!(run.ingest.held().events, 3000);
    assert_eq!(run.ingest.statistics.restored.get(), 3000);
    run.admit(events("u", 3000..3010)).await.unwrap();
    run.emptied().await;
    assert_eq!(run.stored_ids(), ids(0..3010));
    let stored = run.store.stored.lock();
    assert!(stored.is_sorted_by(|a, b| a.arrival < b.arrival));
}

#[tokio::test(start_paused = true)]
async fn a_service_is_ready_once_the_head_of_what_was_found_is_stored() {
    let limit = Amount { events: 20_000, bytes: 1 << 30 };
    let setup = Setup { limit, ..Setup::default() };
    left_behind(&setup, 12).await;
    let run = setup.start();
    prepared(&run);
    assert_eq!(run.ingest.health.readiness(), Err(Unready::Starting));
    let limit = Instant::now() + Duration::from_secs(120);
    while run.ingest.health.readiness().is_err() {
        assert!(Instant::now() < limit);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(run.store.stored.lock().len() >= 5000, "its head is stored");
    run.emptied().await;
    assert_eq!(run.stored_ids(), ids(0..12_000));
}

#[tokio::test(start_paused = true)]
async fn a_single_event_that_the_store_does_not_take_keeps_no_service_unready() {
    let setup = Setup::default();
    left_behind(&setup, 1).await;
    setup.store.unwritable.lock().push(StoreId::derive("u", "999"));
    let run = setup.start();
    prepared(&run);
    run.left(1).await;
    let limit = Instant::now() + Duration::from_secs(120);
    while run.ingest.health.readiness().is_err() {
        assert!(Instant::now() < limit);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_stored_and_not_noted_is_no_duplicate_at_the_next_start() {
    let setup = Setup::default();
    let run = setup.start();
    run.admit(events("u", 0..100)).await.unwrap();
    let before = setup.disk.copy();
    run.emptied().await;
    drop(run);
    let again = Setup { disk: before, ..setup };
    let run = again.start();
    run.emptied().await;
    let of = &run.ingest.statistics;
    assert_eq!((of.restored.get(), of.stored.get(), of.duplicate.get()), (100, 100, 0));
    assert_eq!(run.store.stored.lock().len(), 100);
}

#[tokio::test(start_paused = true)]
async fn accepted_events_that_the_disk_damages_are_told_and_waited_for_no_more() {
    let setup = Setup::default();
    left_behind(&setup, 2).await;
    // A start in between: what the newest segment held is counted from then on.
    let (ingest, _) = setup.open();
    admit(&ingest, events("u", 2000..2010)).await.unwrap();
    drop(ingest);
    setup.disk.damage(b"1500");
    let run = setup.start();
    run.emptied().await;
    assert_eq!(run.stored_ids(), [ids(0..1000), ids(2000..2010)].concat());
    assert_eq!(run.ingest.statistics.unreadable.get(), 1000);
}

/// As after a version that went back to an older one.
#[tokio::test(start_paused = true)]
async fn events_that_a_newer_version_accepted_end_the_service_and_stay_in_the_journal() {
    let setup = Setup::default();
    let mut record = record::encode(&events("u", 0..3), None);
    record.header.version = u8::MAX;
    let rules = trailkeep_journal::Rules {
        max_bytes: u64::MAX,
        is_synced: true,
        max_age: trailkeep_journal::Rules::MAX_AGE,
    };
    let opened = Journal::on(setup.disk.clone(), rules, Box::new(|_| ())).unwrap();
    let (done, appended) = std::sync::mpsc::channel();
    opened.journal.append(record, Box::new(move |result| done.send(result).unwrap()));
    appended.recv().unwrap().unwrap();
    drop(opened);
    let before = setup.disk.copy();

    let mut run = setup.start();
    let limit = Duration::from_secs(60);
    let ended = tokio::time::timeout(limit, run.writers.ended()).await;
    ended.expect("it is noticed").expect("and it did not panic");

    assert_eq!(run.ingest.statistics.unreadable.get(), 0);
    drop(run);
    let again = Setup { disk: before, ..Setup::default() };
    assert_eq!(again.open().0.held().events, 3);
}

#[tokio::test(start_paused = true)]
async fn more_than_the_limit_is_taken_over_and_nothing_else_until_there_is_room() {
    left_behind_and_limited(Setup::default()).await;
}

async fn left_behind_and_limited(setup: Setup) {
    left_behind(&setup, 3).await;
    let small = Setup { limit: Amount { events: 1500, ..LIMIT }, ..setup };
    *small.store.always.lock() = Some(Next::Fail);
    let run = small.start();
    assert_eq!(run.ingest.held().events, 3000);
    assert_eq!(run.admit(events("v", 0..1)).await, Err(NotAdmitted::Full));
    *small.store.always.lock() = None;
    run.emptied().await;
    assert_eq!(run.stored_ids(), ids(0..3000));
    run.admit(events("v", 0..1)).await.unwrap();
}

/// The reader comes to the end of what was found while more comes behind it.
#[test]
fn what_arrives_while_the_last_of_what_was_found_is_read_back_is_not_lost() {
    for _ in 0..200 {
        on_a_paused_clock(async {
            let setup = Setup::default();
            let (ingest, _) = setup.open();
            admit(&ingest, events("u", 0..46)).await.unwrap();
            ingest.close_journal();
            drop(ingest);
            // A start in vain leaves a segment without a record behind.
            drop(setup.open());
            let run = setup.start();
            run.admit(events("v", 0..88)).await.unwrap();
            run.admit(events("w", 0..61)).await.unwrap();
            run.emptied().await;
            assert_eq!(run.store.stored.lock().len(), 195);
            assert_eq!(run.ingest.statistics.unreadable.get(), 0);
        });
    }
}
