//! A journey as a file: the whole of it, as the API streams it.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;

use crate::http::Service;
use crate::http::guard::MayRead;
use crate::http::journeys::{self, Format};
use crate::http::path::PathText;
use crate::http::problem::Problem;

/// As a table.
pub async fn csv(
    state: State<Arc<Service>>,
    may_read: MayRead,
    user: PathText,
    query: RawQuery,
) -> Result<Response, Problem> {
    file(state, may_read, user, query, Format::Csv, "attachment; filename=\"journey.csv\"").await
}

/// As it was received, an event a line.
pub async fn ndjson(
    state: State<Arc<Service>>,
    may_read: MayRead,
    user: PathText,
    query: RawQuery,
) -> Result<Response, Problem> {
    let disposition = "attachment; filename=\"journey.ndjson\"";
    file(state, may_read, user, query, Format::Ndjson, disposition).await
}

async fn file(
    State(service): State<Arc<Service>>,
    may_read: MayRead,
    PathText(user_id): PathText,
    RawQuery(query): RawQuery,
    format: Format,
    disposition: &'static str,
) -> Result<Response, Problem> {
    let mut response = journeys::read(service, may_read, user_id, query.as_deref(), format).await?;
    let disposition = HeaderValue::from_static(disposition);
    response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    Ok(response)
}
