#![allow(clippy::unwrap_used)]

use std::time::Duration;

use proptest::prelude::*;

use super::{History, MINUTES, SECONDS, Sample, Step, Told};
use trailkeep_event::Timestamp;

const START: i64 = 1_765_794_600_000;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

fn accepted(accepted: u64) -> Sample {
    Sample { accepted, ..Sample::default() }
}

/// Steps on both clocks since the last tick, and events accepted meanwhile.
struct Run {
    history: History,
    elapsed: u64,
    set_by: i64,
    accepted: u64,
}

impl Run {
    fn new() -> Self {
        let history = History::new(at(START), Sample::default());
        Self { history, elapsed: 0, set_by: 0, accepted: 0 }
    }

    fn after(&mut self, millis: u64, events: u64) {
        self.elapsed += millis;
        self.accepted += events;
        let now = at(START + self.elapsed as i64 + self.set_by);
        self.history.tick(Duration::from_millis(self.elapsed), now, accepted(self.accepted));
    }
}

fn counts(told: &Told) -> Vec<Option<u32>> {
    told.steps.iter().map(|step| step.map(|step| step.accepted)).collect()
}

fn sum(told: &Told) -> u64 {
    counts(told).into_iter().flatten().map(u64::from).sum()
}

#[test]
fn each_second_has_what_was_counted_in_it() {
    let mut run = Run::new();
    for events in [3, 0, 5] {
        run.after(1001, events);
    }
    let told = run.history.seconds();
    assert_eq!(counts(&told), [Some(3), Some(0), Some(5)]);
    assert_eq!((told.from, told.length_ms), (at(START), 1000));
    assert!(run.history.minutes().steps.is_empty(), "the first is not over");
}

#[test]
fn a_process_that_was_stopped_for_a_minute_has_a_gap_and_no_peak() {
    let mut run = Run::new();
    run.after(1000, 7);
    run.after(60_000, 4000);
    run.after(1000, 1);
    let seconds = run.history.seconds();
    let counts = counts(&seconds);
    assert_eq!((counts[0], counts[61]), (Some(7), Some(1)));
    assert_eq!(counts.len(), 62);
    assert!(counts[1..61].iter().all(Option::is_none), "{counts:?}");
    assert_eq!(seconds.from, at(START));
}

#[test]
fn a_gap_of_years_costs_no_more_than_the_steps_that_are_kept() {
    let mut run = Run::new();
    run.after(1000, 7);
    run.after(100 * 365 * 86_400_000, 1);
    assert_eq!(counts(&run.history.seconds()), vec![None; SECONDS]);
    assert_eq!(counts(&run.history.minutes()), vec![None; MINUTES]);
}

#[test]
fn a_clock_that_is_set_moves_the_times_and_no_step() {
    for hours in [-3, 3] {
        let mut run = Run::new();
        for _ in 0..10 {
            run.after(1000, 1);
        }
        run.set_by = hours * 3_600_000;
        for _ in 0..10 {
            run.after(1000, 1);
        }
        let told = run.history.seconds();
        assert_eq!(counts(&told), vec![Some(1); 20], "{hours}");
        assert_eq!(told.from, at(START + run.set_by), "{hours}");
    }
}

#[test]
fn the_times_of_a_step_stay_while_a_clock_is_only_slewed() {
    let mut run = Run::new();
    for _ in 0..100 {
        run.set_by += 5;
        run.after(1000, 1);
        assert_eq!(run.history.seconds().from, at(START));
    }
}

#[test]
fn a_write_s_time_is_the_mean_of_the_step_and_none_where_there_was_none() {
    let history = History::new(at(START), Sample::default());
    let sample = Sample { flushes: 4, flush_seconds: 0.1, held: 9, ..Sample::default() };
    history.tick(Duration::from_secs(1), at(START + 1000), sample);
    history.tick(Duration::from_secs(2), at(START + 2000), sample);
    let steps: Vec<Step> = history.seconds().steps.into_iter().flatten().collect();
    assert_eq!(steps[0].flush_ms.map(f32::round), Some(25.0));
    assert_eq!((steps[1].flush_ms, steps[1].held), (None, 9));
}

proptest! {
    /// However late ticks come and the clock is set: the steps lie side by side, none is
    /// longer than the time that passed, and nothing is counted twice.
    #[test]
    fn steps_lie_side_by_side_and_count_nothing_twice(
        ticks in prop::collection::vec((1_u64..5_000, 0_u64..100, -100_000_i64..100_000), 1..900)
    ) {
        let mut run = Run::new();
        for (millis, events, set_by) in ticks {
            run.set_by += set_by;
            run.after(millis, events);
            for (told, length, most) in [
                (run.history.seconds(), 1_000, SECONDS),
                (run.history.minutes(), 60_000, MINUTES),
            ] {
                let passed = run.elapsed / length;
                prop_assert_eq!(told.steps.len() as u64, passed.min(most as u64));
                prop_assert!(sum(&told) <= run.accepted);
                let end = told.from.as_millis() + (told.steps.len() as u64 * length) as i64;
                let off = START + run.set_by + (passed * length) as i64 - end;
                prop_assert!(off.abs() < super::MAX_DRIFT_MS, "{}", off);
            }
        }
    }
}
