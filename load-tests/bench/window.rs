//! Load on services for a while, and what it took.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use trailkeep_testkit::trouble::Trouble;

use crate::database::Database;
use crate::instance::Instance;
use crate::load::{Load, Plan};
use crate::numbers::percentiles;
use crate::processes::{Cpu, machine_cpu};
use crate::tally::Tally;

/// What is watched while load runs.
pub struct Watched<'a> {
    pub instances: &'a [&'a Instance],
    /// Reads the services' counters.
    pub token: &'a str,
    /// Where the services store.
    pub database: &'a Database,
    /// A process that belongs to what is measured, such as a processor.
    pub beside: Option<u32>,
    pub warm_up: Duration,
    pub window: Duration,
}

/// What came of it.
pub struct Window {
    pub seconds: f64,
    pub stored: u64,
    pub service_cpu: Duration,
    pub mongod_cpu: Duration,
    pub bench_cpu: Duration,
    /// Of the process beside them.
    pub beside_cpu: Duration,
    /// Of everything else on the machine.
    pub others_cpu: Duration,
    pub tally: Tally,
}

/// A moment's counters.
struct Sample {
    at: Instant,
    stored: u64,
    services: Vec<Cpu>,
    mongod: Cpu,
    bench: Cpu,
    beside: Option<Cpu>,
    machine: Duration,
}

impl Watched<'_> {
    /// Applies load, and measures it once it has warmed up. All loads begin
    /// alike: what the database still had to write of earlier ones is written.
    pub async fn under(&self, plan: &Plan) -> Result<Window, Trouble> {
        self.database.settle().await?;
        let load = Load::start(plan)?;
        tokio::time::sleep(self.warm_up).await;
        let before = self.sample().await?;
        load.count();
        tokio::time::sleep(self.window).await;
        let after = self.sample().await?;
        let tally = tokio::task::block_in_place(|| load.stop())?;
        let services = after.services.iter().zip(&before.services);
        let service_cpu = services.map(|(after, before)| after.since(before)).sum();
        let mongod_cpu = after.mongod.since(&before.mongod);
        let bench_cpu = after.bench.since(&before.bench);
        let beside = after.beside.as_ref().zip(before.beside.as_ref());
        let beside_cpu = beside.map_or(Duration::ZERO, |(after, before)| after.since(before));
        let known = service_cpu + mongod_cpu + bench_cpu + beside_cpu;
        let machine = after.machine.saturating_sub(before.machine);
        let window = Window {
            seconds: after.at.duration_since(before.at).as_secs_f64(),
            stored: after.stored - before.stored,
            service_cpu,
            mongod_cpu,
            bench_cpu,
            beside_cpu,
            others_cpu: machine.saturating_sub(known),
            tally,
        };
        if window.tally.failed > 0 {
            return Err(Trouble(format!(
                "{} of {} requests were answered neither 202 nor 503",
                window.tally.failed, window.tally.requests
            )));
        }
        Ok(window)
    }

    async fn sample(&self) -> Result<Sample, Trouble> {
        let mut stored = 0;
        for instance in self.instances {
            stored += instance.stored(self.token).await?;
        }
        let services = self.instances.iter().map(|instance| Cpu::of(instance.pid()));
        Ok(Sample {
            at: Instant::now(),
            stored,
            services: services.collect::<Result<_, _>>()?,
            mongod: Cpu::of(self.database.pid())?,
            bench: Cpu::own()?,
            beside: self.beside.map(Cpu::of).transpose()?,
            machine: machine_cpu()?,
        })
    }
}

#[allow(clippy::cast_precision_loss)] // counts of seconds
impl Window {
    /// Events stored in a second.
    pub fn stored_per_second(&self) -> f64 {
        self.stored as f64 / self.seconds
    }

    /// Requests in a second, whatever their answer.
    pub fn requests_per_second(&self) -> f64 {
        self.tally.requests as f64 / self.seconds
    }

    /// Percent of the requests that were answered 503.
    pub fn refused_percent(&self) -> f64 {
        self.tally.refused as f64 * 100.0 / (self.tally.requests as f64).max(1.0)
    }

    /// Microseconds of the services' CPU for each stored event.
    pub fn service_us(&self) -> f64 {
        self.per_event_us(self.service_cpu)
    }

    /// Microseconds of mongod's CPU for each stored event.
    pub fn mongod_us(&self) -> f64 {
        self.per_event_us(self.mongod_cpu)
    }

    /// Microseconds of this program's CPU for each stored event.
    pub fn sender_us(&self) -> f64 {
        self.per_event_us(self.bench_cpu)
    }

    /// Cores that other programs kept busy, the kernel's own threads included.
    pub fn others_cores(&self) -> f64 {
        self.others_cpu.as_secs_f64() / self.seconds
    }

    /// As it goes into the results.
    pub fn to_json(&self) -> Value {
        json!({
            "seconds": self.seconds,
            "storedPerSecond": self.stored_per_second(),
            "requestsPerSecond": self.requests_per_second(),
            "refusedRequests": self.tally.refused,
            "serviceCpuUs": self.service_us(),
            "mongodCpuUs": self.mongod_us(),
            "senderCpuUs": self.sender_us(),
            "cores": {
                "service": self.service_cpu.as_secs_f64() / self.seconds,
                "mongod": self.mongod_cpu.as_secs_f64() / self.seconds,
                "bench": self.bench_cpu.as_secs_f64() / self.seconds,
                "beside": self.beside_cpu.as_secs_f64() / self.seconds,
                "others": self.others_cores(),
            },
            "latencyMs": percentiles(&self.tally.latency),
        })
    }

    fn per_event_us(&self, cpu: Duration) -> f64 {
        cpu.as_secs_f64() * 1e6 / (self.stored as f64).max(1.0)
    }
}
