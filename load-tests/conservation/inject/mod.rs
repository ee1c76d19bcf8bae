//! What breaks in a round, and how it is mended again.

mod clock;
mod database;
mod disk;
mod erasing;
mod journal;
mod moment;
mod network;
mod outage;
mod pair;
mod process;
mod processor;
mod retention;
mod takeover;

use rand::rngs::StdRng;
use trailkeep_testkit::trouble::Trouble;

use crate::fault::Fault;
use crate::load::Load;
use crate::scene::Scene;

/// Breaks something while the load runs, and mends it.
pub async fn inject(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    match scene.fault {
        Fault::Kill9 | Fault::Kill9Unsynced => process::kill_and_restart(scene, load, rng).await,
        Fault::Sigterm => process::stop_and_restart(scene, load, rng).await,
        Fault::MongodPause => database::pause(scene, load, rng).await,
        Fault::MongodKill9 => database::kill(scene, load, rng).await,
        Fault::PrimaryKill | Fault::PairPrimaryKill => {
            database::kill_primary(scene, load, rng).await
        }
        Fault::CutConnection | Fault::ProcessorCut => network::cut(scene, load, rng).await,
        Fault::Outage => outage::outlast(scene, load, rng).await,
        Fault::DiskFull => disk::fill(scene, load, rng).await,
        Fault::DiskFails => disk::fail(scene, load, rng).await,
        Fault::BitFlip | Fault::CutFile => journal::damage(scene, load, rng).await,
        Fault::ClockBack => clock::step_back(scene, load, rng).await,
        Fault::Erase => erasing::erase(scene, load, rng).await,
        Fault::OldIndex => takeover::outlive(scene, load, rng).await,
        Fault::ProcessorKill9 => processor::kill(scene, load, rng).await,
        Fault::ProcessorPause => processor::pause(scene, load, rng).await,
        Fault::ProcessorSlow => processor::slow_down(scene, load, rng).await,
        Fault::ProcessorHolds => processor::hold(scene, load, rng).await,
        Fault::Retention => retention::expire(scene, load, rng).await,
        Fault::PairKill9 => pair::kill(scene, load, rng).await,
        Fault::PairPause => pair::pause(scene, load, rng).await,
        Fault::PairLostDisk => pair::lose_disk(scene, load, rng).await,
        Fault::ProcessorFails | Fault::ProcessorRefuses => processor::go_on(scene, load, rng).await,
    }
}
