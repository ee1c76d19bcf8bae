//! SIGTERM while requests are in flight, and the next start.

use std::time::Duration;

use tokio::net::TcpStream;

use super::double::{Double, Switch, taken};
use super::log::{assert_in_order, first_requests, repeated};
use super::stored::{Stored, ids_in};
use super::{name, post_in_turns, start};
use crate::eventually::{SOON, eventually};
use crate::home::Home;
use crate::processor::ExampleProcessor;
use crate::sample;

on_both_stores!(a_stop_waits_for_what_is_in_flight_and_the_next_start_goes_on_at_once);

async fn a_stop_waits_for_what_is_in_flight_and_the_next_start_goes_on_at_once(home: Home) {
    const USERS: usize = 3;
    const EVENTS: usize = 5;
    let is_at_work = Switch::on();
    let at_work = is_at_work.clone();
    let double = Double::start(move |_| {
        let at_work = at_work.clone();
        async move {
            at_work.off().await;
            taken()
        }
    })
    .await;
    let long = [("SHUTDOWN_GRACE_MS", "60000")];
    let service = start(&home, &double.url, &long).await;
    post_in_turns(&service, USERS, EVENTS, EVENTS).await;
    eventually("each user's first is in flight", SOON, || async {
        (double.asked().len() == USERS).then_some(())
    })
    .await;

    service.signal("TERM");
    let address = service.address();
    eventually("new connections are refused", SOON, || async move {
        TcpStream::connect(address).await.is_err().then_some(())
    })
    .await;
    is_at_work.turn(false);
    let ended = service.wait(Duration::from_secs(60)).await;

    assert_eq!(ended.code, Some(0), "{}", ended.log);
    let stored = Stored::of(&home).await;
    let done = stored.outcomes("default").await.len();
    assert_eq!(done, double.asked().len(), "each that was sent has its outcome");
    assert!(done < USERS * EVENTS, "a stop begins nothing new");
    assert!(stored.is_handed_over().await, "nobody has to wait for the lease");
    let _service = start(&home, &double.url, &[]).await;
    let outcomes = stored.wait_for("default", USERS * EVENTS).await;
    let log = double.log();
    assert_in_order(&log);
    assert_eq!(repeated(&log), [].into());
    for user in 0..USERS {
        assert_eq!(ids_in(&outcomes, &name(user), "processed"), sample::ids("e", 0..EVENTS));
    }
    stored.wait_until_done().await;
}

/// The journal's folder is gone with its machine: so only the feed can know.
#[tokio::test]
async fn after_a_stop_the_feed_has_all_that_is_not_done() {
    const USERS: usize = 10;
    const EVENTS: usize = 20;
    let home = Home::mongodb();
    let processor = ExampleProcessor::start(&["--delay-ms", "50..60"]).await;
    let service = start(&home, processor.url(), &[]).await;
    post_in_turns(&service, USERS, EVENTS, 20).await;
    assert_eq!(service.terminate().await.code, Some(0));
    let stored = Stored::of(&home).await;
    assert!(stored.outcomes("default").await.len() < USERS * EVENTS, "too soon for all");

    let elsewhere = home.on_another_machine();
    let _service = start(&elsewhere, processor.url(), &[]).await;

    let outcomes = stored.wait_for("default", USERS * EVENTS).await;
    let log = processor.log();
    assert_in_order(&log);
    assert_eq!(repeated(&log), [].into());
    for (user, sent) in first_requests(&log) {
        assert_eq!(sent, sample::ids("e", 0..EVENTS));
        assert_eq!(ids_in(&outcomes, &user, "processed"), sent);
    }
    stored.wait_until_done().await;
}
