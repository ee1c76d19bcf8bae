//! What the store refuses, and what it refuses to keep.

use trailkeep_store::{Reason, Refusal};

use super::*;
use crate::dead_letters::{DeadLetters, RetriedAll};
use crate::ingest::tests::memory_letters::OnPut;

fn id(user: &str, number: usize) -> StoreId {
    StoreId::derive(user, &number.to_string())
}

const NEIGHBOUR: &str = "neighbour";

/// Events of two users by turns, who share a write since they come together.
fn of_neighbours(ids: std::ops::Range<usize>) -> Vec<Event> {
    let both = |id: usize| ["u", NEIGHBOUR].map(|user| event(user, &id.to_string()));
    ids.flat_map(both).collect()
}

impl Running {
    fn stored_of(&self, user: &str) -> Vec<String> {
        let stored = self.store.stored.lock();
        let of_user = stored.iter().filter(|a| &*a.event.user_id == user);
        of_user.map(|a| a.event.event_id.to_string()).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_for_good_is_kept_whole_with_the_reason() {
    let run = start();
    run.store.refused.lock().push(id("u", 3));
    run.admit(events("u", 0..10)).await.unwrap();
    let sent = run.ingest.of_user("u").0;
    run.emptied().await;
    let kept = run.letters.kept.lock();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].accepted, sent[3]);
    assert_eq!(kept[0].refusal, Refusal::new(Reason::Unknown, "not wanted"));
    assert_eq!((kept[0].tries, kept[0].tried_at), (1, kept[0].set_aside_at));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_kept_stays_and_holds_up_no_other_user() {
    let batch = of_neighbours(0..10);
    for on_put in [OnPut::Refuse, OnPut::Fail] {
        let run = start();
        *run.letters.on_put.lock() = on_put;
        run.store.refused.lock().push(id("u", 3));
        run.admit(batch.clone()).await.unwrap();
        run.left(7).await;
        assert_eq!(run.stored_of(NEIGHBOUR), ids(0..10));
        assert_eq!(run.counts(), (20, 13, 0, 0), "what follows it waits with it");

        run.admit(of_neighbours(10..20)).await.unwrap();
        run.left(17).await;
        assert_eq!(run.stored_of(NEIGHBOUR), ids(0..20));
        let buffered = run.ingest.of_user("u").0;
        assert_eq!(buffered.len(), 17, "they are still in their user's journey");

        *run.letters.on_put.lock() = OnPut::Keep;
        run.emptied().await;
        assert_eq!(run.counts(), (40, 39, 0, 1));
        assert_eq!(run.letters.kept.lock().len(), 1);
        let expected: Vec<_> = ids(0..20).into_iter().filter(|id| id != "3").collect();
        assert_eq!(run.stored_of("u"), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn more_refusals_than_a_flush_has_room_for_hold_up_no_other_user() {
    let setup = Setup { in_flight: 1, ..Setup::default() };
    let run = setup.start();
    *run.letters.on_put.lock() = OnPut::Refuse;
    run.store.refused.lock().extend((0..1200).map(|n| id("u", n)));
    run.admit(events("u", 0..1200)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(30)).await;
    let batch = of_neighbours(1200..1300);
    run.admit(batch).await.unwrap();
    let began = Instant::now();
    run.left(1300).await;
    assert_eq!(run.stored_of(NEIGHBOUR), ids(1200..1300));
    assert!(began.elapsed() < RULES.max_wait * 2, "{:?}", began.elapsed());
    *run.letters.on_put.lock() = OnPut::Keep;
    run.emptied().await;
    assert_eq!(run.counts(), (1400, 200, 0, 1200));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_can_never_be_written_holds_up_no_other_user() {
    let run = start();
    let batch = of_neighbours(0..600);
    run.store.unwritable.lock().push(id("u", 0));
    run.admit(batch).await.unwrap();
    let began = Instant::now();
    while run.stored_of(NEIGHBOUR).len() < 600 {
        assert!(began.elapsed() < RULES.backoff_max, "held up");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    run.store.unwritable.lock().clear();
    run.emptied().await;
    assert_eq!(run.counts(), (1200, 1200, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn of_a_batch_that_is_refused_as_a_whole_only_the_culprits_are_set_aside() {
    for culprits in [vec![0], vec![499], vec![7, 8, 250], (0..500).collect()] {
        let run = start();
        let named = culprits.iter().map(|&number| id("u", number));
        run.store.culprits.lock().extend(named);
        run.admit(events("u", 0..500)).await.unwrap();
        run.emptied().await;
        let refused = culprits.len();
        assert_eq!(run.counts(), (500, 500 - refused as u64, 0, refused as u64));
        let expected: Vec<_> = (0..500)
            .filter(|number| !culprits.contains(number))
            .map(|number| number.to_string())
            .collect();
        assert_eq!(run.stored_ids(), expected, "in order");
        let kept = run.letters.kept.lock();
        assert!(kept.iter().all(|letter| letter.refusal.reason == Reason::TooLarge));
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_us_loses_nothing_and_is_a_problem_until_it_is_mended() {
    let run = start();
    let health = &run.ingest.health;
    health.store_answered();
    health.store_prepared();
    *run.store.always.lock() = Some(Next::Deny);
    run.admit(events("u", 0..10)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let problem = health.problem().expect("a problem");
    assert!(problem.starts_with("the database refuses us"), "{problem}");
    assert!(!problem.contains("as told"));
    assert!(!health.is_taking_writes());
    let (error, _) = run.ingest.statistics.flushes().last_error.unwrap();
    assert!(error.contains("refuses us"), "{error}");

    *run.store.always.lock() = None;
    run.emptied().await;
    assert_eq!(run.counts(), (10, 10, 0, 0));
    assert_eq!(health.problem(), None);
    assert!(health.is_well());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_us_is_tried_slowly_from_the_first_time_on() {
    // The pause is drawn at random, up to the longest; after any other failure
    // it is never longer than the shortest.
    let mut is_slow = false;
    for _ in 0..20 {
        let run = start();
        *run.store.always.lock() = Some(Next::Deny);
        run.admit(events("u", 0..1)).await.unwrap();
        tokio::time::sleep(RULES.max_wait + 2 * RULES.backoff_min).await;
        is_slow |= run.store.batches.lock().len() == 1;
    }
    assert!(is_slow);
}

#[tokio::test(start_paused = true)]
async fn a_drain_says_what_could_not_be_kept() {
    let run = start();
    *run.letters.on_put.lock() = OnPut::Fail;
    run.store.refused.lock().extend([id("u", 3), id("u", 5)]);
    run.admit(events("u", 0..10)).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(15);
    // What follows the first of its user waits with it.
    assert_eq!(run.writers.drain(deadline).await, 7);
    assert_eq!(run.store.stored.lock().len(), 8, "though it may be stored already");
}

#[tokio::test(start_paused = true)]
async fn a_drain_tries_what_is_held_aside_at_once() {
    let run = start();
    *run.letters.on_put.lock() = OnPut::Fail;
    run.store.refused.lock().push(id("u", 3));
    run.admit(events("u", 0..10)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    *run.letters.on_put.lock() = OnPut::Keep;
    let began = Instant::now();
    let left = run.writers.drain(began + Duration::from_secs(15)).await;
    assert_eq!(left, 0);
    assert!(began.elapsed() < RULES.backoff_min, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_follows_an_event_that_is_tried_again_is_set_aside_only_after_it() {
    let setup = Setup::default();
    setup.store.unwritable.lock().push(StoreId::derive("u", "0"));
    setup.store.refused.lock().push(StoreId::derive("u", "1"));
    let run = setup.start();
    run.admit(events("u", 0..2)).await.unwrap();
    let limit = Instant::now() + Duration::from_secs(120);
    while run.store.batches.lock().len() < 3 {
        assert!(Instant::now() < limit);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(run.letters.kept.lock().is_empty());
    run.store.unwritable.lock().clear();
    run.emptied().await;
    assert_eq!(run.stored_ids(), ["0"]);
    assert_eq!(run.letters.kept.lock().len(), 1);
}

/// A list of them begins with the newest, and those of one moment have no order in it.
#[tokio::test(start_paused = true)]
async fn all_that_is_tried_again_is_stored_in_the_order_of_its_arrival() {
    let setup = Setup::default();
    let run = setup.start();
    run.store.refused.lock().extend((0..450).map(|number| id("u", number)));
    for first in (0..450).step_by(50) {
        run.admit(events("u", first..first + 50)).await.unwrap();
        run.emptied().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(run.letters.kept.lock().len(), 450);
    run.store.refused.lock().retain(|refused| *refused == id("u", 7));
    let letters = DeadLetters::new(
        Arc::clone(&setup.store) as _,
        Arc::clone(&setup.letters) as _,
        Arc::clone(&setup.feeds) as _,
        Arc::new(SystemClock),
        Arc::default(),
    );
    let mut retried = RetriedAll::default();
    letters.retry_all(&mut retried).await.unwrap();
    assert_eq!(retried, RetriedAll { stored: 449, duplicates: 0, refused: 1 });
    let mut all = ids(0..450);
    all.remove(7);
    assert_eq!(run.stored_ids(), all);
}
