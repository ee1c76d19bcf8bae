//! Sample events, written by `trailkeep seed` as people run it.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use trailkeep::seed::{Plan, Samples};
use trailkeep_event::Timestamp;
use trailkeep_testkit::trouble::{Trouble, While as _};
use trailkeep_testkit::watchdog::Watchdog;

use crate::batch::{USERS, account_name};
use crate::database::Database;

/// Beside the whale, which is account 0: so its name is as long as the others',
/// and a request of one length can tell of it.
pub const ACCOUNTS: u32 = 400;
const WHALE: u32 = 0;
/// No more than what a summary's longest named window holds.
const DAYS: u32 = 7;
const WHALE_SHARE: f64 = 0.2;

const SAID: &str = "seed.log";
const PAUSE: Duration = Duration::from_millis(10);

/// What to write.
pub struct Seeding {
    plan: Plan,
}

/// An account, and how many events it has.
pub struct Account {
    pub id: String,
    pub events: u64,
}

/// The account with a fifth of all events.
pub fn whale() -> String {
    account_name(WHALE)
}

impl Seeding {
    /// So many events of the seven days up to now.
    pub fn of(events: u64, seed: u64) -> Self {
        Self {
            plan: Plan {
                events,
                seed,
                users: USERS,
                accounts: ACCOUNTS,
                days: DAYS,
                until: Timestamp::now(),
                whale: whale().into(),
                whale_share: WHALE_SHARE,
            },
        }
    }

    /// Leaves the database with these events and nothing else; gives how long the
    /// writing took.
    pub async fn fill(&self, binary: &Path, database: &Database) -> Result<Duration, Trouble> {
        database.drop_events().await?;
        let took = self.write(binary, database).await?;
        database.settle().await?;
        Ok(took)
    }

    /// Writes them; gives how long that took.
    async fn write(&self, binary: &Path, database: &Database) -> Result<Duration, Trouble> {
        let folder = tempfile::Builder::new()
            .prefix("trailkeep-bench-")
            .tempdir()
            .during("a temporary folder")?;
        self.run(binary, Some(database), folder.path()).await
    }

    /// Writes them into the embedded store of a folder; gives how long that took.
    pub async fn write_into(&self, binary: &Path, folder: &Path) -> Result<Duration, Trouble> {
        self.run(binary, None, folder).await
    }

    async fn run(
        &self,
        binary: &Path,
        database: Option<&Database>,
        folder: &Path,
    ) -> Result<Duration, Trouble> {
        let began = Instant::now();
        let mut running = self.start(binary, database, folder)?;
        let status = loop {
            let ended = running.child.try_wait().during("asking after the seed")?;
            if let Some(status) = ended {
                break status;
            }
            tokio::time::sleep(PAUSE).await;
        };
        if status.success() {
            return Ok(began.elapsed());
        }
        let said = std::fs::read_to_string(folder.join(SAID)).unwrap_or_default();
        Err(Trouble(format!("trailkeep seed ended with {status}: {said}")))
    }

    fn start(
        &self,
        binary: &Path,
        database: Option<&Database>,
        folder: &Path,
    ) -> Result<Running, Trouble> {
        let plan = &self.plan;
        let log = File::create(folder.join(SAID)).during("the seed's log")?;
        let child = Command::new(binary)
            .args(["seed", &plan.events.to_string()])
            .args(["--seed", &plan.seed.to_string()])
            .args(["--users", &plan.users.to_string()])
            .args(["--accounts", &plan.accounts.to_string()])
            .args(["--days", &plan.days.to_string()])
            .args(["--until", &plan.until.to_string()])
            .args(["--whale", &plan.whale])
            .args(["--whale-share", &plan.whale_share.to_string()])
            .env_clear()
            .envs(database.map(|database| ("MONGODB_URI", database.uri())))
            .env("DATA_DIR", folder)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .during("starting trailkeep seed")?;
        let _watchdog = Watchdog::over(&child, folder);
        Ok(Running { child, _watchdog })
    }

    /// The accounts beside the whale. Counted here: asking the database would
    /// have it read what is to be measured cold.
    pub fn ordinary_accounts(&self) -> Result<Vec<Account>, Trouble> {
        let mut counts: HashMap<Arc<str>, u64> = HashMap::new();
        for sample in Samples::new(self.plan.clone()).during("the plan of the seed")? {
            *counts.entry(sample.account_id).or_default() += 1;
        }
        counts.remove(&*self.plan.whale);
        let accounts =
            counts.into_iter().map(|(id, events)| Account { id: id.to_string(), events });
        Ok(accounts.collect())
    }
}

/// The process. Killed when it is dropped before its end.
struct Running {
    child: Child,
    _watchdog: Watchdog,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
