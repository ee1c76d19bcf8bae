//! What ingestion counts. The same numbers are behind `/stats` and
//! `/metrics`, so the two cannot differ.

mod folder;
mod left_out;
mod over_share;
mod refused_because;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use tracing::warn;
use trailkeep_event::Timestamp;

use super::{names, version};
pub use folder::FolderGauges;
pub use left_out::LeftOutCounts;
pub use over_share::{NAMED_ACCOUNTS, NAMED_KEYS, OTHERS, OverShareCounts};
pub use refused_because::RefusedBecause;

/// Counters since the start of the process.
pub struct Statistics {
    /// Where `/metrics` reads.
    pub registry: Registry,
    /// Events answered 202.
    pub accepted: IntCounter,
    /// Events that an earlier process had accepted and this one took in.
    pub restored: IntCounter,
    /// Events that were written to the store.
    pub stored: IntCounter,
    /// Events whose identity was in the store before.
    pub duplicate: IntCounter,
    /// Events that the store refused for good, each since its letter is kept.
    pub dead_lettered: IntCounter,
    /// Accepted events that were let go, for their users were erased before they were stored.
    pub erased: IntCounter,
    /// Events that were answered as accepted and left out, for their users are blocked.
    pub blocked: IntCounter,
    /// Accepted events that were in the journal alone and that the disk gave
    /// back damaged.
    pub unreadable: IntCounter,
    refused: IntCounterVec,
    /// Who held too much when requests were refused for that.
    pub over_share: OverShareCounts,
    /// Events that were left out of requests of which others were taken.
    pub left_out: LeftOutCounts,
    flushes: IntCounter,
    failed_flushes: IntCounter,
    flush_seconds: Histogram,
    flush_events: Histogram,
    /// Streams of accepted events that are open.
    pub streams: IntGauge,
    buffer_events: IntGauge,
    buffer_bytes: IntGauge,
    /// What the journal takes, and what its disk has left.
    pub folder: FolderGauges,
    resident_bytes: IntGauge,
    ready: IntGauge,
    /// Write keys that are known.
    pub write_keys: IntGauge,
    dead_letters: IntGauge,
    /// Whether they were counted yet.
    has_counted_letters: AtomicBool,
    held_events: AtomicUsize,
    told: Mutex<HashMap<&'static str, Told>>,
    recent: Mutex<Recent>,
}

/// How often the log says how many requests were refused for one reason.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// What the log was told of refusals.
struct Told {
    at: Instant,
    /// Of how many.
    refused: u64,
}

/// How many of the last flushes the percentiles are taken over.
const RECENT_FLUSHES: usize = 1024;

/// What is remembered of single flushes.
#[derive(Debug, Default)]
struct Recent {
    flushes: VecDeque<(Duration, usize)>,
    last_success: Option<Timestamp>,
    last_error: Option<(String, Timestamp)>,
}

/// Of the last 1,024 flushes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Percentiles {
    /// Half of them were at most this.
    pub p50: f64,
    /// 95 % of them were at most this.
    pub p95: f64,
    /// 99 % of them were at most this.
    pub p99: f64,
}

/// What `/stats` says of flushes.
#[derive(Debug, Clone, Default)]
pub struct Flushes {
    /// Flushes that were answered.
    pub done: u64,
    /// Tries that failed.
    pub failed: u64,
    /// Milliseconds that a flush took.
    pub latency_ms: Percentiles,
    /// Events that a flush wrote.
    pub batch_size: Percentiles,
    /// When the last one was answered.
    pub last_success: Option<Timestamp>,
    /// What the last one that failed said, and when.
    pub last_error: Option<(String, Timestamp)>,
}

