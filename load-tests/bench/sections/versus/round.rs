//! All measurements of one placement, peers in turn.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trailkeep_testkit::trouble::Trouble;

use super::lost::{self, Toll, Victim};
use super::peer::Peer;
use super::rate;
use super::reading;
use super::running::Sources;
use super::site::{Placement, Site};
use super::window::{self, Window};
use crate::bench::Bench;
use crate::cores::Cores;
use crate::numbers::Samples;

/// Events of a request.
pub const BATCHES: [usize; 3] = [1, 10, 100];

/// What was found of a peer.
#[derive(Default)]
pub struct Found {
    /// In batches of each size.
    pub batches: BTreeMap<usize, Load>,
    pub p99_ms: Samples,
    /// Of a hundred requests at that rate.
    pub refused_at_rate: Samples,
    pub memory: Samples,
    pub collector_killed: Option<Toll>,
    pub database_killed: Option<Toll>,
    pub read_ms: Option<f64>,
}

/// What was found at saturation.
#[derive(Default)]
pub struct Load {
    pub stored_per_second: Samples,
    pub requests_per_second: Samples,
    pub collector_us: Samples,
    pub everything_us: Samples,
    pub refused: Samples,
}

impl Load {
    fn add(&mut self, window: &Window) {
        self.stored_per_second.push(window.stored_per_second);
        self.requests_per_second.push(window.requests_per_second);
        self.collector_us.push(window.collector_us);
        self.everything_us.push(window.everything_us);
        self.refused.push(window.refused);
    }

    fn to_json(&self) -> Value {
        json!({
            "storedPerSecond": self.stored_per_second.to_json(),
            "requestsPerSecond": self.requests_per_second.to_json(),
            "collectorCpuUs": self.collector_us.to_json(),
            "everythingCpuUs": self.everything_us.to_json(),
            "refusedPercent": self.refused.to_json(),
        })
    }
}

impl Found {
    /// Microseconds of everybody's CPU for a stored event, in batches of a size.
    pub fn everything_us(&self, batch: usize) -> f64 {
        self.batches.get(&batch).map_or(f64::NAN, |load| load.everything_us.median())
    }

    fn to_json(&self) -> Value {
        let batches = self.batches.iter().map(|(batch, load)| (batch.to_string(), load.to_json()));
        json!({
            "batches": batches.collect::<serde_json::Map<_, _>>(),
            "p99Ms": self.p99_ms.to_json(),
            "refusedAtRatePercent": self.refused_at_rate.to_json(),
            "memoryBytes": self.memory.to_json(),
            "collectorKilled": self.collector_killed.map(Toll::to_json),
            "databaseKilled": self.database_killed.map(Toll::to_json),
            "newestHundredMs": self.read_ms,
        })
    }
}

/// What was found of all of them.
pub struct Placed {
    pub placement: Placement,
    /// Requests a second of the measurements at a rate.
    pub rate: f64,
    pub found: Vec<(Peer, Found)>,
}

impl Placed {
    /// What was found of one.
    pub fn of(&self, peer: Peer) -> Option<&Found> {
        self.found.iter().find(|(found, _)| *found == peer).map(|(_, found)| found)
    }

    /// As it goes into the results.
    pub fn to_json(&self) -> Value {
        let peers = self.found.iter();
        let peers = peers.map(|(peer, found)| (peer.name().to_owned(), found.to_json()));
        json!({
            "placement": self.placement,
            "requestsPerSecondAtRate": self.rate,
            "peers": peers.collect::<serde_json::Map<_, _>>(),
        })
    }
}

/// How many steps a placement has.
pub fn steps(rounds: u32, peers: &[Peer], placement: Placement) -> u64 {
    let peers = peers.len() as u64;
    let in_turn = u64::from(rounds) * peers * (BATCHES.len() as u64 + 1);
    in_turn + if placement == Placement::Shared { peers } else { 0 }
}

/// Measures.
pub async fn run(
    bench: &Bench,
    sources: &Sources,
    peers: &[Peer],
    placement: Placement,
    cores: Option<&Cores>,
) -> Result<Placed, Trouble> {
    let site = Site::start(&bench.arguments, cores).await?;
    let mut found: Vec<(Peer, Found)> =
        peers.iter().map(|&peer| (peer, Found::default())).collect();
    let place = placement.name();
    for round in 1..=bench.arguments.rounds() {
        for batch in BATCHES {
            for (peer, found) in &mut found {
                let name = peer.name();
                bench.progress.step(format!("{name}, {place}, batches of {batch}, round {round}"));
                saturate(bench, &site, sources, *peer, batch, found).await?;
            }
        }
    }
    let rate = slowest(&found) * rate::SHARE;
    for round in 1..=bench.arguments.rounds() {
        for (peer, found) in &mut found {
            let name = peer.name();
            bench.progress.step(format!("{name}, {place}, {rate:.0} requests a second, {round}"));
            let running = site.start_peer(sources, *peer).await?;
            let (p99_ms, refused) = rate::measure(&bench.arguments, &running, rate).await?;
            running.stop().await?;
            found.p99_ms.push(p99_ms);
            found.refused_at_rate.push(refused);
        }
    }
    if placement == Placement::Shared {
        for (peer, found) in &mut found {
            let name = peer.name();
            bench.progress.step(format!("{name}, what a crash costs, and what reading takes"));
            crash(&site, sources, *peer, found).await?;
        }
    }
    Ok(Placed { placement, rate, found })
}

async fn saturate(
    bench: &Bench,
    site: &Site,
    sources: &Sources,
    peer: Peer,
    batch: usize,
    found: &mut Found,
) -> Result<(), Trouble> {
    let running = site.start_peer(sources, peer).await?;
    let window = window::measure(&bench.arguments, site, &running, batch).await?;
    running.stop().await?;
    found.batches.entry(batch).or_default().add(&window);
    found.memory.push(window.memory);
    Ok(())
}

async fn crash(
    site: &Site,
    sources: &Sources,
    peer: Peer,
    found: &mut Found,
) -> Result<(), Trouble> {
    let running = site.start_peer(sources, peer).await?;
    found.read_ms = reading::measure(site, &running).await?;
    running.stop().await?;
    let running = site.start_peer(sources, peer).await?;
    let toll = lost::measure(site, sources, running, Victim::Collector).await?;
    found.collector_killed = Some(toll);
    if peer.has_database() {
        let running = site.start_peer(sources, peer).await?;
        let toll = lost::measure(site, sources, running, Victim::Database).await?;
        found.database_killed = Some(toll);
    }
    Ok(())
}

/// Requests a second with batches of [`rate::BATCH`] that the slowest stores.
#[allow(clippy::cast_precision_loss)]
fn slowest(found: &[(Peer, Found)]) -> f64 {
    let stored = |found: &Found| {
        found.batches.get(&rate::BATCH).map_or(f64::NAN, |load| load.stored_per_second.median())
    };
    let slowest = found.iter().map(|(_, found)| stored(found)).fold(f64::INFINITY, f64::min);
    slowest / rate::BATCH as f64
}
