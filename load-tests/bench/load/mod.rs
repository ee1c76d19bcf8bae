//! Load on a service, in a closed or in an open loop.

mod closed;
mod open;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::batch::{Batch, People};
use crate::tally::{Tally, Times, micros};

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
    pub people: People,
    pub pace: Pace,
    pub seed: u64,
}

impl Plan {
    /// What a connection sends.
    fn batch_of(&self, connection: usize) -> Batch {
        let seed = self.seed.wrapping_mul(1_000_003) + connection as u64;
        Batch::new(self.batch, self.people, seed)
    }

    /// Where it sends it.
    fn target_of(&self, connection: usize) -> SocketAddr {
        self.targets[connection % self.targets.len()]
    }
}

/// Load that is running. Dropping it ends it.
pub struct Load {
    phase: Arc<Phase>,
    threads: Vec<JoinHandle<Result<Tally, Trouble>>>,
}

impl Load {
    /// Starts sending; nothing counts yet.
    pub fn start(plan: &Plan) -> Result<Self, Trouble> {
        let mut load = Self { phase: Arc::new(Phase::warming_up()), threads: Vec::new() };
        match plan.pace {
            Pace::Closed => {
                let (plan, phase) = (plan.clone(), Arc::clone(&load.phase));
                load.spawn(move || closed::run(&plan, &phase))?;
            }
            Pace::Open(per_second) => {
                for connection in 0..plan.connections {
                    let phase = Arc::clone(&load.phase);
                    let sender = open::Sender::new(plan, per_second, connection, phase)?;
                    load.spawn(move || sender.run())?;
                }
            }
        }
        Ok(load)
    }

    fn spawn(
        &mut self,
        work: impl FnOnce() -> Result<Tally, Trouble> + Send + 'static,
    ) -> Result<(), Trouble> {
        let thread = std::thread::Builder::new()
            .name("load".to_owned())
            .spawn(work)
            .during("starting a thread")?;
        self.threads.push(thread);
        Ok(())
    }

    /// Counts requests from now on.
    pub fn count(&self) {
        let now = micros(self.phase.started.elapsed());
        self.phase.counts_from.store(now, Ordering::Relaxed);
    }

    /// Ends it.
    pub fn stop(mut self) -> Result<Tally, Trouble> {
        self.phase.is_over.store(true, Ordering::Relaxed);
        let mut total = Tally::new()?;
        for thread in self.threads.drain(..) {
            let tally = thread.join().map_err(|_| Trouble("a sender panicked".to_owned()))??;
            total.add(&tally)?;
        }
        Ok(total)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.phase.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// What all senders go by.
struct Phase {
    started: Instant,
    /// Microseconds after the start from which on requests count.
    counts_from: AtomicU64,
    is_over: AtomicBool,
}

impl Phase {
    fn warming_up() -> Self {
        Self {
            started: Instant::now(),
            counts_from: AtomicU64::new(u64::MAX),
            is_over: AtomicBool::new(false),
        }
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// The times of a request that is answered now, if it counts. One that was
    /// due before counts as well: where the sender cannot keep up, all are.
    fn times(&self, due: Duration) -> Option<Times> {
        let answered = self.started.elapsed();
        let from = self.counts_from.load(Ordering::Relaxed);
        Some(Times {
            latency: micros(answered.saturating_sub(due)),
            answered: micros(answered).checked_sub(from)?,
        })
    }
}
