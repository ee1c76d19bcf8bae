//! Events that expire before they are delivered.

use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::rngs::StdRng;
use trailkeep_testkit::trouble::Trouble;

use super::moment::a_moment;
use super::processor::replace;
use crate::load::Load;
use crate::scene::Scene;

/// By how many seconds the clock goes on: more than the retention, which is a day, and less
/// than two, after which outcomes expire too.
const LATER_S: i64 = 36 * 60 * 60;
/// How long what is in flight may take to be answered and noted, in milliseconds.
const NOTED_MS: std::ops::Range<u64> = 500..1_000;
/// The service looks for what has expired at its start, and then once a minute.
const EXPIRED_LIMIT: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(100);

/// Has the processor fall behind, and the clock go on, while the service is down or at
/// work. What waits then is deleted before its turn.
pub async fn expire(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    replace(scene, true).await?;
    load.wait_for_more(if scene.is_quick { 200 } else { 800 }).await?;
    match rng.random_range(0..10) {
        _ if scene.is_quick => kill_and_restart(scene, rng).await?,
        0..4 => kill_and_restart(scene, rng).await?,
        4..7 => stop_and_restart(scene, rng).await?,
        _ => wait_for_a_sweep(scene, rng).await?,
    }
    load.wait_for_more(100).await?;
    replace(scene, false).await?;
    load.wait_for_more(100).await
}

async fn kill_and_restart(scene: &mut Scene, rng: &mut StdRng) -> Result<(), Trouble> {
    scene.kill_service().await?;
    go_on(scene, rng).await?;
    scene.start().await
}

async fn stop_and_restart(scene: &mut Scene, rng: &mut StdRng) -> Result<(), Trouble> {
    scene.take_service()?.stop().await?;
    go_on(scene, rng).await?;
    scene.start().await
}

async fn wait_for_a_sweep(scene: &mut Scene, rng: &mut StdRng) -> Result<(), Trouble> {
    go_on(scene, rng).await?;
    let deadline = Instant::now() + EXPIRED_LIMIT;
    let mut before = 0;
    loop {
        let count = scene.store.count(scene.folder()).await?;
        if count < before {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(Trouble(format!("nothing was deleted for {EXPIRED_LIMIT:?}")));
        }
        before = count;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Has the clock go on. A service that runs may take a little more under the old time, and
/// some that is new counts as old then, which excuses nothing that has no outcome.
async fn go_on(scene: &mut Scene, rng: &mut StdRng) -> Result<(), Trouble> {
    scene.step_clock(LATER_S)?;
    a_moment(scene, NOTED_MS, rng).await;
    scene.oracle.note_expired();
    Ok(())
}
