//! Two services on one MongoDB against one, in turns, under the same load.

use serde_json::{Value, json};
use trailkeep_testkit::trouble::Trouble;

use crate::bench::{Bench, Shape};
use crate::findings::{Findings, Row};
use crate::instance::Home;
use crate::numbers::Samples;

/// In each round.
pub const STEPS: u64 = 2;
const BATCH: usize = 10;

/// Measures, each round one and two.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let site = bench.site().await?;
    let shape = Shape::saturating(BATCH);
    let mut ratio = Samples::default();
    let mut pairs = Samples::default();
    let mut windows: Vec<Value> = Vec::new();
    for round in 1..=bench.arguments.rounds() {
        bench.progress.step(format!("one instance, round {round}"));
        let one = bench.measure(&site, &[], shape).await?;
        bench.progress.step(format!("two instances, round {round}"));
        site.database.drop_events().await?;
        let home = Home::Mongodb(&site.database);
        let first = bench.starter.start(home, &[]).await?;
        let second = bench.starter.start(home, &[]).await?;
        let two = bench.load(&site, &[&first, &second], shape).await?;
        first.stop().await?;
        second.stop().await?;
        ratio.push(two.stored_per_second() / one.stored_per_second());
        pairs.push(two.stored_per_second());
        windows.push(json!({ "one": one.to_json(), "two": two.to_json() }));
    }
    Ok(Findings {
        rows: vec![
            Row::figure("two instances: stored/s", pairs.median(), ""),
            Row::figure("two instances: stored/s against one", ratio.median(), ""),
        ],
        figures: json!({ "ratio": ratio.to_json(), "windows": windows }),
        ..Findings::default()
    })
}
