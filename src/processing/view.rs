//! What people and metrics see of a processor.

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};
use trailkeep_store::processing::{Processed, ProcessedState};

use super::answer::Verdict;
use super::status::{Newest, Status};

/// The metrics of all processors.
pub struct Metrics {
    outcomes: IntCounterVec,
    attempts: IntCounterVec,
    duration: HistogramVec,
    waited: HistogramVec,
    in_flight: IntGaugeVec,
    pending: IntGaugeVec,
    parked: IntGaugeVec,
    running: IntGaugeVec,
    lag_events: IntGaugeVec,
    lag_seconds: IntGaugeVec,
    stuck: IntGaugeVec,
    feed: IntGaugeVec,
    late: IntCounterVec,
}

impl Metrics {
    /// Registers them.
    ///
    /// # Errors
    ///
    /// Where one of them is there already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name, help, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone())).map(|()| counter)
        };
        let gauge = |name, help| {
            let gauge = IntGaugeVec::new(Opts::new(name, help), &["processor"])?;
            registry.register(Box::new(gauge.clone())).map(|()| gauge)
        };
        let histogram = |name, help| {
            let buckets = vec![
                0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 600.0,
            ];
            let options = HistogramOpts::new(name, help).buckets(buckets);
            let histogram = HistogramVec::new(options, &["processor"])?;
            registry.register(Box::new(histogram.clone())).map(|()| histogram)
        };
        Ok(Self {
            outcomes: counter(
                "trailkeep_processor_outcomes_total",
                "Events that are done, by what became of them",
                &["processor", "state"],
            )?,
            attempts: counter(
                "trailkeep_processor_attempts_total",
                "Requests that were answered, or were not, by what came",
                &["processor", "result"],
            )?,
            duration: histogram(
                "trailkeep_processor_duration_seconds",
                "How long a processor took over one request",
            )?,
            waited: histogram(
                "trailkeep_processor_wait_seconds",
                "How long after its receipt an event was first sent",
            )?,
            in_flight: gauge("trailkeep_processor_in_flight", "Requests in flight")?,
            pending: gauge(
                "trailkeep_processor_pending_events",
                "Events of the feed in memory that are not done",
            )?,
            parked: gauge(
                "trailkeep_processor_parked_users",
                "Users whose pending events are read from the database as they are needed",
            )?,
            running: gauge(
                "trailkeep_processor_running",
                "1 where this instance delivers and the processor takes events, else 0",
            )?,
            lag_events: gauge(
                "trailkeep_processor_lag_events",
                "Events that wait for their turn, where this instance delivers",
            )?,
            lag_seconds: gauge(
                "trailkeep_processor_lag_seconds",
                "Since when the first of them waits",
            )?,
            stuck: gauge(
                "trailkeep_processor_stuck_users",
                "Users whose event fails, or who wait for a person",
            )?,
            feed: gauge("trailkeep_processor_feed_documents", "Documents of the feed")?,
            late: counter(
                "trailkeep_processor_late_events_total",
                "Events that were sent behind a later one of their user, which another instance accepted",
                &["processor"],
            )?,
        })
    }
}

/// What state a processor is in, as this instance sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Another instance delivers, or the lease is still to be had.
    StandingBy,
    Running,
    /// A person said so.
    Paused,
    /// What was stored before it was there comes first.
    CatchingUp,
    Away,
    Refused,
}

impl State {
    /// Its word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Self::StandingBy => "standing-by",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::CatchingUp => "catching-up",
            Self::Away => "away",
            Self::Refused => "refused",
        }
    }
}

/// One processor, seen from outside.
pub struct View {
    state: Mutex<(State, Option<Arc<str>>)>,
    in_flight: IntGauge,
    pending: IntGauge,
    parked: IntGauge,
    running: IntGauge,
    lag: [IntGauge; 2],
    stuck: IntGauge,
    feed: IntGauge,
    late: IntCounter,
    done: [IntCounter; 3],
    attempts: [IntCounter; 3],
    duration: Histogram,
    waited: Histogram,
    newest: Mutex<(Newest, Newest)>,
    status: Mutex<Option<Status>>,
    /// Why outcomes are not kept, where they are not.
    trouble: Mutex<Option<Arc<str>>>,
}

