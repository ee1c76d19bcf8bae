//! The service takes a database of an older version over, and is killed meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::rngs::StdRng;
use trailkeep_testkit::trouble::Trouble;

use crate::load::Load;
use crate::old_events::Watch;
use crate::oracle::Oracle;
use crate::scene::Scene;

/// Between a start and the next kill, in milliseconds; the service may not be ready
/// by then.
const APART: std::ops::Range<u64> = 300..2000;
/// How long a takeover may take.
const LIMIT: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(200);
/// In which anything is accepted while the service is up.
const SLICE: Duration = Duration::from_millis(100);

/// Kills the service again and again, and reads old events all the while, until the
/// new index is there and the old one gone.
pub async fn outlive(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    let old = scene.old.ok_or_else(|| Trouble("there are no old events".to_owned()))?;
    let (began, accepted) = (Instant::now(), scene.oracle.accepted());
    let watch = Watch::start(scene.reader()?, old, rng);
    let slices = Arc::new(AtomicU32::new(0));
    let counting = tokio::spawn(count_slices(Arc::clone(&scene.oracle), Arc::clone(&slices)));
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
    counting.abort();
    let accepted = (scene.oracle.accepted() - accepted) as f64;
    let accepting = SLICE.as_secs_f64() * f64::from(slices.load(Ordering::Relaxed));
    let (rate, rate_of_it) = (accepted / seconds, accepted / accepting);
    load.wait_for_more(100).await?;
    let watched = watch.stop().await?;
    eprintln!(
        "the old index was replaced after {seconds:.1} s and {kills_meanwhile} kills, at {rate:.0} \
         accepted events a second, {rate_of_it:.0} in the {accepting:.1} s in which any were; \
         {watched}"
    );
    scene.count_misread(watched.wrong);
    Ok(())
}

/// Counts the slices of time in which anything was accepted.
async fn count_slices(oracle: Arc<Oracle>, slices: Arc<AtomicU32>) {
    let mut ticks = tokio::time::interval(SLICE);
    let mut before = oracle.accepted();
    loop {
        ticks.tick().await;
        let accepted = oracle.accepted();
        slices.fetch_add(u32::from(accepted > before), Ordering::Relaxed);
        before = accepted;
    }
}
