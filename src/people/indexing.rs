//! The indexes of payload keys, made while the service works.
//!
//! A start does not wait for them: on a large collection they take minutes. Until one is
//! ready, searches go on without its key. The settings of each start say which there are:
//! one that they do not name is dropped, whoever made it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tracing::{error, info, warn};
use trailkeep_store::StoreError;
use trailkeep_store::payloads::{PayloadKey, PayloadStore};

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(10);

/// Makes the indexes of these keys once the store is prepared, and drops others. Ends when
/// that is done, or cannot be done.
pub async fn keep_indexes(
    mut prepared: watch::Receiver<bool>,
    store: Arc<dyn PayloadStore>,
    keys: Vec<PayloadKey>,
) {
    if prepared.wait_for(|is_prepared| *is_prepared).await.is_err() {
        return;
    }
    let names: Vec<&str> = keys.iter().map(PayloadKey::as_str).collect();
    if !keys.is_empty() {
        info!(keys = ?names, "the indexes of payload keys are made where they are missing");
    }
    let began = Instant::now();
    loop {
        match store.index_payloads(&keys).await {
            Ok(()) if keys.is_empty() => return,
            Ok(()) => {
                let seconds = began.elapsed().as_secs();
                info!(keys = ?names, seconds, "payload keys can be searched");
                return;
            }
            Err(StoreError::Denied(reason)) => {
                error!(reason, "the indexes of payload keys cannot be made; mend the rights there");
                return;
            }
            Err(error) => warn!(%error, "payload keys cannot be searched yet; trying again"),
        }
        sleep(PAUSE).await;
    }
}
