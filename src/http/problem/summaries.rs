//! The problems of summaries that are not counted now.

use std::borrow::Cow;

use axum::http::{StatusCode, header};
use trailkeep_store::summaries::QueryError;

use super::Problem;
use crate::summaries::SummaryError;

impl From<SummaryError> for Problem {
    fn from(error: SummaryError) -> Self {
        match error {
            SummaryError::Busy => {
                let detail = "Too many summaries are counted at this moment; try again.";
                not_counted("busy", "Busy", detail, "2")
            }
            SummaryError::Query(QueryError::OutOfTime(limit)) => {
                tracing::warn!(%error, "a summary was not counted");
                let detail = format!(
                    "The database did not come to an end within {} ms; ask for a shorter time, \
                     or try again later.",
                    limit.as_millis()
                );
                not_counted("too-slow", "Too slow", detail, "30")
            }
            SummaryError::Query(QueryError::Store(error)) => error.into(),
            SummaryError::Defect(reason) => {
                tracing::error!(reason, "a defect of the summaries");
                Self::internal()
            }
        }
    }
}

/// 503: not now.
fn not_counted(
    kind: &'static str,
    title: &'static str,
    detail: impl Into<Cow<'static, str>>,
    retry_after: &'static str,
) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, kind, title, detail)
        .with_header(header::RETRY_AFTER, retry_after)
}
