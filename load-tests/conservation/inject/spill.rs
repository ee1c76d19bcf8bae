//! An outage that is longer than the buffer.

use rand::Rng as _;
use rand::rngs::StdRng;
use tokio::task::block_in_place;

use super::{a_moment, database};
use crate::load::Load;
use crate::mongod::Mongod;
use crate::scene::Scene;
use crate::trouble::Trouble;

/// Pauses mongod until several times as many events are accepted as the
/// buffer holds, and kills the service in the outage, in the middle of the
/// drain, or both.
pub async fn outlast_an_outage(
    scene: &mut Scene,
    load: &Load,
    rng: &mut StdRng,
) -> Result<(), Trouble> {
    a_moment(scene, 0..300, rng).await;
    block_in_place(|| database::server(scene).map(Mongod::pause))?;
    load.wait_for_more(rng.random_range(1500..5000)).await?;
    if rng.random_bool(0.7) {
        scene.take_service()?.kill().await?;
        scene.launch()?;
        load.wait_for_more(rng.random_range(500..3000)).await?;
    }
    database::server(scene)?.resume();
    a_moment(scene, 0..600, rng).await;
    match rng.random_range(0..10) {
        0..6 => {
            scene.take_service()?.kill().await?;
            scene.start().await?;
        }
        6..8 => {
            scene.take_service()?.stop().await?;
            scene.start().await?;
        }
        _ => {}
    }
    load.wait_for_more(100).await
}
