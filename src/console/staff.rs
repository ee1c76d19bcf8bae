//! The staff, and the tokens of machines.

pub mod person;
pub mod tokens;

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use trailkeep_store::access::{Role, StaffAccount};

use super::administrator::Administrator;
use super::ending::Ending;
use super::frame::{Frame, Part};
use super::numbered::{self, Numbered};
use super::page::Page;
use super::refusal::Refusal;
use super::sight::{Sight, When};
use super::{links, notice};
use crate::access::accounts::NewStaff;
use crate::http::guard::Staff;
use crate::http::input::Form;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::{Service, staff};
use tokens::{Token, Wanted};

const PAGE: &str = "/console/staff";

/// Roles: as forms call them, as people do, and what they are for.
const ROLES: [(Role, &str, &str, &str); 3] = [
    (Role::Support, "support", "Support", "looks at journeys"),
    (Role::Staff, "staff", "Staff", "looks at journeys and exports them"),
    (Role::Admin, "admin", "Administrator", "everything, this page too"),
];

#[derive(Template)]
#[template(path = "staff.html")]
struct Everybody {
    frame: Frame,
    notice: Option<&'static str>,
    people: Vec<Person>,
    /// The page after this one.
    more: Option<String>,
    typed: Typed,
    refusal: Refusal,
    tokens: Numbered<Token>,
    /// A token that was made just now: its name, and its secret.
    made: Option<(String, String)>,
    wanted: Wanted,
    token_refusal: Refusal,
}

/// One of the staff.
struct Person {
    name: String,
    email: String,
    role: &'static str,
    is_you: bool,
    is_disabled: bool,
    made: When,
    link: String,
}

/// What somebody typed of an account that is wanted; never its password.
#[derive(Default)]
struct Typed {
    name: String,
    email: String,
    role: String,
}

impl Person {
    fn of(account: StaffAccount, staff: &Staff, sight: &Sight) -> Self {
        Self {
            role: role_name(account.role),
            is_you: account.id == staff.account.id,
            is_disabled: account.is_disabled,
            made: sight.date(account.created_at),
            link: format!("{PAGE}/{}", account.id),
            name: account.name,
            email: account.email,
        }
    }
}

/// A role, as people call it.
fn role_name(role: Role) -> &'static str {
    ROLES.iter().find(|(known, ..)| *known == role).map_or("", |(_, _, name, _)| *name)
}

/// The role that a form names.
fn role(form: &mut Parameters) -> (String, Option<Role>) {
    let text = form.text("role").unwrap_or_default();
    let role = ROLES.iter().find(|(_, known, ..)| *known == text).map(|(role, ..)| *role);
    if role.is_none() {
        form.fault("role", "must be support, staff or admin");
    }
    (text, role)
}

/// The staff by their addresses, the tokens, and the forms that make one of either.
pub async fn page(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let page = everybody(&service, &staff, sight, query.as_deref()).await?;
    Ok(Page(page).into_response())
}

async fn everybody(
    service: &Service,
    staff: &Staff,
    sight: Sight,
    query: Option<&str>,
) -> Result<Everybody, Problem> {
    let mut parameters = Parameters::parse(query);
    let paging = staff::page_asked(&mut parameters);
    let (number, notice) = (numbered::asked(&mut parameters), notice::asked(&mut parameters));
    parameters.finish()?;
    let (people, next) = staff::read(service, &paging).await?;
    let tokens = service.access.tokens.list().await?.into_iter().rev();
    Ok(Everybody {
        people: people.into_iter().map(|one| Person::of(one, staff, &sight)).collect(),
        more: next.map(|cursor| format!("{PAGE}?{}", links::query(&[("cursor", &cursor)]))),
        tokens: Numbered::of(tokens.map(|token| Token::of(token, &sight)), number),
        wanted: Wanted::usual(&sight),
        frame: Frame::new(service, staff, sight, Part::Staff, "Staff and tokens"),
        notice,
        typed: Typed::default(),
        refusal: Refusal::default(),
        made: None,
        token_refusal: Refusal::default(),
    })
}

/// Makes an account for somebody.
pub async fn add(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
    Form(mut form): Form,
) -> Result<Response, Problem> {
    let mut field = |name| form.text(name).unwrap_or_default();
    let (name, email, password) = (field("name"), field("email"), field("password"));
    let (role_typed, role) = role(&mut form);
    let new = NewStaff { email: email.clone(), name: name.clone(), password };
    let made = match form.finish() {
        Ok(()) => staff::add(&service, &staff.actor, new, role.unwrap_or(Role::Support)).await,
        Err(fault) => Err(fault),
    };
    let refusal = match made {
        Ok(_) => return Ok(notice::done(PAGE, "person-added").into_response()),
        Err(problem) => Refusal::of(problem)?,
    };
    let status = refusal.status();
    let typed = Typed { name, email, role: role_typed };
    let page = everybody(&service, &staff, sight, None).await?;
    Ok(Page(Everybody { typed, refusal, ..page }).with(status))
}

/// What is asked for by the address of a form alone.
pub async fn to_page() -> Redirect {
    Redirect::to(PAGE)
}
