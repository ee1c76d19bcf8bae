//! Waiting for a condition, with a limit.

use std::future::Future;
use std::time::{Duration, Instant};

/// Enough for anything that is expected to happen at once, on a busy machine.
pub const SOON: Duration = Duration::from_secs(20);

const PAUSE: Duration = Duration::from_millis(20);

/// Asks again and again until there is an answer, and returns it.
///
/// # Panics
///
/// When the limit has passed; `what` says what was waited for.
pub async fn eventually<T, F>(what: &str, limit: Duration, mut probe: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = probe().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {limit:?} in vain for: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