impl Statistics {
    /// All counters at zero. Fails only if two metrics have one name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counter = |(name, help): (&str, &str)| -> Result<IntCounter, prometheus::Error> {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let gauge = |(name, help): (&str, &str)| -> Result<IntGauge, prometheus::Error> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let histogram = |(name, help): (&str, &str), buckets: Vec<f64>| {
            let histogram = Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets))?;
            registry.register(Box::new(histogram.clone()))?;
            Ok::<_, prometheus::Error>(histogram)
        };
        let (name, help) = names::REQUESTS_REFUSED;
        let refused = IntCounterVec::new(Opts::new(name, help), &["reason"])?;
        registry.register(Box::new(refused.clone()))?;
        for reason in RefusedBecause::ALL {
            refused.with_label_values(&[reason.name()]);
        }
        version::register(&registry)?;
        Ok(Self {
            accepted: counter(names::EVENTS_ACCEPTED)?,
            restored: counter(names::EVENTS_RESTORED)?,
            stored: counter(names::EVENTS_STORED)?,
            duplicate: counter(names::EVENTS_DUPLICATE)?,
            dead_lettered: counter(names::EVENTS_DEAD_LETTERED)?,
            erased: counter(names::EVENTS_ERASED)?,
            blocked: counter(names::EVENTS_BLOCKED)?,
            unreadable: counter(names::EVENTS_UNREADABLE)?,
            refused,
            over_share: OverShareCounts::new(&registry)?,
            left_out: LeftOutCounts::new(&registry)?,
            flushes: counter(names::FLUSHES)?,
            failed_flushes: counter(names::FLUSHES_FAILED)?,
            flush_seconds: histogram(
                names::FLUSH_SECONDS,
                vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0],
            )?,
            flush_events: histogram(
                names::FLUSH_EVENTS,
                vec![1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 200.0, 300.0, 400.0, 500.0],
            )?,
            streams: gauge(names::STREAMS)?,
            buffer_events: gauge(names::BUFFER_EVENTS)?,
            buffer_bytes: gauge(names::BUFFER_BYTES)?,
            folder: FolderGauges::new(&registry)?,
            resident_bytes: gauge(names::RESIDENT_BYTES)?,
            ready: gauge(names::READY)?,
            write_keys: gauge(names::WRITE_KEYS)?,
            dead_letters: gauge(names::DEAD_LETTERS)?,
            has_counted_letters: AtomicBool::new(false),
            held_events: AtomicUsize::new(0),
            told: Mutex::default(),
            recent: Mutex::default(),
            registry,
        })
    }

    /// Counts a request that was refused. Of what may come in floods
    /// the log has a line at once, and then one each ten seconds in which more
    /// are refused.
    pub fn refused(&self, reason: RefusedBecause) {
        self.refused.with_label_values(&[reason.name()]).inc();
        if reason.comes_in_floods() {
            self.tell_refused(reason, Instant::now());
        }
    }

    fn tell_refused(&self, reason: RefusedBecause, now: Instant) {
        let refused = self.refused_count(reason);
        let reason = reason.name();
        let mut told = self.told.lock();
        let before = told.get(reason);
        if before.is_some_and(|before| now - before.at < TELL_EVERY) {
            return;
        }
        let since = refused - before.map_or(0, |before| before.refused);
        told.insert(reason, Told { at: now, refused });
        drop(told);
        warn!(reason, refused = since, "requests with events are refused");
    }

    /// Requests refused for that reason.
    pub fn refused_count(&self, reason: RefusedBecause) -> u64 {
        self.refused.with_label_values(&[reason.name()]).get()
    }

    /// Events that are accepted and not stored.
    pub fn held_events(&self) -> usize {
        self.held_events.load(Ordering::Relaxed)
    }

    /// What is known of the process only when it is asked for.
    pub fn process_is(&self, resident_bytes: u64, is_ready: bool) {
        self.resident_bytes.set(i64::try_from(resident_bytes).unwrap_or(i64::MAX));
        self.ready.set(i64::from(is_ready));
    }

    /// How many dead letters the store has.
    pub fn dead_letters_are(&self, count: u64) {
        self.dead_letters.set(i64::try_from(count).unwrap_or(i64::MAX));
        self.has_counted_letters.store(true, Ordering::Release);
    }

    /// How many dead letters the store had when they were last counted; `None`
    /// before the first time.
    pub fn dead_letters(&self) -> Option<u64> {
        let has_counted = self.has_counted_letters.load(Ordering::Acquire);
        has_counted.then(|| self.dead_letters.get().try_into().unwrap_or(0))
    }

    /// So many events are accepted and not stored, in records of so many bytes.
    pub fn backlog_is(&self, events: usize, bytes: usize) {
        self.held_events.store(events, Ordering::Relaxed);
        self.buffer_events.set(i64::try_from(events).unwrap_or(i64::MAX));
        self.buffer_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// A write of so many events was answered.
    #[allow(clippy::cast_precision_loss)] // a batch has at most thousands of events
    pub fn flushed(&self, took: Duration, events: usize, now: Timestamp) {
        self.flushes.inc();
        self.flush_seconds.observe(took.as_secs_f64());
        self.flush_events.observe(events as f64);
        let mut recent = self.recent.lock();
        if recent.flushes.len() == RECENT_FLUSHES {
            recent.flushes.pop_front();
        }
        recent.flushes.push_back((took, events));
        recent.last_success = Some(now);
    }

    /// A try to write failed.
    pub fn flush_failed(&self, error: String, now: Timestamp) {
        self.failed_flushes.inc();
        self.recent.lock().last_error = Some((error, now));
    }

    /// How many flushes were answered, and how many seconds all of them took.
    pub fn flush_time(&self) -> (u64, f64) {
        (self.flushes.get(), self.flush_seconds.get_sample_sum())
    }

    /// What is known of flushes.
    #[allow(clippy::cast_precision_loss)] // a batch has at most thousands of events
    pub fn flushes(&self) -> Flushes {
        let recent = self.recent.lock();
        let latencies = recent.flushes.iter().map(|(took, _)| took.as_secs_f64() * 1000.0);
        let latencies: Vec<f64> = latencies.collect();
        let sizes: Vec<f64> = recent.flushes.iter().map(|&(_, events)| events as f64).collect();
        let (last_success, last_error) = (recent.last_success, recent.last_error.clone());
        drop(recent);
        Flushes {
            done: self.flushes.get(),
            failed: self.failed_flushes.get(),
            latency_ms: percentiles(latencies),
            batch_size: percentiles(sizes),
            last_success,
            last_error,
        }
    }
}

