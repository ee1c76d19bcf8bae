//! A database that stands still for a while: `mongod` is stopped where it is,
//! or another process has the lock that writing to the embedded file takes.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::Connection;
use tokio::task::JoinHandle;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::scenario::HoldPlan;
use crate::target::{Held, Target};

/// How long the load may take to begin.
const BEGINNING_LIMIT: Duration = Duration::from_secs(30);

/// A hold that is planned or under way.
pub struct Hold(JoinHandle<Result<SystemTime, Trouble>>);

impl Hold {
    /// Holds the database for a part of a run of so many seconds, which begins
    /// with the first line in the record.
    pub fn start(plan: HoldPlan, seconds: u64, target: &Target, record: &Path) -> Self {
        let held = target.held();
        let record = record.to_owned();
        let duration = Duration::from_secs(seconds);
        Self(tokio::task::spawn_blocking(move || {
            let held = held.ok_or_else(|| {
                Trouble("the database of another's service cannot be held".to_owned())
            })?;
            wait_for_the_load(&record)?;
            std::thread::sleep(duration.mul_f64(plan.from));
            stand_still(&held, duration.mul_f64(plan.to - plan.from))?;
            Ok(SystemTime::now())
        }))
    }

    /// When it was released.
    pub async fn released(self) -> Result<SystemTime, Trouble> {
        self.0.await.during("holding the database")?
    }
}

fn wait_for_the_load(record: &Path) -> Result<(), Trouble> {
    let deadline = Instant::now() + BEGINNING_LIMIT;
    while !record.exists() {
        if Instant::now() > deadline {
            return Err(Trouble("no event was sent".to_owned()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn stand_still(held: &Held, duration: Duration) -> Result<(), Trouble> {
    match held {
        Held::Server(server) => {
            server.pause();
            std::thread::sleep(duration);
            server.resume();
        }
        Held::File(file) => {
            let database = Connection::open(file).during("opening the file")?;
            database
                .busy_timeout(Duration::from_secs(10))
                .and_then(|()| database.execute_batch("BEGIN IMMEDIATE"))
                .during("locking the file")?;
            std::thread::sleep(duration);
            database.execute_batch("ROLLBACK").during("unlocking the file")?;
        }
    }
    Ok(())
}
