//! What the journal's syncs cost: `journal.sync` always against never, in turns.

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::latency::{chart, points};
use crate::bench::{Bench, Shape, Site};
use crate::findings::{Findings, Row};
use crate::numbers::{Samples, milliseconds, percentiles};
use crate::tally::latency_histogram;
use crate::window::Window;

/// In each round.
pub const STEPS: u64 = 4;
const BATCH: usize = 10;

/// All rounds with one value of `journal.sync`.
struct Side {
    setting: &'static str,
    stored: Samples,
    service_us: Samples,
    p99: Samples,
    latency: Histogram<u64>,
    windows: Vec<Value>,
}

impl Side {
    fn new(setting: &'static str) -> Result<Self, Trouble> {
        Ok(Self {
            setting,
            stored: Samples::default(),
            service_us: Samples::default(),
            p99: Samples::default(),
            latency: latency_histogram()?,
            windows: Vec::new(),
        })
    }

    async fn measure(&self, bench: &Bench, site: &Site, shape: Shape) -> Result<Window, Trouble> {
        bench.measure(site, &[("JOURNAL_SYNC", self.setting)], shape).await
    }

    async fn saturate(&mut self, bench: &Bench, site: &Site) -> Result<f64, Trouble> {
        bench.progress.step(format!("journal.sync {}, saturation", self.setting));
        let window = self.measure(bench, site, Shape::saturating(BATCH).of_known()).await?;
        self.stored.push(window.stored_per_second());
        self.service_us.push(window.service_us());
        self.windows.push(window.to_json());
        Ok(window.stored_per_second())
    }

    async fn offer(&mut self, bench: &Bench, site: &Site, rate: f64) -> Result<(), Trouble> {
        bench.progress.step(format!("journal.sync {}, half of it", self.setting));
        let window = self.measure(bench, site, Shape::offering(rate, BATCH).of_known()).await?;
        self.p99.push(milliseconds(&window.tally.latency, 0.99));
        self.latency.add(&window.tally.latency).during("adding latencies")?;
        self.windows.push(window.to_json());
        Ok(())
    }

    fn to_json(&self) -> Value {
        json!({
            "storedPerSecond": self.stored.to_json(),
            "serviceCpuUs": self.service_us.to_json(),
            "p99Ms": self.p99.to_json(),
            "latencyMs": percentiles(&self.latency),
            "windows": self.windows,
        })
    }
}

/// Measures, each round saturation with and without syncs, and then both
/// at the same rate, half of the lower saturation.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    let site = bench.site().await?;
    let (mut always, mut never) = (Side::new("always")?, Side::new("never")?);
    let mut ratio = Samples::default();
    for round in 0..bench.arguments.rounds() {
        // Who comes first takes turns too.
        let (with, without) = if round.is_multiple_of(2) {
            let without = never.saturate(bench, &site).await?;
            (always.saturate(bench, &site).await?, without)
        } else {
            let with = always.saturate(bench, &site).await?;
            (with, never.saturate(bench, &site).await?)
        };
        ratio.push(with / without);
        let rate = with.min(without) / 2.0;
        let sides = if round.is_multiple_of(2) {
            [&mut never, &mut always]
        } else {
            [&mut always, &mut never]
        };
        for side in sides {
            side.offer(bench, &site, rate).await?;
        }
    }
    let added_us = always.service_us.median() - never.service_us.median();
    let later_ms = always.p99.median() - never.p99.median();
    Ok(Findings {
        rows: vec![
            Row::at_least("synced: stored/s against never, batches of 10", ratio.median(), 0.9, ""),
            Row::at_most("synced: CPU added per event", added_us, 1.5, "us"),
            Row::at_most("synced: p99 of the 202 at half load, later by", later_ms, 3.0, "ms"),
        ],
        figures: json!({
            "ratio": ratio.to_json(),
            "addedCpuUs": added_us,
            "always": always.to_json(),
            "never": never.to_json(),
        }),
        charts: vec![chart(
            "latency-journal",
            vec![
                ("always".to_owned(), points(&always.latency)),
                ("never".to_owned(), points(&never.latency)),
            ],
        )],
        ..Findings::default()
    })
}
