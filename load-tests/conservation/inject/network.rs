//! Connections that delay, truncate and end.

use rand::rngs::StdRng;
use trailkeep_testkit::trouble::Trouble;

use super::moment::a_moment;
use crate::fault::Fault;
use crate::load::Load;
use crate::processors::disruptions::Cause;
use crate::scene::Scene;

/// A stretch of bad network.
pub async fn cut(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    let cause = match scene.fault {
        Fault::ProcessorCut => Cause::Processor,
        _ => Cause::Network,
    };
    scene.disruptions.begin(cause);
    scene.network.be_rough(true);
    a_moment(scene, 1000..3000, rng).await;
    scene.network.be_rough(false);
    scene.disruptions.end(cause);
    load.wait_for_more(100).await
}
