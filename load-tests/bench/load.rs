//! Load on a service: a thread for each connection, in a closed or in an open
//! loop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::batch::Batch;
use crate::connection::Connection;
use crate::trouble::{Trouble, While as _};

/// How long a connection of the closed loop rests after a 503: a full buffer is
/// empty only after ten times as long, and the refusals cost next to nothing.
const REST_AFTER_REFUSAL_MS: std::ops::Range<u64> = 10..30;
/// Of the throughput over time.
pub const SLICE: Duration = Duration::from_millis(250);
/// The longest latency that is told apart: a minute, in microseconds.
const MAX_LATENCY_US: u64 = 60_000_000;

/// When requests are sent.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// Each connection sends as soon as it is answered.
    Closed,
    /// At a fixed rate, whatever the answers do: so many requests a second in
    /// all. Latency counts from when a request was due.
    Open(f64),
}

/// What is sent.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The services; connections take turns.
    pub targets: Vec<SocketAddr>,
    pub connections: usize,
    /// Events in a request.
    pub batch: usize,
    pub users: u32,
    pub pace: Pace,
    pub seed: u64,
}

/// What was answered.
pub struct Tally {
    /// Events answered 202.
    pub accepted: u64,
    /// Requests that got an answer, or should have.
    pub requests: u64,
    /// Requests answered 503.
    pub refused: u64,
    /// Requests answered otherwise or not at all.
    pub failed: u64,
    /// Of the 202s, in microseconds.
    pub latency: Histogram<u64>,
    /// Events answered 202 in each [`SLICE`].
    pub slices: Vec<u64>,
}

/// Load that is running. Dropping it ends it.
pub struct Load {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Result<Tally, Trouble>>>,
}

struct Shared {
    started: Instant,
    is_over: AtomicBool,
    /// Microseconds after the start from which on requests count.
    counts_from: AtomicU64,
}

impl Load {
    /// Starts sending; nothing counts yet.
    pub fn start(plan: &Plan) -> Result<Self, Trouble> {
        let shared = Arc::new(Shared {
            started: Instant::now(),
            is_over: AtomicBool::new(false),
            counts_from: AtomicU64::new(u64::MAX),
        });
        let mut load = Self {
            shared: Arc::clone(&shared),
            threads: Vec::with_capacity(plan.connections),
        };
        for number in 0..plan.connections {
            let sender = Sender::new(plan, number, Arc::clone(&shared))?;
            let thread = std::thread::Builder::new()
                .name(format!("load-{number}"))
                .stack_size(256 * 1024)
                .spawn(move || sender.run())
                .during("starting a thread")?;
            load.threads.push(thread);
        }
        Ok(load)
    }

    /// Counts requests from now on.
    pub fn count(&self) {
        let now = self.shared.micros();
        self.shared.counts_from.store(now, Ordering::Relaxed);
    }

