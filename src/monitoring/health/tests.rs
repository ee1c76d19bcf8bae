//! When the service says that it is well.

use std::time::Duration;

use crate::monitoring::health::{Health, Unready, check_timeout};
use crate::telemetry::captured::Captured;

fn ready() -> Health {
    let health = Health::new();
    health.store_answered();
    health.store_prepared();
    health
}

#[tokio::test]
async fn a_service_is_ready_once_its_store_is_prepared() {
    let health = Health::new();
    assert_eq!(health.readiness(), Err(Unready::Starting));
    assert!(!health.is_connected());
    health.store_answered();
    health.store_prepared();
    assert_eq!(health.readiness(), Ok(()));
    assert!(health.is_connected());
}

#[tokio::test]
async fn a_service_that_does_not_know_the_write_keys_is_starting() {
    let health = ready();
    health.lacks_write_keys(true);
    assert_eq!(health.readiness(), Err(Unready::Starting));
    health.lacks_write_keys(false);
    assert_eq!(health.readiness(), Ok(()));
}

#[tokio::test]
async fn a_store_that_is_away_makes_nothing_unready_and_nobody_wait_for_room() {
    let health = ready();
    assert!(health.is_taking_writes());
    health.store_failed("as told", false);
    assert!(!health.is_connected());
    assert!(!health.is_taking_writes());
    assert!(!health.is_well());
    assert_eq!(health.readiness(), Ok(()));
    health.store_answered();
    assert!(health.is_taking_writes());
}

#[tokio::test(start_paused = true)]
async fn it_is_known_for_how_long_a_store_takes_nothing() {
    const SECOND: Duration = Duration::from_secs(1);
    let health = Health::new();
    assert_eq!(health.failing_for(), None, "it was not asked yet");
    health.store_answered();
    assert_eq!(health.failing_for(), None);
    health.write_failed(false);
    tokio::time::advance(SECOND).await;
    health.store_failed("as told", false);
    tokio::time::advance(SECOND).await;
    health.store_failed("as told", false);
    assert_eq!(health.failing_for(), Some(2 * SECOND), "from the first sign on");
    health.write_succeeded();
    assert_eq!(health.failing_for(), Some(SECOND));
    health.store_answered();
    assert_eq!(health.failing_for(), None);
}

#[tokio::test]
async fn a_store_that_answers_and_takes_nothing_is_no_store() {
    let health = ready();
    health.write_failed(false);
    assert!(health.is_connected());
    assert!(!health.is_well());
    assert!(!health.is_taking_writes());
    health.store_answered();
    assert!(!health.is_taking_writes(), "an answer is no write");
    health.write_succeeded();
    assert!(health.is_well());
}

#[test]
fn a_service_that_refused_is_unready_until_there_is_room_and_the_log_says_both_once() {
    let health = ready();
    let log = Captured::begin();
    for _ in 0..3 {
        health.backlog_full();
        assert_eq!(health.readiness(), Err(Unready::Full));
    }
    assert_eq!(log.lines_with("the backlog is full"), 1);
    assert_eq!(log.lines_with("room again"), 0);
    for _ in 0..3 {
        health.backlog_has_room();
        assert_eq!(health.readiness(), Ok(()));
    }
    assert_eq!(log.lines_with("room again"), 1);
    assert_eq!(log.lines_with("the backlog is full"), 1);
}

#[tokio::test]
async fn a_service_that_stops_is_unready_whatever_else_holds() {
    let health = ready();
    health.drain();
    assert_eq!(health.readiness(), Err(Unready::Draining));
}

#[test]
fn a_check_has_twice_the_time_between_two_within_bounds() {
    let of = |millis| check_timeout(Duration::from_millis(millis)).as_millis();
    assert_eq!(of(1000), 2000);
    assert_eq!(of(10), 500, "a busy database is not one that is away");
    assert_eq!(of(600_000), 10_000, "an outage is told");
}
