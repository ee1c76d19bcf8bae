//! The times between what is done.

use std::time::Duration;

use rand::Rng as _;
use rand::rngs::StdRng;

use crate::scene::Scene;

/// Waits for a random time, at least this long; a quick run waits at most
/// half as long beyond that.
pub async fn a_moment(scene: &Scene, millis: std::ops::Range<u64>, rng: &mut StdRng) {
    let mut length = rng.random_range(millis.clone());
    if scene.is_quick {
        length = millis.start + (length - millis.start) / 2;
    }
    tokio::time::sleep(Duration::from_millis(length)).await;
}
