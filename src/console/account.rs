//! One's own account: where one is signed in, and one's password.

mod program;

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::frame::{Frame, Part};
use super::notice;
use super::page::Page;
use super::refusal::Refusal;
use super::sight::{Sight, When};
use crate::access::open_sessions::OpenSession;
use crate::http::Service;
use crate::http::auth::entering::{self, ComesFrom};
use crate::http::guard::{Session, Staff};
use crate::http::input::Form;
use crate::http::own_sessions;
use crate::http::path::PathId;
use crate::http::problem::Problem;
use crate::http::query::Parameters;
use program::program;

const PAGE: &str = "/console/account";

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    frame: Frame,
    notice: Option<&'static str>,
    sessions: Vec<Opened>,
    refusal: Refusal,
}

/// One session.
struct Opened {
    is_current: bool,
    program: String,
    client: Option<String>,
    started: Option<When>,
    last_used: Option<When>,
    end: String,
}

impl Opened {
    fn of(session: OpenSession, is_current: bool, sight: &Sight) -> Self {
        Self {
            is_current,
            program: session.user_agent.as_deref().map_or_else(|| "unknown".to_owned(), program),
            client: session.client,
            started: session.started_at.map(|at| sight.ago(at)),
            last_used: session.last_used_at.map(|at| sight.ago(at)),
            end: format!("{PAGE}/sessions/{}/end", session.id),
        }
    }
}

/// The sessions, and the form that sets another password.
pub async fn page(
    State(service): State<Arc<Service>>,
    staff: Staff,
    session: Session,
    sight: Sight,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::parse(query.as_deref());
    let notice = notice::asked(&mut parameters);
    parameters.finish()?;
    let page = Account { notice, ..account(&service, &staff, &session, sight).await? };
    Ok(Page(page).into_response())
}

async fn account(
    service: &Service,
    staff: &Staff,
    session: &Session,
    sight: Sight,
) -> Result<Account, Problem> {
    let sessions = own_sessions::own(service, staff, session).await?;
    let sessions = sessions.into_iter();
    Ok(Account {
        sessions: sessions.map(|(one, is_current)| Opened::of(one, is_current, &sight)).collect(),
        frame: Frame::new(service, staff, sight, Part::Elsewhere, "Your account"),
        notice: None,
        refusal: Refusal::default(),
    })
}

/// Sets another password, which ends all other sessions.
pub async fn change_password(
    State(service): State<Arc<Service>>,
    comes: ComesFrom,
    staff: Staff,
    session: Session,
    sight: Sight,
    Form(mut form): Form,
) -> Result<Response, Problem> {
    let mut field = |name| form.text(name).unwrap_or_default();
    let passwords = (field("currentPassword"), field("newPassword"));
    form.finish()?;
    let place = comes.place();
    let set = entering::set_another(&service, session.clone(), place, &staff, passwords).await;
    let refusal = match set {
        Ok(_) => return Ok(notice::done(PAGE, "password-changed").into_response()),
        // Somebody is signed in: this is not the 401 that leads to signing in.
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => {
            Refusal::at("currentPassword", "is not your password")
        }
        Err(problem) => Refusal::of(problem)?,
    };
    let status = refusal.status();
    let page = account(&service, &staff, &session, sight).await?;
    Ok(Page(Account { refusal, ..page }).with(status))
}

/// Ends one session.
pub async fn end(
    State(service): State<Arc<Service>>,
    staff: Staff,
    PathId(id): PathId,
) -> Result<Redirect, Problem> {
    own_sessions::end_one(&service, &staff, id).await?;
    Ok(notice::done(PAGE, "session-ended"))
}

/// Ends all sessions but this one.
pub async fn end_others(
    State(service): State<Arc<Service>>,
    staff: Staff,
    session: Session,
) -> Result<Redirect, Problem> {
    own_sessions::end_but_this(&service, &staff, &session).await?;
    Ok(notice::done(PAGE, "sessions-ended"))
}
