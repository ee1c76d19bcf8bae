#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conservation;
mod dead_letters;
mod fake_store;
mod health;
mod leftover;
mod shares;
mod spill;
mod turned_away;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::buffer::Limits;
use super::flusher::{Destination, Flusher};
use super::health::Health;
use super::shares::Shares;
use super::statistics::Statistics;
use super::waiter::Settled;
use super::{FlushRules, NotAdmitted, Parts, Pipeline};
use crate::event::time::SystemClock;
use crate::event::{Event, Payload, StoreId, Timestamp};
use crate::store::dead_letters::memory::MemoryLetters;
use fake_store::{FakeStore, Next};

const LANES: usize = 4;

const RULES: FlushRules = FlushRules {
    max_events: 500,
    max_wait: Duration::from_millis(1000),
    timeout: Duration::from_secs(10),
    backoff_min: Duration::from_millis(100),
    backoff_max: Duration::from_secs(5),
};

const LIMITS: Limits = Limits {
    max_events: 5000,
    max_bytes: 64 << 20,
};

pub(super) fn event(user: &str, id: &str) -> Event {
    let now = Timestamp::from_millis(1_765_794_600_000).unwrap();
    Event {
        id: StoreId::derive(user, id),
        user_id: user.into(),
        event_id: id.into(),
        kind: "search".into(),
        session_id: None,
        account_id: None,
        payload: Payload::empty(),
        occurred_at: now,
        received_at: now,
    }
}

/// Runs a case of a property, for which `tokio::test` has no place.
fn on_a_paused_clock(run: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(run);
}

fn events(user: &str, ids: std::ops::Range<usize>) -> Vec<Event> {
    ids.map(|id| event(user, &id.to_string())).collect()
}

fn pipeline_with(limits: Limits) -> Arc<Pipeline> {
    pipeline_with_shares(limits, Shares::ALL)
}

fn pipeline_with_shares(limits: Limits, shares: Shares) -> Arc<Pipeline> {
    Arc::new(Pipeline::new(Parts {
        limits,
        shares,
        ..parts()
    }))
}

fn parts() -> Parts {
    Parts {
        limits: LIMITS,
        shares: Shares::ALL,
        rules: RULES,
        lanes: LANES,
        instance: 7,
        journal: None,
        reader: None,
        max_spilled_bytes: 0,
        clock: Arc::new(SystemClock),
        statistics: Arc::new(Statistics::new().unwrap()),
        health: Arc::new(Health::new(Duration::from_secs(10))),
    }
}

fn to(store: &Arc<FakeStore>, letters: &Arc<MemoryLetters>) -> Destination {
    Destination {
        events: Arc::clone(store) as _,
        letters: Arc::clone(letters) as _,
    }
}

struct Running {
    pipeline: Arc<Pipeline>,
    store: Arc<FakeStore>,
    letters: Arc<MemoryLetters>,
    flusher: Flusher,
    _prepared: watch::Sender<bool>,
}

fn start() -> Running {
    start_with(pipeline_with(LIMITS))
}

fn start_with(pipeline: Arc<Pipeline>) -> Running {
    let store = Arc::new(FakeStore::default());
    let letters = Arc::new(MemoryLetters::default());
    let (prepared, is_prepared) = watch::channel(true);
    let flusher = Flusher::start(Arc::clone(&pipeline), to(&store, &letters), is_prepared);
    Running {
        pipeline,
        store,
        letters,
        flusher,
        _prepared: prepared,
    }
}

