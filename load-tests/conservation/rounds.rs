//! The rounds of one fault on one store.

use std::path::Path;
use std::time::Instant;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use trailkeep_testkit::trouble::Trouble;

use crate::arguments::Arguments;
use crate::fault::{Fault, StoreKind};
use crate::inject::inject;
use crate::scene::Scene;
use crate::table::Row;
use crate::verdict::Verdict;

/// How rounds are run.
pub struct Rounds<'a> {
    pub arguments: &'a Arguments,
    /// The service.
    pub binary: &'a Path,
    pub seeds: &'a [u64],
}

impl Rounds<'_> {
    /// Runs all rounds of a fault on a store. The seeds take turns. After one
    /// that failed, the next has a scene of its own.
    pub async fn of(&self, fault: Fault, store: StoreKind) -> Row {
        let mut row = Row::new(fault, store);
        let mut scene = None;
        for round in 0..self.arguments.rounds(fault) {
            for &seed in self.arguments.seeds_of(fault, self.seeds) {
                if row.rounds.is_multiple_of(fault.rounds_in_a_scene()) {
                    row.take_over(scene.take());
                }
                let started = Instant::now();
                let result = match self.scene(&mut scene, fault, store).await {
                    Ok(scene) => carry_out(scene, round, seed).await,
                    Err(trouble) => Err(trouble),
                };
                row.rounds += 1;
                row.troubles += u32::from(result.is_err());
                let seconds = started.elapsed().as_secs_f32();
                eprint!(
                    "{} on {}, round {round} of seed {seed} ({seconds:.1} s): ",
                    fault.name(),
                    store.name()
                );
                let is_clean = is_clean(&result);
                // Of two instances the one that answers too early loses its disk.
                let is_planted = self.arguments.prove && is_clean == fault.is_of_pair();
                if is_planted {
                    row.planted(notices_planted(scene.as_ref()).await);
                }
                if is_planted || !is_clean {
                    row.take_over(scene.take().map(|scene| self.give_up(scene)));
                }
            }
        }
        row.take_over(scene);
        row
    }

    /// The scene that is set, else a new one.
    async fn scene<'s>(
        &self,
        scene: &'s mut Option<Scene>,
        fault: Fault,
        store: StoreKind,
    ) -> Result<&'s mut Scene, Trouble> {
        match scene {
            Some(scene) => Ok(scene),
            none => {
                let new = Scene::set(self.arguments, self.binary, fault, store).await?;
                Ok(none.insert(new))
            }
        }
    }

    /// There is nothing to look into where a loss was made on purpose.
    fn give_up(&self, scene: Scene) -> Scene {
        if self.arguments.prove { scene } else { scene.keep() }
    }
}

/// Whether defects of processing that are made on purpose are found.
async fn notices_planted(scene: Option<&Scene>) -> bool {
    let Some(scene) = scene else { return false };
    scene.notices_planted().await.unwrap_or_else(|trouble| {
        eprintln!("{trouble}");
        false
    })
}

/// One round: load, the fault meanwhile, recovery, and the check.
async fn carry_out(scene: &mut Scene, round: u32, seed: u64) -> Result<Verdict, Trouble> {
    let mut rng = StdRng::seed_from_u64(seed ^ (u64::from(round) << 32) ^ scene.fault as u64);
    let name = format!("s{seed}-r{round}");
    let carried_out = async {
        let load = scene.begin(&name, &mut rng).await?;
        inject(scene, &load, &mut rng).await?;
        scene.check(load).await
    };
    let result = carried_out.await;
    result.map_err(|trouble| {
        let tail = scene.log_tail();
        Trouble(format!("{trouble}\n--- the service's last lines ---\n{tail}\n---"))
    })
}

/// Says what a round came to; true if no defect was found.
fn is_clean(result: &Result<Verdict, Trouble>) -> bool {
    match result {
        Ok(verdict) if verdict.is_clean() => {
            eprintln!("{verdict}");
            true
        }
        Ok(verdict) => {
            eprintln!("FAILED: {verdict}");
            false
        }
        Err(trouble) => {
            eprintln!("FAILED: {trouble}");
            false
        }
    }
}
