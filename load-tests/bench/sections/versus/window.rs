//! What an event takes while wrk sends as fast as it is answered.

use std::time::{Duration, Instant};

use trailkeep_testkit::trouble::Trouble;

use super::running::{Running, Used};
use super::site::Site;
use super::wrk::Wrk;
use crate::arguments::Arguments;
use crate::processes::Cpu;

/// So that load does not end before the window does.
const MARGIN: Duration = Duration::from_millis(700);

/// What came of it.
pub struct Window {
    pub stored_per_second: f64,
    pub requests_per_second: f64,
    /// Microseconds of the peer's own programs for a stored event.
    pub collector_us: f64,
    /// Of those, of what it needs beside the database, and of the database.
    pub everything_us: f64,
    /// Bytes that its programs, and what it needs beside the database, hold.
    pub memory: f64,
    /// Of the requests, in percent.
    pub refused: f64,
}

/// A moment's counters.
struct Sample {
    at: Instant,
    stored: u64,
    used: Used,
    mongod: Cpu,
}

/// Loads a peer, and measures it once it has warmed up.
#[allow(clippy::cast_precision_loss)]
pub async fn measure(
    arguments: &Arguments,
    site: &Site,
    running: &Running,
    batch: usize,
) -> Result<Window, Trouble> {
    let (warm_up, window) = (arguments.warm_up(), arguments.window());
    let lasting = warm_up + window + MARGIN;
    let wrk = Wrk::start(running.address(), batch, lasting)?;
    tokio::time::sleep(warm_up).await;
    let before = sample(site, running, batch).await?;
    tokio::time::sleep(window).await;
    let after = sample(site, running, batch).await?;
    let (collector, broker) = running.groups();
    let memory = [collector, broker].concat().iter().map(|group| group.resident()).sum::<u64>();
    let summary = tokio::task::block_in_place(|| wrk.end())?;
    if summary.failed > 0 {
        return Err(Trouble(format!("{} requests were not answered", summary.failed)));
    }
    let seconds = after.at.duration_since(before.at).as_secs_f64();
    let stored = (after.stored - before.stored) as f64;
    let each_us = |cpu: Duration| cpu.as_secs_f64() * 1e6 / stored.max(1.0);
    let own = after.used.collector.since(&before.used.collector);
    let broker = after.used.broker.since(&before.used.broker);
    Ok(Window {
        stored_per_second: stored / seconds,
        requests_per_second: summary.requests as f64 / lasting.as_secs_f64(),
        collector_us: each_us(own),
        everything_us: each_us(own + broker + after.mongod.since(&before.mongod)),
        memory: memory as f64,
        refused: summary.refused as f64 * 100.0 / (summary.requests as f64).max(1.0),
    })
}

async fn sample(site: &Site, running: &Running, batch: usize) -> Result<Sample, Trouble> {
    Ok(Sample {
        stored: site.kept(running).count(batch).await?,
        at: Instant::now(),
        used: Used::of(running),
        mongod: Cpu::of(site.server.pid())?,
    })
}
