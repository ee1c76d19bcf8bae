//! How long a 202 takes at a rate that everybody reaches.

use trailkeep_testkit::trouble::Trouble;

use super::running::Running;
use crate::arguments::Arguments;
use crate::batch::People;
use crate::load::{Load, Pace, Plan};
use crate::numbers::milliseconds;

/// Events of a request.
pub const BATCH: usize = 10;
/// Of what the slowest takes.
pub const SHARE: f64 = 0.5;
/// One thread each; enough for answers that take some milliseconds.
const CONNECTIONS: usize = 32;
const USERS: u32 = 5_000;

/// The 99th percentile in milliseconds, from when a request was due, and how many of a
/// hundred requests were refused.
#[allow(clippy::cast_precision_loss)]
pub async fn measure(
    arguments: &Arguments,
    running: &Running,
    requests_per_second: f64,
) -> Result<(f64, f64), Trouble> {
    let plan = Plan {
        targets: vec![running.address()],
        connections: CONNECTIONS,
        batch: BATCH,
        people: People::of(USERS),
        pace: Pace::Open(requests_per_second),
        seed: 1,
    };
    let load = Load::start(&plan)?;
    tokio::time::sleep(arguments.warm_up()).await;
    load.count();
    tokio::time::sleep(arguments.window()).await;
    let tally = tokio::task::block_in_place(|| load.stop())?;
    if tally.failed > 0 {
        return Err(Trouble(format!("{} requests failed", tally.failed)));
    }
    let refused = tally.refused as f64 * 100.0 / (tally.requests as f64).max(1.0);
    Ok((milliseconds(&tally.latency, 0.99), refused))
}
