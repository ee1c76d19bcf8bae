//! The routes of PostHog's SDKs.

pub mod starting;
mod text;

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use trailkeep_event::Timestamp;
use trailkeep_event::dialect::posthog;
use trailkeep_event::dialect::{Taken, Terms as ReadBy};
use trailkeep_event::wire::Refusal;

use super::delivery::{Source, WireForm, deliver};
use super::query;
use crate::http::on_terms::OnTerms;
use crate::http::problem::Problem;
use crate::http::problem::sdks::NotTaken;
use crate::http::state::Service;
use crate::http::terms::Terms;
use crate::http::writing::Places;

/// What else `/batch` is called, by older SDKs and by those of browsers.
pub const OTHER_NAMES: [&str; 5] = ["/e", "/i/v0/e", "/capture", "/track", "/engage"];

/// What the address says of what is sent.
struct Sent {
    compression: Option<String>,
    sent_at: Option<Timestamp>,
}

impl Sent {
    fn of(query: Option<&str>) -> Self {
        let compression = query::value(query, "compression").map(Cow::into_owned);
        Self { compression, sent_at: query::sent_at(query) }
    }
}

impl WireForm for Sent {
    const NAME: &'static str = posthog::NAME;
    const PLACES: Places = Places::Ours;
    const ANSWER: &'static str = r#"{"status": 1}"#;

    fn is_served(&self, terms: &Terms) -> bool {
        terms.wires.posthog
    }

    fn reworded(&self, body: &[u8]) -> Result<Option<Vec<u8>>, Problem> {
        text::reworded(body, self.compression.as_deref())
            .map_err(|text::IsLz64| Problem::unsupported_compression())
    }

    fn read(&self, body: &[u8], terms: &Terms, read_by: ReadBy<'_>) -> Result<Taken, Refusal> {
        posthog::read(body, self.sent_at, &terms.wires.posthog_unwanted, read_by)
    }
}

/// Take events of PostHog's SDKs
///
/// One event, a list, or a batch: as JSON, with gzip (known by its first bytes too), in base64, or
/// in the field `data` of a form. An event that breaks a rule is left out, and `/refused` tells of
/// it; the others are taken. The write key is the body's `api_key` or `token`, or where `POST
/// /events` takes it.
#[utoipa::path(
    post,
    path = "/batch",
    tag = "PostHog",
    security((), ("writeKey" = []), ("writeKeyHeader" = []), ("writeKeyParameter" = [])),
    params(("compression" = Option<String>, Query,
        description = "`gzip`, `gzip-js` or `base64`; `lz64` is not taken.")),
    request_body(content((Object = "application/json", example = json!({
        "api_key": "wk-9f8e7d6c5b4a3210", "sent_at": "2025-12-15T10:30:00.000Z",
        "batch": [{"event": "order placed", "distinct_id": "test123",
            "properties": {"total": 12.5}}]
    })), (Object = "text/plain"))),
    responses(
        (status = 200, description = "The events are accepted, but for those that break a rule.",
            body = Object, example = json!({"status": 1})),
        NotTaken,
    ),
)]
pub async fn post_batch(
    State(service): State<Arc<Service>>,
    OnTerms(terms): OnTerms,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let sent = Sent::of(head.uri.query());
    deliver(&sent, &service, &terms, head, Source::Body(body)).await
}

/// Take events of PostHog's SDKs in the query
///
/// As the `POST`, with the events in `data`.
#[utoipa::path(
    get,
    path = "/batch",
    tag = "PostHog",
    security((), ("writeKeyParameter" = [])),
    params(
        ("data" = String, Query, description = "The events: JSON, or that in base64."),
        ("compression" = Option<String>, Query, description = "As for the `POST`."),
    ),
    responses(
        (status = 200, description = "The events are accepted, but for those that break a rule.",
            body = Object, example = json!({"status": 1})),
        NotTaken,
    ),
)]
pub async fn get_batch(
    State(service): State<Arc<Service>>,
    OnTerms(terms): OnTerms,
    request: Request,
) -> Response {
    let (head, _) = request.into_parts();
    let sent = Sent::of(head.uri.query());
    let data = query::value(head.uri.query(), "data").unwrap_or_default();
    let data = data.into_owned().into_bytes();
    deliver(&sent, &service, &terms, head, Source::Head(data)).await
}
