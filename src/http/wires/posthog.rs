//! The routes of PostHog's SDKs.

pub mod starting;
mod text;

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use trailkeep_event::Timestamp;
use trailkeep_event::dialect::posthog;
use trailkeep_event::dialect::{Taken, Terms as ReadBy};
use trailkeep_event::wire::Refusal;
use utoipa_axum::router::OpenApiRouter;

use super::delivery::{Source, WireForm, deliver};
use super::query;
use crate::http::on_terms::OnTerms;
use crate::http::problem::Problem;
use crate::http::problem::sdks::SdkProblem;
use crate::http::state::Service;
use crate::http::terms::Terms;
use crate::http::writing::Places;

/// What else `/batch` is called, by older SDKs and by those of browsers.
const OTHER_NAMES: [&str; 5] = ["/e", "/i/v0/e", "/capture", "/track", "/engage"];

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
        (status = 400, description = "The body is no JSON, or neither an object nor a list.",
            body = SdkProblem, content_type = "application/problem+json"),
        (status = 401, description = "There are write keys, and none that is taken was sent.",
            body = SdkProblem, content_type = "application/problem+json"),
        (status = 403, description = "The write key is not for pages of this origin.",
            body = SdkProblem, content_type = "application/problem+json"),
        (status = 404, description = "These SDKs are not served.",
            body = SdkProblem, content_type = "application/problem+json"),
        (status = 413, description = "Too many events or bytes.",
            body = SdkProblem, content_type = "application/problem+json"),
        (status = 415, description = "Another encoding.",
            body = SdkProblem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing was taken; send it again: the backlog or the disk is \
            full, a limit of requests is reached, or the body came too slowly.",
            body = SdkProblem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait."))),
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
        (status = 400, description = "`data` is no JSON, or neither an object nor a list.",
            body = SdkProblem, content_type = "application/problem+json"),
        (status = 401, description = "There are write keys, and none that is taken was sent.",
            body = SdkProblem, content_type = "application/problem+json"),
        (status = 403, description = "The write key is not for pages of this origin.",
            body = SdkProblem, content_type = "application/problem+json"),
        (status = 404, description = "These SDKs are not served.",
            body = SdkProblem, content_type = "application/problem+json"),
        (status = 413, description = "Too many events.",
            body = SdkProblem, content_type = "application/problem+json"),
        (status = 503, description = "Nothing was taken; send it again.",
            body = SdkProblem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait."))),
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

/// The same routes by their other names, and in the document as well.
pub fn with_other_names(mut router: OpenApiRouter<Arc<Service>>) -> OpenApiRouter<Arc<Service>> {
    let paths = &mut router.get_openapi_mut().paths.paths;
    if let Some(item) = paths.get("/batch").cloned() {
        for name in OTHER_NAMES {
            let mut item = item.clone();
            for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
                let end = name.replace('/', "_");
                operation.operation_id.iter_mut().for_each(|id| id.push_str(&end));
            }
            paths.insert(name.to_owned(), item);
        }
    }
    OTHER_NAMES
        .into_iter()
        .fold(router, |router, name| router.route(name, post(post_batch).get(get_batch)))
}
