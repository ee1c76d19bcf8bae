//! `GET /search`: one box for people.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use serde::Serialize;
use trailkeep_store::StoreError;
use utoipa::ToSchema;

use super::guard::MayRead;
use super::problem::Problem;
use super::problem::answers::{DatabaseUnavailable, InvalidParameters, NoCredentials, WrongScope};
use super::query::Parameters;
use super::state::Service;
use crate::access::audit::{Actor, action};
use crate::people::facts;
use crate::people::search::{Found, Kind, Matched, Results, Waiting};

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 100;

/// What was found.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SearchResults, example = json!({
    "results": [
        {"kind": "user", "id": "test123", "label": "Ann Miller",
            "email": "ann@example.com", "lastSeen": "2025-12-15T10:30:00.000Z", "matched": "name"},
        {"kind": "user", "id": "ben", "label": "Ben Meyer",
            "lastSeen": "2025-12-15T10:31:00.000Z", "matched": "payload.orderId"},
        {"kind": "account", "id": "anvil", "label": "anvil", "matched": "accountId"}
    ]
}))]
pub struct ResultsBody {
    /// The best first; of one kind those who were seen last.
    results: Vec<ResultBody>,
    /// Payload keys of the settings that were not searched, because the database is still
    /// making their indexes; left out where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_searched: Vec<String>,
}

/// One thing that was found.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SearchResult)]
pub struct ResultBody {
    /// `user`, `anonymous`, `session` or `account`.
    kind: &'static str,
    id: String,
    /// Of a user the newest name, else the e-mail address, else the id; of an anonymous id
    /// that is linked that of its user; of a session the user's id.
    label: String,
    /// The e-mail address that begins with `q`, else the newest; left out where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// When the id was seen last; of a session when it began; left
    /// out of an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    last_seen: Option<String>,
    /// By what it was found: `userId`, `anonymousId`, `sessionId`, `accountId`, `email`
    /// (also an earlier one), `name`, or `payload.<key>` for a key of the setting
    /// `search.payload_keys`.
    matched: Cow<'static, str>,
}

impl From<Found> for ResultBody {
    fn from(found: Found) -> Self {
        let (kind, id) = match found.kind {
            Kind::User => ("user", "userId"),
            Kind::Anonymous => ("anonymous", "anonymousId"),
            Kind::Session => ("session", "sessionId"),
            Kind::Account => ("account", "accountId"),
        };
        Self {
            kind,
            id: found.id.into(),
            label: found.label.into(),
            email: found.email.map(Into::into),
            last_seen: found.last_seen.map(|at| at.to_string()),
            matched: match found.matched {
                Matched::Id => id.into(),
                Matched::Email => "email".into(),
                Matched::Name => "name".into(),
                Matched::Payload(key) => format!("payload.{key}").into(),
            },
        }
    }
}

/// Find people
///
/// By what is wholly it: a user's or anonymous id, a session's id, an e-mail address, an
/// account's id, the value that an event has in its payload at one of the keys of the
/// setting `search.payload_keys`; then by what begins with it: an e-mail address, an id, words of a name
/// (each word of `q` has to begin one), and at most five accounts. Any case, but for session
/// and account ids; blanks around `q` do not count, and nothing in it is a pattern. Each
/// thing comes once. Of several words the longest is looked up, and the first 200 people
/// who have it are looked at.
///
/// A value in a payload is compared as a whole, as text, and as a number where `q` is one:
/// `1234` finds `"1234"` and `1234`, and `0042` finds `"0042"` alone. Found is the user in
/// whose journey the event is, those first whose event is newest; of each key as many events
/// are looked at as results are wanted. Events that wait to be stored count.
///
/// Who said a name or signed in a moment ago is found at once, any other new id once its
/// first event is stored.
#[utoipa::path(
    get,
    path = "/search",
    tag = "People",
    security(("session" = []), ("token" = [])),
    params(
        ("q" = String, Query, description = "1 to 256 bytes.", example = "ann"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100,
            description = "Results at the most; 20 by default."),
    ),
    responses(
        (status = 200, description = "What was found.", body = ResultsBody),
        InvalidParameters, NoCredentials, WrongScope, DatabaseUnavailable,
    ),
)]
pub async fn search(
    State(service): State<Arc<Service>>,
    MayRead { reader, .. }: MayRead,
    RawQuery(query): RawQuery,
) -> Result<Json<ResultsBody>, Problem> {
    let (text, limit) = read(query.as_deref())?;
    let Results { found, unsearched } = find(&service, &reader, &text, limit).await?;
    Ok(Json(ResultsBody {
        results: found.into_iter().map(ResultBody::from).collect(),
        not_searched: unsearched.into_iter().map(String::from).collect(),
    }))
}

/// What is found by a text that somebody typed, with when people were seen last.
pub async fn find(
    service: &Service,
    reader: &Actor,
    text: &str,
    limit: usize,
) -> Result<Results, StoreError> {
    service.access.audit.note(reader, action::SEARCH, Some(text));
    let waiting = Waiting {
        people: facts::of_all(&service.ingest.saying()),
        events: match service.search.looks_into_payloads() {
            true => service.ingest.events(),
            false => Vec::new(),
        },
    };
    let Results { mut found, unsearched } = service.search.find(text, limit, &waiting).await?;
    let mut people: Vec<&mut Found> =
        found.iter_mut().filter(|one| matches!(one.kind, Kind::User | Kind::Anonymous)).collect();
    let rows = people.iter().filter_map(|one| Some((one.id.to_string(), one.last_seen?)));
    let last_seen = service.journeys.last_seen(rows.collect()).await?;
    let seen = people.iter_mut().filter(|one| one.last_seen.is_some());
    seen.zip(last_seen).for_each(|(one, at)| one.last_seen = Some(at));
    Ok(Results { found, unsearched })
}

fn read(query: Option<&str>) -> Result<(String, usize), Problem> {
    let mut parameters = Parameters::parse(query);
    let text = parameters.text("q").unwrap_or_default();
    // A line break at the end is one of those that are pasted along.
    let text = text.trim();
    parameters.check_id("q", text);
    let limit = parameters.number("limit", 1..=MAX_LIMIT).unwrap_or(DEFAULT_LIMIT);
    parameters.finish()?;
    Ok((text.to_owned(), limit))
}
