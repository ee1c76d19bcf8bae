//! Which processors are still somebody's: those of the settings are seen every hour, and
//! one that nobody has had for a week goes, with all that is pending for it.
//!
//! Moments of several machines are compared here, and what goes is gone. So one goes only
//! when its moment is a week old *and* has stood still for hours by this process's own
//! clock: a machine whose clock is a week ahead removes nothing that is seen.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::warn;
use trailkeep_event::Timestamp;
use trailkeep_event::time::Clock;
use trailkeep_store::StoreError;
use trailkeep_store::processing::{ProcessingStore, Processor};

const SEEN_EVERY: Duration = Duration::from_secs(60 * 60);
/// After so long without being seen a processor goes.
const UNSEEN_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
/// And its moment has stood still for so long.
const STILL_FOR: Duration = Duration::from_secs(3 * 60 * 60);

/// Looks after the list of processors.
pub struct Upkeep {
    pub own: Vec<Box<str>>,
    pub store: Arc<dyn ProcessingStore>,
    pub clock: Arc<dyn Clock>,
}

/// Since when each processor's moment is the same.
type Still = HashMap<Box<str>, (Timestamp, Instant)>;

impl Upkeep {
    /// Goes on for ever.
    pub async fn run(self) {
        let mut still = Still::new();
        loop {
            if let Err(error) = self.look(&mut still).await {
                warn!(%error, "it cannot be looked which processors are in use; trying again");
            }
            sleep(SEEN_EVERY).await;
        }
    }

    async fn look(&self, still: &mut Still) -> Result<(), StoreError> {
        let now = self.clock.now();
        for name in &self.own {
            self.store.see_processor(name, now).await?;
        }
        for processor in self.store.processors().await? {
            let is_own = self.own.contains(&processor.name);
            if !is_own && is_abandoned(&processor, still, now, Instant::now()) {
                warn!(processor = &*processor.name, last_seen = %processor.seen_at,
                      "a processor is in nobody's settings for a week and goes, with what is pending for it");
                self.store.remove_processor(&processor.name).await?;
            }
        }
        Ok(())
    }
}

fn is_abandoned(processor: &Processor, still: &mut Still, wall: Timestamp, now: Instant) -> bool {
    let seen_at = processor.seen_at;
    let since = still.entry(processor.name.clone()).or_insert((seen_at, now));
    if since.0 != seen_at {
        *since = (seen_at, now);
    }
    let is_old = wall.as_millis() - seen_at.as_millis() >= UNSEEN_MS;
    is_old && now.saturating_duration_since(since.1) >= STILL_FOR
}

#[cfg(test)]
mod tests {
    use trailkeep_store::processing::Wanted;

    use super::*;

    const HOUR: Duration = Duration::from_secs(60 * 60);

    fn seen(at: Timestamp) -> Processor {
        Processor {
            name: "old".into(),
            secret: [0; 16],
            wanted: Wanted::default(),
            version: 0,
            seen_at: at,
            lease: None,
        }
    }

    #[test]
    fn one_goes_that_nobody_has_seen_for_a_week_and_hours_of_our_own_clock() {
        let wall = Timestamp::from_millis_clamped(1_700_000_000_000);
        let (mut still, begun) = (Still::new(), Instant::now());
        let old = seen(wall.plus_millis(-UNSEEN_MS));
        for hours in 0..3 {
            assert!(!is_abandoned(&old, &mut still, wall, begun + hours * HOUR), "{hours}");
        }
        assert!(is_abandoned(&old, &mut still, wall, begun + 3 * HOUR));
    }

    #[test]
    fn one_that_is_seen_stays_whatever_our_clock_says() {
        let wall = Timestamp::from_millis_clamped(1_700_000_000_000);
        let (mut still, begun) = (Still::new(), Instant::now());
        for hours in 0..200 {
            // The other machine's clock is eight days behind.
            let behind = i64::from(hours) * 3_600_000 - 8 * 86_400_000;
            let other = seen(wall.plus_millis(behind));
            let ours = wall.plus_millis(i64::from(hours) * 3_600_000);
            assert!(!is_abandoned(&other, &mut still, ours, begun + hours * HOUR), "{hours}");
        }
    }
}
