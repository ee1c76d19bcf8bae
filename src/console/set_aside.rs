//! Set aside: events that the database refuses for good, and requests that were refused
//! before that, each by reason with one example.

pub mod letter;
mod refused;

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use trailkeep_store::Reason;
use trailkeep_store::dead_letters::LetterHead;

use super::administrator::Administrator;
use super::frame::{Frame, Part};
use super::page::Page;
use super::question::Question;
use super::sight::{Sight, When};
use super::{links, notice};
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::{Service, dead_letters};
use refused::Refused;

const PAGE: &str = "/console/set-aside";

/// Letters on a page.
const LIMIT: usize = 200;

/// Characters of the database's words that stand in a row.
const MOST_CHARS: usize = 140;

#[derive(Template)]
#[template(path = "set_aside.html")]
struct SetAside {
    frame: Frame,
    notice: Option<&'static str>,
    groups: Vec<Group>,
    /// Letters on this page.
    shown: usize,
    /// The page after this one.
    older: Option<String>,
    /// Whether this is not the first page.
    is_later: bool,
    refused: Vec<Refused>,
}

/// Letters with one reason.
struct Group {
    reason: Reason,
    name: &'static str,
    /// What can be done about it.
    advice: &'static str,
    /// The newest first; never empty.
    letters: Vec<Letter>,
}

/// One event that was set aside, in a row.
struct Letter {
    link: String,
    kind: String,
    user_id: String,
    user: String,
    error: String,
    set_aside: When,
    tries: u32,
}

impl Group {
    fn of(reason: Reason) -> Self {
        let (name, advice) = words(reason);
        Self { reason, name, advice, letters: Vec::new() }
    }

    /// The one that is told first, and the others.
    fn parts(&self) -> (&[Letter], &[Letter]) {
        self.letters.split_at(self.letters.len().min(1))
    }
}

/// A reason, and what can be done about it.
fn words(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::TooLarge => {
            ("Too large", "The database takes no event of this size. The tracker has to send less.")
        }
        Reason::Validation => (
            "Against a rule of the database",
            "Somebody gave the collection a rule that these break. Change the rule, and retry.",
        ),
        Reason::UniqueIndex => (
            "A value is there already",
            "Somebody added a unique index that has its value. Remove the index, and retry.",
        ),
        Reason::Unknown => ("Refused", "The database’s own words say why."),
    }
}

impl Letter {
    fn of(head: LetterHead, sight: &Sight) -> Self {
        Self {
            link: format!("{PAGE}/{}", head.id),
            kind: head.kind.into(),
            user: links::user(&head.user_id),
            user_id: head.user_id.into(),
            error: head.refusal.error.chars().take(MOST_CHARS).collect(),
            set_aside: sight.ago(head.set_aside_at),
            tries: head.tries,
        }
    }
}

/// The newest letters by reason, and the refused requests.
pub async fn page(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let paging = dead_letters::page_asked(&mut parameters).of(LIMIT);
    let notice = notice::asked(&mut parameters);
    parameters.finish()?;
    let is_later = paging.after.is_some();
    let (letters, next) = dead_letters::read(&service, &staff.actor, &paging).await?;
    let page = SetAside {
        shown: letters.len(),
        groups: groups(letters, &sight),
        refused: refused::groups(service.refusals.newest_first(), &sight),
        frame: Frame::new(&service, &staff, sight, Part::SetAside, "Set aside"),
        notice,
        older: next.map(|cursor| format!("{PAGE}?{}", links::query(&[("cursor", &cursor)]))),
        is_later,
    };
    Ok(Page(page).into_response())
}

/// By reason, in the order in which the first of each comes.
fn groups(letters: Vec<LetterHead>, sight: &Sight) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for head in letters {
        let reason = head.refusal.reason;
        let letter = Letter::of(head, sight);
        match groups.iter_mut().find(|group| group.reason == reason) {
            Some(group) => group.letters.push(letter),
            None => groups.push(Group { letters: vec![letter], ..Group::of(reason) }),
        }
    }
    groups
}

/// Tries to store all of them again.
pub async fn retry_all(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
) -> Result<Redirect, Problem> {
    dead_letters::retry_each(&service, &staff.actor).await?;
    Ok(notice::done(PAGE, "all-retried"))
}

/// Asks whether all are to be dropped.
pub async fn ask_all(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
) -> Result<Response, Problem> {
    let count = service.dead_letters.count().await?;
    let (head, yes) = match count {
        0 => return Ok(Redirect::to(PAGE).into_response()),
        1 => ("Drop the event?".to_owned(), "Drop it".to_owned()),
        count => (format!("Drop {count} events?"), format!("Drop all {count}")),
    };
    let what = "They were accepted and are in no journey. Dropped, they are gone for good, those \
                that are set aside until you answer too.";
    Ok(Page(Question {
        frame: Frame::new(&service, &staff, sight, Part::SetAside, "Drop all"),
        head,
        words: vec![what.to_owned()],
        action: format!("{PAGE}/drop"),
        fields: Vec::new(),
        yes,
        no: "Keep them",
        back: PAGE.to_owned(),
    })
    .into_response())
}

/// Drops all of them.
pub async fn drop_all(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
) -> Result<Redirect, Problem> {
    dead_letters::drop_each(&service, &staff.actor).await?;
    Ok(notice::done(PAGE, "all-dropped"))
}
