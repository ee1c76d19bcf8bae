//! The closed loop: each connection sends as soon as it is answered. All of
//! them on one thread, which wakes for many answers at once: what the sender
//! takes, the services and the database do not get.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use rand::Rng as _;
use tokio::task::JoinSet;
use trailkeep_testkit::trouble::{Trouble, While as _};

use super::phase::Phase;
use super::plan::Plan;
use crate::batch::Batch;
use crate::connection::AsyncConnection;
use crate::tally::Tally;

/// How long a connection rests after a 503. A backlog of 5,000 events, full, is
/// empty after 50 ms at 100,000 a second; and the longer the rest, the less of
/// what is measured is the cost of refusals.
const REST_MS: Range<u64> = 20..40;

/// Sends until the load is over.
pub fn run(plan: &Plan, phase: &Arc<Phase>) -> Result<Tally, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .during("starting the sender")?;
    runtime.block_on(async {
        let mut senders = JoinSet::new();
        for number in 0..plan.connections {
            let target = plan.target_of(number);
            let connection = AsyncConnection::open(target).await.during("connecting")?;
            let (batch, phase) = (plan.batch_of(number), Arc::clone(phase));
            senders.spawn(send(connection, batch, phase));
        }
        let mut total = Tally::new()?;
        while let Some(tally) = senders.join_next().await {
            total.add(&tally.during("a sender")??)?;
        }
        Ok(total)
    })
}

async fn send(
    mut connection: AsyncConnection,
    mut batch: Batch,
    phase: Arc<Phase>,
) -> Result<Tally, Trouble> {
    let mut tally = Tally::new()?;
    while !phase.is_over() {
        let due = phase.elapsed();
        let status = connection.exchange(batch.next()).await.ok();
        if let Some(times) = phase.times(due) {
            tally.note(status, batch.len(), times);
        }
        if status != Some(202) {
            let rest = rand::rng().random_range(REST_MS);
            tokio::time::sleep(Duration::from_millis(rest)).await;
        }
    }
    Ok(tally)
}
