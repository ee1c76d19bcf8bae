//! What is refused before it is parsed.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::{
    LIMITS, Limits, Next, NotAdmitted, Pipeline, Running, event, events, pipeline_with, start_with,
};
use crate::pipeline::Posted;

/// Events.
const ROOM: usize = 100;

/// Bytes of a body for each of its events, as if they were all of one length.
const EACH: u64 = 150;

fn of_100_events() -> Arc<Pipeline> {
    pipeline_with(Limits {
        max_events: ROOM,
        ..LIMITS
    })
}

fn length(events: usize) -> Option<u64> {
    Some(events as u64 * EACH)
}

fn batch(ids: std::ops::Range<usize>) -> Posted {
    Posted {
        length: length(ids.len()),
        events: events("u", ids),
        key: None,
    }
}

impl Running {
    /// Nothing is stored until the store is told otherwise.
    fn during_an_outage() -> Self {
        let run = start_with(of_100_events());
        *run.store.always.lock() = Some(Next::Fail);
        run
    }
}

#[tokio::test]
async fn an_open_buffer_tries_every_body() {
    let pipeline = of_100_events();
    pipeline.admit(batch(0..ROOM - 1)).await.unwrap();
    assert!(!pipeline.turns_away(None));
    assert!(!pipeline.turns_away(Some(u64::MAX)));
}

#[tokio::test]
async fn bodies_as_long_as_one_that_found_no_room_are_not_tried_and_shorter_ones_are() {
    let pipeline = of_100_events();
    pipeline.admit(batch(0..90)).await.unwrap();
    assert_eq!(
        pipeline.admit(batch(100..120)).await,
        Err(NotAdmitted::Full)
    );
    assert!(pipeline.turns_away(length(20)));
    assert!(pipeline.turns_away(length(1000)));
    assert!(!pipeline.turns_away(None), "it may be short");
    assert!(!pipeline.turns_away(length(19)));

    // A shorter one that finds no room is remembered instead.
    assert_eq!(
        pipeline.admit(batch(100..111)).await,
        Err(NotAdmitted::Full)
    );
    assert!(pipeline.turns_away(length(11)));
    assert!(!pipeline.turns_away(length(10)));

    // One that was tried all the same, at the same time, and is longer is not.
    assert_eq!(
        pipeline.admit(batch(100..150)).await,
        Err(NotAdmitted::Full)
    );
    assert!(pipeline.turns_away(length(11)));

    assert_eq!(pipeline.admit(batch(100..110)).await, Ok(()));
    assert!(pipeline.turns_away(length(0)), "not one more fits");
    assert!(pipeline.turns_away(None), "however long it is");
}

#[tokio::test]
async fn what_came_in_no_body_turns_nobody_away() {
    let pipeline = of_100_events();
    pipeline.admit(batch(0..90)).await.unwrap();
    assert_eq!(
        pipeline.admit(events("u", 100..120)).await,
        Err(NotAdmitted::Full)
    );
    assert!(!pipeline.turns_away(None));
}

#[tokio::test(start_paused = true)]
async fn when_there_is_room_again_every_body_is_tried() {
    let run = Running::during_an_outage();
    run.pipeline.admit(batch(0..90)).await.unwrap();
    assert_eq!(
        run.pipeline.admit(batch(100..120)).await,
        Err(NotAdmitted::Full)
    );
    assert!(run.pipeline.turns_away(length(20)));

    *run.store.always.lock() = None;
    run.emptied().await;
    assert!(!run.pipeline.turns_away(None));
    assert!(!run.pipeline.health.is_full());
    assert_eq!(run.pipeline.admit(batch(100..120)).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_long_body_is_tried_after_a_flush_that_made_little_room() {
    let run = Running::during_an_outage();
    run.pipeline.admit(batch(0..90)).await.unwrap();
    let refused = run.pipeline.admit(batch(100..120)).await;
    assert_eq!(refused, Err(NotAdmitted::Full));
    let unwritable = (5..90).map(|id| event("u", &id.to_string()).id);
    run.store.unwritable.lock().extend(unwritable);
    *run.store.always.lock() = None;
    while run.pipeline.snapshot().events > 85 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    assert!(!run.pipeline.turns_away(length(20)), "it may be one event");
    let refused = run.pipeline.admit(batch(100..120)).await;
    assert_eq!(refused, Err(NotAdmitted::Full));
    assert!(run.pipeline.turns_away(length(20)), "and it was not");
}

#[tokio::test(start_paused = true)]
async fn room_that_is_made_and_taken_again_is_not_kept_for_what_was_turned_away() {
    let run = Running::during_an_outage();
    run.pipeline.admit(batch(0..90)).await.unwrap();
    let refused = run.pipeline.admit(batch(100..120)).await;
    assert_eq!(refused, Err(NotAdmitted::Full));
    *run.store.always.lock() = None;
    run.emptied().await;
    *run.store.always.lock() = Some(Next::Fail);

    run.pipeline.admit(batch(200..290)).await.unwrap();
    assert!(
        !run.pipeline.turns_away(length(20)),
        "others of this length may hold fewer events"
    );
}

#[tokio::test]
async fn one_that_is_turned_away_marks_the_service_as_full_and_only_then() {
    let pipeline = of_100_events();
    pipeline.admit(batch(0..ROOM)).await.unwrap();
    assert!(!pipeline.health.is_full(), "nobody was refused");
    assert!(pipeline.turns_away(length(1)));
    assert!(pipeline.health.is_full());
}

#[tokio::test]
async fn room_is_remembered_in_bytes_too() {
    let size = event("u", "10").size();
    let pipeline = pipeline_with(Limits {
        max_events: ROOM,
        max_bytes: 10 * size,
    });
    pipeline.admit(batch(10..18)).await.unwrap();
    assert_eq!(pipeline.admit(batch(20..23)).await, Err(NotAdmitted::Full));
    assert!(pipeline.turns_away(length(3)));
    assert!(!pipeline.turns_away(length(2)));
    assert_eq!(pipeline.admit(batch(20..22)).await, Ok(()));
}

/// One step of a run.
#[derive(Debug, Clone)]
enum Step {
    /// A batch of so many events.
    Post(usize),
    /// Whether the store takes anything.
    Outage(bool),
    /// Time passes.
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..40_usize).prop_map(Step::Post),
        1 => any::<bool>().prop_map(Step::Outage),
        1 => (1..3000_u64).prop_map(Step::Wait),
    ]
}

async fn run_steps(steps: Vec<Step>) {
    let run = Running::during_an_outage();
    let mut next = 0;
    for step in steps {
        match step {
            Step::Post(count) => {
                let is_turned_away = run.pipeline.turns_away(length(count));
                let answer = run.pipeline.admit(batch(next..next + count)).await;
                next += count;
                if is_turned_away {
                    assert_eq!(answer, Err(NotAdmitted::Full), "it would have fitted");
                }
            }
            Step::Outage(is_away) => *run.store.always.lock() = is_away.then_some(Next::Fail),
            Step::Wait(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
        }
    }
    *run.store.always.lock() = None;
    run.emptied().await;
    assert!(
        !run.pipeline.turns_away(None),
        "an empty buffer is open to all"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn where_length_tells_the_need_nothing_is_turned_away_that_would_fit(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        super::on_a_paused_clock(run_steps(steps));
    }
}