/// By the nearest rank.
fn percentiles(mut values: Vec<f64>) -> Percentiles {
    values.sort_unstable_by(f64::total_cmp);
    let rank = |percent: usize| {
        let rank = (values.len() * percent).div_ceil(100);
        values.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
    };
    Percentiles { p50: rank(50), p95: rank(95), p99: rank(99) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::telemetry::captured::Captured;

    #[test]
    fn of_a_flood_of_refusals_the_log_has_a_line_at_once_and_one_each_ten_seconds() {
        let log = Captured::begin();
        let statistics = Statistics::new().unwrap();
        let now = Instant::now();
        for refusals in [1, 500, 500] {
            for _ in 0..refusals {
                statistics.refused(RefusedBecause::BufferFull);
            }
            assert_eq!(log.lines_with("bufferFull"), 1);
        }
        statistics.tell_refused(RefusedBecause::BufferFull, now + 2 * TELL_EVERY);
        assert_eq!(log.lines_with("bufferFull"), 2);
        statistics.refused(RefusedBecause::Invalid);
        assert_eq!(log.lines_with("invalid"), 0, "the request's own line says it");
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values = (1..=200).map(f64::from).collect();
        assert_eq!(percentiles(values), Percentiles { p50: 100.0, p95: 190.0, p99: 198.0 });
        assert_eq!(percentiles(vec![7.0]), Percentiles { p50: 7.0, p95: 7.0, p99: 7.0 });
        assert_eq!(percentiles(vec![]), Percentiles::default());
    }
}
