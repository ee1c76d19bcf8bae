//! Whom an erasure waits for.

use std::time::Duration;

use trailkeep_event::Timestamp;
use trailkeep_store::erasures::{Erasure, Instance};
use uuid::Uuid;

/// Instances that were not seen for this long are not waited for. Should one come back, it does
/// its part before it writes anything.
pub const AWAY: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Instances that have to take part, and have not.
pub fn awaited(erasure: &Erasure, instances: &[Instance], now: Timestamp) -> Vec<Uuid> {
    let waiting = instances.iter().filter(|instance| !is_away(instance.seen, now));
    let waiting = waiting.filter(|instance| !erasure.parts.contains_key(&instance.id));
    waiting.map(|instance| instance.id).collect()
}

/// Instances that have not taken part, and are not waited for.
pub fn missing(erasure: &Erasure, instances: &[Instance], now: Timestamp) -> Vec<Uuid> {
    let away = instances.iter().filter(|instance| is_away(instance.seen, now));
    let away = away.filter(|instance| !erasure.parts.contains_key(&instance.id));
    away.map(|instance| instance.id).collect()
}

/// Whether an instance that was seen then has been away for so long that nobody waits for it.
pub fn is_away(seen: Timestamp, now: Timestamp) -> bool {
    let unseen = now.as_millis() - seen.as_millis();
    i128::from(unseen) > i128::try_from(AWAY.as_millis()).unwrap_or(i128::MAX)
}
