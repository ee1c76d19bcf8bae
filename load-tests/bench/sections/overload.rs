//! Five times as much as can be stored: what is stored meanwhile, and what a
//! refusal costs.
//!
//! Events come at a fixed rate and nobody waits after a 503, which is harsher
//! than clients that heed `Retry-After`. The sender shares the cores with what
//! it loads, so the share that it got is in the figures.

use serde_json::{Value, json};
use trailkeep_testkit::trouble::Trouble;

use crate::batch::{People, USERS};
use crate::bench::{Bench, Shape, Site};
use crate::findings::{Findings, Row};
use crate::instance::Home;
use crate::load::{Load, Plan};
use crate::numbers::Samples;
use crate::processes::Cpu;
use crate::window::{Watched, Window};

/// In each round.
pub const STEPS: u64 = 3;
const BATCH: usize = 10;
const FACTOR: f64 = 5.0;
/// Enough for answers that take some milliseconds.
const CONNECTIONS: usize = 256;
/// Events a second that are offered to a service whose database stands still:
/// a flood, since a lone request costs more, for the thread that it wakes.
const REFUSED_RATE: f64 = 300_000.0;

/// Measures, each round saturation, five times that, and refusals alone.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let site = bench.site().await?;
    let mut goodput = Samples::default();
    let mut offered = Samples::default();
    let mut refusal_us = Samples::default();
    let mut windows: Vec<Value> = Vec::new();
    for round in 1..=bench.arguments.rounds() {
        bench.progress.step(format!("overload, saturation, round {round}"));
        let full = bench.measure(&site, &[], Shape::saturating(BATCH).of_known()).await?;
        bench.progress.step(format!("overload, five times that, round {round}"));
        let flood = flood(bench, &site, full.stored_per_second() * FACTOR).await?;
        goodput.push(flood.stored_per_second() / full.stored_per_second());
        #[allow(clippy::cast_precision_loss)]
        let events_per_second = flood.requests_per_second() * BATCH as f64;
        offered.push(events_per_second / full.stored_per_second());
        bench.progress.step(format!("overload, refusals alone, round {round}"));
        refusal_us.push(refusal(bench, &site).await?);
        windows.push(json!({ "saturation": full.to_json(), "overload": flood.to_json() }));
    }
    Ok(Findings {
        rows: vec![
            Row::at_least("goodput under overload, of saturation", goodput.median(), 0.9, ""),
            Row::figure("offered meanwhile, times saturation (5 wanted)", offered.median(), ""),
            Row::figure("service's CPU for a refusal", refusal_us.median(), "us"),
        ],
        figures: json!({
            "goodput": goodput.to_json(),
            "offered": offered.to_json(),
            "refusalCpuUs": refusal_us.to_json(),
            "windows": windows,
        }),
        ..Findings::default()
    })
}

async fn flood(bench: &Bench, site: &Site, events_per_second: f64) -> Result<Window, Trouble> {
    site.database.drop_events().await?;
    let home = Home::Mongodb(&site.database);
    let instance = bench.starter.start(home, &[]).await?;
    bench.introduce(&instance, People::of(USERS))?;
    let instances = [&instance];
    let watched = Watched {
        instances: &instances,
        token: &site.token,
        database: &site.database,
        beside: None,
        warm_up: bench.arguments.warm_up(),
        window: bench.arguments.window(),
    };
    let plan = Plan {
        connections: CONNECTIONS,
        ..bench.plan(&instances, Shape::offering(events_per_second, BATCH))
    };
    let window = watched.under(&plan).await?;
    instance.stop().await?;
    Ok(window)
}

/// How soon the service knows that its database stands still: from then on
/// nobody waits for room.
const SOON: [(&str, &str); 1] = [("HEALTH_CHECK_INTERVAL_MS", "50")];

/// With a database that stands still, soon everything is refused.
async fn refusal(bench: &Bench, site: &Site) -> Result<f64, Trouble> {
    let home = Home::Mongodb(&site.database);
    let instance = bench.starter.start(home, &SOON).await?;
    site.database.pause();
    let measured = refusals(bench, &instance).await;
    site.database.resume();
    instance.stop().await?;
    measured
}

#[allow(clippy::cast_precision_loss)]
async fn refusals(bench: &Bench, instance: &crate::instance::Instance) -> Result<f64, Trouble> {
    let load = Load::start(&bench.plan(&[instance], Shape::offering(REFUSED_RATE, BATCH)))?;
    tokio::time::sleep(bench.arguments.warm_up()).await;
    let before = Cpu::of(instance.pid())?;
    load.count();
    tokio::time::sleep(bench.arguments.window()).await;
    let cpu = Cpu::of(instance.pid())?.since(&before);
    let tally = tokio::task::block_in_place(|| load.stop())?;
    if tally.accepted > 0 || tally.refused == 0 {
        return Err(Trouble(format!(
            "{} events were accepted and {} requests refused by a service that cannot store",
            tally.accepted, tally.refused
        )));
    }
    Ok(cpu.as_secs_f64() * 1e6 / tally.refused as f64)
}
