//! The steps of the history, put together into the slots that a chart shows. Pure.

use trailkeep_event::Timestamp;

use crate::monitoring::history::{Step, Told};
use crate::monitoring::statistics::RefusedBecause;

/// What was counted in one slot.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Slot {
    /// Milliseconds of it that were counted.
    counted_ms: u64,
    pub accepted: u64,
    pub stored: u64,
    pub duplicate: u64,
    pub dead_lettered: u64,
    /// In the order of [`RefusedBecause::ALL`].
    pub refused: [u64; RefusedBecause::ALL.len()],
    /// What the writes of its steps took, and how many steps had any.
    write_ms: (f64, u32),
    /// Accepted and not stored, at the most.
    pub held: u32,
}

impl Slot {
    /// So many in each second of it.
    #[allow(clippy::cast_precision_loss)] // of some hours
    pub fn a_second(&self, count: u64) -> f64 {
        count as f64 * 1000.0 / self.counted_ms.max(1) as f64
    }

    /// What a write took, on average; `None` where there was none.
    pub fn write_ms(&self) -> Option<f64> {
        let (sum, steps) = self.write_ms;
        (steps > 0).then(|| sum / f64::from(steps))
    }

    fn add(&mut self, step: &Step, length_ms: u64) {
        self.counted_ms += length_ms;
        self.accepted += u64::from(step.accepted);
        self.stored += u64::from(step.stored);
        self.duplicate += u64::from(step.duplicate);
        self.dead_lettered += u64::from(step.dead_lettered);
        for (sum, refused) in self.refused.iter_mut().zip(step.refused) {
            *sum += u64::from(refused);
        }
        if let Some(ms) = step.flush_ms {
            self.write_ms = (self.write_ms.0 + f64::from(ms), self.write_ms.1 + 1);
        }
        self.held = self.held.max(step.held);
    }
}

/// So many slots of one length from a moment on; `None` where nothing was counted.
pub fn slots(told: &Told, from: Timestamp, length_ms: i64, count: usize) -> Vec<Option<Slot>> {
    let mut slots = vec![None; count];
    for (step, at) in told.steps.iter().zip(starts(told)) {
        let place = at.saturating_sub(from.as_millis()).div_euclid(length_ms.max(1));
        let slot = usize::try_from(place).ok().and_then(|place| slots.get_mut(place));
        if let (Some(step), Some(slot)) = (step, slot) {
            slot.get_or_insert_with(Slot::default).add(step, told.length_ms);
        }
    }
    slots
}

/// All that was counted from a moment on: by the minute, and behind that by the second.
pub fn since(minutes: &Told, seconds: &Told, from: Timestamp) -> Slot {
    let mut all = Slot::default();
    let counted_to = end(minutes).as_millis();
    for (told, from) in [(minutes, from.as_millis()), (seconds, from.as_millis().max(counted_to))] {
        let steps = told.steps.iter().zip(starts(told)).filter(|(_, at)| *at >= from);
        for step in steps.filter_map(|(step, _)| step.as_ref()) {
            all.add(step, told.length_ms);
        }
    }
    all
}

/// When the last step ended.
pub fn end(told: &Told) -> Timestamp {
    let length = i64::try_from(told.length_ms).unwrap_or(i64::MAX);
    let steps = i64::try_from(told.steps.len()).unwrap_or(i64::MAX);
    told.from.plus_millis(length.saturating_mul(steps))
}

fn starts(told: &Told) -> impl Iterator<Item = i64> {
    let length = i64::try_from(told.length_ms).unwrap_or(i64::MAX);
    let from = told.from.as_millis();
    (0_i64..).map(move |step| from.saturating_add(step.saturating_mul(length)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn step(accepted: u32, flush_ms: Option<f32>) -> Option<Step> {
        Some(Step {
            accepted,
            stored: accepted,
            duplicate: 0,
            dead_lettered: 0,
            refused: [1; RefusedBecause::ALL.len()],
            flush_ms,
            held: accepted,
        })
    }

    fn told(from: i64, length_ms: u64, steps: Vec<Option<Step>>) -> Told {
        Told { from: Timestamp::from_millis(from).unwrap(), length_ms, steps }
    }

    #[test]
    fn steps_are_added_to_the_slot_that_they_began_in() {
        let steps =
            vec![step(1, None), step(2, Some(4.0)), step(3, Some(2.0)), None, step(9, None)];
        let told = told(10_000, 1000, steps);
        let from = Timestamp::from_millis(9000).unwrap();
        let slots = slots(&told, from, 2000, 4);
        let accepted: Vec<_> = slots.iter().map(|slot| slot.map(|slot| slot.accepted)).collect();
        assert_eq!(accepted, [Some(1), Some(5), Some(9), None]);
        let both = slots[1].unwrap();
        assert_eq!((both.held, both.refused[0], both.write_ms()), (3, 2, Some(3.0)));
        assert!((both.a_second(both.accepted) - 2.5).abs() < 1e-9);
        // Half of the next one was not counted, and makes it no slower.
        let half = slots[2].unwrap();
        assert!((half.a_second(half.accepted) - 9.0).abs() < 1e-9);
        assert_eq!(half.write_ms(), None);
    }

    #[test]
    fn nothing_is_counted_twice_where_minutes_end_and_seconds_go_on() {
        let minutes = told(0, 60_000, vec![step(60, None), step(120, None)]);
        let seconds = told(118_000, 1000, vec![step(1, None), step(2, None), step(4, None)]);
        let at = |millis| Timestamp::from_millis(millis).unwrap();
        assert_eq!(end(&minutes), at(120_000));
        assert_eq!(since(&minutes, &seconds, at(0)).accepted, 184);
        assert_eq!(since(&minutes, &seconds, at(1)).accepted, 124);
        let young = told(0, 60_000, Vec::new());
        assert_eq!(since(&young, &seconds, at(0)).accepted, 7);
    }
}
