//! Signing in and out.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::failure::way_back;
use super::links::HOME;
use super::page::Page;
use super::set_up;
use super::sight::Sight;
use crate::access::audit::action;
use crate::access::sessions::Trouble;
use crate::http::Service;
use crate::http::auth::entering::{self, ComesFrom};
use crate::http::guard::{Session, Staff};
use crate::http::input::Form;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use crate::http::sessions::failed;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    title: &'static str,
    sight: Sight,
    host: Option<String>,
    refusal: Option<String>,
    email: String,
    /// Where to go then.
    back: String,
}

impl SignIn {
    fn new(sight: Sight, headers: &HeaderMap, back: &str) -> Self {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        Self {
            title: "Sign in",
            sight,
            host: host.map(str::to_owned),
            refusal: None,
            email: String::new(),
            back: way_back(back).unwrap_or(HOME).to_owned(),
        }
    }
}

/// The form; while there is no account, the one that makes the first.
pub async fn page(
    State(service): State<Arc<Service>>,
    sight: Sight,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    if set_up::is_open(&service).await? {
        return Ok(Redirect::to("/console/set-up").into_response());
    }
    let back = Parameters::parse(query.as_deref()).text("back").unwrap_or_default();
    Ok(Page(SignIn::new(sight, &headers, &back)).into_response())
}

/// Opens a session, or says why not.
pub async fn enter(
    State(service): State<Arc<Service>>,
    comes: ComesFrom,
    sight: Sight,
    session: Session,
    headers: HeaderMap,
    Form(mut form): Form,
) -> Result<Response, Problem> {
    let mut field = |name| form.text(name).unwrap_or_default();
    let (email, password, back) = (field("email"), field("password"), field("back"));
    form.finish()?;
    let mut page = SignIn::new(sight, &headers, &back);
    let place = comes.place();
    let refused = match entering::enter(&service, session, place, email.clone(), password).await {
        Ok(_) => return Ok(Redirect::to(&page.back).into_response()),
        Err(refused) => refused,
    };
    page.refusal = Some(match refused.status() {
        StatusCode::UNAUTHORIZED => "That address and password do not fit together.".to_owned(),
        StatusCode::BAD_REQUEST | StatusCode::TOO_MANY_REQUESTS => refused.detail().to_owned(),
        _ => return Err(refused),
    });
    page.email = email;
    // A page under 401 would lead back to itself.
    let status = match refused.status() {
        StatusCode::UNAUTHORIZED => StatusCode::UNPROCESSABLE_ENTITY,
        status => status,
    };
    Ok(Page(page).with(status))
}

/// Opens a session by a link that is good once, from this machine alone.
pub async fn by_link(
    State(service): State<Arc<Service>>,
    comes: ComesFrom,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Redirect, Problem> {
    let place = comes.place();
    let code = Parameters::parse(query.as_deref()).text("code").unwrap_or_default();
    if !place.client.is_some_and(|client| client.to_canonical().is_loopback()) {
        return Err(Problem::unauthorized());
    }
    entering::enter_by_link(&service, session, place, &code).await?;
    Ok(Redirect::to(HOME))
}

/// Ends the session, everywhere.
pub async fn leave(
    State(service): State<Arc<Service>>,
    trouble: axum::Extension<Arc<Trouble>>,
    staff: Staff,
    mut session: Session,
) -> Result<Redirect, Problem> {
    session.logout().await.map_err(|_| failed(&trouble))?;
    service.access.audit.note(&staff.actor, action::SIGN_OUT, None);
    Ok(Redirect::to("/console/sign-in"))
}
