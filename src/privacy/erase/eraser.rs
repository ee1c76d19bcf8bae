//! The task that does this instance's part, whenever there is one to be done.

use std::time::Duration;

use tokio::time::{sleep, timeout};
use tracing::{info, warn};
use trailkeep_store::erasures::Erasure;

use super::part::{Part, PartError};
use super::watching::Watched;

/// The pause before a part is begun again that was not done.
const PAUSE: Duration = Duration::from_secs(2);
/// How often it is looked whether all have taken part: also who is waited for changes.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Does the part of an instance for as long as the process lives.
pub async fn run(part: Part, watched: &Watched) {
    let mut found = watched.found();
    let mut failures = 0_u32;
    loop {
        let erasures = found.borrow_and_update().clone();
        if let Err(error) = take_part(&part, watched, &erasures).await {
            failures += 1;
            if failures.is_power_of_two() {
                warn!(%error, failures, "users are not erased yet; it is begun again");
            }
            sleep(PAUSE).await;
            continue;
        }
        failures = 0;
        match timeout(LOOK_EVERY, found.changed()).await {
            // What other instances wrote until their part was done may have been counted here.
            Ok(Ok(())) => part.summaries.forget_all(),
            // It is the end of the process.
            Ok(Err(_)) => return,
            Err(_) => {}
        }
    }
}

async fn take_part(part: &Part, watched: &Watched, found: &[Erasure]) -> Result<(), PartError> {
    let mut open = Vec::new();
    for erasure in found {
        // What was found may be older than what this instance did.
        let Some(now) = part.store.erasure(erasure.id).await? else { continue };
        if !now.parts.contains_key(&part.instance) {
            // Names may be forgotten since.
            open.push(Erasure { ids: erasure.ids.clone(), ..now });
        } else if now.verified_at.is_none() {
            part.end_if_complete(now.id).await?;
        }
    }
    if !open.is_empty() {
        info!(erasures = open.len(), "users are being erased");
        part.run(&open).await?;
        watched.look();
    }
    Ok(())
}
