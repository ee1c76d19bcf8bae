//! Finding somebody: one box, results by kind as one types.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::frame::{Frame, Part};
use super::links;
use super::marked::Marked;
use super::page::Page;
use super::sight::{Sight, When};
use super::watcher::Watcher;
use crate::http::Service;
use crate::http::problem::Problem;
use crate::http::query::{Parameters, fault_of_id};
use crate::http::search;
use crate::people::search::{Found, Kind, Matched};

/// Results at the most.
const LIMIT: usize = 20;

#[derive(Template)]
#[template(path = "find.html", blocks = ["hits"])]
struct Find {
    frame: Frame,
    text: String,
    groups: Vec<Group>,
    count: usize,
    /// Payload keys that could not be searched yet.
    not_searched: Vec<String>,
    is_too_long: bool,
}

/// Results of one kind.
struct Group {
    id: &'static str,
    name: &'static str,
    hits: Vec<Hit>,
}

/// One result.
struct Hit {
    link: String,
    icon: &'static str,
    label: Marked,
    sub: Marked,
    is_here: bool,
    seen: Option<When>,
}

/// The page; or, for the script, the results alone. A text that is wholly somebody's id
/// leads there at once.
pub async fn page(
    State(service): State<Arc<Service>>,
    watcher: Watcher,
    sight: Sight,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let text = parameters.text("q").unwrap_or_default();
    let is_fragment = parameters.flag("fragment").unwrap_or(false);
    parameters.finish()?;
    let text = text.trim().to_owned();
    let is_too_long = !text.is_empty() && fault_of_id(&text).is_some();
    let (mut found, mut not_searched) = (Vec::new(), Vec::new());
    if !text.is_empty() && !is_too_long {
        let results = search::find(&service, &watcher.staff()?.actor, &text, LIMIT).await?;
        found = results.found;
        not_searched = results.unsearched.into_iter().map(String::from).collect();
    }
    if !is_fragment && let Some(link) = the_one(&found, &text) {
        return Ok(Redirect::to(&link).into_response());
    }
    let page = Find {
        count: found.len(),
        groups: groups(&found, &text, &sight),
        frame: watcher.frame(&service, sight, Part::Find, "Find"),
        text,
        not_searched,
        is_too_long,
    };
    Ok(match is_fragment {
        true => Page(page.as_hits()).into_response(),
        false => Page(page).into_response(),
    })
}

/// Where a text leads that is the id of one thing, or by which only one was found.
fn the_one(found: &[Found], text: &str) -> Option<String> {
    let first = found.first()?;
    let is_id = first.matched == Matched::Id && first.id.eq_ignore_ascii_case(text);
    let is_telling = match first.matched {
        Matched::Email => text.contains('@'),
        Matched::Payload(_) => true,
        Matched::Id | Matched::Name => false,
    };
    let is_alone = found.len() == 1 && is_telling;
    (is_id || is_alone).then(|| link(first))
}

fn link(found: &Found) -> String {
    match found.kind {
        Kind::User | Kind::Anonymous => links::user(&found.id),
        Kind::Session => links::session(&found.label, &found.id),
        Kind::Account => links::account(&found.id),
    }
}

/// By kind, in the order in which the first of each was found.
fn groups(found: &[Found], text: &str, sight: &Sight) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for one in found {
        let (id, name) = heading(one);
        let hit = hit(one, text, sight);
        match groups.iter_mut().find(|group| group.id == id) {
            Some(group) => group.hits.push(hit),
            None => groups.push(Group { id, name, hits: vec![hit] }),
        }
    }
    groups
}

fn heading(found: &Found) -> (&'static str, &'static str) {
    match (found.kind, &found.matched) {
        (Kind::Session, _) => ("by-session", "Session"),
        (Kind::Account, _) => ("by-account", "Account"),
        (_, Matched::Payload(_)) => ("by-payload", "In an event"),
        (Kind::User, Matched::Id) => ("by-user", "User id"),
        (Kind::Anonymous, Matched::Id) => ("by-anonymous", "Anonymous id"),
        (Kind::User | Kind::Anonymous, _) => ("by-name", "Name and e-mail"),
    }
}

fn hit(found: &Found, text: &str, sight: &Sight) -> Hit {
    let (id, label) = (&*found.id, &*found.label);
    let has_label = id != label;
    let (icon, name, sub) = match found.kind {
        Kind::User if has_label => ("person", label, id.to_owned()),
        Kind::User => ("person", id, "no name".to_owned()),
        Kind::Anonymous if has_label => ("other", id, format!("anonymous, of {label}")),
        Kind::Anonymous => ("other", id, "anonymous".to_owned()),
        Kind::Session => ("clock", id, format!("session of {label}")),
        Kind::Account => ("account", id, String::new()),
    };
    let sub = match &found.matched {
        Matched::Payload(key) => format!("{sub} · an event has this as {key}"),
        _ => sub,
    };
    let sub = match found.email.as_deref().filter(|email| *email != name) {
        Some(email) => format!("{sub} · {email}"),
        None => sub,
    };
    Hit {
        link: link(found),
        icon,
        label: Marked::new(name, text),
        sub: Marked::new(&sub, text),
        is_here: found.kind != Kind::Session && found.last_seen.is_some_and(|at| sight.is_here(at)),
        seen: found.last_seen.map(|at| sight.ago(at)),
    }
}
