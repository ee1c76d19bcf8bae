//! The floor: what MongoDB takes when nothing is in front of it. The same
//! documents into the same collection, as many writes in flight, 500 at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bson::raw::RawDocumentBuf;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::batch::USERS;
use crate::database::Database;
use crate::documents::{InsertCommand, NewEvent};
use crate::processes::Cpu;

/// As `write.in_flight` and `write.max_events` are by default.
const LANES: u32 = 4;
const DOCUMENTS: usize = 500;

/// What an insert-only loop came to.
pub struct Floor {
    pub inserted_per_second: f64,
    /// Microseconds of mongod's CPU for each document.
    pub mongod_us: f64,
    /// Microseconds of this program's CPU for each document.
    pub inserter_us: f64,
}

impl Floor {
    /// As it goes into the results.
    pub fn to_json(&self) -> Value {
        json!({
            "insertedPerSecond": self.inserted_per_second,
            "mongodCpuUs": self.mongod_us,
            "inserterCpuUs": self.inserter_us,
        })
    }
}

/// Inserts as fast as it goes.
#[allow(clippy::cast_precision_loss)]
pub async fn measure(
    database: &Arc<Database>,
    document: &RawDocumentBuf,
    warm_up: Duration,
    window: Duration,
    seed: u64,
) -> Result<Floor, Trouble> {
    let inserted = Arc::new(AtomicU64::new(0));
    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        let command = InsertCommand::like(document, DOCUMENTS)?;
        let rng = ChaCha8Rng::seed_from_u64(seed * u64::from(LANES) + u64::from(lane));
        let (database, inserted) = (Arc::clone(database), Arc::clone(&inserted));
        lanes.spawn(insert_on(lane, command, rng, database, inserted));
    }
    tokio::time::sleep(warm_up).await;
    let before = (Cpu::own()?, Cpu::of(database.pid())?);
    let (started, first) = (Instant::now(), inserted.load(Ordering::Relaxed));
    tokio::time::sleep(window).await;
    let after = (Cpu::own()?, Cpu::of(database.pid())?);
    let seconds = started.elapsed().as_secs_f64();
    let documents = (inserted.load(Ordering::Relaxed) - first) as f64;
    if let Some(ended) = lanes.try_join_next() {
        ended.during("an inserter")??;
    }
    lanes.shutdown().await;
    let each_us = |cpu: Duration| cpu.as_secs_f64() * 1e6 / documents.max(1.0);
    Ok(Floor {
        inserted_per_second: documents / seconds,
        mongod_us: each_us(after.1.since(&before.1)),
        inserter_us: each_us(after.0.since(&before.0)),
    })
}

/// Inserts for users of one lane, until it is aborted.
async fn insert_on(
    lane: u32,
    mut command: InsertCommand,
    mut rng: ChaCha8Rng,
    database: Arc<Database>,
    inserted: Arc<AtomicU64>,
) -> Result<(), Trouble> {
    let mut arrival = i64::from(lane) << 40;
    loop {
        let now = chrono::Utc::now().timestamp_millis();
        let event = |rng: &mut ChaCha8Rng| {
            arrival += 1;
            NewEvent {
                user: rng.random_range(0..USERS / LANES) * LANES + lane,
                occurred_at: now,
                arrival,
                period: None,
            }
        };
        command.send(&database, &mut rng, event).await?;
        inserted.fetch_add(command.len() as u64, Ordering::Relaxed);
    }
}
