//! The problems of summaries that are not counted now.

use trailkeep_store::summaries::QueryError;

use super::{Problem, kinds};
use crate::summaries::SummaryError;

impl From<SummaryError> for Problem {
    fn from(error: SummaryError) -> Self {
        match error {
            SummaryError::Busy => {
                let detail = "Too many summaries are counted at this moment; try again.";
                Self::new(kinds::SUMMARIES_BUSY, detail)
            }
            SummaryError::Query(QueryError::OutOfTime(limit)) => {
                tracing::warn!(%error, "a summary was not counted");
                let detail = format!(
                    "The database did not come to an end within {} ms; ask for a shorter time, \
                     or try again later.",
                    limit.as_millis()
                );
                Self::new(kinds::TOO_SLOW, detail)
            }
            SummaryError::Query(QueryError::Store(error)) => error.into(),
            SummaryError::Defect(reason) => {
                tracing::error!(reason, "a defect of the summaries");
                Self::internal()
            }
        }
    }
}
