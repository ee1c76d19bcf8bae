//! How the counters came to where they are: the last ten minutes by the second, the
//! last 24 hours by the minute.
//!
//! The counters that are there anyway are read once a second; nothing is added to the
//! way of an event. Steps are counted by a clock that nobody sets, so that one that
//! is set back or forward makes no step longer, shorter or double; the time of day is
//! asked only to say when the steps were. A step in which the process stood still has
//! no numbers: what came out at its end would look like a peak.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use trailkeep_event::Timestamp;
use trailkeep_event::time::Clock;

use super::statistics::{RefusedBecause, Statistics};

const REASONS: usize = RefusedBecause::ALL.len();

/// Steps of a second: ten minutes.
const SECONDS: usize = 600;

/// Steps of a minute: 24 hours.
const MINUTES: usize = 1440;

/// Bytes that it takes at the most.
pub const MAX_BYTES: usize = (SECONDS + MINUTES) * size_of::<Option<Step>>();

/// By so many milliseconds two clocks that are right may come apart before the times
/// of the steps follow: so those of one step stay the same from one answer to the next.
const MAX_DRIFT_MS: i64 = 1000;

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sample {
    accepted: u64,
    stored: u64,
    duplicate: u64,
    dead_lettered: u64,
    refused: [u64; REASONS],
    flushes: u64,
    flush_seconds: f64,
    held: usize,
}

impl Sample {
    /// As they are now.
    pub fn of(statistics: &Statistics) -> Self {
        let (flushes, flush_seconds) = statistics.flush_time();
        Self {
            accepted: statistics.accepted.get(),
            stored: statistics.stored.get(),
            duplicate: statistics.duplicate.get(),
            dead_lettered: statistics.dead_lettered.get(),
            refused: RefusedBecause::ALL.map(|reason| statistics.refused_count(reason)),
            flushes,
            flush_seconds,
            held: statistics.held_events(),
        }
    }

    /// What was counted since an earlier moment.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // of one step
    fn since(&self, before: &Self) -> Step {
        let flushes = self.flushes.saturating_sub(before.flushes);
        let took_ms = (self.flush_seconds - before.flush_seconds) * 1000.0;
        Step {
            accepted: count(self.accepted, before.accepted),
            stored: count(self.stored, before.stored),
            duplicate: count(self.duplicate, before.duplicate),
            dead_lettered: count(self.dead_lettered, before.dead_lettered),
            refused: std::array::from_fn(|i| count(self.refused[i], before.refused[i])),
            flush_ms: (flushes > 0).then(|| (took_ms / flushes as f64) as f32),
            held: u32::try_from(self.held).unwrap_or(u32::MAX),
        }
    }
}

fn count(now: u64, before: u64) -> u32 {
    u32::try_from(now.saturating_sub(before)).unwrap_or(u32::MAX)
}

/// What was counted in one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Events answered 202.
    pub accepted: u32,
    /// Events written to the store.
    pub stored: u32,
    /// Events that the store had before.
    pub duplicate: u32,
    /// Events that the store refused for good.
    pub dead_lettered: u32,
    /// Requests refused, in the order of [`RefusedBecause::ALL`].
    pub refused: [u32; REASONS],
    /// Milliseconds that a write took, on average; `None` where there was none.
    pub flush_ms: Option<f32>,
    /// Events accepted and not stored, at the end of the step.
    pub held: u32,
}

/// Steps of one length, the newest last; `None` where the process stood still.
#[derive(Debug)]
struct Steps {
    length: Duration,
    most: usize,
    steps: VecDeque<Option<Step>>,
    /// Which step the last sample was taken in, counted from the start.
    current: u64,
    last: Sample,
}

impl Steps {
    fn new(length: Duration, most: usize, first: Sample) -> Self {
        Self { length, most, steps: VecDeque::with_capacity(most), current: 0, last: first }
    }

    fn tick(&mut self, elapsed: Duration, sample: Sample) {
        let step = u64::try_from(elapsed.as_millis() / self.length.as_millis().max(1));
        let step = step.unwrap_or(u64::MAX);
        let passed = step.saturating_sub(self.current);
        if passed == 0 {
            return;
        }
        if passed == 1 {
            self.push(Some(sample.since(&self.last)));
        } else {
            for _ in 0..passed.min(self.most as u64) {
                self.push(None);
            }
        }
        (self.current, self.last) = (step, sample);
    }

    fn push(&mut self, step: Option<Step>) {
        if self.steps.len() == self.most {
            self.steps.pop_front();
        }
        self.steps.push_back(step);
    }

    fn told(&self, start_ms: i64) -> Told {
        let first = self.current - self.steps.len() as u64;
        let length_ms = u64::try_from(self.length.as_millis()).unwrap_or(u64::MAX);
        let after_ms = i64::try_from(first.saturating_mul(length_ms)).unwrap_or(i64::MAX);
        Told {
            from: Timestamp::from_millis_clamped(start_ms.saturating_add(after_ms)),
            length_ms,
            steps: self.steps.iter().copied().collect(),
        }
    }
}

/// Steps of one length, for an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// When the first of them began.
    pub from: Timestamp,
    /// Milliseconds from one to the next.
    pub length_ms: u64,
    /// All of them, the newest last; `None` where the process stood still.
    pub steps: Vec<Option<Step>>,
}

#[derive(Debug)]
struct Kept {
    seconds: Steps,
    minutes: Steps,
    /// The time of day at the start, by the clock as it is set now.
    start_ms: i64,
}

/// The steps of both lengths.
#[derive(Debug)]
pub struct History(Mutex<Kept>);

impl History {
    /// Begins now, with what is counted already.
    pub fn new(now: Timestamp, first: Sample) -> Self {
        Self(Mutex::new(Kept {
            seconds: Steps::new(Duration::from_secs(1), SECONDS, first),
            minutes: Steps::new(Duration::from_secs(60), MINUTES, first),
            start_ms: now.as_millis(),
        }))
    }

    /// Takes note of the counters, so long after the start.
    pub fn tick(&self, elapsed: Duration, now: Timestamp, sample: Sample) {
        let elapsed_ms = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
        let start_ms = now.as_millis().saturating_sub(elapsed_ms);
        let mut kept = self.0.lock();
        if (start_ms - kept.start_ms).abs() >= MAX_DRIFT_MS {
            kept.start_ms = start_ms;
        }
        kept.seconds.tick(elapsed, sample);
        kept.minutes.tick(elapsed, sample);
    }

    /// The last ten minutes by the second. The step under way is not among them.
    pub fn seconds(&self) -> Told {
        let kept = self.0.lock();
        kept.seconds.told(kept.start_ms)
    }

    /// The last 24 hours by the minute. The step under way is not among them.
    pub fn minutes(&self) -> Told {
        let kept = self.0.lock();
        kept.minutes.told(kept.start_ms)
    }
}

/// Notes the counters at the end of each second. Ends with the process.
pub async fn watch(history: Arc<History>, statistics: Arc<Statistics>, clock: Arc<dyn Clock>) {
    let start = Instant::now();
    loop {
        let elapsed = start.elapsed();
        let into_the_step = Duration::from_nanos(u64::from(elapsed.subsec_nanos()));
        tokio::time::sleep(Duration::from_secs(1) - into_the_step).await;
        history.tick(start.elapsed(), clock.now(), Sample::of(&statistics));
    }
}

#[cfg(test)]
mod tests;
