//! Memory with the default settings: after the start, and at saturation.

use std::time::Duration;

use serde_json::{Map, json};
use trailkeep_testkit::trouble::Trouble;

use crate::bench::{Bench, Shape};
use crate::database::Database;
use crate::findings::{Findings, Row};
use crate::instance::Home;
use crate::load::Load;
use crate::processes::Memory;

/// One for each store.
pub const STEPS: u64 = 2;
const BATCH: usize = 10;
/// After which a service that has just started is taken to be idle.
const SETTLING: Duration = Duration::from_secs(1);
const MIB: f64 = 1024.0 * 1024.0;

/// Measures, one service for each store.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let database = Database::start(&bench.arguments).await?;
    let mut rows = Vec::new();
    let mut figures = Map::new();
    for (name, home) in [("MongoDB", Home::Mongodb(&database)), ("embedded", Home::Embedded)] {
        bench.progress.step(format!("memory, {name}"));
        let (idle, busy) = under_load(bench, home).await?;
        rows.push(Row::at_most(format!("memory, idle, {name}"), mib(idle.resident), 20.0, "MiB"));
        let what = format!("memory, most at saturation, {name}");
        rows.push(Row::at_most(what, mib(busy.peak), 48.0, "MiB"));
        figures.insert(name.to_owned(), json!({ "idle": idle, "saturated": busy }));
    }
    Ok(Findings { rows, figures: figures.into(), ..Findings::default() })
}

/// The memory before and at the end of the load.
async fn under_load(bench: &Bench, home: Home<'_>) -> Result<(Memory, Memory), Trouble> {
    let instance = bench.starter.start(home, &[]).await?;
    tokio::time::sleep(SETTLING).await;
    let idle = Memory::of(instance.pid())?;
    let load = Load::start(&bench.plan(&[&instance], Shape::saturating(BATCH)))?;
    tokio::time::sleep(bench.arguments.window() * bench.arguments.rounds()).await;
    let busy = Memory::of(instance.pid())?;
    tokio::task::block_in_place(|| load.stop())?;
    instance.stop().await?;
    Ok((idle, busy))
}

#[allow(clippy::cast_precision_loss)]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / MIB
}
