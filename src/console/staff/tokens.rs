//! Tokens: what they are, wanted and revoked.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use trailkeep_store::access::{Scope, TokenRecord};
use uuid::Uuid;

use super::roles::PAGE;
use crate::access::tokens::{self, NewToken};
use crate::console::administrator::Administrator;
use crate::console::ending::{self, Ending};
use crate::console::frame::{Frame, Part};
use crate::console::notice;
use crate::console::page::Page;
use crate::console::question::Question;
use crate::console::sight::{Sight, When};
use crate::http::Service;
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::tokens::end;

/// Scopes: as forms call them, as people do, and what they are for.
pub const SCOPES: [(Scope, &str, &str, &str); 3] = [
    (Scope::Monitor, "monitor", "Monitor", "health, statistics and metrics"),
    (Scope::Read, "read", "Read", "these, and journeys"),
    (Scope::Privacy, "privacy", "Privacy", "export and erasure, and nothing else"),
];

/// One token.
pub struct Token {
    pub name: String,
    pub scope: &'static str,
    pub last_used: Option<When>,
    pub made: When,
    pub ending: Ending,
    pub revoke: String,
}

impl Token {
    pub fn of(token: TokenRecord, sight: &Sight) -> Self {
        Self {
            scope: scope_name(token.scope),
            last_used: token.last_used_at.map(|at| sight.ago(at)),
            made: sight.date(token.created_at),
            ending: Ending::of(token.expires_at, sight),
            revoke: link(token.id),
            name: token.name,
        }
    }
}

/// What somebody typed of a token that is wanted.
pub struct Wanted {
    pub name: String,
    pub scope: String,
    pub last_day: String,
}

impl Wanted {
    /// One that ends when tokens do where nothing else is said.
    pub fn usual(sight: &Sight) -> Self {
        let end = sight.at(sight.now.plus_millis(tokens::USUAL_LIFE_MS));
        Self {
            name: String::new(),
            scope: String::new(),
            last_day: end.format("%Y-%m-%d").to_string(),
        }
    }
}

fn scope_name(scope: Scope) -> &'static str {
    SCOPES.iter().find(|(known, ..)| *known == scope).map_or("", |(_, _, name, _)| *name)
}

fn link(id: Uuid) -> String {
    format!("{PAGE}/tokens/{id}/revoke")
}

/// The token that a form asks for.
pub fn wanted(mut form: Parameters, sight: &Sight) -> (Wanted, Result<NewToken, Problem>) {
    let name = form.text("name").unwrap_or_default();
    let scope_typed = form.text("scope").unwrap_or_default();
    let scope = SCOPES.iter().find(|(_, known, ..)| *known == scope_typed);
    let scope = scope.map(|(scope, ..)| *scope);
    if scope.is_none() {
        form.fault("scope", "must be monitor, read or privacy");
    }
    let (last_day, end) = ending::typed(&mut form, "expiresAt", sight);
    let new = NewToken {
        name: name.clone(),
        scope: scope.unwrap_or(Scope::Monitor),
        ending: end.map_or(tokens::Ending::Never, tokens::Ending::At),
    };
    let wanted = Wanted { name, scope: scope_typed, last_day };
    (wanted, form.finish().map(|()| new))
}

/// Asks whether a token is to be revoked.
pub async fn ask(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
    PathId(id): PathId,
) -> Result<Response, Problem> {
    let tokens = service.access.tokens.list().await?;
    let token = tokens.into_iter().find(|token| token.id == id).ok_or_else(Problem::unknown_id)?;
    let used = match token.last_used_at {
        Some(at) => format!("It was last used {}.", sight.ago(at).text),
        None => "It was never used.".to_owned(),
    };
    let what = "It opens nothing any more, at once and everywhere, and whatever carries it is \
                answered 401. It cannot be taken back; another token has another secret.";
    Ok(Page(Question {
        head: format!("Revoke the token {}?", token.name),
        frame: Frame::new(&service, &staff, sight, Part::Staff, "Revoke a token"),
        words: vec![what.to_owned(), used],
        action: link(id),
        fields: Vec::new(),
        yes: "Revoke it".to_owned(),
        no: "Keep it",
        back: format!("{PAGE}#tokens"),
    })
    .into_response())
}

/// Revokes a token.
pub async fn revoke(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    PathId(id): PathId,
) -> Result<Redirect, Problem> {
    end(&service, &staff.actor, id).await?;
    Ok(notice::done(PAGE, "token-revoked"))
}
