//! Why somebody looks at a user: a ticket's number, say. It is in the audit trail with
//! each look at this user for an hour.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};

use crate::access::audit::{Actor, action};
use crate::console::frame::{Frame, Part};
use crate::console::links;
use crate::http::Service;
use crate::http::guard::Staff;
use crate::http::input::Form;
use crate::http::path::PathText;
use crate::http::problem::Problem;
use crate::http::query::fault_of_id;
use crate::http::reason::{COOKIE, checked, encoded};

/// Asks why, before anything of the user is shown: where the team wants it.
#[derive(Template)]
#[template(path = "user/why.html")]
pub struct Why {
    pub frame: Frame,
    pub user_id: String,
    pub link: String,
}

/// Seconds for which a reason holds.
const KEPT: u32 = 3600;

/// Keeps a reason, and notes the look that it was given for.
pub async fn give(
    State(service): State<Arc<Service>>,
    staff: Staff,
    PathText(user_id): PathText,
    Form(mut form): Form,
) -> Result<Response, Problem> {
    let reason = form.text("reason").unwrap_or_default();
    form.finish()?;
    if fault_of_id(&user_id).is_some() {
        return Err(Problem::unknown_user());
    }
    let reason = checked(&reason)?;
    let page = links::user(&user_id);
    let value = reason.as_deref().map(encoded).unwrap_or_default();
    let kept = if reason.is_some() { KEPT } else { 0 };
    let cookie = format!("{COOKIE}={value}; Path={page}; Max-Age={kept}; HttpOnly; SameSite=Lax");
    let actor = Actor { reason, ..staff.actor };
    service.access.audit.note(&actor, action::READ_JOURNEY, Some(&user_id));
    let mut response = Redirect::to(&page).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