    /// Ends it.
    pub fn stop(mut self) -> Result<Tally, Trouble> {
        self.shared.is_over.store(true, Ordering::Relaxed);
        let mut total = Tally::new()?;
        for thread in self.threads.drain(..) {
            let tally = thread
                .join()
                .map_err(|_| Trouble("a sender panicked".to_owned()))??;
            total.add(&tally)?;
        }
        Ok(total)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn micros(&self) -> u64 {
        micros(self.started.elapsed())
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// One connection.
struct Sender {
    connection: Connection,
    batch: Batch,
    schedule: Option<Schedule>,
    rng: ChaCha8Rng,
    shared: Arc<Shared>,
    tally: Tally,
}

/// When the requests of one connection are due.
struct Schedule {
    first: Duration,
    interval: Duration,
    sent: u32,
}

impl Schedule {
    fn next(&mut self) -> Duration {
        let due = self.first + self.interval * self.sent;
        self.sent += 1;
        due
    }
}

impl Sender {
    #[allow(clippy::cast_precision_loss)] // a few hundred connections
    fn new(plan: &Plan, number: usize, shared: Arc<Shared>) -> Result<Self, Trouble> {
        let target = plan.targets[number % plan.targets.len()];
        let seed = plan.seed.wrapping_mul(1_000_003) + number as u64;
        let schedule = match plan.pace {
            Pace::Closed => None,
            Pace::Open(per_second) => Some(Schedule {
                first: Duration::from_secs_f64(number as f64 / per_second),
                interval: Duration::from_secs_f64(plan.connections as f64 / per_second),
                sent: 0,
            }),
        };
        Ok(Self {
            connection: Connection::open(target).during("connecting to the service")?,
            batch: Batch::new(plan.batch, plan.users, seed),
            schedule,
            rng: ChaCha8Rng::seed_from_u64(seed),
            shared,
            tally: Tally::new()?,
        })
    }

    fn run(mut self) -> Result<Tally, Trouble> {
        while let Some(due) = self.wait_until_due() {
            let answer = self.connection.exchange(self.batch.next());
            let answered = self.shared.micros();
            if due >= self.shared.counts_from.load(Ordering::Relaxed) {
                self.note(answer.as_ref().ok().copied(), due, answered);
            }
            let is_scheduled = self.schedule.is_some();
            match answer {
                Ok(202) => {}
                Ok(503) if is_scheduled => {}
                Ok(_) | Err(_) => self.rest(),
            }
        }
        Ok(self.tally)
    }

    /// When the next request is due, in microseconds after the start, once that
    /// has come; `None` at the end.
    fn wait_until_due(&mut self) -> Option<u64> {
        const LOOK: Duration = Duration::from_millis(100);
        let due = self.schedule.as_mut().map(Schedule::next);
        loop {
            if self.shared.is_over.load(Ordering::Relaxed) {
                return None;
            }
            let Some(due) = due else {
                return Some(self.shared.micros());
            };
            let early = due.saturating_sub(self.shared.started.elapsed());
            if early.is_zero() {
                return Some(micros(due));
            }
            std::thread::sleep(early.min(LOOK));
        }
    }

    fn rest(&mut self) {
        let millis = self.rng.random_range(REST_AFTER_REFUSAL_MS);
        std::thread::sleep(Duration::from_millis(millis));
    }

    fn note(&mut self, status: Option<u16>, due: u64, answered: u64) {
        let tally = &mut self.tally;
        tally.requests += 1;
        match status {
            Some(202) => {
                tally
                    .latency
                    .saturating_record(answered.saturating_sub(due));
                let events = self.batch.len() as u64;
                tally.accepted += events;
                let counted = answered - self.shared.counts_from.load(Ordering::Relaxed);
                let slice = usize::try_from(counted / micros(SLICE)).unwrap_or(0);
                if tally.slices.len() <= slice {
                    tally.slices.resize(slice + 1, 0);
                }
                tally.slices[slice] += events;
            }
            Some(503) => tally.refused += 1,
            _ => tally.failed += 1,
        }
    }
}

impl Tally {
    /// Nothing yet.
    pub fn new() -> Result<Self, Trouble> {
        Ok(Self {
            accepted: 0,
            requests: 0,
            refused: 0,
            failed: 0,
            latency: latency_histogram()?,
            slices: Vec::new(),
        })
    }

    /// Adds what another connection, or another round, came to.
    pub fn add(&mut self, other: &Self) -> Result<(), Trouble> {
        self.accepted += other.accepted;
        self.requests += other.requests;
        self.refused += other.refused;
        self.failed += other.failed;
        self.latency
            .add(&other.latency)
            .during("adding latencies")?;
        if self.slices.len() < other.slices.len() {
            self.slices.resize(other.slices.len(), 0);
        }
        for (own, others) in self.slices.iter_mut().zip(&other.slices) {
            *own += others;
        }
        Ok(())
    }
}

/// For latencies in microseconds.
pub fn latency_histogram() -> Result<Histogram<u64>, Trouble> {
    Histogram::new_with_bounds(1, MAX_LATENCY_US, 3).during("a histogram")
}
