//! A processor that is away, slow or unwilling.

use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::rngs::StdRng;
use trailkeep_testkit::trouble::Trouble;

use super::moment::a_moment;
use crate::load::Load;
use crate::processors::disruptions::Cause;
use crate::scene::Scene;

/// How long it may take until a user is held whom somebody can see to.
const HELD_LIMIT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);

/// Kills it twice.
pub async fn kill(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    for _ in 0..2 {
        a_moment(scene, 0..800, rng).await;
        scene.disruptions.begin(Cause::Processor);
        scene.processor()?.kill();
        a_moment(scene, 0..1500, rng).await;
        scene.processor()?.start().await?;
        scene.disruptions.end(Cause::Processor);
        load.wait_for_more(100).await?;
    }
    Ok(())
}

/// Lets it stand still for longer than a request may take.
pub async fn pause(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    a_moment(scene, 0..800, rng).await;
    scene.disruptions.begin(Cause::Processor);
    scene.processor()?.pause()?;
    a_moment(scene, 1500..4000, rng).await;
    scene.processor()?.resume()?;
    scene.disruptions.end(Cause::Processor);
    load.wait_for_more(100).await
}

/// Puts one in its place for a while that takes up to longer than a request may take.
pub async fn slow_down(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    a_moment(scene, 0..500, rng).await;
    replace(scene, true).await?;
    a_moment(scene, 1500..5000, rng).await;
    replace(scene, false).await?;
    load.wait_for_more(100).await
}

pub(super) async fn replace(scene: &mut Scene, is_slow: bool) -> Result<(), Trouble> {
    scene.disruptions.begin(Cause::Processor);
    scene.processor()?.kill();
    match is_slow {
        true => scene.processor()?.start_slow().await?,
        false => scene.processor()?.start().await?,
    }
    scene.disruptions.end(Cause::Processor);
    Ok(())
}

/// Lets it refuse some events, has somebody see to the users who wait for that, and mostly
/// kills the service meanwhile.
pub async fn hold(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    load.wait_for_more(if scene.is_quick { 300 } else { 1_500 }).await?;
    if !scene.is_quick && rng.random_bool(0.7) {
        scene.kill_service().await?;
        scene.start().await?;
    }
    let deadline = Instant::now() + HELD_LIMIT;
    while scene.attend().await? == 0 {
        if Instant::now() > deadline {
            return Err(Trouble(format!("nobody was held for {HELD_LIMIT:?}")));
        }
        tokio::time::sleep(PAUSE).await;
    }
    load.wait_for_more(if scene.is_quick { 100 } else { 1_500 }).await
}

/// Lets it fail or refuse what it does anyway.
pub async fn go_on(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    load.wait_for_more(if scene.is_quick { 500 } else { 3_000 }).await?;
    a_moment(scene, 0..500, rng).await;
    Ok(())
}
