#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::event::Timestamp;
use crate::seed::{Plan, Samples};
use crate::store::{Reason, Refusal};

fn batch(events: u64) -> Batch {
    let plan = Plan {
        events,
        seed: 1,
        users: 10,
        accounts: 2,
        days: 1,
        until: Timestamp::parse_rfc3339("2025-12-15T10:30:00Z").unwrap(),
        whale: "whale".into(),
        whale_share: 0.2,
    };
    let mut numbering = Numbering::of_seed(1);
    let samples = Samples::new(plan).unwrap();
    Batch {
        events: samples
            .map(|sample| Arc::new(numbering.accept(&sample)))
            .collect(),
        may_be_written: false,
    }
}

#[test]
fn each_event_is_counted_once_and_only_what_could_not_be_written_stays() {
    let mut batch = batch(5);
    let third = Arc::clone(&batch.events[2]);
    let mut tally = Tally::default();
    batch.settle(
        vec![
            Outcome::Stored,
            Outcome::Duplicate,
            Outcome::Retry,
            Outcome::Refused(Refusal::new(Reason::TooLarge, "too large")),
            Outcome::Refused(Refusal::new(Reason::Unknown, "too odd")),
        ],
        &mut tally,
    );
    assert_eq!(batch.events, [third]);
    let expected = Tally {
        stored: 1,
        duplicate: 1,
        refused: 2,
        reason: Some("too large (too_large)".to_owned()),
        ..Tally::default()
    };
    assert_eq!(tally, expected);
    assert_eq!(tally.settled(), 4);
}

#[test]
fn what_is_found_after_a_try_without_an_answer_is_not_called_older() {
    let mut batch = batch(2);
    batch.may_be_written = true;
    let mut tally = Tally::default();
    batch.settle(vec![Outcome::Stored, Outcome::Duplicate], &mut tally);
    assert_eq!(
        (tally.stored, tally.duplicate, tally.found_on_repeat),
        (1, 0, 1)
    );
}
