#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fake_store;
mod samples;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::advance;

use super::*;
use fake_store::FakeStore;

const MINUTE: Duration = Duration::from_secs(60);

const LIMITS: SummaryLimits = SummaryLimits {
    fresh: MINUTE,
    stale: Duration::from_secs(600),
    max_cache_bytes: 1 << 20,
    query_timeout: Duration::from_secs(10),
    max_queries: 2,
    max_wait: Duration::from_secs(1),
};

/// A clock that stands still until it is set.
struct SetClock(Mutex<Timestamp>);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }
}

fn noon() -> Timestamp {
    Timestamp::parse_rfc3339("2025-12-15T12:00:00Z").unwrap()
}

fn over(store: &Arc<FakeStore>) -> Arc<Summaries> {
    let clock = Arc::new(SetClock(Mutex::new(noon())));
    Summaries::new(Arc::clone(store) as Arc<dyn AccountStore>, clock, LIMITS)
}

fn of(account: &str) -> Question {
    Question { account_id: account.to_owned(), window: Window::Last24h, top: 10, bucket: None }
}

async fn total(summaries: &Arc<Summaries>, account: &str) -> u64 {
    let counted = summaries.summary(of(account)).await.unwrap();
    counted.summary.total
}

/// Lets tasks run until they wait for something.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// Asks in a task of its own, and goes on when that waits.
async fn ask(
    summaries: &Arc<Summaries>,
    account: &str,
) -> tokio::task::JoinHandle<Result<Arc<Counted>, SummaryError>> {
    let (summaries, question) = (Arc::clone(summaries), of(account));
    let asked = tokio::spawn(async move { summaries.summary(question).await });
    settle().await;
    asked
}

