//! When something was broken by which a request may have to be repeated.

use parking_lot::Mutex;

/// What was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The service was killed, or has ended by itself.
    Service,
    /// One of two instances stood still.
    Pause,
    /// The database was away.
    Database,
    /// Connections of the service were bad.
    Network,
    /// The processor was killed, paused or replaced.
    Processor,
}

/// From one moment to another, in milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disruption {
    pub cause: Cause,
    pub from: i64,
    /// `None` while it lasts.
    pub to: Option<i64>,
}

/// What was sent before the end of a disruption may be read by the processor so long
/// after it, on a machine that is busy.
const AFTER: i64 = 500;
/// Who may go on is known to do so later by this, on a machine that is busy.
const RESUMING: i64 = 1_000;
/// The clock that both witnesses read has whole milliseconds.
const BEFORE: i64 = 2;

impl Disruption {
    /// Whether it began a moment ago at the most.
    pub fn takes_hold(&self, at: i64) -> bool {
        (self.from..=self.from + AFTER).contains(&at)
    }

    /// Whether it ended by then, and a moment ago at the most.
    pub fn has_just_ended(&self, at: i64) -> bool {
        self.to.is_some_and(|end| (end - RESUMING..=end + AFTER).contains(&at))
    }

    /// Whether it lasted at any moment between two.
    pub fn meets(&self, from: i64, to: i64) -> bool {
        self.from - BEFORE <= to && self.to.is_none_or(|end| from <= end + AFTER)
    }
}

/// All of a scene.
#[derive(Default)]
pub struct Disruptions(Mutex<Vec<Disruption>>);

impl Disruptions {
    /// One begins now, and ends an earlier one of its kind that lasts.
    pub fn begin(&self, cause: Cause) {
        self.end(cause);
        self.0.lock().push(Disruption { cause, from: now(), to: None });
    }

    /// The one that lasts is over, if there is one.
    pub fn end(&self, cause: Cause) {
        let mut all = self.0.lock();
        let last = all.iter_mut().rfind(|last| last.cause == cause && last.to.is_none());
        if let Some(last) = last {
            last.to = Some(now());
        }
    }

    /// Those so far.
    pub fn so_far(&self) -> Vec<Disruption> {
        self.0.lock().clone()
    }
}

fn now() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
