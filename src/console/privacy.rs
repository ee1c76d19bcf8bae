//! What a person may ask for: all that is known of them, as a file; and that it is erased.

pub mod receipt;

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::administrator::Administrator;
use super::frame::{Frame, Part};
use super::links;
use super::notice;
use super::numbers::counted;
use super::page::Page;
use super::refusal::Refusal;
use super::sight::{Sight, When};
use crate::http::guard::Staff;
use crate::http::input::Form;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::{Service, erasures};
use crate::privacy::erase::{Counted, EraseError, Planned, Wanted};

/// Erasures that are listed.
const LISTED: usize = 50;

const PAGE: &str = "/console/privacy";

#[derive(Template)]
#[template(path = "privacy.html")]
struct Privacy {
    frame: Frame,
    notice: Option<&'static str>,
    refusal: Refusal,
    /// Whom it is about, where somebody was named.
    person: Option<Person>,
    erasures: Vec<Row>,
}

/// Whose data would go.
struct Person {
    id: String,
    link: String,
    /// The ids that are linked, where these go too.
    linked: Vec<Box<str>>,
    more: bool,
    events: String,
    waiting: usize,
    /// The user whose this id is: then that one is meant, or this id alone.
    linked_to: Option<(String, String)>,
    is_blocked: bool,
}

/// An erasure in the list.
struct Row {
    link: String,
    asked: When,
    is_done: bool,
    ids: usize,
    events: u64,
}

/// The page; about somebody, where an id is named.
pub async fn page(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let notice = notice::asked(&mut parameters);
    let user = parameters.text("user").filter(|user| !user.is_empty());
    if let Some(user) = &user {
        parameters.check_id("user", user);
    }
    parameters.finish()?;
    let shown = shown(&service, &staff, sight, user, Refusal::default()).await?;
    Ok(Page(Privacy { notice, ..shown }).into_response())
}

async fn shown(
    service: &Service,
    staff: &Staff,
    sight: Sight,
    user: Option<String>,
    refusal: Refusal,
) -> Result<Privacy, Problem> {
    let person = match user {
        Some(user) => Some(person(service, staff, user).await?),
        None => None,
    };
    let newest = service.erasing.newest(LISTED).await?;
    let erasures = newest.iter().map(|erasure| Row {
        link: format!("{PAGE}/{}", erasure.id),
        asked: sight.ago(erasure.requested_at),
        is_done: erasure.verified_at.is_some(),
        ids: erasure.ids.len(),
        events: receipt::events_of(erasure),
    });
    let erasures = erasures.collect();
    let frame = Frame::new(service, staff, sight, Part::Privacy, "Privacy");
    Ok(Privacy { frame, notice: None, refusal, person, erasures })
}

async fn person(service: &Service, staff: &Staff, id: String) -> Result<Person, Problem> {
    let all = Wanted { linked: true, block: false };
    let planned = service.erasing.plan(&id, all).await;
    let linked_to = match &planned {
        Err(EraseError::LinkedTo(user)) => Some((user.to_string(), links::privacy(user))),
        _ => None,
    };
    let alone = Wanted { linked: linked_to.is_none(), block: false };
    let (Planned { ids, is_cut }, counted_now) =
        erasures::plan(service, &staff.actor, &id, alone).await?;
    let linked = ids.into_iter().skip(1).filter_map(|erased| erased.id);
    Ok(Person {
        link: links::user(&id),
        linked: linked.collect(),
        more: is_cut,
        events: events(counted_now),
        waiting: counted_now.backlog,
        linked_to,
        is_blocked: service.erasing.is_blocked(&id),
        id,
    })
}

fn events(counted_now: Counted) -> String {
    let number = u64::try_from(counted_now.events).unwrap_or(u64::MAX);
    let events = counted(number, "stored event", "stored events");
    if counted_now.are_more { format!("more than {events}") } else { events }
}

/// Has somebody erased.
pub async fn erase(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
    Form(mut form): Form,
) -> Result<Response, Problem> {
    let user = form.text("user").unwrap_or_default();
    form.check_id("user", &user);
    let confirm = form.text("confirm").unwrap_or_default();
    let linked = form.flag("linked") == Some(true);
    let block = form.flag("block") == Some(true);
    form.finish()?;
    let wanted = Wanted { linked, block };
    match erasures::erase_user(&service, &staff.actor, &user, wanted, confirm.trim()).await {
        Ok((id, _)) => Ok(Redirect::to(&format!("{PAGE}/{id}")).into_response()),
        Err(problem) => {
            let refusal = Refusal::of(problem)?;
            let status = refusal.status();
            let shown = shown(&service, &staff, sight, Some(user), refusal).await?;
            Ok(Page(shown).with(status))
        }
    }
}

/// Keeps again what is posted of somebody.
pub async fn unblock(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    Form(mut form): Form,
) -> Result<Redirect, Problem> {
    let user = form.text("user").unwrap_or_default();
    form.check_id("user", &user);
    form.finish()?;
    erasures::end_block(&service, &staff.actor, &user).await?;
    Ok(notice::done(PAGE, "user-unblocked"))
}
