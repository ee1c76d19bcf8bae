//! The end, or the silence, of a database server.

use rand::rngs::StdRng;
use tokio::task::block_in_place;
use trailkeep_testkit::mongod::{Mongod, ReplicaSet};
use trailkeep_testkit::trouble::Trouble;

use super::moment::a_moment;
use crate::load::Load;
use crate::processors::disruptions::Cause;
use crate::scene::Scene;
use crate::store::Store;

/// Lets it stand still for longer than a write, a check or a connection may take.
pub async fn pause(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    a_moment(scene, 0..500, rng).await;
    scene.disruptions.begin(Cause::Database);
    block_in_place(|| server(scene).map(Mongod::pause))?;
    a_moment(scene, 1500..4000, rng).await;
    server(scene)?.resume();
    scene.disruptions.end(Cause::Database);
    load.wait_for_more(100).await
}

/// Kills it and starts it again.
pub async fn kill(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    a_moment(scene, 0..800, rng).await;
    scene.disruptions.begin(Cause::Database);
    server(scene)?.kill();
    a_moment(scene, 0..2000, rng).await;
    block_in_place(|| server(scene).map(Mongod::restart))?;
    scene.disruptions.end(Cause::Database);
    load.wait_for_more(100).await
}

/// Kills the primary, and starts it again once the others had time to elect
/// another, or before that.
pub async fn kill_primary(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    a_moment(scene, 0..800, rng).await;
    let primary = set(scene)?.primary().await;
    scene.disruptions.begin(Cause::Database);
    primary.kill();
    a_moment(scene, 0..5000, rng).await;
    block_in_place(|| primary.restart());
    set(scene)?.primary().await;
    scene.disruptions.end(Cause::Database);
    load.wait_for_more(100).await
}

pub(super) fn server(scene: &Scene) -> Result<&Mongod, Trouble> {
    match &scene.store {
        Store::Mongodb(server) => Ok(server),
        Store::Embedded | Store::ReplicaSet(_) => Err(Trouble("there is no mongod".to_owned())),
    }
}

fn set(scene: &Scene) -> Result<&ReplicaSet, Trouble> {
    match &scene.store {
        Store::ReplicaSet(set) => Ok(set),
        Store::Embedded | Store::Mongodb(_) => Err(Trouble("there is no replica set".to_owned())),
    }
}
