//! What is begun is done to its end, also where the client is gone before it is.

use super::problem::Problem;
use crate::access::audit::{NotNoted, noted};

/// Does it in a task of its own, the notes in the audit trail included: of what a dropped
/// request noted nobody would wait, and what it had not noted yet nobody would ever read.
pub async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::spawn(noted(work)).await {
        Ok(Ok(done)) => done,
        Ok(Err(NotNoted)) => Err(Problem::not_noted()),
        Err(error) => {
            tracing::error!(%error, "a change broke off");
            Err(Problem::internal())
        }
    }
}
