//! From the start of the process to its first 200 on `/readyz`, with the
//! embedded store and a new folder.

use std::time::{Duration, Instant};

use serde_json::json;
use trailkeep_testkit::trouble::Trouble;

use crate::bench::Bench;
use crate::findings::{Findings, Row};
use crate::instance::Home;
use crate::numbers::Samples;

/// All starts together.
pub const STEPS: u64 = 1;
const STARTS: usize = 10;
const LIMIT: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(1);

/// Measures some starts, one after the other.
pub async fn run(bench: &Bench) -> Result<Findings, Trouble> {
    bench.progress.step("start");
    let mut times = Samples::default();
    for _ in 0..STARTS {
        let started = Instant::now();
        let instance = bench.starter.launch(Home::Embedded, &[])?;
        while !instance.is_ready().await {
            if started.elapsed() > LIMIT {
                return Err(Trouble(format!("a service was not ready after {LIMIT:?}")));
            }
            tokio::time::sleep(LOOK).await;
        }
        times.push(started.elapsed().as_secs_f64() * 1000.0);
        instance.stop().await?;
    }
    Ok(Findings {
        rows: vec![Row::at_most("start to ready, embedded", times.median(), 100.0, "ms")],
        figures: json!({ "ms": times.to_json() }),
        ..Findings::default()
    })
}
