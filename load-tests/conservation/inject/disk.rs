//! A disk without room, as a limit on the size of files.

use rand::Rng as _;
use rand::rngs::StdRng;

use super::a_moment;
use crate::load::Load;
use crate::scene::Scene;
use crate::trouble::Trouble;

/// Nothing can be written beyond a place in each file: before all frames of
/// the journal, or somewhere among them, so that a write succeeds in part. Now
/// and then the service is killed meanwhile.
pub async fn fill(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    a_moment(scene, 0..500, rng).await;
    let limit = if rng.random_bool(0.5) {
        4096
    } else {
        rng.random_range(4096..2 << 20)
    };
    scene.service()?.limit_files(Some(limit))?;
    a_moment(scene, 300..2000, rng).await;
    if rng.random_bool(0.3) {
        scene.take_service()?.kill().await?;
        scene.start().await?;
    } else {
        scene.service()?.limit_files(None)?;
    }
    load.wait_for_more(100).await
}
