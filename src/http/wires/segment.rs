//! The routes of Segment's and RudderStack's SDKs.

pub mod starting;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use trailkeep_event::dialect::segment::{self, Call};
use trailkeep_event::dialect::{Taken, Terms as ReadBy};
use trailkeep_event::wire::Refusal;

use super::delivery::{Source, WireForm, deliver};
use super::path::SdkPath;
use crate::http::on_terms::OnTerms;
use crate::http::posting::unread;
use crate::http::problem::Problem;
use crate::http::problem::sdks::NotTaken;
use crate::http::state::Service;
use crate::http::terms::Terms;
use crate::http::writing::Places;

/// What is at the end of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// One call.
    One(Call),
    /// A batch, whose times are moved where the sender's clock is off.
    Batch,
    /// A batch of what happened before, whose times are right.
    Import,
}

impl Sent {
    fn at(end: &str) -> Option<Self> {
        match end {
            "batch" | "b" => Some(Self::Batch),
            "import" => Some(Self::Import),
            call => Call::at(call).map(Self::One),
        }
    }
}

impl WireForm for Sent {
    const NAME: &'static str = segment::NAME;
    const PLACES: Places = Places::OrBasic;
    const ANSWER: &'static str = r#"{"success": true}"#;

    fn is_served(&self, terms: &Terms) -> bool {
        terms.wires.segment
    }

    fn read(&self, body: &[u8], _terms: &Terms, read_by: ReadBy<'_>) -> Result<Taken, Refusal> {
        match self {
            Self::One(call) => segment::read_call(body, *call, read_by),
            Self::Batch => segment::read_batch(body, false, read_by),
            Self::Import => segment::read_batch(body, true, read_by),
        }
    }
}

/// Take a call or a batch of Segment's or RudderStack's SDKs
///
/// `call` is `batch`, `import`, `track`, `identify`, `page`, `screen`, `group`, `alias`, `merge`,
/// or one of the short forms `t`, `i`, `p`, `s`, `g`, `a`, `b`. An event that breaks a rule is
/// left out, and `/refused` tells of it; the others are taken. The write key may be the name of
/// HTTP Basic, in the body's `writeKey`, or where `POST /events` takes it. The media type is not
/// looked at, and gzip is known by its first bytes too.
#[utoipa::path(
    post,
    path = "/v1/{call}",
    tag = "Segment and RudderStack",
    security((), ("writeKey" = []), ("writeKeyHeader" = []), ("writeKeyParameter" = [])),
    params(("call" = String, Path, description = "What is sent.")),
    request_body(content((Object = "application/json", example = json!({
        "batch": [{"type": "track", "event": "Order Placed", "userId": "test123",
            "properties": {"total": 12.5}}],
        "sentAt": "2025-12-15T10:30:00.000Z", "writeKey": "wk-9f8e7d6c5b4a3210"
    })), (Object = "text/plain"))),
    responses(
        (status = 200, description = "The events are accepted, but for those that break a rule.",
            body = Object, example = json!({"success": true})),
        NotTaken,
    ),
)]
pub async fn post_call(
    State(service): State<Arc<Service>>,
    OnTerms(terms): OnTerms,
    SdkPath(call): SdkPath,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    match Sent::at(&call) {
        Some(sent) => deliver(&sent, &service, &terms, head, Source::Body(body)).await,
        None => unread(&terms, body, Problem::not_found()).await.for_sdks(),
    }
}

/// Take a batch of a page that is left
///
/// As `POST /v1/batch`; the write key is in the query, because beacons have no headers.
#[utoipa::path(
    post,
    path = "/beacon/v1/batch",
    tag = "Segment and RudderStack",
    security((), ("writeKeyParameter" = [])),
    request_body(content((Object = "text/plain"))),
    responses(
        (status = 200, description = "The events are accepted, but for those that break a rule.",
            body = Object, example = json!({"success": true})),
        NotTaken,
    ),
)]
pub async fn post_beacon(
    State(service): State<Arc<Service>>,
    OnTerms(terms): OnTerms,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    deliver(&Sent::Batch, &service, &terms, head, Source::Body(body)).await
}
