//! How far it is, for whoever looks at standard error: a bar on a terminal,
//! else a line every few seconds.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use parking_lot::Mutex;

const BAR: &str = "{wide_bar} {human_pos} of {human_len} events, {rate}, {eta} left";

/// From one line to the next, and from one word on an outage to the next.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Tells how far it is.
pub struct Progress {
    bar: Option<ProgressBar>,
    events: u64,
    began: Instant,
    state: Mutex<State>,
}

struct State {
    done: u64,
    last_line: Instant,
    /// When the outage that lasts was last spoken of.
    outage: Option<Instant>,
}

impl Progress {
    /// Begins to count at nothing of so many events.
    pub fn begin(events: u64) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(events);
            bar.set_style(style());
            bar
        });
        let began = Instant::now();
        Self {
            bar,
            events,
            began,
            state: Mutex::new(State {
                done: 0,
                last_line: began,
                outage: None,
            }),
        }
    }

    /// So many more events are settled.
    pub fn advance(&self, events: u64) {
        let mut state = self.state.lock();
        state.done += events;
        if let Some(bar) = &self.bar {
            bar.set_position(state.done);
        } else if state.last_line.elapsed() >= LINE_INTERVAL {
            state.last_line = Instant::now();
            self.say(&self.line(state.done));
        }
        if state.outage.take().is_some() {
            self.say("it answers again");
        }
    }

    /// A try failed, and is repeated. Said at once, and then now and then.
    pub fn outage(&self, reason: &str) {
        let mut state = self.state.lock();
        if state
            .outage
            .is_none_or(|said| said.elapsed() >= LINE_INTERVAL)
        {
            state.outage = Some(Instant::now());
            self.say(&format!("{reason}; trying again"));
        }
    }

    /// Says a line above the bar.
    pub fn say(&self, text: &str) {
        let write = || {
            // Nobody is left to be told when standard error is closed.
            let _ = writeln!(io::stderr(), "trailkeep: {text}");
        };
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Ends it; how long it took.
    pub fn end(&self) -> Duration {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.began.elapsed()
    }

    fn line(&self, done: u64) -> String {
        let took = self.began.elapsed();
        let left = self.events.saturating_sub(done);
        #[allow(clippy::cast_precision_loss)] // seconds, for people
        let seconds = took.as_secs_f64() * left as f64 / done.max(1) as f64;
        format!(
            "{} of {} events, {}, {seconds:.0} s left",
            grouped(done),
            grouped(self.events),
            rate(done, took)
        )
    }
}

fn style() -> ProgressStyle {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
    let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
        let _ = write!(out, "{}/s", grouped(state.per_sec() as u64));
    };
    ProgressStyle::with_template(BAR)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", rate)
}

/// Events in a second, for people.
pub fn rate(events: u64, took: Duration) -> String {
    let millis = took.as_millis().max(1);
    let per_second = u128::from(events) * 1000 / millis;
    format!(
        "{}/s",
        grouped(u64::try_from(per_second).unwrap_or(u64::MAX))
    )
}

/// With a comma between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(rate(20_000, Duration::from_millis(500)), "40,000/s");
        assert_eq!(rate(0, Duration::ZERO), "0/s");
    }
}