impl Running {
    /// Waits, on the paused clock, until the buffer is empty.
    async fn emptied(&self) {
        let limit = Instant::now() + Duration::from_secs(120);
        while self.pipeline.snapshot().events > 0 {
            assert!(
                Instant::now() < limit,
                "not emptied: {:?}",
                self.pipeline.snapshot()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn stored_ids(&self) -> Vec<String> {
        self.store
            .stored
            .lock()
            .iter()
            .map(|a| a.event.event_id.to_string())
            .collect()
    }

    fn counts(&self) -> (u64, u64, u64, u64) {
        let of = &self.pipeline.statistics;
        (
            of.accepted.get(),
            of.stored.get(),
            of.duplicate.get(),
            of.dead_lettered.get(),
        )
    }
}

#[tokio::test]
async fn a_batch_is_taken_whole_or_not_at_all() {
    let pipeline = pipeline_with(Limits {
        max_events: 10,
        ..LIMITS
    });
    assert_eq!(pipeline.admit(events("u", 0..7)).await, Ok(()));
    assert_eq!(
        pipeline.admit(events("u", 7..11)).await,
        Err(NotAdmitted::Full)
    );
    assert_eq!(pipeline.snapshot().events, 7);
    assert!(!pipeline.turns_away(Some(0)));
    assert_eq!(pipeline.admit(events("u", 7..10)).await, Ok(()));
    assert!(pipeline.turns_away(Some(0)));
    assert_eq!(
        pipeline.admit(events("u", 10..11)).await,
        Err(NotAdmitted::Full)
    );
    assert_eq!(pipeline.statistics.accepted.get(), 10);
}

#[tokio::test]
async fn room_is_counted_in_bytes_too() {
    let size = event("u", "0").size();
    let pipeline = pipeline_with(Limits {
        max_events: 100,
        max_bytes: 3 * size,
    });
    assert_eq!(pipeline.admit(events("u", 0..2)).await, Ok(()));
    assert_eq!(
        pipeline.admit(events("u", 2..4)).await,
        Err(NotAdmitted::Full)
    );
    assert_eq!(pipeline.admit(events("u", 2..3)).await, Ok(()));
    assert_eq!(pipeline.snapshot().bytes, 3 * size);
    assert!(pipeline.turns_away(Some(0)));
}

#[tokio::test]
async fn a_batch_that_no_buffer_could_hold_is_not_told_to_come_again() {
    let size = event("u", "0").size();
    let pipeline = pipeline_with(Limits {
        max_events: 100,
        max_bytes: 3 * size,
    });
    assert_eq!(
        pipeline.admit(events("u", 0..4)).await,
        Err(NotAdmitted::TooLarge)
    );
    assert_eq!(pipeline.snapshot().events, 0);
}

#[tokio::test]
async fn what_is_in_the_buffer_already_is_accepted_and_takes_no_room() {
    let pipeline = pipeline_with(Limits {
        max_events: 3,
        ..LIMITS
    });
    assert_eq!(pipeline.admit(events("u", 0..3)).await, Ok(()));
    assert_eq!(pipeline.admit(events("u", 1..3)).await, Ok(()));
    assert_eq!(pipeline.snapshot().events, 3);
    assert_eq!(pipeline.statistics.duplicate.get(), 2);
    let mut twice_in_one_batch = events("v", 0..1);
    twice_in_one_batch.extend(events("v", 0..1));
    assert_eq!(
        pipeline.admit(twice_in_one_batch).await,
        Err(NotAdmitted::Full)
    );
}

#[tokio::test]
async fn arrival_numbers_follow_the_order_of_a_batch() {
    let pipeline = pipeline_with(LIMITS);
    pipeline.admit(events("u", 0..100)).await.unwrap();
    pipeline.admit(events("u", 100..200)).await.unwrap();
    let buffered = pipeline.buffered("u");
    assert!(buffered.is_sorted_by(|a, b| a.arrival < b.arrival));
    let ids: Vec<usize> = buffered
        .iter()
        .map(|a| a.event.event_id.parse().unwrap())
        .collect();
    assert_eq!(ids, (0..200).collect::<Vec<_>>());
    assert_eq!(pipeline.oldest_unstored(), Some(buffered[0].arrival));
    assert!(pipeline.buffered("v").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_single_event_is_written_when_it_has_waited_long_enough() {
    let run = start();
    let began = Instant::now();
    run.pipeline.admit(events("u", 0..1)).await.unwrap();
    run.emptied().await;
    let waited = began.elapsed();
    assert!(
        waited >= RULES.max_wait && waited < RULES.max_wait * 2,
        "{waited:?}"
    );
    assert_eq!(run.counts(), (1, 1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_is_written_at_once_whoever_sent_it() {
    let run = start();
    let began = Instant::now();
    for user in 0..500 {
        run.pipeline
            .admit(events(&format!("u{user}"), 0..1))
            .await
            .unwrap();
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
        let batch = events(&format!("u{user}"), 0..1);
        run.pipeline.admit(batch).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(run.pipeline.snapshot().in_flight, 1500);
    // Of users on their way: they have to wait for the write before theirs.
    run.pipeline.admit(events("u0", 1..600)).await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(run.pipeline.snapshot().in_flight, 1500);
    *run.store.always.lock() = None;
    run.emptied().await;
    let stored = run.store.stored.lock();
    let of_first = stored.iter().filter(|a| &*a.event.user_id == "u0");
    let arrivals: Vec<_> = of_first.map(|a| a.arrival).collect();
    assert_eq!(arrivals.len(), 600);
    assert!(arrivals.is_sorted());
}

#[tokio::test(start_paused = true)]
async fn a_flush_has_at_most_its_number_of_events() {
    let run = start();
    run.pipeline.admit(events("u", 0..1800)).await.unwrap();
    run.emptied().await;
    assert_eq!(*run.store.batches.lock(), [500, 500, 500, 300]);
    assert_eq!(
        run.stored_ids(),
        (0..1800).map(|id| id.to_string()).collect::<Vec<_>>()
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_flush_keeps_its_events_and_their_order() {
    let run = start();
    run.store
        .script
        .lock()
        .extend([Next::Fail, Next::Hang, Next::WriteHalf, Next::Fail]);
    run.pipeline.admit(events("u", 0..20)).await.unwrap();
    run.emptied().await;
    assert_eq!(
        run.stored_ids(),
        (0..20).map(|id| id.to_string()).collect::<Vec<_>>()
    );
    assert_eq!(run.counts(), (20, 20, 0, 0));
    assert_eq!(run.pipeline.statistics.flushes().failed, 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_to_the_store_still_counts() {
    let run = start();
    *run.store.always.lock() = Some(Next::Hang);
    for batch in 0..5 {
        run.pipeline
            .admit(events("u", batch * 1000..(batch + 1) * 1000))
            .await
            .unwrap();
    }
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(
        run.pipeline.admit(events("v", 0..1)).await,
        Err(NotAdmitted::Full)
    );
    let snapshot = run.pipeline.snapshot();
    assert_eq!((snapshot.events, snapshot.in_flight), (5000, 500));
    *run.store.always.lock() = None;
    run.emptied().await;
    assert_eq!(run.counts(), (5000, 5000, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_acknowledgement_was_lost_is_no_duplicate() {
    let run = start();
    run.pipeline.admit(events("u", 0..10)).await.unwrap();
    run.emptied().await;
    run.store.script.lock().push_back(Next::WriteAndFail);
    // Five are known from before, fifteen are new.
    run.pipeline.admit(events("u", 5..25)).await.unwrap();
    run.emptied().await;
    assert_eq!(run.counts(), (30, 25, 5, 0));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_refused_for_good_holds_up_no_other() {
    let run = start();
    run.store.refused.lock().push(StoreId::derive("u", "3"));
    run.pipeline.admit(events("u", 0..10)).await.unwrap();
    run.emptied().await;
    assert_eq!(run.counts(), (10, 9, 0, 1));
    assert!(!run.stored_ids().contains(&"3".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_drain_writes_partial_batches_at_once() {
    let run = start();
    run.pipeline.admit(events("u", 0..3)).await.unwrap();
    run.pipeline.admit(events("v", 0..3)).await.unwrap();
    let began = Instant::now();
    let left = run.flusher.drain(began + Duration::from_secs(15)).await;
    assert_eq!(left.len(), 0);
    assert!(began.elapsed() < RULES.max_wait);
    assert_eq!(run.store.stored.lock().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_the_store_does_not_answer_gives_back_all_in_order() {
    let run = start();
    *run.store.always.lock() = Some(Next::Hang);
    for user in ["u", "v", "w", "x", "y"] {
        run.pipeline.admit(events(user, 0..200)).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let began = Instant::now();
    let left = run.flusher.drain(began + Duration::from_secs(15)).await;
    assert_eq!(began.elapsed(), Duration::from_secs(15));
    assert_eq!(left.len(), 1000);
    assert!(left.is_sorted_by(|a, b| a.arrival < b.arrival));
}

#[tokio::test(start_paused = true)]
async fn a_drain_does_not_wait_for_a_pause_between_tries() {
    let run = start();
    *run.store.always.lock() = Some(Next::Fail);
    run.pipeline.admit(events("u", 0..3)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    *run.store.always.lock() = None;
    let began = Instant::now();
    let left = run.flusher.drain(began + Duration::from_secs(15)).await;
    assert_eq!(left.len(), 0);
    assert!(began.elapsed() < RULES.backoff_min, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_ends_is_noticed_and_its_events_are_given_back() {
    let mut run = start();
    run.store.script.lock().push_back(Next::Panic);
    run.pipeline.admit(events("u", 0..3)).await.unwrap();
    assert!(run.flusher.ended().await.unwrap_err().is_panic());
    let left = run
        .flusher
        .drain(Instant::now() + Duration::from_secs(15))
        .await;
    assert_eq!(left.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_before_the_store_is_prepared() {
    let pipeline = pipeline_with(LIMITS);
    let store = Arc::new(FakeStore::default());
    let letters = Arc::new(MemoryLetters::default());
    let (prepared, is_prepared) = watch::channel(false);
    let flusher = Flusher::start(Arc::clone(&pipeline), to(&store, &letters), is_prepared);
    pipeline.admit(events("u", 0..500)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(store.batches.lock().is_empty());
    let run = Running {
        pipeline,
        store,
        letters,
        flusher,
        _prepared: prepared,
    };
    run._prepared.send_replace(true);
    run.emptied().await;
    assert_eq!(run.counts(), (500, 500, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_the_store_is_prepared_waits_only_if_there_is_something_to_write() {
    for (events_before, seconds) in [(0, 0), (1, 15)] {
        let pipeline = pipeline_with(LIMITS);
        let store = Arc::new(FakeStore::default());
        let letters = Arc::new(MemoryLetters::default());
        let (_prepared, is_prepared) = watch::channel(false);
        let flusher = Flusher::start(Arc::clone(&pipeline), to(&store, &letters), is_prepared);
        pipeline.admit(events("u", 0..events_before)).await.unwrap();
        let began = Instant::now();
        let left = flusher.drain(began + Duration::from_secs(15)).await;
        assert_eq!(left.len(), events_before);
        assert_eq!(began.elapsed(), Duration::from_secs(seconds));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_the_store_does_not_wait_for_the_clock() {
    let run = start();
    run.pipeline.admit(events("u", 0..3)).await.unwrap();
    run.pipeline.admit(events("v", 0..1)).await.unwrap();
    let began = Instant::now();
    // One is buffered from before, two are the same.
    let mut batch = events("u", 2..6);
    batch.extend(events("w", 0..1));
    batch.extend(events("w", 0..1));
    let waiter = run.pipeline.admit_at_once(batch).await.unwrap();
    let settled = waiter.wait().await;
    assert_eq!(
        settled,
        Settled {
            duplicates: 2,
            refused: 0
        }
    );
    assert!(began.elapsed() < RULES.max_wait, "{:?}", began.elapsed());

    // All of it is stored: nothing is left to wait for.
    let waiter = run.pipeline.admit_at_once(events("u", 0..6)).await.unwrap();
    assert_eq!(
        waiter.wait().await,
        Settled {
            duplicates: 6,
            refused: 0
        }
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_hears_of_what_is_refused_for_good_and_of_retries_not_at_all() {
    let run = start();
    run.store.refused.lock().push(StoreId::derive("u", "3"));
    run.store
        .script
        .lock()
        .extend([Next::Fail, Next::WriteHalf, Next::WriteAndFail]);
    let waiter = run
        .pipeline
        .admit_at_once(events("u", 0..10))
        .await
        .unwrap();
    assert_eq!(
        waiter.wait().await,
        Settled {
            duplicates: 0,
            refused: 1
        }
    );
    assert_eq!(run.counts(), (10, 9, 0, 1));
}
