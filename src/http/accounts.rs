//! `GET /accounts/{accountId}/summary` and `GET /accounts/sample`.

mod bodies;
pub mod events;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use trailkeep_store::summaries::Bucket;

use super::etag;
use super::guard::MayRead;
use super::path::PathText;
use super::problem::Problem;
use super::problem::answers::{InvalidParameters, NoCredentials, WrongScope};
use super::query::Parameters;
use super::state::Service;
use crate::summaries::{Question, Window, max_days};
use bodies::{Case, SampleBody, SummaryBody};

const DEFAULT_TOP: usize = 10;
const DEFAULT_SAMPLE: usize = 10;
const MAX: usize = 100;

/// What the users of one account did, counted
///
/// Counted in the database, and kept for a minute: `computedAt` says when it
/// was counted, and `Cache-Control` for how long it will be answered. After
/// that it is answered once more while it is counted anew. Events that are
/// accepted and not stored yet, as a rule for less than a second, are not
/// counted. An account without events has zeros.
#[utoipa::path(
    get,
    path = "/accounts/{accountId}/summary",
    operation_id = "account_summary",
    tag = "Accounts",
    security(("session" = []), ("token" = [])),
    params(
        ("accountId" = String, Path, description = "1 to 256 bytes.", example = "acme"),
        ("window" = Option<String>, Query,
            description = "`last_24h`, the default, or `last_7d`: up to the moment of counting."),
        ("from" = Option<String>, Query, format = DateTime,
            description = "In place of `window`, together with `to`: nothing that occurred before \
                this (inclusive)."),
        ("to" = Option<String>, Query, format = DateTime,
            description = "In place of `window`, together with `from`: nothing that occurred \
                after this (inclusive)."),
        ("top" = Option<u32>, Query, minimum = 1, maximum = 100,
            description = "Users that are named at the most; 10 by default."),
        ("bucket" = Option<String>, Query,
            description = "`hour` or `day`, of UTC: `series` tells the events of each besides. At \
                most 31 days by hour, and 366 by day."),
        ("case" = Option<String>, Query,
            description = "How fields are spelled: `camel`, the default, or `snake`."),
        ("If-None-Match" = Option<String>, Header,
            description = "The `ETag` of an answer that the client has."),
    ),
    responses(
        (status = 200, description = "The summary.",
            headers(
                ("ETag" = String, description = "Names this very body."),
                ("Cache-Control" = String, description = "`private`, and for how many seconds it \
                    will be the same."),
            ),
            content((SummaryBody = "application/json", examples(
                ("camel" = (value = json!({
                    "accountId": "acme", "window": "last_24h",
                    "from": "2025-12-14T10:30:00.000Z", "to": "2025-12-15T10:30:00.000Z",
                    "total": 3, "totals": {"page_view": 2, "purchase": 1},
                    "topUsers": [{"userId": "ann", "events": 2}, {"userId": "ben", "events": 1}],
                    "uniqueUsers": 2, "computedAt": "2025-12-15T10:30:00.000Z"
                }))),
                ("series" = (summary = "With bucket=day", value = json!({
                    "accountId": "acme", "window": "last_24h",
                    "from": "2025-12-14T10:30:00.000Z", "to": "2025-12-15T10:30:00.000Z",
                    "total": 3, "totals": {"page_view": 2, "purchase": 1},
                    "topUsers": [{"userId": "ann", "events": 2}, {"userId": "ben", "events": 1}],
                    "uniqueUsers": 2,
                    "series": [
                        {"at": "2025-12-14T00:00:00.000Z", "totals": {}},
                        {"at": "2025-12-15T00:00:00.000Z",
                            "totals": {"page_view": 2, "purchase": 1}}
                    ],
                    "computedAt": "2025-12-15T10:30:00.000Z"
                }))),
                ("snake" = (value = json!({
                    "account_id": "acme", "window": "last_24h",
                    "from": "2025-12-14T10:30:00.000Z", "to": "2025-12-15T10:30:00.000Z",
                    "total": 3, "totals": {"page_view": 2, "purchase": 1},
                    "top_users": [{"user_id": "ann", "events": 2}, {"user_id": "ben", "events": 1}],
                    "unique_users": 2, "computed_at": "2025-12-15T10:30:00.000Z"
                }))),
            )))),
        (status = 304, description = "The client has it."),
        InvalidParameters, NoCredentials, WrongScope,
        (status = 503, description = "Too many are counted at this moment, the database took too \
            long, or it cannot be reached.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait."))),
    ),
)]
pub async fn summary(
    State(service): State<Arc<Service>>,
    _reader: MayRead,
    PathText(account_id): PathText,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (question, case) = read_question(account_id, query.as_deref())?;
    let counted = service.summaries.summary(question).await?;
    let body =
        serde_json::to_vec(&SummaryBody::new(&counted, case)).map_err(|_| Problem::internal())?;
    let mut response = etag::respond(body, &headers);
    response.headers_mut().extend(may_be_kept(counted.fresh_for()));
    Ok(response)
}

