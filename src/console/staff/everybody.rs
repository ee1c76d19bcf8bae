//! The staff by their addresses, the tokens, and the forms that make one of either.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use trailkeep_store::access::Role;

use super::roles::{PAGE, Person, ROLES, role};
use super::tokens::{self, Token, Wanted};
use crate::access::accounts::NewStaff;
use crate::console::administrator::Administrator;
use crate::console::ending::Ending;
use crate::console::frame::{Frame, Part};
use crate::console::numbered::{self, Numbered};
use crate::console::page::Page;
use crate::console::refusal::Refusal;
use crate::console::sight::Sight;
use crate::console::{links, notice};
use crate::http::guard::Staff;
use crate::http::input::Form;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::{Service, staff, tokens as http_tokens};

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

/// What somebody typed of an account that is wanted; never its password.
#[derive(Default)]
struct Typed {
    name: String,
    email: String,
    role: String,
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

/// Makes a token and shows it this once: the answer is the page itself, as with keys.
pub async fn make_token(
    State(service): State<Arc<Service>>,
    Administrator(staff): Administrator,
    sight: Sight,
    Form(form): Form,
) -> Result<Response, Problem> {
    let (wanted, new) = tokens::wanted(form, &sight);
    let made = match new {
        Ok(new) => http_tokens::make(&service, &staff.actor, new).await,
        Err(fault) => Err(fault),
    };
    match made {
        Ok((secret, record)) => {
            let page = everybody(&service, &staff, sight, None).await?;
            let page = Everybody { made: Some((record.name, secret)), ..page };
            Ok(Page(page).with(StatusCode::CREATED))
        }
        Err(problem) => {
            let token_refusal = Refusal::of(problem)?;
            let status = token_refusal.status();
            let page = everybody(&service, &staff, sight, None).await?;
            Ok(Page(Everybody { wanted, token_refusal, ..page }).with(status))
        }
    }
}

/// What is asked for by the address of a form alone.
pub async fn to_page() -> Redirect {
    Redirect::to(PAGE)
}
