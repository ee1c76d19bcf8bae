//! When the service says that it is well.

use std::time::Duration;

use crate::pipeline::health::{Health, Unready};
use crate::telemetry::captured::Captured;

const AWAY: Duration = Duration::from_secs(10);

fn ready() -> Health {
    let health = Health::new(AWAY);
    health.store_answered();
    health.store_prepared();
    health
}

#[tokio::test(start_paused = true)]
async fn a_service_is_ready_once_its_store_is_prepared() {
    let health = Health::new(AWAY);
    assert_eq!(health.readiness(), Err(Unready::Starting));
    assert!(!health.is_connected());
    health.store_answered();
    health.store_prepared();
    assert_eq!(health.readiness(), Ok(()));
    assert!(health.is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_shortly_makes_nothing_unready() {
    let health = ready();
    health.store_failed("as told", false);
    assert!(!health.is_connected());
    tokio::time::advance(AWAY - Duration::from_millis(1)).await;
    health.store_failed("as told", false);
    assert_eq!(health.readiness(), Ok(()));
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(health.readiness(), Err(Unready::Disconnected));
    health.store_answered();
    assert_eq!(health.readiness(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_answers_and_takes_nothing_is_no_store() {
    let health = ready();
    health.write_failed(false);
    assert!(health.is_connected());
    assert!(!health.is_well());
    tokio::time::advance(AWAY).await;
    health.store_answered();
    assert_eq!(health.readiness(), Err(Unready::Disconnected));
    health.write_succeeded();
    assert_eq!(health.readiness(), Ok(()));
    assert!(health.is_well());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_refused_is_unready_until_there_is_room() {
    let health = ready();
    health.buffer_full();
    assert_eq!(health.readiness(), Err(Unready::Full));
    health.buffer_has_room();
    assert_eq!(health.readiness(), Ok(()));
}

#[test]
fn the_log_says_when_a_service_is_marked_as_full_and_when_no_more() {
    let health = ready();
    let log = Captured::begin();
    for _ in 0..3 {
        health.buffer_full();
    }
    assert_eq!(log.lines_with("the buffer is full"), 1);
    assert_eq!(log.lines_with("room again"), 0);
    for _ in 0..3 {
        health.buffer_has_room();
    }
    assert_eq!(log.lines_with("room again"), 1);
    assert_eq!(log.lines_with("the buffer is full"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_outlasts_outages_is_ready_while_its_store_is_away() {
    let health = Health::new(AWAY).outlasting_outages(true);
    health.store_answered();
    assert_eq!(
        health.readiness(),
        Err(Unready::Starting),
        "a store that never answered may be a mistake in the settings"
    );
    health.store_prepared();
    health.store_failed("as told", false);
    health.write_failed(false);
    tokio::time::advance(2 * AWAY).await;
    assert_eq!(health.readiness(), Ok(()));
    assert!(!health.is_well());
    assert!(!health.is_connected());
    health.buffer_full();
    assert_eq!(health.readiness(), Err(Unready::Full));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_stops_is_unready_whatever_else_holds() {
    let health = ready();
    health.drain();
    assert_eq!(health.readiness(), Err(Unready::Draining));
}
