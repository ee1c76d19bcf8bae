//! `GET /search`: one box for people.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::guard::MayRead;
use super::problem::Problem;
use super::problem::answers::{DatabaseUnavailable, InvalidParameters, NoCredentials, WrongScope};
use super::query::Parameters;
use super::state::Service;
use crate::access::audit::action;
use crate::people::facts;
use crate::people::search::{Found, Kind, Matched};

const DEFAULT_LIMIT: usize = 20;
const MAX_LIMIT: usize = 100;

/// What was found.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SearchResults, example = json!({
    "results": [
        {"kind": "user", "id": "test123", "label": "Ann Miller",
            "lastSeen": "2025-12-15T10:30:00.000Z", "matched": "name"},
        {"kind": "account", "id": "anvil", "label": "anvil", "matched": "accountId"}
    ]
}))]
pub struct ResultsBody {
    /// The best first; of one kind those who were seen last.
    results: Vec<ResultBody>,
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
    /// When the id was seen last; of a session when it began; left
    /// out of an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    last_seen: Option<String>,
    /// By what it was found: `userId`, `anonymousId`, `sessionId`, `accountId`, `email`
    /// (also an earlier one) or `name`.
    matched: &'static str,
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
            last_seen: found.last_seen.map(|at| at.to_string()),
            matched: match found.matched {
                Matched::Id => id,
                Matched::Email => "email",
                Matched::Name => "name",
            },
        }
    }
}

/// Find people
///
/// By what is wholly it: a user's or anonymous id, a session's id, an e-mail address, an
/// account's id; then by what begins with it: an e-mail address, an id, words of a name
/// (each word of `q` has to begin one), and at most five accounts. Any case, but for session
/// and account ids; blanks around `q` do not count, and nothing in it is a pattern. Each
/// thing comes once. Of several words the longest is looked up, and the first 200 people
/// who have it are looked at.
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
    MayRead(reader): MayRead,
    RawQuery(query): RawQuery,
) -> Result<Json<ResultsBody>, Problem> {
    let (text, limit) = read(query.as_deref())?;
    service.access.audit.note(&reader, action::SEARCH, Some(&text));
    let waiting = facts::of_all(&service.ingest.saying());
    let mut found = service.search.find(&text, limit, &waiting).await?;
    let mut people: Vec<&mut Found> =
        found.iter_mut().filter(|one| matches!(one.kind, Kind::User | Kind::Anonymous)).collect();
    let rows = people.iter().filter_map(|one| Some((one.id.to_string(), one.last_seen?)));
    let last_seen = service.journeys.last_seen(rows.collect()).await?;
    let seen = people.iter_mut().filter(|one| one.last_seen.is_some());
    seen.zip(last_seen).for_each(|(one, at)| one.last_seen = Some(at));
    Ok(Json(ResultsBody { results: found.into_iter().map(ResultBody::from).collect() }))
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