/// By this client alone, and by nobody who uses it after a change of sessions.
fn may_be_kept(fresh_for: Duration) -> [(header::HeaderName, HeaderValue); 2] {
    let seconds = fresh_for.as_secs();
    let control = HeaderValue::from_str(&format!("private, max-age={seconds}"));
    let none = HeaderValue::from_static("no-store");
    let callers = HeaderValue::from_static("Authorization, Cookie");
    [(header::CACHE_CONTROL, control.unwrap_or(none)), (header::VARY, callers)]
}

fn read_question(account_id: String, query: Option<&str>) -> Result<(Question, Case), Problem> {
    let mut parameters = Parameters::parse(query);
    parameters.check_id("accountId", &account_id);
    let window = read_window(&mut parameters);
    let top = parameters.number("top", 1..=MAX).unwrap_or(DEFAULT_TOP);
    let bucket = read_bucket(&mut parameters, window);
    let case = match parameters.text("case").as_deref() {
        None | Some("camel") => Case::Camel,
        Some("snake") => Case::Snake,
        Some(_) => {
            parameters.fault("case", "must be camel or snake");
            Case::Camel
        }
    };
    parameters.finish()?;
    let question = Question { account_id, window, top, bucket };
    Ok((question, case))
}

/// A named window, or both ends of one. Where there is a fault, any.
fn read_window(parameters: &mut Parameters) -> Window {
    let has_name = parameters.has("window");
    let named = named_window(parameters);
    let (has_from, has_to) = (parameters.has("from"), parameters.has("to"));
    let (from, to) = (parameters.time("from"), parameters.time("to"));
    if has_name && (has_from || has_to) {
        parameters.fault("window", "cannot go together with from and to");
    }
    match (has_from, has_to) {
        (true, false) => parameters.fault("to", "must be given where from is"),
        (false, true) => parameters.fault("from", "must be given where to is"),
        _ => {}
    }
    if let (Some(from), Some(to)) = (from, to) {
        if from > to {
            parameters.fault("from", "must not be later than \"to\"");
        }
        return Window::Between(from, to);
    }
    named.unwrap_or(Window::Last24h)
}

/// A window by its name, where one is given that there is.
pub fn named_window(parameters: &mut Parameters) -> Option<Window> {
    let name = parameters.text("window")?;
    let named = Window::NAMED.into_iter().find(|one| one.name() == name);
    if named.is_none() {
        parameters.fault("window", "must be last_24h or last_7d");
    }
    named
}

/// The hours or days of a series, where one is asked for of a window that it can tell.
fn read_bucket(parameters: &mut Parameters, window: Window) -> Option<Bucket> {
    let bucket = match parameters.text("bucket")?.as_str() {
        "hour" => Bucket::Hour,
        "day" => Bucket::Day,
        _ => {
            parameters.fault("bucket", "must be hour or day");
            return None;
        }
    };
    if !window.fits(bucket) {
        let days = max_days(bucket);
        let instead = match bucket {
            Bucket::Hour => "ask for a shorter time, or for bucket=day",
            Bucket::Day => "ask for a shorter time",
        };
        parameters.fault("bucket", format!("tells at most {days} days; {instead}"));
    }
    Some(bucket)
}

/// Some accounts that have events
///
/// From a random place on, in no promised order; all of them where there are
/// no more than `limit`. Cheap at any size.
#[utoipa::path(
    get,
    path = "/accounts/sample",
    operation_id = "account_sample",
    tag = "Accounts",
    security(("session" = []), ("token" = [])),
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100,
            description = "Accounts at the most; 10 by default."),
    ),
    responses(
        (status = 200, description = "Their ids; none where no stored event has an account.",
            body = SampleBody),
        InvalidParameters, NoCredentials, WrongScope,
        (status = 503, description = "Too many are looked up at this moment, or the database \
            cannot be reached.",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait."))),
    ),
)]
pub async fn sample(
    State(service): State<Arc<Service>>,
    _reader: MayRead,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let limit = parameters.number("limit", 1..=MAX);
    parameters.finish()?;
    let account_ids = service.summaries.sample(limit.unwrap_or(DEFAULT_SAMPLE)).await?;
    Ok(Json(SampleBody { account_ids }).into_response())
}
