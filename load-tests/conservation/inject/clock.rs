//! A clock that goes back.

use rand::Rng as _;
use rand::rngs::StdRng;
use trailkeep_testkit::trouble::Trouble;

use super::moment::a_moment;
use crate::load::Load;
use crate::scene::Scene;

/// Steps the service's clock back while it runs, then stops it and kills it
/// with the clock still behind, and sets the clock right at the end.
pub async fn step_back(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    a_moment(scene, 0..500, rng).await;
    scene.step_clock(-rng.random_range(1..3600))?;
    load.wait_for_more(300).await?;
    if rng.random_bool(0.7) {
        scene.take_service()?.stop().await?;
        scene.start().await?;
        load.wait_for_more(300).await?;
    }
    a_moment(scene, 0..500, rng).await;
    scene.kill_service().await?;
    scene.start().await?;
    load.wait_for_more(300).await?;
    scene.step_clock(0)?;
    load.wait_for_more(100).await
}
