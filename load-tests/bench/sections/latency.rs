//! How long a 202 takes when the service is half busy. Events come at a fixed
//! rate and latency counts from when a request was due, so that none waits
//! unseen behind another.

use hdrhistogram::Histogram;
use serde_json::json;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::bench::{Bench, Shape};
use crate::chart::{Axis, Chart};
use crate::findings::{Findings, Row};
use crate::numbers::{Samples, milliseconds, percentiles};
use crate::tally::latency_histogram;

/// In each round.
pub const STEPS: u64 = 2;
const BATCH: usize = 10;

/// Measures, each round saturation and then half of it.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let site = bench.site().await?;
    let mut saturation = Samples::default();
    let mut p99 = Samples::default();
    let mut latency = latency_histogram()?;
    let mut refused = 0;
    let mut windows = Vec::new();
    for round in 1..=bench.arguments.rounds() {
        bench.progress.step(format!("latency, saturation, round {round}"));
        let full = bench.measure(&site, &[], Shape::saturating(BATCH).of_known()).await?;
        saturation.push(full.stored_per_second());
        bench.progress.step(format!("latency, half of it, round {round}"));
        let half = Shape::offering(full.stored_per_second() / 2.0, BATCH).of_known();
        let half = bench.measure(&site, &[], half).await?;
        refused += half.tally.refused;
        p99.push(milliseconds(&half.tally.latency, 0.99));
        latency.add(&half.tally.latency).during("adding latencies")?;
        windows.push(json!({ "saturation": full.to_json(), "half": half.to_json() }));
    }
    #[allow(clippy::cast_precision_loss)]
    let refused = refused as f64;
    Ok(Findings {
        rows: vec![
            Row::figure("stored/s at saturation, defaults", saturation.median(), ""),
            Row::at_most("503s at half of saturation", refused, 0.0, ""),
            Row::figure("p50 of the 202 at half of saturation", milliseconds(&latency, 0.5), "ms"),
            Row::at_most("p99 of the 202 at half of saturation", p99.median(), 5.0, "ms"),
            Row::figure("p99.9 of the 202, all rounds", milliseconds(&latency, 0.999), "ms"),
        ],
        figures: json!({
            "saturation": saturation.to_json(),
            "p99Ms": p99.to_json(),
            "latencyMs": percentiles(&latency),
            "windows": windows,
        }),
        charts: vec![chart("latency", vec![("defaults".to_owned(), points(&latency))])],
        ..Findings::default()
    })
}

/// A drawing of percentiles.
pub fn chart(name: &str, lines: Vec<(String, Vec<(f64, f64)>)>) -> Chart {
    Chart {
        name: name.to_owned(),
        title: "Latency of the 202 at half of saturation".to_owned(),
        x: Axis::Percentiles("percentile"),
        y: "milliseconds",
        lines,
    }
}

/// Latencies up to the highest share that has ten requests beyond it.
pub fn points(latency: &Histogram<u64>) -> Vec<(f64, f64)> {
    #[allow(clippy::cast_precision_loss)]
    let last = (latency.len() as f64 / 10.0).log10();
    (0..)
        .map(|step| f64::from(step) / 10.0)
        .take_while(|place| *place <= last.min(5.0))
        .map(|place| 1.0 - 10_f64.powf(-place))
        .map(|share| (share, milliseconds(latency, share)))
        .collect()
}
