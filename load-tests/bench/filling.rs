//! A collection of a size, made without the service.

use std::sync::Arc;

use bson::raw::RawDocumentBuf;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;
use trailkeep_testkit::trouble::{Trouble, While as _};

use crate::calendar;
use crate::database::Database;
use crate::documents::{InsertCommand, NewEvent};
use crate::sections::index::layouts::PERIOD;

const LANES: u64 = 4;
const DOCUMENTS: u64 = 500;
/// Milliseconds from one event to the next.
const STEP: u64 = 1;

/// What to insert.
#[derive(Clone)]
pub struct Filling {
    /// How many events; inserted in whole commands, where that is more than one.
    pub events: u64,
    /// Whose they are: one of these, drawn for each.
    pub users: std::ops::Range<u32>,
    pub seed: u64,
}

impl Filling {
    /// Inserts the events. The last one happened a moment ago, each one before
    /// it a millisecond earlier.
    pub async fn insert(
        &self,
        database: &Arc<Database>,
        document: &RawDocumentBuf,
    ) -> Result<(), Trouble> {
        let now = u64::try_from(chrono::Utc::now().timestamp_millis()).unwrap_or(0);
        let size = self.events.clamp(1, DOCUMENTS);
        let commands = self.events.div_ceil(size);
        let first = now.saturating_sub(self.events * STEP);
        let time = move |index: u64| i64::try_from(first + index * STEP).unwrap_or(0);
        let has_periods = calendar::has_periods(database).await?;
        let document = if has_periods { &calendar::with_period(document) } else { document };
        let mut lanes = JoinSet::new();
        for lane in 0..LANES {
            let length = usize::try_from(size).during("the size of a command")?;
            let mut command = InsertCommand::like(document, length)?;
            let mut rng = ChaCha8Rng::seed_from_u64(self.seed * LANES + lane);
            let database = Arc::clone(database);
            let users = self.users.clone();
            lanes.spawn(async move {
                for number in (lane..commands).step_by(LANES as usize) {
                    let mut index = number * size;
                    let event = |rng: &mut ChaCha8Rng| {
                        index += 1;
                        NewEvent {
                            user: rng.random_range(users.clone()),
                            occurred_at: time(index),
                            arrival: i64::try_from(index).unwrap_or(0),
                            period: Some(time(index / PERIOD * PERIOD)),
                        }
                    };
                    command.send(&database, &mut rng, event).await?;
                }
                Ok(())
            });
        }
        while let Some(lane) = lanes.join_next().await {
            lane.during("filling the collection")??;
        }
        if has_periods {
            let last = commands * size;
            let starts = (0..=last).step_by(PERIOD as usize).map(time);
            calendar::write(database, starts, last % PERIOD, time(last)).await?;
        }
        Ok(())
    }
}
