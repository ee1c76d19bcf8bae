//! One of two instances is killed, stands still, or loses its disk.

use rand::Rng as _;
use rand::rngs::StdRng;
use trailkeep_testkit::trouble::Trouble;

use super::moment::a_moment;
use crate::load::Load;
use crate::scene::Scene;

/// Events that are accepted while nothing that the first one stores is fed.
const UNFED: u64 = 150;
/// How long what was accepted may take to be fed, in milliseconds.
const FED_MS: std::ops::Range<u64> = 2000..2001;

/// Kills one of them, twice. Where it is the first, what that has stored is not fed before
/// at times, and its last document of the feed comes when it is dead, or not at all.
pub async fn kill(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    for _ in 0..if scene.is_quick { 1 } else { 2 } {
        a_moment(scene, 0..800, rng).await;
        let victim = victim(scene, rng).await?;
        let other = 1 - victim;
        let is_held = victim == 0 && rng.random_bool(0.6) && scene.network.hold_feed();
        if is_held {
            load.wait_for_more(UNFED).await?;
        }
        scene.kill_instance(victim).await?;
        if is_held && rng.random_bool(0.5) {
            a_moment(scene, 0..200, rng).await;
            scene.network.let_go(rng.random_bool(0.7));
        }
        load.wait_for_more(100).await?;
        if rng.random_bool(0.5) {
            scene.wait_until_in_charge(other).await?;
            load.wait_for_more(200).await?;
        }
        // What was held until now may come beside what the next start feeds.
        scene.start_instance(victim).await?;
        scene.network.let_go(rng.random_bool(0.7));
        load.wait_for_more(200).await?;
    }
    Ok(())
}

/// Lets one of them stand still, mostly for so long that the other one delivers in its
/// place; now and then that one is killed as soon as the first goes on.
pub async fn pause(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    a_moment(scene, 0..800, rng).await;
    let victim = victim(scene, rng).await?;
    let other = 1 - victim;
    scene.pause_instance(victim).await?;
    if rng.random_bool(0.8) {
        // Its lease is not freed: who stands still for less than that goes on with it.
        scene.wait_until_in_charge(other).await?;
        load.wait_for_more(200).await?;
        a_moment(scene, 0..1000, rng).await;
    } else {
        // Not as long as its lease, but for longer than it is sure of that.
        a_moment(scene, 500..9500, rng).await;
    }
    scene.resume_instance(victim).await?;
    if rng.random_bool(0.3) {
        scene.kill_instance(other).await?;
        load.wait_for_more(100).await?;
        scene.start_instance(other).await?;
    }
    load.wait_for_more(200).await
}

/// Kills the first one before it feeds what it has stored, takes its disk away, and starts
/// it with an empty one. Half of the batches are sent to both.
pub async fn lose_disk(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    let (from, disk) = (scene.oracle.noted(), scene.doors.disk(0));
    // What was noted before has been fed by then.
    a_moment(scene, FED_MS, rng).await;
    let held_from = scene.oracle.noted();
    scene.network.hold_feed();
    load.wait_for_more(rng.random_range(UNFED..4 * UNFED)).await?;
    scene.kill_instance(0).await?;
    scene.network.let_go(false);
    scene.lose_disk(0, from)?;
    let shared = scene.oracle.shared(disk, held_from);
    eprintln!("{shared} batches that the second has too were accepted while the feed was held");
    a_moment(scene, 0..500, rng).await;
    scene.start_instance(0).await?;
    load.wait_for_more(200).await
}

/// Mostly the one that delivers.
async fn victim(scene: &Scene, rng: &mut StdRng) -> Result<usize, Trouble> {
    let any = rng.random_range(0..2);
    let in_charge = scene.in_charge().await?;
    Ok(in_charge.filter(|_| rng.random_bool(0.7)).unwrap_or(any))
}
