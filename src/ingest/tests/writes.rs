//! When a write goes out, and what follows what the store says.

use super::*;
use crate::ingest::waiter::Waited;

#[tokio::test(start_paused = true)]
async fn a_single_event_is_written_when_it_has_waited_long_enough() {
    let run = start();
    let began = Instant::now();
    run.admit(events("u", 0..1)).await.unwrap();
    run.emptied().await;
    let waited = began.elapsed();
    assert!(waited >= RULES.max_wait && waited < RULES.max_wait * 2, "{waited:?}");
    assert_eq!(run.counts(), (1, 1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_full_write_goes_out_at_once_whoever_sent_it() {
    let run = start();
    let began = Instant::now();
    for user in 0..500 {
        run.admit(events(&format!("u{user}"), 0..1)).await.unwrap();
    }
    run.emptied().await;
    assert!(began.elapsed() < RULES.max_wait, "{:?}", began.elapsed());
    assert_eq!(run.counts(), (500, 500, 0, 0));
    // In one write: many small ones cost the database more.
    assert_eq!(*run.store.batches.lock(), [500]);
}

#[tokio::test(start_paused = true)]
async fn while_one_write_is_under_way_the_next_is_filled_by_other_users() {
    let run = start();
    *run.store.always.lock() = Some(Next::Hang);
    for user in 0..1500 {
        run.admit(events(&format!("u{user}"), 0..1)).await.unwrap();
    }
    tokio::task::yield_now().await;
    assert_eq!(run.ingest.snapshot().in_flight, 1500);
    // Of users on their way: they have to wait for the write before theirs.
    run.admit(events("u0", 1..600)).await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(run.ingest.snapshot().in_flight, 1500);
}

#[tokio::test(start_paused = true)]
async fn a_write_has_at_most_its_number_of_events() {
    let run = start();
    run.admit(events("u", 0..1800)).await.unwrap();
    run.emptied().await;
    assert_eq!(*run.store.batches.lock(), [500, 500, 500, 300]);
    assert_eq!(run.stored_ids(), ids(0..1800));
}

#[tokio::test(start_paused = true)]
async fn a_failed_write_keeps_its_events_and_their_order() {
    let run = start();
    let script = [Next::Fail, Next::WriteAndFail, Next::WriteHalf, Next::Fail];
    run.store.script.lock().extend(script);
    run.admit(events("u", 0..20)).await.unwrap();
    run.emptied().await;
    assert_eq!(run.stored_ids(), ids(0..20));
    assert_eq!(run.counts(), (20, 20, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_follows_an_event_that_is_tried_again_leaves_behind_it() {
    let run = start();
    // The third of ten.
    run.store.script.lock().push_back(Next::SkipSome(0b100));
    let waiters =
        [run.admit_waiting(events("u", 0..2)).await, run.admit_waiting(events("u", 2..10)).await];
    for waiter in waiters {
        waiter.await.unwrap();
    }
    run.emptied().await;
    assert_eq!(run.counts(), (10, 10, 0, 0), "none of them is a duplicate");
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_to_the_store_still_counts() {
    let run = start();
    *run.store.always.lock() = Some(Next::Fail);
    for batch in 0..5 {
        let ids = batch * 1000..(batch + 1) * 1000;
        run.admit(events("u", ids)).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(run.admit(events("v", 0..1)).await, Err(NotAdmitted::Full));
    let snapshot = run.ingest.snapshot();
    assert_eq!((snapshot.held.events, snapshot.in_flight), (5000, 500));
    *run.store.always.lock() = None;
    run.emptied().await;
    assert_eq!(run.counts(), (5000, 5000, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_acknowledgement_was_lost_is_no_duplicate() {
    let run = start();
    run.admit(events("u", 0..10)).await.unwrap();
    run.emptied().await;
    run.store.script.lock().push_back(Next::WriteAndFail);
    // Five are known from before, fifteen are new.
    run.admit(events("u", 5..25)).await.unwrap();
    run.emptied().await;
    assert_eq!(run.counts(), (30, 25, 5, 0));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_sent_twice_is_stored_once_also_within_one_write() {
    let run = start();
    let twice = [events("u", 0..3), events("u", 1..4)].concat();
    run.admit(twice).await.unwrap();
    run.admit(events("u", 3..5)).await.unwrap();
    run.emptied().await;
    assert_eq!(run.stored_ids(), ids(0..5));
    assert_eq!(run.counts(), (8, 5, 3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_drain_writes_partial_batches_at_once() {
    let run = start();
    run.admit(events("u", 0..3)).await.unwrap();
    run.admit(events("v", 0..3)).await.unwrap();
    let began = Instant::now();
    let left = run.writers.drain(began + Duration::from_secs(15)).await;
    assert_eq!(left, 0);
    assert!(began.elapsed() < RULES.max_wait);
    assert_eq!(run.store.stored.lock().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_the_store_does_not_answer_ends_in_time_and_says_what_is_left() {
    let run = start();
    *run.store.always.lock() = Some(Next::Hang);
    for user in ["u", "v", "w", "x", "y"] {
        run.admit(events(user, 0..200)).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let began = Instant::now();
    let left = run.writers.drain(began + Duration::from_secs(15)).await;
    assert_eq!(began.elapsed(), Duration::from_secs(15));
    assert_eq!(left, 1000);
}

#[tokio::test(start_paused = true)]
async fn a_drain_does_not_wait_for_a_pause_between_tries() {
    for fault in [Next::Fail, Next::SkipSome(u64::MAX)] {
        let run = start();
        *run.store.always.lock() = Some(fault);
        run.admit(events("u", 0..3)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        *run.store.always.lock() = None;
        let began = Instant::now();
        let left = run.writers.drain(began + Duration::from_secs(15)).await;
        assert_eq!(left, 0);
        assert!(began.elapsed() < RULES.backoff_min, "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_ends_is_noticed_and_its_events_are_kept() {
    let mut run = start();
    run.store.script.lock().push_back(Next::Panic);
    run.admit(events("u", 0..3)).await.unwrap();
    assert!(run.writers.ended().await.unwrap_err().is_panic());
    let deadline = Instant::now() + Duration::from_secs(15);
    assert_eq!(run.writers.drain(deadline).await, 3);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_before_the_store_is_prepared() {
    let run = Setup::default().start_prepared(false);
    run.admit(events("u", 0..500)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(run.store.batches.lock().is_empty());
    run.prepared.send_replace(true);
    run.emptied().await;
    assert_eq!(run.counts(), (500, 500, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_the_store_is_prepared_waits_only_if_there_is_something_to_write() {
    for (events_before, seconds) in [(0, 0), (1, 15)] {
        let run = Setup::default().start_prepared(false);
        if events_before > 0 {
            run.admit(events("u", 0..events_before)).await.unwrap();
        }
        let began = Instant::now();
        let left = run.writers.drain(began + Duration::from_secs(15)).await;
        assert_eq!(left, events_before);
        assert_eq!(began.elapsed(), Duration::from_secs(seconds));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_the_store_does_not_wait_for_the_clock() {
    let run = start();
    run.admit(events("u", 0..3)).await.unwrap();
    run.admit(events("v", 0..1)).await.unwrap();
    let began = Instant::now();
    // One waits from before, two are the same.
    let batch = [events("u", 2..6), events("w", 0..1), events("w", 0..1)].concat();
    let waited = run.admit_waiting(batch).await;
    let duplicates = |duplicates| Waited { duplicates, refused: 0 };
    assert_eq!(waited.await.unwrap(), duplicates(2));
    assert!(began.elapsed() < RULES.max_wait, "{:?}", began.elapsed());
    // All of it is stored.
    let waited = run.admit_waiting(events("u", 0..6)).await;
    assert_eq!(waited.await.unwrap(), duplicates(6));
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_hears_of_what_is_refused_for_good_and_of_retries_not_at_all() {
    let run = start();
    run.store.refused.lock().push(StoreId::derive("u", "3"));
    let script = [Next::Fail, Next::WriteHalf, Next::WriteAndFail];
    run.store.script.lock().extend(script);
    let waited = run.admit_waiting(events("u", 0..10)).await;
    let refused = Waited { duplicates: 0, refused: 1 };
    assert_eq!(waited.await.unwrap(), refused);
    assert_eq!(run.counts(), (10, 9, 0, 1));
}

/// The event may have become a dead letter since it was first sent.
#[tokio::test(start_paused = true)]
async fn nobody_is_told_that_a_repeated_event_is_stored_which_is_refused_for_good() {
    let run = start();
    run.store.refused.lock().push(StoreId::derive("u", "0"));
    let first = run.admit_waiting(events("u", 0..1)).await;
    let again = run.admit_waiting(events("u", 0..1)).await;
    let refused = Waited { duplicates: 0, refused: 1 };
    assert_eq!(first.await.unwrap(), refused);
    assert_eq!(again.await.unwrap(), refused);
}
