//! How fast a processor is sent events, and whom it can hold off.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::Barrier;

use super::double::{Double, Switch, status, taken};
use super::log::{assert_in_order, repeated};
use super::stored::Stored;
use super::{metric, name, post_in_turns, start};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::sample;

/// Counted from before the first event was posted: no machine is so slow that it would
/// seem quicker.
#[tokio::test]
async fn no_more_is_begun_in_a_second_than_the_rate_says() {
    const RATE: usize = 20;
    const USERS: usize = 10;
    const EVENTS: usize = 10;
    let (home, double) = (Home::embedded(), Double::start(|_| async { taken() }).await);
    let rate = RATE.to_string();
    let service =
        start(&home, &double.url, &[("PROCESSORS_DEFAULT_RATE_PER_SECOND", &*rate)]).await;
    let begun = Instant::now();

    post_in_turns(&service, USERS, EVENTS, EVENTS).await;

    let stored = Stored::of(&home).await;
    stored.wait_for("default", USERS * EVENTS).await;
    let asked = double.asked();
    assert_eq!(asked.len(), USERS * EVENTS);
    for (number, asked) in (1..).zip(&asked) {
        // A quarter of a second's may be begun at once.
        let earliest = (number as f64 - RATE as f64 / 4.0) / RATE as f64;
        let came = (asked.at - begun).as_secs_f64();
        assert!(came >= earliest - 0.01, "request {number} came after {came} s");
    }
    assert_in_order(&double.log());
    assert_eq!(repeated(&double.log()), [].into());
}

/// Two users at once mean that it is the processor which has too much to do.
#[tokio::test]
async fn a_processor_that_asks_two_users_to_wait_is_left_alone_as_a_whole() {
    const WAIT: Duration = Duration::from_secs(3);
    let (home, is_busy) = (Home::embedded(), Switch::on());
    let (busy, both) = (is_busy.clone(), Arc::new(Barrier::new(2)));
    let double = Double::start(move |asked| {
        let (busy, both) = (busy.clone(), Arc::clone(&both));
        async move {
            if !busy.is_on() || !["ann", "ben"].contains(&asked.user()) {
                return taken();
            }
            both.wait().await;
            let mut answer = status(429);
            answer.headers_mut().insert("retry-after", WAIT.as_secs().into());
            answer
        }
    })
    .await;
    let service = start(&home, &double.url, &[]).await;
    for user in ["ann", "ben"] {
        service.post(&sample::event(user, "e")).await.expect(202);
    }
    eventually("both were asked to wait", SOON, || async {
        let failed = ",result=\"failed\"";
        (metric(&service, "trailkeep_processor_attempts_total", failed).await == 2).then_some(())
    })
    .await;
    let waits_since = double.asked().iter().map(|asked| asked.at).max().expect("two requests");
    is_busy.turn(false);

    service.post(&sample::event("cat", "e")).await.expect(202);

    Stored::of(&home).await.wait_for("default", 3).await;
    let asked = double.asked();
    let cat = asked.iter().find(|asked| asked.user() == "cat").expect("a request");
    // The clocks of the two differ by less than that.
    let waited = cat.at - waits_since;
    assert!(waited >= WAIT - Duration::from_millis(100), "{waited:?}");
}

/// What is answered is in memory until it is kept, and each may be large. So whoever
/// cannot keep it asks for no more, however many events wait.
#[tokio::test]
async fn a_database_that_keeps_no_outcomes_is_sent_no_more_than_can_wait() {
    const USERS: usize = 4_000;
    // Those that wait, those that two calls hand over, and what is in flight.
    const MOST: usize = 500 + 2 * 500 + 128;
    let (home, is_at_work) = (Home::embedded(), Switch::on());
    let at_work = is_at_work.clone();
    let double = Double::start(move |_| {
        let at_work = at_work.clone();
        async move {
            at_work.off().await;
            taken()
        }
    })
    .await;
    let service = start(&home, &double.url, &[]).await;
    for first in (0..USERS).step_by(500) {
        let events: Value =
            (first..first + 500).map(|user| sample::event(&name(user), "e")).collect();
        service.post_when_there_is_room(&events).await;
    }
    service.wait_until_flushed().await;
    eventually("as many as may be are in flight", SOON, || async {
        (double.asked().len() == 128).then_some(())
    })
    .await;

    // Nobody else writes until it is rolled back.
    let file = home.sqlite();
    file.busy_timeout(SOON).expect("a timeout");
    file.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    is_at_work.turn(false);
    // Without a limit all of them are sent within a second or two; after eight nothing is,
    // because the lease is not renewed.
    tokio::time::sleep(Duration::from_secs(9)).await;
    let asked = double.asked().len();
    file.execute_batch("ROLLBACK").expect("an end");

    assert!((129..=MOST).contains(&asked), "{asked}");
    Stored::of(&home).await.wait_for("default", USERS).await;
    assert_in_order(&double.log());
}