#[tokio::test(start_paused = true)]
async fn however_many_ask_at_once_it_is_counted_once() {
    let store = FakeStore::held();
    let summaries = over(&store);
    let mut asked = Vec::new();
    for _ in 0..200 {
        asked.push(ask(&summaries, "whale").await);
    }
    store.let_go();
    for asked in asked {
        assert_eq!(asked.await.unwrap().unwrap().summary.total, 1);
    }
    assert_eq!(store.counts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_summary_is_answered_from_memory() {
    let store = FakeStore::free();
    let summaries = over(&store);
    let first = summaries.summary(of("a")).await.unwrap();
    assert_eq!(first.fresh_for(), MINUTE);
    advance(MINUTE / 2).await;
    let second = summaries.summary(of("a")).await.unwrap();
    assert_eq!(second.fresh_for(), MINUTE / 2);
    assert!(Arc::ptr_eq(&second, &first));
    assert_eq!(store.counts(), 1);
}

/// It may have an erased user in it.
#[tokio::test(start_paused = true)]
async fn what_was_being_counted_when_all_were_forgotten_is_answered_to_nobody_who_asks_later() {
    let store = FakeStore::held();
    let summaries = over(&store);
    let before = ask(&summaries, "a").await;
    summaries.forget_all();
    store.let_go();
    assert_eq!(before.await.unwrap().unwrap().summary.total, 1);
    assert_eq!(total(&summaries, "a").await, 2);
    // The same of one that was stale.
    advance(2 * MINUTE).await;
    store.hold();
    assert_eq!(total(&summaries, "a").await, 2);
    settle().await;
    summaries.forget_all();
    store.let_go();
    settle().await;
    assert_eq!((total(&summaries, "a").await, store.counts()), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn account_window_top_and_bucket_are_each_a_summary_of_their_own() {
    let store = FakeStore::free();
    let summaries = over(&store);
    let questions = [
        of("a"),
        of("b"),
        Question { top: 11, ..of("a") },
        Question { bucket: Some(Bucket::Hour), ..of("a") },
        Question { bucket: Some(Bucket::Day), ..of("a") },
        Question { window: Window::Last7d, ..of("a") },
        Question { window: Window::Between(noon(), noon()), ..of("a") },
    ];
    for question in &questions {
        summaries.summary(question.clone()).await.unwrap();
    }
    assert_eq!(store.counts(), questions.len());
}

#[tokio::test(start_paused = true)]
async fn a_stale_summary_is_answered_while_it_is_counted_anew_once() {
    let store = FakeStore::free();
    let summaries = over(&store);
    assert_eq!(total(&summaries, "a").await, 1);
    store.hold();
    advance(MINUTE).await;
    for _ in 0..5 {
        let stale = summaries.summary(of("a")).await.unwrap();
        assert_eq!(stale.summary.total, 1);
        assert_eq!(stale.fresh_for(), Duration::ZERO);
        settle().await;
    }
    assert_eq!(store.counts(), 2);
    store.let_go();
    settle().await;
    let renewed = summaries.summary(of("a")).await.unwrap();
    assert_eq!(renewed.summary.total, 2);
    assert_eq!(renewed.fresh_for(), MINUTE);
    assert_eq!(store.counts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stale_summary_outlives_an_outage_and_is_then_renewed() {
    let store = FakeStore::free();
    let summaries = over(&store);
    assert_eq!(total(&summaries, "a").await, 1);
    advance(MINUTE).await;
    store.fail(true);
    assert_eq!(total(&summaries, "a").await, 1);
    settle().await;
    assert_eq!(total(&summaries, "a").await, 1);
    settle().await;
    assert_eq!(store.counts(), 2, "tried again without a pause");
    store.fail(false);
    advance(PAUSE).await;
    settle().await;
    assert_eq!(total(&summaries, "a").await, 1);
    settle().await;
    assert_eq!(total(&summaries, "a").await, 3);
}

#[tokio::test(start_paused = true)]
async fn an_error_is_told_to_all_who_asked_and_not_kept() {
    let store = FakeStore::held();
    store.fail(true);
    let summaries = over(&store);
    let (one, other) = (ask(&summaries, "a").await, ask(&summaries, "a").await);
    store.let_go();
    for asked in [one, other] {
        let told = asked.await.unwrap();
        assert!(matches!(told, Err(SummaryError::Query(_))), "{told:?}");
    }
    assert_eq!(store.counts(), 1);
    store.fail(false);
    assert_eq!(total(&summaries, "a").await, 2);
}

#[tokio::test(start_paused = true)]
async fn few_are_counted_at_once_and_who_gets_no_turn_is_refused() {
    let store = FakeStore::held();
    let summaries = over(&store);
    let running = [ask(&summaries, "a").await, ask(&summaries, "b").await];
    let refused = ask(&summaries, "c").await.await.unwrap();
    assert!(matches!(refused, Err(SummaryError::Busy)), "{refused:?}");
    assert_eq!(store.counts(), 2);

    let patient = ask(&summaries, "d").await;
    store.let_go();
    assert!(patient.await.unwrap().is_ok());
    for running in running {
        assert!(running.await.unwrap().is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn samples_do_not_wait_for_summaries() {
    let store = FakeStore::held();
    let summaries = over(&store);
    let running = [ask(&summaries, "a").await, ask(&summaries, "b").await];
    assert!(summaries.sample(10).await.is_ok());
    store.let_go();
    for running in running {
        assert!(running.await.unwrap().is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_does_not_have_it_counted_twice() {
    let store = FakeStore::held();
    let summaries = over(&store);
    let (leaves, stays) = (ask(&summaries, "a").await, ask(&summaries, "a").await);
    leaves.abort();
    settle().await;
    store.let_go();
    assert!(stays.await.unwrap().is_ok());
    assert_eq!(store.counts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_what_is_counted() {
    let store = FakeStore::held();
    let summaries = over(&store);
    let asked = ask(&summaries, "a").await;
    summaries.close();
    let started = Instant::now();
    assert!(asked.await.unwrap().is_err());
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn named_windows_end_at_the_moment_of_counting() {
    let store = FakeStore::free();
    let summaries = over(&store);
    let (from, to) = (noon().plus_millis(-5), noon().plus_millis(7));
    for (window, expected) in [
        (Window::Last24h, (noon().plus_millis(-86_400_000), noon())),
        (Window::Last7d, (noon().plus_millis(-604_800_000), noon())),
        (Window::Between(from, to), (from, to)),
    ] {
        let question = Question { window, ..of("a") };
        let counted = summaries.summary(question).await.unwrap();
        assert_eq!((counted.from, counted.to), expected);
        assert_eq!(counted.computed_at, noon());
        let range = store.last_range().unwrap();
        assert_eq!((range.from, range.to), expected);
    }
}
