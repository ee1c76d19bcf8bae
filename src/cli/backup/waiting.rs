//! What the running service has accepted before a backup, waited for until it is stored.

use std::time::Duration;

use serde::Deserialize;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep};

use crate::cli::control::{Control, ControlError};
use crate::config::Settings;

/// How long it may take: with the database at hand it is a second.
const LIMIT: Duration = Duration::from_secs(60);

const PAUSE: Duration = Duration::from_millis(50);

/// What of the service's numbers is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Backlog {
    buffer_size: u64,
    oldest_event_age_ms: Option<u64>,
}

impl Backlog {
    /// Whether all of it was accepted within that time. What lies beyond the head is newer
    /// than all of it; and where the head is empty, nothing of the rest was read back yet.
    fn is_younger_than(&self, since: Duration) -> bool {
        let age = self.oldest_event_age_ms.map(Duration::from_millis);
        self.buffer_size == 0 || age.is_some_and(|age| age < since)
    }
}

/// Why something that was accepted may be missing in the backup. It is made all the
/// same, and there by the time that this is told.
#[derive(Debug, thiserror::Error)]
pub enum NotWaited {
    #[error(
        "the backup is whole, and may lack what was accepted last: the service could not be asked \
         whether all of it is stored: {0}"
    )]
    Control(#[from] ControlError),
    #[error(
        "the backup is whole, and lacks events that were accepted before: they are not stored within \
         {} s. They are in the journal", LIMIT.as_secs()
    )]
    TooLong,
    #[error(
        "the backup is whole, and may lack what was accepted last: cannot start the runtime: {0}"
    )]
    System(#[from] std::io::Error),
}

/// Waits until all is stored that the service has accepted before. Without a service there is
/// nothing to be waited for.
pub fn until_stored(settings: &Settings) -> Result<(), NotWaited> {
    Runtime::new()?.block_on(async {
        let began = Instant::now();
        let Some(control) = Control::at(settings).await? else { return Ok(()) };
        loop {
            let since = began.elapsed();
            let backlog: Backlog = control.get("/stats").await?;
            if backlog.is_younger_than(since) {
                return Ok(());
            }
            if since > LIMIT {
                return Err(NotWaited::TooLong);
            }
            sleep(PAUSE).await;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_later_is_not_waited_for() {
        let backlog =
            |buffer_size, oldest_event_age_ms| Backlog { buffer_size, oldest_event_age_ms };
        let since = Duration::from_millis(100);
        assert!(backlog(0, None).is_younger_than(since));
        assert!(backlog(9, Some(99)).is_younger_than(since));
        assert!(!backlog(9, Some(100)).is_younger_than(since));
        assert!(!backlog(9, None).is_younger_than(since), "all of it lies beyond the head");
    }
}
