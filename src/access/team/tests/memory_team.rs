//! A store of a team's settings in memory.

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::{RwLock, RwLockWriteGuard};
use trailkeep_store::StoreError;
use trailkeep_store::team::{TeamRecord, TeamStore};

#[derive(Default)]
pub struct MemoryTeam {
    kept: Mutex<Kept>,
    gate: RwLock<()>,
}

#[derive(Default)]
struct Kept {
    is_away: bool,
    team: Option<TeamRecord>,
    reads: usize,
}

impl MemoryTeam {
    /// From now on nothing can be reached, or everything again.
    pub fn set_away(&self, is_away: bool) {
        self.kept.lock().is_away = is_away;
    }

    /// What is read from now on is on its way until this is dropped.
    pub async fn hold_answers(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().await
    }

    /// How often it was read.
    pub fn reads(&self) -> usize {
        self.kept.lock().reads
    }
}

#[async_trait]
impl TeamStore for MemoryTeam {
    async fn team(&self) -> Result<Option<TeamRecord>, StoreError> {
        let answer = {
            let mut kept = self.kept.lock();
            kept.reads += 1;
            if kept.is_away {
                return Err(StoreError::Unavailable("away".to_owned()));
            }
            kept.team.clone()
        };
        let _open = self.gate.read().await;
        Ok(answer)
    }

    async fn set_team(&self, team: &TeamRecord) -> Result<(), StoreError> {
        let mut kept = self.kept.lock();
        if kept.is_away {
            return Err(StoreError::Unavailable("away".to_owned()));
        }
        kept.team = Some(team.clone());
        Ok(())
    }
}
