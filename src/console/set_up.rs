//! The first account: the page is there only while there is none.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::page::Page;
use super::refusal::faults_of;
use super::sight::Sight;
use crate::access::AccessError;
use crate::access::accounts::NewStaff;
use crate::http::Service;
use crate::http::auth::entering::{self, ComesFrom};
use crate::http::guard::Session;
use crate::http::input::Form;
use crate::http::problem::Problem;
use crate::http::query::Parameters;

#[derive(Template)]
#[template(path = "set_up.html")]
struct SetUp {
    title: &'static str,
    sight: Sight,
    refusal: Option<String>,
    faults: Vec<(String, String)>,
    code: String,
    name: String,
    email: String,
}

/// Whether there is no account yet.
pub async fn is_open(service: &Service) -> Result<bool, Problem> {
    match service.access.accounts.is_empty().await {
        Ok(is_empty) => Ok(is_empty),
        Err(error) => Err(AccessError::from(error).into()),
    }
}

/// The form; the link in the log brings the code along.
pub async fn page(
    State(service): State<Arc<Service>>,
    sight: Sight,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    if !is_open(&service).await? {
        return Ok(Redirect::to("/console/sign-in").into_response());
    }
    let code = Parameters::parse(query.as_deref()).text("code").unwrap_or_default();
    Ok(Page(SetUp {
        title: "Set up",
        sight,
        refusal: None,
        faults: Vec::new(),
        code,
        name: String::new(),
        email: String::new(),
    })
    .into_response())
}

/// Makes the account, and goes on to connecting a site; or says what is wrong.
pub async fn make(
    State(service): State<Arc<Service>>,
    comes: ComesFrom,
    sight: Sight,
    session: Session,
    Form(mut form): Form,
) -> Result<Response, Problem> {
    let mut field = |name| form.text(name).unwrap_or_default();
    let (code, name, email) = (field("code"), field("name"), field("email"));
    let password = field("password");
    form.finish()?;
    let new = NewStaff { email: email.clone(), name: name.clone(), password };
    let place = comes.place();
    let code_given = Some(code.trim()).filter(|code| !code.is_empty());
    let refused = match entering::make_account(&service, session, place, new, code_given).await {
        Ok(_) => return Ok(Redirect::to("/console/connect").into_response()),
        Err(refused) => refused,
    };
    if refused.status().is_server_error() || refused.status() == StatusCode::UNAUTHORIZED {
        return Err(refused);
    }
    let page = SetUp {
        title: "Set up",
        sight,
        faults: faults_of(&refused),
        refusal: Some(refused.detail().to_owned()),
        code,
        name,
        email,
    };
    Ok(Page(page).with(refused.status()))
}
