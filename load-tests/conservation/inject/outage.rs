//! An outage in which more is accepted than memory holds.

use rand::Rng as _;
use rand::rngs::StdRng;
use rusqlite::Connection;
use tokio::task::block_in_place;
use trailkeep_testkit::mongod::Mongod;
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::database;
use super::moment::a_moment;
use crate::load::Load;
use crate::processors::disruptions::Cause;
use crate::scene::Scene;
use crate::store::Store;

/// Has the database take nothing until more events are accepted than memory
/// holds, which are 5,000, and kills the service in the outage, while events are
/// read back, or both.
pub async fn outlast(scene: &mut Scene, load: &Load, rng: &mut StdRng) -> Result<(), Trouble> {
    a_moment(scene, 0..300, rng).await;
    scene.disruptions.begin(Cause::Database);
    let outage = begin(scene)?;
    load.wait_for_more(rng.random_range(6_000..9_000)).await?;
    if rng.random_bool(0.7) {
        scene.kill_service().await?;
        scene.launch()?;
        load.wait_for_more(rng.random_range(500..3_000)).await?;
    }
    end(outage, scene)?;
    scene.disruptions.end(Cause::Database);
    a_moment(scene, 0..600, rng).await;
    match rng.random_range(0..10) {
        0..6 => {
            scene.kill_service().await?;
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

/// Whoever holds the embedded store's file; `None` where a server stands still.
fn begin(scene: &Scene) -> Result<Option<Connection>, Trouble> {
    if !matches!(scene.store, Store::Embedded) {
        block_in_place(|| database::server(scene).map(Mongod::pause))?;
        return Ok(None);
    }
    let holder = Connection::open(crate::store::file_in(scene.folder())?);
    let holder = holder.during("opening the file")?;
    let patience = std::time::Duration::from_secs(10);
    block_in_place(|| {
        holder.busy_timeout(patience)?;
        holder.execute_batch("BEGIN IMMEDIATE")
    })
    .during("holding the file")?;
    Ok(Some(holder))
}

fn end(outage: Option<Connection>, scene: &Scene) -> Result<(), Trouble> {
    match outage {
        Some(holder) => holder.execute_batch("ROLLBACK").during("letting go"),
        None => {
            database::server(scene)?.resume();
            Ok(())
        }
    }
}
