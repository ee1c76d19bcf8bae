//! One of the staff: role, password, whether they may sign in.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use trailkeep_store::access::{Role, StaffAccount};
use uuid::Uuid;

use super::roles::{PAGE, Person, ROLES, role};
use crate::access::accounts::AccountChange;
use crate::console::administrator::Administrator;
use crate::console::frame::{Frame, Part};
use crate::console::notice;
use crate::console::page::Page;
use crate::console::refusal::Refusal;
use crate::console::sight::Sight;
use crate::http::guard::Staff;
use crate::http::input::Form;
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::{Service, staff};

/// Where everybody may be.
const FIND: &str = "/console/";

#[derive(Template)]
#[template(path = "staff/person.html")]
struct One {
    frame: Frame,
    notice: Option<&'static str>,
    person: Person,
    role: Role,
    refusal: Refusal,
}

/// The account, and what can be done about it.
pub async fn page(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
    PathId(id): PathId,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let notice = notice::asked(&mut parameters);
    parameters.finish()?;
    let account = account(&service, id).await?;
    let page = One { notice, ..one(&service, &staff, sight, account) };
    Ok(Page(page).into_response())
}

async fn account(service: &Service, id: Uuid) -> Result<StaffAccount, Problem> {
    service.access.accounts.with_id(id).await?.ok_or_else(Problem::unknown_id)
}

fn one(service: &Service, staff: &Staff, sight: Sight, account: StaffAccount) -> One {
    let role = account.role;
    let person = Person::of(account, staff, &sight);
    let frame = Frame::new(service, staff, sight, Part::Staff, &*person.name);
    One { frame, notice: None, person, role, refusal: Refusal::default() }
}

/// Changes what the form names: a role, a password, or whether the person may sign in.
pub async fn change(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
    PathId(id): PathId,
    Form(form): Form,
) -> Result<Response, Problem> {
    let (done, wanted) = wanted(form);
    let changed = match wanted {
        Ok(wanted) => staff::alter(&service, &staff.actor, id, wanted).await,
        Err(fault) => Err(fault),
    };
    let refusal = match changed {
        // Who has taken the right from themselves sees none of this any more.
        Ok(changed) if changed.id == staff.account.id && !is_still_in(&changed, &staff) => {
            return Ok(Redirect::to(FIND).into_response());
        }
        Ok(_) => return Ok(notice::done(&format!("{PAGE}/{id}"), done).into_response()),
        Err(problem) => Refusal::of(problem)?,
    };
    let status = refusal.status();
    let account = account(&service, id).await?;
    Ok(Page(One { refusal, ..one(&service, &staff, sight, account) }).with(status))
}

fn is_still_in(changed: &StaffAccount, before: &Staff) -> bool {
    changed.role == Role::Admin
        && !changed.is_disabled
        && changed.session_epoch == before.account.session_epoch
}

/// What is to change, and what is told when it has.
fn wanted(mut form: Parameters) -> (&'static str, Result<AccountChange, Problem>) {
    let mut change = AccountChange::default();
    let mut done = "role-changed";
    if form.has("role") {
        change.role = role(&mut form).1;
    }
    if let Some(is_disabled) = form.flag("disabled") {
        change.is_disabled = Some(is_disabled);
        done = if is_disabled { "person-disabled" } else { "person-enabled" };
    }
    if let Some(password) = form.text("password") {
        change.password = Some(password);
        done = "password-set";
    }
    (done, form.finish().map(|()| change))
}
