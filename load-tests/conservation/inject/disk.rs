//! A disk without room, and one that fails, as a limit on the size of files.

use rand::Rng as _;
use rand::rngs::StdRng;
use trailkeep_testkit::trouble::Trouble;

use super::journal;
use super::moment::a_moment;
use crate::load::Load;
use crate::processors::disruptions::Cause;
use crate::scene::Scene;

/// Of a segment of the journal, which is made at its full size.
const SEGMENT_BYTES: u64 = 16 << 20;

/// The disk has no room for another segment: events are refused until it has. Now
/// and then the service is killed meanwhile. In most rounds it is started on such
/// a disk, since it takes some 50,000 events until a running one needs a segment.
pub async fn fill(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    a_moment(scene, 0..500, rng).await;
    if !scene.is_quick && rng.random_bool(0.2) {
        scene.service()?.limit_files(Some(SEGMENT_BYTES - 1))?;
    } else {
        if rng.random_bool(0.5) {
            scene.kill_service().await?;
        } else {
            scene.take_service()?.stop().await?;
        }
        scene.launch_limited(rng.random_range(SEGMENT_BYTES / 2..SEGMENT_BYTES))?;
    }
    load.wait_for_refusals(1).await?;
    a_moment(scene, 100..2000, rng).await;
    if rng.random_bool(0.3) {
        scene.kill_service().await?;
        scene.start().await?;
    } else {
        scene.service()?.limit_files(None)?;
    }
    load.wait_for_more(100).await
}

/// Nothing can be written beyond a place in each file: in front of what is next
/// in the journal, or somewhere behind it, so that a write succeeds in part. The
/// service must end by itself.
pub async fn fail(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    a_moment(scene, 0..500, rng).await;
    let limit = if rng.random_bool(0.3) {
        4096
    } else {
        journal::end_of_frames(scene)? + rng.random_range(0..30_000)
    };
    scene.disruptions.begin(Cause::Service);
    scene.service()?.limit_files(Some(limit))?;
    scene.take_service()?.fail().await?;
    scene.free_lease().await;
    a_moment(scene, 0..300, rng).await;
    scene.start().await?;
    load.wait_for_more(100).await
}
