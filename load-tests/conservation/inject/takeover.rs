//! The service takes a database of an older version over, and is killed meanwhile.

use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::rngs::StdRng;
use trailkeep_testkit::trouble::Trouble;

use crate::load::Load;
use crate::old_events::Watch;
use crate::scene::Scene;

/// Between a start and the next kill, in milliseconds; the service may not be ready
/// by then.
const APART: std::ops::Range<u64> = 300..2000;
/// How long a takeover may take.
const LIMIT: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(200);

/// Kills the service again and again, and reads old events all the while, until the
/// new index is there and the old one gone.
pub async fn outlive(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    let old = scene.old.ok_or_else(|| Trouble("there are no old events".to_owned()))?;
    let (began, accepted) = (Instant::now(), scene.oracle.accepted());
    let watch = Watch::start(scene.reader()?, old, rng);
    let mut kills_meanwhile = 0;
    for _ in 0..if scene.is_quick { 3 } else { 10 } {
        tokio::time::sleep(Duration::from_millis(rng.random_range(APART))).await;
        kills_meanwhile += u32::from(!scene.store.is_taken_over().await?);
        scene.kill_service().await?;
        scene.launch()?;
    }
    scene.wait_until_ready().await?;
    while !scene.store.is_taken_over().await? {
        if began.elapsed() > LIMIT {
            return Err(Trouble(format!("the old index is not replaced after {LIMIT:?}")));
        }
        tokio::time::sleep(PAUSE).await;
    }
    let seconds = began.elapsed().as_secs_f64();
    let rate = (scene.oracle.accepted() - accepted) as f64 / seconds;
    load.wait_for_more(100).await?;
    let watched = watch.stop().await?;
    eprintln!(
        "the old index was replaced after {seconds:.1} s and {kills_meanwhile} kills, at {rate:.0} \
         accepted events a second; {watched}"
    );
    scene.count_misread(watched.wrong);
    Ok(())
}
