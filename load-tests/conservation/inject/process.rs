//! The end of the service's process.

use rand::rngs::StdRng;
use trailkeep_testkit::trouble::Trouble;

use super::moment::a_moment;
use crate::load::Load;
use crate::scene::Scene;

/// Kills it several times, now and then before it is ready again.
pub async fn kill_and_restart(
    scene: &mut Scene,
    load: &Load,
    rng: &mut StdRng,
) -> Result<(), Trouble> {
    a_moment(scene, 0..800, rng).await;
    scene.kill_service().await?;
    scene.launch()?;
    a_moment(scene, 0..300, rng).await;
    scene.kill_service().await?;
    scene.start().await?;
    load.wait_for_more(1).await?;
    a_moment(scene, 0..800, rng).await;
    scene.kill_service().await?;
    scene.start().await?;
    load.wait_for_more(100).await
}

/// Tells it to stop.
pub async fn stop_and_restart(
    scene: &mut Scene,
    load: &Load,
    rng: &mut StdRng,
) -> Result<(), Trouble> {
    for _ in 0..2 {
        a_moment(scene, 0..800, rng).await;
        scene.take_service()?.stop().await?;
        scene.start().await?;
        load.wait_for_more(100).await?;
    }
    Ok(())
}
