//! Waiting for room.

use std::pin::pin;

use futures_util::poll;

use super::*;
use crate::ingest::room::{NoRoom, Room};

const LIMIT: Amount = Amount { events: 10, bytes: 1000 };

fn need(events: usize) -> Amount {
    Amount { events, bytes: events * 10 }
}

fn in_a_while() -> Option<Instant> {
    Some(Instant::now() + Duration::from_millis(300))
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_room_waits_for_it_and_is_refused_when_none_came_in_time() {
    let room = Arc::new(Room::new(LIMIT));
    let first = room.reserve(need(8), None).await.unwrap();
    let began = Instant::now();
    let refused = room.reserve(need(3), in_a_while()).await;
    assert_eq!(refused.unwrap_err(), NoRoom::Now);
    assert_eq!(began.elapsed(), Duration::from_millis(300));
    let mut waiting = pin!(room.reserve(need(3), in_a_while()));
    assert!(poll!(&mut waiting).is_pending());
    drop(first);
    assert!(waiting.await.is_ok());
    assert_eq!(room.free(), LIMIT, "dropped again");
}

#[tokio::test(start_paused = true)]
async fn room_is_given_in_the_order_of_asking_so_that_large_batches_come_in_too() {
    let room = Arc::new(Room::new(LIMIT));
    let first = room.reserve(need(5), None).await.unwrap();
    let mut large = pin!(room.reserve(need(10), in_a_while()));
    assert!(poll!(&mut large).is_pending());
    // There is room for it, but somebody else is before it.
    let mut small = pin!(room.reserve(need(1), in_a_while()));
    assert!(poll!(&mut small).is_pending());
    assert_eq!(room.reserve(need(1), None).await.unwrap_err(), NoRoom::Now);
    drop(first);
    let large = large.await.unwrap();
    assert!(poll!(&mut small).is_pending());
    drop(large);
    assert!(small.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn while_others_wait_nobody_reads_a_body() {
    let room = Arc::new(Room::new(LIMIT));
    room.turn(in_a_while()).await.unwrap();
    let held = room.reserve(need(10), None).await.unwrap();
    room.turn(in_a_while()).await.unwrap();
    assert_eq!(room.turn(None).await, Err(NoRoom::Now), "not while it is full and away");
    let mut waiting = pin!(room.reserve(need(10), in_a_while()));
    assert!(poll!(&mut waiting).is_pending());
    let mut turn = pin!(room.turn(in_a_while()));
    assert!(poll!(&mut turn).is_pending());
    drop(held);
    let reserved = waiting.await.unwrap();
    assert!(poll!(&mut turn).is_pending(), "the one before takes all of it");
    drop(reserved);
    turn.await.unwrap();
    assert_eq!(room.free(), LIMIT);
}

#[tokio::test(start_paused = true)]
async fn only_so_many_wait_and_who_goes_away_leaves_its_place() {
    let room = Arc::new(Room::new(LIMIT));
    let _held = room.reserve(need(10), None).await.unwrap();
    let mut waiting = Vec::new();
    for _ in 0..2000 {
        let mut one = Box::pin(room.reserve(need(1), in_a_while()));
        assert!(poll!(&mut one).is_pending());
        waiting.push(one);
    }
    let began = Instant::now();
    let refused = room.reserve(need(1), in_a_while()).await;
    assert_eq!(refused.unwrap_err(), NoRoom::Now);
    assert_eq!(began.elapsed(), Duration::ZERO, "at once");
    waiting.truncate(1000);
    let mut one = pin!(room.reserve(need(1), in_a_while()));
    assert!(poll!(&mut one).is_pending());
}

#[tokio::test(start_paused = true)]
async fn what_was_found_beyond_the_limit_is_paid_back_before_anything_comes_free() {
    let room = Arc::new(Room::new(LIMIT));
    room.take_found(need(25));
    assert_eq!(room.free(), Amount { events: 0, bytes: 750 });
    room.release(need(15));
    assert_eq!(room.free().events, 0);
    assert!(!room.is_well_free());
    room.release(need(10));
    assert_eq!(room.free(), LIMIT);
    assert!(room.is_well_free());
}

#[tokio::test(start_paused = true)]
async fn while_the_store_is_away_a_full_backlog_refuses_at_once() {
    let setup = Setup::with_limit(3);
    *setup.store.always.lock() = Some(Next::Fail);
    let run = setup.start();
    run.admit(events("u", 0..3)).await.unwrap();
    run.ingest.health.write_failed(false);
    let began = Instant::now();
    let patience = run.ingest.patience();
    assert_eq!(run.ingest.turn(patience).await, Err(NotAdmitted::Full));
    let admitted = run.ingest.admit(events("u", 3..4), patience, None).await;
    assert_eq!(admitted, Err(NotAdmitted::Full));
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_waits_is_taken_once_the_store_has_taken_others() {
    let run = Setup::with_limit(3).start();
    run.admit(events("u", 0..3)).await.unwrap();
    let patience = run.ingest.patience();
    let ingest = Arc::clone(&run.ingest);
    let waiting =
        tokio::spawn(async move { ingest.admit(events("u", 3..5), patience, None).await });
    tokio::task::yield_now().await;
    // A drain writes at once.
    let deadline = Instant::now() + Duration::from_millis(200);
    run.writers.drain(deadline).await;
    assert_eq!(waiting.await.unwrap(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_service_is_not_marked_as_full_for_the_room_of_a_batch_that_the_disk_refused() {
    let setup = Setup::with_limit(10);
    let (ingest, _) = setup.open();
    // The first segment is there; the next is not to be had.
    setup.disk.fail(|faults| faults.creates = usize::MAX);
    let reserved = ingest.room.reserve(need(10), None).await.unwrap();
    let refused = ingest.admit(events("u", 0..1), Patience::NONE, None).await;
    assert_eq!(refused, Err(NotAdmitted::Full));
    assert!(ingest.health.is_full());
    drop(reserved);
    let mut large = events("u", 0..1);
    let limits = trailkeep_event::payload::PayloadLimits { max_bytes: usize::MAX, max_depth: 2 };
    let fill = format!(r#"{{"fill":"{}"}}"#, "x".repeat(200_000));
    large[0].payload = Payload::from_json(fill.as_bytes(), limits).unwrap();
    assert_eq!(admit(&ingest, large).await, Err(NotAdmitted::NotWritten));
    assert!(!ingest.health.is_full());
}
