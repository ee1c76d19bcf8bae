//! Straight into the store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::time::timeout;

use super::delivery::{Destination, Trouble};
use super::tally::Tally;
use crate::event::Accepted;
use crate::seed::{Numbering, Sample};
use crate::store::{Outcome, Store};

/// Events in one write. A command of this many has some 2.5 MB; the server
/// groups by 500 itself, so more gains nothing.
pub const USUAL_BATCH: usize = 5_000;

/// How long one write may take: a server that checkpoints on a slow disk does
/// not answer for seconds.
const WRITE_LIMIT: Duration = Duration::from_secs(60);

/// The store that the settings name.
pub struct StoreDestination {
    store: Arc<dyn Store>,
    numbering: Mutex<Numbering>,
}

impl StoreDestination {
    pub fn new(store: Arc<dyn Store>, seed: u64) -> Self {
        Self {
            store,
            numbering: Mutex::new(Numbering::of_seed(seed)),
        }
    }
}

/// What is still to be written of a batch.
pub struct Batch {
    events: Vec<Arc<Accepted>>,
    /// Whether an earlier try ended without an answer.
    may_be_written: bool,
}

#[async_trait]
impl Destination for StoreDestination {
    type Batch = Batch;

    fn pack(&self, samples: &[Sample]) -> Batch {
        let mut numbering = self.numbering.lock();
        let accept = |sample| Arc::new(numbering.accept(sample));
        Batch {
            events: samples.iter().map(accept).collect(),
            may_be_written: false,
        }
    }

    fn left(batch: &Batch) -> usize {
        batch.events.len()
    }

    async fn write(&self, batch: &mut Batch, tally: &mut Tally) -> Result<(), Trouble> {
        let outcomes = match timeout(WRITE_LIMIT, self.store.insert(&batch.events)).await {
            Ok(Ok(outcomes)) => outcomes,
            Ok(Err(error)) => {
                batch.may_be_written = true;
                return Err(Trouble::Outage(error.to_string()));
            }
            Err(_) => {
                batch.may_be_written = true;
                let seconds = WRITE_LIMIT.as_secs();
                let reason = format!("the database does not answer within {seconds} s");
                return Err(Trouble::Outage(reason));
            }
        };
        batch.settle(outcomes, tally);
        if batch.events.is_empty() {
            return Ok(());
        }
        Err(Trouble::Outage(format!(
            "the database could not write {} events this time",
            batch.events.len()
        )))
    }
}

impl Batch {
    /// Counts what became of the events, and keeps those to try again.
    fn settle(&mut self, outcomes: Vec<Outcome>, tally: &mut Tally) {
        let mut outcomes = outcomes.into_iter();
        let may_be_written = self.may_be_written;
        self.events.retain(|_| {
            match outcomes.next() {
                Some(Outcome::Stored) => tally.stored += 1,
                Some(Outcome::Duplicate) if may_be_written => tally.found_on_repeat += 1,
                Some(Outcome::Duplicate) => tally.duplicate += 1,
                Some(Outcome::Refused(refusal)) => {
                    tally.refused += 1;
                    tally.reason.get_or_insert_with(|| refusal.to_string());
                }
                Some(Outcome::Retry) | None => return true,
            }
            false
        });
    }
}

#[cfg(test)]
mod tests;
