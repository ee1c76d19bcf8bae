//! What became of the events, counted.

use std::time::Duration;

use super::delivery::End;
use super::progress::{grouped, rate};

/// What became of the events so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Written by this run.
    pub stored: u64,
    /// Answered 202 by a service, which stores each once.
    pub accepted: u64,
    /// There before this run wrote them.
    pub duplicate: u64,
    /// Found there when a write was repeated whose answer was lost: written by
    /// that try, or there before.
    pub found_on_repeat: u64,
    /// The store will never take them.
    pub refused: u64,
    /// Why, for the first of them.
    pub reason: Option<String>,
    /// Given up because of a stop, before or during an outage.
    pub given_up: u64,
    /// Tries that failed and were repeated.
    pub repeated: u64,
    /// Requests that a service answered 503 or 429, and that were repeated.
    pub turned_away: u64,
}

impl Tally {
    /// Events whose fate is known.
    pub fn settled(&self) -> u64 {
        self.stored + self.accepted + self.duplicate + self.found_on_repeat + self.refused
    }

    /// Adds what another one counted.
    pub fn add(&mut self, other: Self) {
        self.stored += other.stored;
        self.accepted += other.accepted;
        self.duplicate += other.duplicate;
        self.found_on_repeat += other.found_on_repeat;
        self.refused += other.refused;
        self.given_up += other.given_up;
        self.repeated += other.repeated;
        self.turned_away += other.turned_away;
        self.reason = self.reason.take().or(other.reason);
    }

    /// What is said at the end.
    pub fn summary(&self, took: Duration, end: &End) -> String {
        let settled = self.settled();
        let mut text = match end {
            // A failure has been told of on standard error.
            End::Complete | End::Failed(_) => String::new(),
            End::Stopped(signal) if self.given_up == 0 => {
                format!("stopped by {signal}; what was in flight is written\n")
            }
            End::Stopped(signal) => {
                format!("stopped by {signal}; not all that was in flight could be written\n")
            }
            End::Forced { signal, in_flight } => format!(
                "ended at once by a second {signal}; up to {} further events may have been \
                 written\n",
                grouped(*in_flight)
            ),
        };
        text.push_str(&format!(
            "{} events in {:.1} s ({}): {}\n",
            grouped(settled),
            took.as_secs_f64(),
            rate(settled, took),
            self.parts()
        ));
        if self.repeated + self.turned_away > 0 {
            text.push_str(&format!(
                "{} tries failed and were repeated, {} requests were answered 503 or 429 and sent \
                 again\n",
                grouped(self.repeated),
                grouped(self.turned_away)
            ));
        }
        if let Some(reason) = &self.reason {
            text.push_str(&format!("the first refusal: {reason}\n"));
        }
        text
    }

    fn parts(&self) -> String {
        let mut parts = Vec::new();
        if self.accepted > 0 {
            parts.push(format!("{} accepted", grouped(self.accepted)));
        } else {
            parts.push(format!("{} stored", grouped(self.stored)));
            parts.push(format!("{} there before", grouped(self.duplicate)));
            parts.push(format!("{} refused", grouped(self.refused)));
        }
        if self.found_on_repeat > 0 {
            let count = grouped(self.found_on_repeat);
            parts.push(format!("{count} found there when a write was repeated"));
        }
        if self.given_up > 0 {
            parts.push(format!("{} given up", grouped(self.given_up)));
        }
        parts.join(", ")
    }
}
