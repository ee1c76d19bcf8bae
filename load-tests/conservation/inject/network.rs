//! Connections that delay, truncate and end.

use rand::rngs::StdRng;
use trailkeep_testkit::trouble::Trouble;

use super::moment::a_moment;
use crate::load::Load;
use crate::processors::disruptions::Cause;
use crate::scene::Scene;

/// A stretch of bad network.
pub async fn cut(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    let network = scene.network.as_ref().ok_or_else(|| Trouble("there is no proxy".to_owned()))?;
    scene.disruptions.begin(Cause::Network);
    network.be_rough(true);
    a_moment(scene, 1000..3000, rng).await;
    network.be_rough(false);
    scene.disruptions.end(Cause::Network);
    load.wait_for_more(100).await
}
