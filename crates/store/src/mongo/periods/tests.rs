#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

fn periods(starts: &[i64], horizon: i64) -> Periods {
    Periods { starts: starts.to_vec(), horizon }
}

#[test]
fn a_period_has_its_start_and_not_its_end() {
    let periods = periods(&[10, 20], 30);
    assert_eq!(periods.start_of(at(9)), None);
    assert_eq!(periods.start_of(at(10)), Some(10));
    assert_eq!(periods.start_of(at(19)), Some(10));
    assert_eq!(periods.start_of(at(20)), Some(20));
    assert!(periods.reach(at(29)) && !periods.reach(at(30)));
}

#[test]
fn a_calendar_that_was_made_by_hand_is_an_error() {
    for document in [
        doc! { "horizon": 5 },
        doc! { "starts": 5 },
        doc! { "starts": [5] },
        doc! { "starts": [DateTime::from_millis(2), DateTime::from_millis(1)] },
    ] {
        assert!(matches!(read(&document), Err(StoreError::Unreadable(_))), "{document}");
    }
    assert_eq!(read(&doc! {}).unwrap().periods, periods(&[], i64::MIN));
}

/// What instances may do, each with a calendar of any age.
#[derive(Debug, Clone)]
enum Step {
    /// An instance writes an event that happened then.
    Write { instance: usize, time: i64 },
    /// An instance begins a period at the horizon.
    Begin { instance: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..3_usize, 0..100_i64).prop_map(|(instance, time)| Step::Write { instance, time }),
        1 => (0..3_usize).prop_map(|instance| Step::Begin { instance }),
    ];
    proptest::collection::vec(step, 1..60)
}

proptest! {
    /// The rules of the calendar, without a database: whatever instances do, each
    /// with what it knows, an event has the period that the last calendar gives it.
    #[test]
    fn a_period_from_a_calendar_of_any_age_is_right(steps in steps()) {
        let mut truth = periods(&[], i64::MIN);
        let copy = |truth: &Periods| periods(&truth.starts, truth.horizon);
        let mut known = [copy(&truth), copy(&truth), copy(&truth)];
        let mut written = Vec::new();
        for step in steps {
            match step {
                Step::Write { instance, time } => {
                    if !known[instance].reach(at(time)) {
                        truth.horizon = truth.horizon.max(time + 3);
                        known[instance] = copy(&truth);
                    }
                    written.push((time, known[instance].start_of(at(time))));
                }
                Step::Begin { instance } => {
                    if truth.last_start() < Some(truth.horizon) && truth.horizon > i64::MIN {
                        truth.starts.push(truth.horizon);
                    }
                    known[instance] = copy(&truth);
                }
            }
        }
        for (time, period) in written {
            prop_assert_eq!(period, truth.start_of(at(time)));
        }
    }

    /// Calendars that are learnt in any order leave the newest one.
    #[test]
    fn an_older_calendar_does_not_take_the_place_of_a_newer_one(order in Just(vec![0_i64, 1, 2, 3, 4]).prop_shuffle()) {
        let states = [(0, 10), (1, 10), (1, 20), (2, 20), (2, 30)];
        let calendar = Calendar::new(PeriodSettings::DEFAULT);
        for index in order {
            let (starts, horizon) = states[usize::try_from(index).unwrap()];
            calendar.learn(periods(&(1..=starts).collect::<Vec<_>>(), horizon));
        }
        prop_assert_eq!(&*calendar.known(), &periods(&[1, 2], 30));
    }
}