/// What is told of a processor.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub state: State,
    /// What is wrong, in words.
    pub problem: Option<Arc<str>>,
    pub in_flight: i64,
    /// Events in memory that are not done.
    pub pending: i64,
    pub parked_users: i64,
    pub processed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl View {
    /// Of the processor with that name.
    pub fn new(name: &str, metrics: &Metrics) -> Self {
        let state =
            |state: ProcessedState| metrics.outcomes.with_label_values(&[name, state.word()]);
        let came = |came: &str| metrics.attempts.with_label_values(&[name, came]);
        Self {
            state: Mutex::new((State::StandingBy, None)),
            in_flight: metrics.in_flight.with_label_values(&[name]),
            pending: metrics.pending.with_label_values(&[name]),
            parked: metrics.parked.with_label_values(&[name]),
            running: metrics.running.with_label_values(&[name]),
            lag: [&metrics.lag_events, &metrics.lag_seconds]
                .map(|lag| lag.with_label_values(&[name])),
            stuck: metrics.stuck.with_label_values(&[name]),
            feed: metrics.feed.with_label_values(&[name]),
            late: metrics.late.with_label_values(&[name]),
            done: [
                state(ProcessedState::Processed),
                state(ProcessedState::Failed),
                state(ProcessedState::Skipped),
            ],
            attempts: [came("taken"), came("refused"), came("failed")],
            duration: metrics.duration.with_label_values(&[name]),
            waited: metrics.waited.with_label_values(&[name]),
            newest: Mutex::default(),
            status: Mutex::new(None),
            trouble: Mutex::new(None),
        }
    }

    /// An event was first sent so many milliseconds after its receipt.
    pub fn waited(&self, ms: u64) {
        self.waited.observe(seconds(ms));
        self.newest.lock().1.add(ms);
    }

    /// An event is sent behind a later one of its user.
    pub fn came_late(&self) {
        self.late.inc();
    }

    /// A request was answered, or was not, after so many milliseconds.
    pub fn answered(&self, verdict: &Verdict, ms: u64) {
        self.duration.observe(seconds(ms));
        self.newest.lock().0.add(ms);
        let [taken, refused, failed] = &self.attempts;
        let counter = match verdict {
            Verdict::Done { .. } => taken,
            Verdict::GiveUp { .. } => refused,
            Verdict::UserWaits { .. } | Verdict::ProcessorWaits { .. } | Verdict::Failed { .. } => {
                failed
            }
        };
        counter.inc();
        if let Some(problem) = verdict.error() {
            self.state.lock().1 = Some(Arc::from(problem));
        }
    }

    /// The database does not take outcomes, for this reason; or it does again.
    pub fn trouble(&self, reason: Option<Arc<str>>) {
        *self.trouble.lock() = reason;
    }

    /// An event is done.
    pub fn settled(&self, outcome: &Processed) {
        let [processed, failed, skipped] = &self.done;
        match outcome.state {
            ProcessedState::Processed => processed.inc(),
            ProcessedState::Failed => failed.inc(),
            ProcessedState::Skipped => skipped.inc(),
            ProcessedState::Pending => {}
        }
    }

    /// What state it is in, with so many requests in flight, events in memory and users
    /// parked.
    pub fn is(&self, state: State, in_flight: usize, sizes: (usize, usize)) {
        if state == State::StandingBy {
            *self.status.lock() = None;
            self.gauge(&Status::default(), 0);
        }
        self.state.lock().0 = state;
        set(&self.in_flight, in_flight as u64);
        set(&self.pending, sizes.0 as u64);
        set(&self.parked, sizes.1 as u64);
        self.running.set(i64::from(matches!(state, State::Running | State::CatchingUp)));
    }

    /// How long requests took, and events waited.
    pub fn times(&self) -> Status {
        let newest = self.newest.lock();
        let (duration_ms, wait_ms) = (newest.0.quantiles(), newest.1.quantiles());
        Status { duration_ms, wait_ms, ..Status::default() }
    }

    /// What is told of it from now on; answers that as it is told, with its problem.
    pub fn tell(&self, status: Status, feed_documents: u64) -> Status {
        self.gauge(&status, feed_documents);
        let problem = self.seen().problem.map(|problem| problem.to_string());
        let status = Status { problem, ..status };
        *self.status.lock() = Some(status.clone());
        status
    }

    fn gauge(&self, status: &Status, feed_documents: u64) {
        let [events, seconds] = &self.lag;
        set(events, status.lag.events);
        set(seconds, status.lag.seconds);
        set(&self.stuck, status.stuck_users);
        set(&self.feed, feed_documents);
    }

    /// What was told last, where this instance delivers.
    pub fn status(&self) -> Option<Status> {
        self.status.lock().clone()
    }

    /// All of it, at one moment.
    pub fn seen(&self) -> Seen {
        let (state, last_error) = self.state.lock().clone();
        let is_problem = matches!(state, State::Away | State::Refused);
        let [processed, failed, skipped] = &self.done;
        Seen {
            state,
            problem: self.trouble.lock().clone().or(last_error.filter(|_| is_problem)),
            in_flight: self.in_flight.get(),
            pending: self.pending.get(),
            parked_users: self.parked.get(),
            processed: processed.get(),
            failed: failed.get(),
            skipped: skipped.get(),
        }
    }
}

fn set(gauge: &IntGauge, number: u64) {
    gauge.set(i64::try_from(number).unwrap_or(i64::MAX));
}

fn seconds(ms: u64) -> f64 {
    std::time::Duration::from_millis(ms).as_secs_f64()
}
